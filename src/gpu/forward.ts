/** The forward pass of a Llama-like decoder over a capped cache: buffers and bind groups made once, then one straight line. */
import type { Cache } from "./cache.ts";
import { createBuffer, type Gpu, releaseBuffer, STORAGE } from "./device.ts";
import { type Constants, dispatch, type Op, type Pipelines } from "./dispatch.ts";
import { KV_TYPES, kvRowBytes } from "../engine/kv.ts";
import type { ModelConfig } from "../model/config.ts";
import { formats, isQuantised } from "../engine/dtypes.ts";
import type { Matrix, Part, Weights } from "./weights.ts";

/** What a forward pass works on besides weights and cache, and what it leaves behind. */
export interface Forward {
  readonly x: GPUBuffer; // [stride, pitch(hidden)]: the residual stream
  readonly normed: GPUBuffer; // [stride, pitch(hidden)]
  readonly hiddenPitch: number; // elements between rows of x and normed
  readonly logits: GPUBuffer; // [1 or stride, vocab]
  readonly losses: GPUBuffer; // [1 or stride]: -ln p of each token's follower, where there are logits of every token
  readonly chosen: GPUBuffer; // [4]: the greedy id in the first word
  readonly banned: GPUBuffer; // [ceil(vocab / 32)]: one bit per id never to be chosen
  readonly observed: GPUBuffer; // [3, lanes, capacity]: Σp, Σp², last p
  readonly bytes: number; // of all its buffers
  encode(encoder: GPUCommandEncoder, step: StepShape): void;
  release(): void;
}

/** The sizes of one step, and what is wanted of it. */
export interface StepShape {
  tokens: number;
  /** Slots of a lane that may hold anything. */
  extent: number;
  /** Whether this step's slots are those that the last eviction freed. */
  reused: boolean;
  /** Whether logits (and the greedy choice) are computed. */
  logits: boolean;
  /** Called after the embedding and after every layer, outside any pass, to copy x; and after the final norm, to copy normed. */
  tap?: (encoder: GPUCommandEncoder, stage: number) => void;
}

/** One matrix product, by part: `vec` for a single token, `mat` for more. */
interface Product {
  readonly rows: number[];
  readonly vec: Op[];
  readonly mat: Op[];
}

const pad8 = (length: number) => Math.ceil(length / 8) * 8;

/** What a forward pass is to do. */
export interface Work {
  /** Most tokens of a step. */
  readonly stride: number;
  /** How attention over a query group is reduced to observations for the core; null: not at all. */
  readonly observe: "mean" | "max" | null;
  /** Whether logits and losses are of every token of the step, not of the newest only. */
  readonly every: boolean;
}

/** Bytes of a forward pass's buffers. */
export function scratchSizes(
  { hidden, intermediate, heads, kvHeads, headDim, vocab }: ModelConfig,
  { lanes, capacity }: { readonly lanes: number; readonly capacity: number },
  { stride, observe, every }: Work,
) {
  const rows = every ? stride : 1;
  const x = 4 * stride * pad8(hidden);
  const q = 4 * stride * pad8(heads * headDim);
  return {
    x,
    normed: x,
    qkv: 4 * stride * (heads + 2 * kvHeads) * headDim,
    q,
    scores: 4 * heads * stride * capacity,
    means: observe ? 4 * kvHeads * stride * capacity : 4,
    observed: 4 * 3 * lanes * capacity,
    mixed: q,
    gateUp: 4 * stride * 2 * intermediate,
    activated: 4 * stride * pad8(intermediate),
    logits: 4 * rows * vocab,
    losses: 4 * rows,
    chosen: 16,
    banned: 4 * Math.ceil(vocab / 32),
    nothing: 4,
    nowhere: 4,
  };
}

/** Makes scratch buffers and bind groups for steps of at most `stride` tokens. */
export function createForward(
  gpu: Gpu,
  pipelines: Pipelines,
  config: ModelConfig,
  weights: Weights,
  cache: Cache,
  work: Work,
): Forward {
  const { observe, every } = work;
  const { hidden, intermediate, heads, kvHeads, headDim, vocab } = config;
  const hiddenPitch = pad8(hidden);
  const headsPitch = pad8(heads * headDim);
  const qkvPitch = (heads + 2 * kvHeads) * headDim;
  const group = heads / kvHeads;
  const feed = cache.feed.buffer;
  const buffers: GPUBuffer[] = [];
  const sizes = scratchSizes(config, cache, work);
  const create = (label: keyof typeof sizes) => {
    buffers.push(createBuffer(gpu, label, sizes[label], STORAGE));
    return buffers[buffers.length - 1];
  };
  const x = create("x");
  const normed = create("normed");
  const qkv = create("qkv");
  const q = create("q");
  const scores = create("scores");
  const means = create("means");
  const observed = create("observed");
  const mixed = create("mixed");
  const gateUp = create("gateUp");
  const activated = create("activated");
  const logits = create("logits");
  const losses = create("losses");
  const chosen = create("chosen");
  const banned = create("banned");
  const nothing = create("nothing"); // bound where a kernel's optional input is absent
  const nowhere = create("nowhere"); // and where an optional output is
  const [RANKED, POOLED] = [cache.ranked ? 1 : 0, cache.pooled ? 1 : 0];
  const places = cache.places ?? nowhere;
  const stored = { KV: KV_TYPES.indexOf(cache.kv), ROW: kvRowBytes(headDim, cache.kv) / 8 };

  const norm = (weight: GPUBuffer, last = 0) => {
    const constants = { WIDTH: hidden, PITCH: hiddenPitch, EPS: config.rmsEps, LAST: last };
    return pipelines.op("rmsnorm", constants, [feed, x, weight, normed]);
  };
  const product = (matrix: Matrix, input: GPUBuffer, output: GPUBuffer, pitch: number, add = 0): Product => {
    const ops = matrix.parts.map((part) => {
      const constants = partConstants(matrix, part, pitch, add);
      const [one, more] = isQuantised(part.dtype) ? ["blockVec", "blockMat"] as const : ["matvec", "matmul"] as const;
      const vec = pipelines.op(one, constants, [part.buffer, input, matrix.bias ?? nothing, output, feed]);
      return { vec, mat: { pipeline: pipelines.get(more, constants), bindings: vec.bindings } };
    });
    const rows = matrix.parts.map((part) => part.rows);
    return { rows, vec: ops.map(({ vec }) => vec), mat: ops.map(({ mat }) => mat) };
  };

  const embed = weights.embedding.parts.map((part) => {
    const { buffer, dtype, first, rows } = part;
    if (isQuantised(dtype)) {
      const constants = partConstants(weights.embedding, part, hiddenPitch);
      return pipelines.op("blockEmbed", constants, [buffer, nothing, nothing, x, feed]);
    }
    const constants = { DTYPE: formats[dtype].code, WIDTH: hidden, PITCH: hiddenPitch, FIRST: first, ROWS: rows };
    return pipelines.op("embed", constants, [feed, buffer, x]);
  });
  const rerank = pipelines.op("rerank", { CAPACITY: cache.capacity }, [feed, cache.positions, places]);
  const layers = weights.layers.map((layer, i) => {
    const uniforms = cache.layers[i];
    const [keys, values] = [cache.keys[i], cache.values[i]];
    const quads = headDim / 4;
    const ropeConstants = {
      HEADS: heads,
      KV_HEADS: kvHeads,
      HEAD_DIM: headDim,
      QKV_PITCH: qkvPitch,
      Q_PITCH: headsPitch,
      QK_NORM: layer.headNorms ? 1 : 0,
      EPS: config.rmsEps,
      ...stored,
      RANKED,
      POOLED,
    };
    const headNorms = layer.headNorms ?? nothing;
    const scoreConstants = {
      HEADS: heads,
      GROUP: group,
      QUADS: quads,
      Q_QUADS: headsPitch / 4,
      ...stored,
      RANKED,
      POOLED,
    };
    const softmaxConstants = { GROUP: group, OBSERVE: observe ? 1 : 0, MAXIMUM: observe === "max" ? 1 : 0 };
    const attendConstants = { GROUP: group, QUADS: quads, OUT_QUADS: headsPitch / 4, ...stored, POOLED };
    const swigluConstants = { WIDTH: intermediate, IN_PITCH: 2 * intermediate, PITCH: pad8(intermediate) };
    return {
      attentionNorm: norm(layer.attentionNorm),
      qkv: product(layer.qkv, normed, qkv, qkvPitch),
      rope: pipelines.op("rope", ropeConstants, [
        ...[feed, uniforms, qkv, headNorms, q, keys, values, cache.positions],
        places,
      ]),
      scores: pipelines.op("scores", scoreConstants, [
        ...[feed, uniforms, q, keys, cache.positions, scores, places],
        cache.angles ?? nothing,
      ]),
      softmax: pipelines.op("softmax", softmaxConstants, [
        feed,
        uniforms,
        scores,
        means,
        observed,
      ]),
      observe: observe ? pipelines.op("observe", {}, [feed, uniforms, means, observed]) : null,
      attend: pipelines.op("attend", attendConstants, [feed, uniforms, scores, values, mixed, places]),
      output: product(layer.output, mixed, x, hiddenPitch, 1),
      mlpNorm: norm(layer.mlpNorm),
      gateUp: product(layer.gateUp, normed, gateUp, 2 * intermediate),
      swiglu: pipelines.op("swiglu", swigluConstants, [gateUp, activated]),
      down: product(layer.down, activated, x, hiddenPitch, 1),
    };
  });
  const finalNorm = norm(weights.norm, every ? 0 : 1);
  const head = product(weights.head, normed, logits, vocab);
  const loss = pipelines.op("loss", { VOCAB: vocab }, [feed, logits, losses]);
  const argmax = pipelines.op("argmax", { VOCAB: vocab }, [logits, banned, chosen]);

  function encode(encoder: GPUCommandEncoder, { tokens, extent, reused, logits: wanted, tap }: StepShape) {
    let pass = encoder.beginComputePass();
    const show = (stage: number) => {
      if (!tap) return;
      pass.end();
      tap(encoder, stage);
      pass = encoder.beginComputePass();
    };
    const slotGroups = Math.ceil(extent / 64);
    const quarters = Math.ceil(tokens / 4);

    if (cache.ranked && reused) dispatch(pass, rerank, slotGroups, cache.lanes);
    for (const part of embed) dispatch(pass, part, Math.ceil(hidden / 64), tokens);
    for (let i = 0; i < layers.length; i++) {
      const layer = layers[i];
      show(i);
      dispatch(pass, layer.attentionNorm, tokens);
      multiply(pass, layer.qkv, tokens);
      dispatch(pass, layer.rope, heads + 2 * kvHeads, tokens);
      dispatch(pass, layer.scores, slotGroups, heads, quarters);
      dispatch(pass, layer.softmax, kvHeads, tokens);
      if (layer.observe && tokens > 1) dispatch(pass, layer.observe, slotGroups, kvHeads);
      dispatch(pass, layer.attend, heads, quarters);
      multiply(pass, layer.output, tokens);
      dispatch(pass, layer.mlpNorm, tokens);
      multiply(pass, layer.gateUp, tokens);
      dispatch(pass, layer.swiglu, Math.ceil(intermediate / 64), tokens);
      multiply(pass, layer.down, tokens);
    }
    if (wanted) {
      const rows = every ? tokens : 1;
      dispatch(pass, finalNorm, rows);
      show(layers.length);
      multiply(pass, head, rows);
      if (every) dispatch(pass, loss, rows);
      dispatch(pass, argmax, 1);
    }
    pass.end();
  }

  const bytes = buffers.reduce((sum, buffer) => sum + buffer.size, 0);
  const release = () => buffers.forEach((buffer) => releaseBuffer(gpu, buffer));
  return { x, normed, hiddenPitch, logits, losses, chosen, banned, observed, bytes, encode, release };
}

/** Constants of a kernel that reads rows of a matrix. */
function partConstants(matrix: Matrix, { dtype, first, rows }: Part, pitch: number, add = 0): Constants {
  return {
    DTYPE: formats[dtype].code,
    BLOCKS: matrix.blocks,
    ROWS: rows,
    FIRST: first,
    PITCH: pitch,
    ADD: add,
    BIAS: matrix.bias ? 1 : 0,
  };
}

const MOST_GROUPS = 65535; // workgroups per dimension that every adapter allows

/** W·x: for one token by rows of 32 per workgroup, for more by rows of 128 and tokens of 8. */
function multiply(pass: GPUComputePassEncoder, { rows, vec, mat }: Product, tokens: number): void {
  for (let i = 0; i < rows.length; i++) {
    const groups = Math.ceil(rows[i] / (tokens === 1 ? 32 : 128));
    const columns = Math.ceil(groups / MOST_GROUPS);
    const across = Math.ceil(groups / columns);
    if (tokens === 1) dispatch(pass, vec[i], across, columns);
    else dispatch(pass, mat[i], across, columns, Math.ceil(tokens / 8));
  }
}
