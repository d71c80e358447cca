// The forward pass of a Llama-like decoder over a capped cache: one straight line. together.ts walks along it for several contexts.

import {
  CONTEXT_ACTIVATED,
  CONTEXT_ASKED,
  CONTEXT_BANNED,
  CONTEXT_CAPACITY,
  CONTEXT_EXTENT,
  CONTEXT_FLAGS,
  CONTEXT_GATE_UP,
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
  LAYER_ROUTER,
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
import { mix } from "./mixture";
import { partOf } from "./product";
import { number, padded, readRow, word } from "./rows";
import { beginTeam, shareAttend, shareJoin, shareMultiply, shareNormalise, sharePrepare, shareSwiglu } from "./team";
import { capBy, greedy, lossOf, multiplyBy } from "./vector";

// What the pass under way works on, and how large its rows are.
let model: usize = 0;
let work: usize = 0; // the context whose rooms it uses
let tokens: u32 = 0;
let hidden: u32 = 0;
let width: u32 = 0; // of hidden, padded
let eps: f32 = 0;

/** Before a pass of `count` tokens in the rooms of a context. */
export function begin(given: usize, context: usize, count: u32): void {
  model = given;
  work = context;
  tokens = count;
  hidden = word(model, MODEL_HIDDEN);
  width = padded(hidden);
  eps = number(model, MODEL_EPS);
  beginTeam(model);
}

/** Positions "cache": closes the gaps in the ranks that the pass's slots leave, whose tokens were evicted in the last step. */
export function rerank(model: usize, context: usize): void {
  const tokens = word(context, CONTEXT_TOKENS);
  const extent = word(context, CONTEXT_EXTENT);
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
export function embed(): void {
  const matrix: usize = word(model, MODEL_EMBEDDING);
  const scale = number(model, MODEL_EMBEDDING_SCALE);
  for (let token: u32 = 0; token < tokens; token++) {
    const id = load<u32>(<usize> word(work, CONTEXT_IDS) + (<usize> token << 2));
    const to = <usize> word(work, CONTEXT_X) + (<usize> (token * width) << 2);
    for (let part: u32 = 0; part < word(matrix, MATRIX_PARTS); part++) if (readRow(partOf(matrix, part), id, to)) break;
    if (scale != 1) multiplyBy(to, scale, width);
  }
}

/** Keeps x, or what the final norm made of it, as a stage of the hidden states. */
function keep(stage: u32, from: usize): void {
  const stages: usize = word(work, CONTEXT_STAGES);
  if (!stages) return;
  const bytes = <usize> width << 2;
  memory.copy(stages + <usize> (stage * word(work, CONTEXT_STRIDE)) * bytes, from, <usize> tokens * bytes);
}

@inline
export function layerOf(index: u32): usize {
  return model + <usize> ((MODEL_HEADER + index * LAYER_WORDS) << 2);
}

/** From x to what a layer asks, keeps and tells of its tokens. */
export function project(layer: usize): void {
  const heads = word(model, MODEL_HEADS);
  const kvHeads = word(model, MODEL_KV_HEADS);
  const dim = word(model, MODEL_HEAD_DIM);
  const qkvWidth = (heads + 2 * kvHeads) * dim;
  const x: usize = word(work, CONTEXT_X);
  const norm: usize = word(work, CONTEXT_NORMED);
  const qkv: usize = word(work, CONTEXT_QKV);
  const attentionNorm: usize = word(layer, LAYER_ATTENTION_NORM);
  const from = attentionNorm ? norm : x;
  if (attentionNorm) shareNormalise(x, attentionNorm, norm, hidden, width, eps, tokens);
  sharePrepare(work, word(layer, LAYER_QKV), from, width, tokens);
  shareMultiply(work, word(layer, LAYER_QKV), from, width, qkv, qkvWidth, tokens, false);
  const wholeNorms: usize = word(layer, LAYER_WHOLE_NORMS);
  if (!wholeNorms) return;
  const keys = <usize> (heads * dim) << 2; // bytes before them
  shareNormalise(qkv, wholeNorms, qkv, heads * dim, qkvWidth, eps, tokens);
  shareNormalise(qkv + keys, wholeNorms + keys, qkv + keys, kvHeads * dim, qkvWidth, eps, tokens);
}

/** From what its attention mixed to x behind the layer. */
export function goOn(layer: usize): void {
  const intermediate = word(model, MODEL_INTERMEDIATE);
  const mixedWidth = padded(word(model, MODEL_HEADS) * word(model, MODEL_HEAD_DIM));
  const innerWidth = padded(intermediate);
  const x: usize = word(work, CONTEXT_X);
  const norm: usize = word(work, CONTEXT_NORMED);
  const mixed: usize = word(work, CONTEXT_MIXED);
  const gateUp: usize = word(work, CONTEXT_GATE_UP);
  const activated: usize = word(work, CONTEXT_ACTIVATED);
  const scale = number(model, MODEL_RESIDUAL_SCALE);
  sharePrepare(work, word(layer, LAYER_OUTPUT), mixed, mixedWidth, tokens);
  const attentionEnd: usize = word(layer, LAYER_ATTENTION_END);
  const joins = attentionEnd != 0 || scale != 1; // products are not added at once
  shareMultiply(work, word(layer, LAYER_OUTPUT), mixed, mixedWidth, joins ? norm : x, width, tokens, !joins);
  if (joins) shareJoin(norm, x, hidden, width, scale, attentionEnd, eps, tokens);
  const mlpNorm: usize = word(layer, LAYER_MLP_NORM);
  const mlpIn = mlpNorm ? norm : x;
  if (mlpNorm) shareNormalise(x, mlpNorm, norm, hidden, width, eps, tokens);
  if (word(layer, LAYER_ROUTER)) mix(model, layer, work, mlpIn, joins ? norm : x, !joins, tokens);
  else {
    sharePrepare(work, word(layer, LAYER_GATE_UP), mlpIn, width, tokens);
    shareMultiply(work, word(layer, LAYER_GATE_UP), mlpIn, width, gateUp, 2 * intermediate, tokens, false);
    shareSwiglu(gateUp, 2 * intermediate, activated, innerWidth, intermediate, word(model, MODEL_GELU), tokens);
    sharePrepare(work, word(layer, LAYER_DOWN), activated, innerWidth, tokens);
    shareMultiply(work, word(layer, LAYER_DOWN), activated, innerWidth, joins ? norm : x, width, tokens, !joins);
  }
  if (joins) shareJoin(norm, x, hidden, width, scale, word(layer, LAYER_MLP_END), eps, tokens);
}

/** The logits of `count` rows of x. */
export function foresee(from: usize, count: u32): void {
  const norm: usize = word(work, CONTEXT_NORMED);
  const logits: usize = word(work, CONTEXT_LOGITS);
  const vocab = word(model, MODEL_VOCAB);
  shareNormalise(from, word(model, MODEL_NORM), norm, hidden, width, eps, count);
  sharePrepare(work, word(model, MODEL_HEAD), norm, width, count);
  shareMultiply(work, word(model, MODEL_HEAD), norm, width, logits, vocab, count, false);
  const logitScale = number(model, MODEL_LOGIT_SCALE);
  if (logitScale != 1) multiplyBy(logits, logitScale, count * vocab);
  const logitCap = number(model, MODEL_LOGIT_CAP);
  if (logitCap != 0) capBy(logits, logitCap, count * vocab);
}

/** What a context's pass makes of the logits of its last `count` tokens. @returns the greedy id of the newest */
export function choose(context: usize, count: u32): u32 {
  const vocab = word(model, MODEL_VOCAB);
  const logits: usize = word(context, CONTEXT_LOGITS);
  if (word(context, CONTEXT_FLAGS) & FLAG_EVERY) {
    for (let token: u32 = 0; token < count; token++) {
      const next = load<u32>(<usize> word(context, CONTEXT_IDS) + (<usize> (token + 1) << 2));
      const loss = lossOf(logits + (<usize> (token * vocab) << 2), next, vocab);
      store<f32>(<usize> word(context, CONTEXT_LOSSES) + (<usize> token << 2), loss);
    }
  }
  return greedy(logits + (<usize> ((count - 1) * vocab) << 2), word(context, CONTEXT_BANNED), vocab);
}

/**
 * Takes tokens in: what they are stands in the context.
 * @returns the greedy id; `vocab` where nothing is asked for, or a logit is not finite
 */
export function run(given: usize, context: usize): u32 {
  begin(given, context, word(context, CONTEXT_TOKENS));
  const layers = word(model, MODEL_LAYERS);
  const flags = word(context, CONTEXT_FLAGS);
  const asked = word(context, CONTEXT_ASKED);
  const x: usize = word(context, CONTEXT_X);
  if (flags & FLAG_RANKED && asked & PASS_REUSED) rerank(model, context);
  embed();
  for (let i: u32 = 0; i < layers; i++) {
    keep(i, x);
    project(layerOf(i));
    shareAttend(model, layerOf(i), context, i, word(model, MODEL_KV_HEADS));
    goOn(layerOf(i));
  }
  if (!(asked & PASS_OUTPUT)) return word(model, MODEL_VOCAB);
  if (word(context, CONTEXT_STAGES)) {
    const norm: usize = word(context, CONTEXT_NORMED);
    shareNormalise(x, word(model, MODEL_NORM), norm, hidden, width, eps, tokens);
    keep(layers, norm);
  }
  const every = (flags & FLAG_EVERY) != 0;
  const count = every ? tokens : 1;
  foresee(every ? x : x + (<usize> ((tokens - 1) * width) << 2), count);
  return choose(context, count);
}
