// The forward pass of a Llama-like decoder over a capped cache: one straight line.

import {
  CACHE_WORDS,
  CONTEXT_ACTIVATED,
  CONTEXT_ASKED,
  CONTEXT_BANNED,
  CONTEXT_CAPACITY,
  CONTEXT_EXTENT,
  CONTEXT_FLAGS,
  CONTEXT_GATE_UP,
  CONTEXT_HEADER,
  CONTEXT_IDS,
  CONTEXT_LOGITS,
  CONTEXT_LOSSES,
  CONTEXT_MIXED,
  CONTEXT_NORMED,
  CONTEXT_POSITIONS,
  CONTEXT_QKV,
  CONTEXT_RANKS,
  CONTEXT_SLOTS,
  CONTEXT_STAGES,
  CONTEXT_STRIDE,
  CONTEXT_TOKENS,
  CONTEXT_X,
  FLAG_EVERY,
  FLAG_RANKED,
  LAYER_ATTENTION_END,
  LAYER_ATTENTION_NORM,
  LAYER_DOWN,
  LAYER_GATE_UP,
  LAYER_MLP_END,
  LAYER_MLP_NORM,
  LAYER_OUTPUT,
  LAYER_QKV,
  LAYER_WHOLE_NORMS,
  LAYER_WORDS,
  MATRIX_PARTS,
  MODEL_EMBEDDING,
  MODEL_EMBEDDING_SCALE,
  MODEL_EPS,
  MODEL_GELU,
  MODEL_HEAD,
  MODEL_HEAD_DIM,
  MODEL_HEADER,
  MODEL_HEADS,
  MODEL_HIDDEN,
  MODEL_INTERMEDIATE,
  MODEL_KV_HEADS,
  MODEL_LAYERS,
  MODEL_LOGIT_CAP,
  MODEL_LOGIT_SCALE,
  MODEL_NORM,
  MODEL_RESIDUAL_SCALE,
  MODEL_VOCAB,
  PASS_OUTPUT,
  PASS_REUSED,
} from "./abi";
import { partOf } from "./product";
import { number, padded, readRow, word } from "./rows";
import { beginTeam, shareAttend, shareJoin, shareMultiply, shareNormalise, sharePrepare, shareSwiglu } from "./team";
import { capBy, greedy, lossOf, multiplyBy } from "./vector";

/** Positions "cache": closes the gaps in the ranks that the pass's slots leave, whose tokens were evicted in the last step. */
function rerank(model: usize, context: usize, tokens: u32, extent: u32): void {
  const capacity = word(context, CONTEXT_CAPACITY);
  const lanes = word(model, MODEL_LAYERS) * word(model, MODEL_KV_HEADS);
  for (let lane: u32 = 0; lane < lanes; lane++) {
    const first = <usize> (lane * capacity) << 2;
    const positions = <usize> word(context, CONTEXT_POSITIONS) + first;
    const ranks = <usize> word(context, CONTEXT_RANKS) + first;
    const slots = <usize> word(context, CONTEXT_SLOTS) + (<usize> (lane * tokens) << 2);
    for (let token: u32 = 0; token < tokens; token++) {
      const gap = load<i32>(positions + (<usize> load<u32>(slots + (<usize> token << 2)) << 2));
      for (let slot: u32 = 0; slot < extent; slot++) {
        const at = <usize> slot << 2;
        if (load<i32>(positions + at) > gap) store<i32>(ranks + at, load<i32>(ranks + at) - 1);
      }
    }
  }
}

/** x = the embeddings of the pass's ids. */
function embed(model: usize, context: usize, tokens: u32, width: u32): void {
  const matrix: usize = word(model, MODEL_EMBEDDING);
  const scale = number(model, MODEL_EMBEDDING_SCALE);
  for (let token: u32 = 0; token < tokens; token++) {
    const id = load<u32>(<usize> word(context, CONTEXT_IDS) + (<usize> token << 2));
    const to = <usize> word(context, CONTEXT_X) + (<usize> (token * width) << 2);
    for (let part: u32 = 0; part < word(matrix, MATRIX_PARTS); part++) if (readRow(partOf(matrix, part), id, to)) break;
    if (scale != 1) multiplyBy(to, scale, width);
  }
}

/** Keeps x, or what the final norm made of it, as a stage of the hidden states. */
function keep(context: usize, stage: u32, from: usize, tokens: u32, width: u32): void {
  const stages: usize = word(context, CONTEXT_STAGES);
  if (!stages) return;
  const bytes = <usize> width << 2;
  memory.copy(stages + <usize> (stage * word(context, CONTEXT_STRIDE)) * bytes, from, <usize> tokens * bytes);
}

/**
 * Takes tokens in: what they are stands in the context.
 * @returns the greedy id; `vocab` where nothing is asked for, or a logit is not finite
 */
export function run(model: usize, context: usize): u32 {
  const tokens = word(context, CONTEXT_TOKENS);
  const extent = word(context, CONTEXT_EXTENT);
  const asked = word(context, CONTEXT_ASKED);
  const hidden = word(model, MODEL_HIDDEN);
  const intermediate = word(model, MODEL_INTERMEDIATE);
  const heads = word(model, MODEL_HEADS);
  const dim = word(model, MODEL_HEAD_DIM);
  const layers = word(model, MODEL_LAYERS);
  const vocab = word(model, MODEL_VOCAB);
  const eps = number(model, MODEL_EPS);
  const kvHeads = word(model, MODEL_KV_HEADS);
  const qkvWidth = (heads + 2 * kvHeads) * dim;
  const width = padded(hidden);
  const mixedWidth = padded(heads * dim);
  const innerWidth = padded(intermediate);
  const x: usize = word(context, CONTEXT_X);
  const norm: usize = word(context, CONTEXT_NORMED);
  const qkv: usize = word(context, CONTEXT_QKV);
  const mixed: usize = word(context, CONTEXT_MIXED);
  const gateUp: usize = word(context, CONTEXT_GATE_UP);
  const activated: usize = word(context, CONTEXT_ACTIVATED);
  const flags = word(context, CONTEXT_FLAGS);
  const scale = number(model, MODEL_RESIDUAL_SCALE);
  const gelu = word(model, MODEL_GELU);

  beginTeam(model);
  if (flags & FLAG_RANKED && asked & PASS_REUSED) rerank(model, context, tokens, extent);
  embed(model, context, tokens, width);
  for (let i: u32 = 0; i < layers; i++) {
    const layer = model + <usize> ((MODEL_HEADER + i * LAYER_WORDS) << 2);
    const cache = context + <usize> ((CONTEXT_HEADER + i * CACHE_WORDS) << 2);
    keep(context, i, x, tokens, width);
    const attentionNorm: usize = word(layer, LAYER_ATTENTION_NORM);
    const attentionIn = attentionNorm ? norm : x;
    if (attentionNorm) shareNormalise(x, attentionNorm, norm, hidden, width, eps, tokens);
    sharePrepare(context, word(layer, LAYER_QKV), attentionIn, width, tokens);
    shareMultiply(context, word(layer, LAYER_QKV), attentionIn, width, qkv, qkvWidth, tokens, false);
    const wholeNorms: usize = word(layer, LAYER_WHOLE_NORMS);
    if (wholeNorms) {
      const keys = <usize> (heads * dim) << 2; // bytes before them
      shareNormalise(qkv, wholeNorms, qkv, heads * dim, qkvWidth, eps, tokens);
      shareNormalise(qkv + keys, wholeNorms + keys, qkv + keys, kvHeads * dim, qkvWidth, eps, tokens);
    }
    shareAttend(model, layer, context, cache, i, kvHeads);
    sharePrepare(context, word(layer, LAYER_OUTPUT), mixed, mixedWidth, tokens);
    const attentionEnd: usize = word(layer, LAYER_ATTENTION_END);
    const joins = attentionEnd != 0 || scale != 1; // products are not added at once
    shareMultiply(context, word(layer, LAYER_OUTPUT), mixed, mixedWidth, joins ? norm : x, width, tokens, !joins);
    if (joins) shareJoin(norm, x, hidden, width, scale, attentionEnd, eps, tokens);
    const mlpNorm: usize = word(layer, LAYER_MLP_NORM);
    const mlpIn = mlpNorm ? norm : x;
    if (mlpNorm) shareNormalise(x, mlpNorm, norm, hidden, width, eps, tokens);
    sharePrepare(context, word(layer, LAYER_GATE_UP), mlpIn, width, tokens);
    shareMultiply(context, word(layer, LAYER_GATE_UP), mlpIn, width, gateUp, 2 * intermediate, tokens, false);
    shareSwiglu(gateUp, 2 * intermediate, activated, innerWidth, intermediate, gelu, tokens);
    sharePrepare(context, word(layer, LAYER_DOWN), activated, innerWidth, tokens);
    shareMultiply(context, word(layer, LAYER_DOWN), activated, innerWidth, joins ? norm : x, width, tokens, !joins);
    if (joins) shareJoin(norm, x, hidden, width, scale, word(layer, LAYER_MLP_END), eps, tokens);
  }
  if (!(asked & PASS_OUTPUT)) return vocab;
  const every = (flags & FLAG_EVERY) != 0;
  const count = every ? tokens : 1;
  const from = every ? x : x + (<usize> ((tokens - 1) * width) << 2);
  const logits: usize = word(context, CONTEXT_LOGITS);
  if (word(context, CONTEXT_STAGES)) {
    shareNormalise(x, word(model, MODEL_NORM), norm, hidden, width, eps, tokens);
    keep(context, layers, norm, tokens, width);
  }
  shareNormalise(from, word(model, MODEL_NORM), norm, hidden, width, eps, count);
  sharePrepare(context, word(model, MODEL_HEAD), norm, width, count);
  shareMultiply(context, word(model, MODEL_HEAD), norm, width, logits, vocab, count, false);
  const logitScale = number(model, MODEL_LOGIT_SCALE);
  if (logitScale != 1) multiplyBy(logits, logitScale, count * vocab);
  const logitCap = number(model, MODEL_LOGIT_CAP);
  if (logitCap != 0) capBy(logits, logitCap, count * vocab);
  if (every) {
    for (let token: u32 = 0; token < count; token++) {
      const next = load<u32>(<usize> word(context, CONTEXT_IDS) + (<usize> (token + 1) << 2));
      const loss = lossOf(logits + (<usize> (token * vocab) << 2), next, vocab);
      store<f32>(<usize> word(context, CONTEXT_LOSSES) + (<usize> token << 2), loss);
    }
  }
  return greedy(logits + (<usize> ((count - 1) * vocab) << 2), word(context, CONTEXT_BANNED), vocab);
}
