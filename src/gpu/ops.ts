/** Every kernel of a forward pass bound to its buffers: made once for a context, dispatched by every pass. */
import { formats, isQuantised } from "../engine/dtypes.ts";
import { KV_TYPES, kvRowBytes } from "../engine/kv.ts";
import type { Cache } from "./cache.ts";
import { type Constants, dispatch, type Op } from "./dispatch.ts";
import { pad8, type Scratch } from "./scratch.ts";
import type { GpuModel, LayerWeights, Matrix, MatrixPart } from "./weights.ts";

/** One matrix product, by part: `vec` for a single token, `mat` for more. */
export interface Product {
  readonly rows: number[];
  readonly vec: Op[];
  readonly mat: Op[];
}

/** What a part of a layer adds to the residual: at once, or by a kernel behind the product. */
export interface Addition {
  readonly product: Product;
  readonly join: Op | null;
}

/** The kernels of one layer, in the order in which they run. */
export interface LayerOps {
  readonly attentionNorm: Op | null;
  readonly qkv: Product;
  readonly whole: Op | null; // only where all heads of q, and of k, have one norm
  readonly rope: Op;
  readonly ask: Op | null; // only where sums of queries are wanted
  readonly tell: Op | null; // only where a pass gives back what it stores
  readonly scores: Op;
  readonly softmax: Op;
  readonly observe: Op | null; // only where attention is observed
  readonly attend: Op;
  readonly fold: Op | null; // only where what is evicted is summed up: behind a pass
  readonly output: Addition;
  readonly mlpNorm: Op | null;
  readonly gateUp: Product;
  readonly swiglu: Op;
  readonly down: Addition;
}

/** The kernels of a pass. */
export interface Ops {
  readonly rerank: Op;
  readonly embed: Op[];
  readonly layers: LayerOps[];
  readonly everyNorm: Op | null; // only where hidden states can be read: the final norm of all tokens
  readonly finalNorm: Op;
  readonly head: Product;
  readonly settle: Op | null; // only where logits are not the head's products
  readonly loss: Op;
  readonly argmax: Op;
}

/** What kernels are bound to. */
export interface Bound {
  readonly model: GpuModel;
  readonly cache: Cache;
  readonly scratch: Scratch;
}

/** Binds all kernels of a context. */
export function createOps(bound: Bound): Ops {
  const { model: { config, weights, pipelines }, cache, scratch } = bound;
  const { every } = cache.shape;
  const { vocab, logitScale: SCALE, logitCap: CAP } = config;
  const { logits, losses, banned, chosen, normed } = scratch;
  return {
    rerank: pipelines.op("rerank", { CAPACITY: cache.shape.capacity }, [
      ...[cache.feed.buffer, cache.positions, cache.places ?? scratch.nowhere],
    ]),
    embed: embedOps(bound),
    layers: weights.layers.map((layer, i) => layerOps(bound, layer, i)),
    everyNorm: scratch.captured ? norm(bound, weights.norm) : null,
    finalNorm: norm(bound, weights.norm, every ? 0 : 1),
    head: product(bound, { matrix: weights.head, input: normed, output: logits, pitch: vocab }),
    settle: SCALE === 1 && CAP === 0 ? null : pipelines.op("settle", { VOCAB: vocab, SCALE, CAP }, [logits]),
    loss: pipelines.op("loss", { VOCAB: vocab }, [cache.feed.buffer, logits, losses]),
    argmax: pipelines.op("argmax", { VOCAB: vocab }, [logits, banned, chosen]),
  };
}

function embedOps({ model: { config, weights, pipelines }, cache, scratch }: Bound): Op[] {
  const pitch = pad8(config.hidden);
  const SCALE = config.embeddingScale;
  const feed = cache.feed.buffer;
  const { x, nothing } = scratch;
  return weights.embedding.parts.map((part) => {
    const { buffer, dtype, first, rows } = part;
    if (isQuantised(dtype)) {
      const constants = { ...partConstants(weights.embedding, part, pitch), SCALE };
      return pipelines.op("blockEmbed", constants, [buffer, nothing, nothing, x, feed]);
    }
    const own = { DTYPE: formats[dtype].code, WIDTH: config.hidden, PITCH: pitch, FIRST: first, ROWS: rows };
    return pipelines.op("embed", { ...own, SCALE }, [feed, buffer, x]);
  });
}

function layerOps(bound: Bound, layer: LayerWeights, i: number): LayerOps {
  const { model: { config, pipelines }, scratch } = bound;
  const { intermediate, heads, kvHeads, headDim, activation } = config;
  const { x, normed, qkv, mixed, gateUp, activated } = scratch;
  const [attentionNorm, mlpNorm] = [layer.attentionNorm, layer.mlpNorm].map((weight) => weight && norm(bound, weight));
  const swigluConstants = {
    WIDTH: intermediate,
    IN_PITCH: 2 * intermediate,
    PITCH: pad8(intermediate),
    GELU: activation === "gelu" ? 1 : 0,
  };
  const qkvPitch = (heads + 2 * kvHeads) * headDim;
  return {
    attentionNorm,
    qkv: product(bound, { matrix: layer.qkv, input: attentionNorm ? normed : x, output: qkv, pitch: qkvPitch }),
    ...attentionOps(bound, layer, i, qkvPitch),
    output: addition(bound, layer.output, mixed, layer.attentionEnd),
    mlpNorm,
    gateUp: product(bound, {
      matrix: layer.gateUp,
      input: mlpNorm ? normed : x,
      output: gateUp,
      pitch: 2 * intermediate,
    }),
    swiglu: pipelines.op("swiglu", swigluConstants, [gateUp, activated]),
    down: addition(bound, layer.down, activated, layer.mlpEnd),
  };
}

/** From projected queries, keys and values to what the heads mixed. */
function attentionOps({ model, cache, scratch }: Bound, layer: LayerWeights, i: number, qkvPitch: number) {
  const { config: { heads, kvHeads, headDim, rmsEps, attentionScale: SCALE, scoreCap: CAP }, pipelines } = model;
  const { qkv, q, scores, means, observed, mixed, told, queries, nothing, nowhere } = scratch;
  const { observe, kv, ranked, pooled, remainders: REMAINDERS, foldRank: RANK, foldMost: MOST } = cache.shape;
  const [feed, uniforms, keys, values] = [cache.feed.buffer, cache.layers[i], cache.keys[i], cache.values[i]];
  const { positions, angles } = cache;
  const places = cache.places ?? nowhere;
  const remainder = cache.remainder ?? nothing;
  const [GROUP, QUADS, PITCH] = [heads / kvHeads, headDim / 4, pad8(heads * headDim)];
  const [RANKED, POOLED] = [ranked ? 1 : 0, pooled ? 1 : 0];
  const stored = { KV: KV_TYPES.indexOf(kv), ROW: kvRowBytes(headDim, kv) / 8 };
  const ropeConstants = {
    ...{ HEADS: heads, KV_HEADS: kvHeads, HEAD_DIM: headDim, QKV_PITCH: qkvPitch, Q_PITCH: PITCH },
    ...{ QK_NORM: layer.headNorms ? 1 : 0, EPS: rmsEps, ...stored, RANKED, POOLED },
  };
  const askConstants = {
    ...{ GROUP, HEAD_DIM: headDim, QKV_PITCH: qkvPitch, QK_NORM: layer.headNorms ? 1 : 0, EPS: rmsEps },
  };
  const tellConstants = { ROW: stored.ROW, POOLED };
  const scoreConstants = {
    HEADS: heads,
    GROUP,
    QUADS,
    Q_QUADS: PITCH / 4,
    ...stored,
    RANKED,
    POOLED,
    REMAINDERS,
    SCALE,
    CAP,
  };
  const softmaxConstants = { GROUP, OBSERVE: observe ? 1 : 0, MAXIMUM: observe === "max" ? 1 : 0, REMAINDERS };
  const attendConstants = { GROUP, QUADS, OUT_QUADS: PITCH / 4, ...stored, POOLED, REMAINDERS };
  const foldConstants = { HEAD_DIM: headDim, ...stored, RANKED, RANK, POOLED, REMAINDERS, MOST };
  const wholeConstants = { QUERIES: heads * headDim, KEYS: kvHeads * headDim, PITCH: qkvPitch, EPS: rmsEps };
  return {
    whole: layer.wholeNorms ? pipelines.op("whole", wholeConstants, [layer.wholeNorms, qkv]) : null,
    rope: pipelines.op("rope", ropeConstants, [
      ...[feed, uniforms, qkv, layer.headNorms ?? nothing, q, keys, values, positions, places],
    ]),
    ask: queries ? pipelines.op("ask", askConstants, [feed, uniforms, qkv, layer.headNorms ?? nothing, queries]) : null,
    tell: told ? pipelines.op("tell", tellConstants, [feed, uniforms, keys, values, told]) : null,
    scores: pipelines.op("scores", scoreConstants, [
      ...[feed, uniforms, q, keys, positions, scores, places, angles ?? nothing, remainder],
    ]),
    softmax: pipelines.op("softmax", softmaxConstants, [feed, uniforms, scores, means, observed]),
    observe: observe ? pipelines.op("observe", {}, [feed, uniforms, means, observed]) : null,
    attend: pipelines.op("attend", attendConstants, [feed, uniforms, scores, values, mixed, places, remainder]),
    fold: cache.gone
      ? pipelines.op("fold", foldConstants, [cache.gone, uniforms, keys, values, places, angles ?? nothing, remainder])
      : null,
  };
}

function norm({ model: { config, pipelines }, cache, scratch }: Bound, weight: GPUBuffer, last = 0): Op {
  const { hidden, rmsEps } = config;
  const constants = { WIDTH: hidden, PITCH: pad8(hidden), EPS: rmsEps, LAST: last };
  return pipelines.op("rmsnorm", constants, [cache.feed.buffer, scratch.x, weight, scratch.normed]);
}

/** W·input added to the residual, through a norm where there is one behind it. */
function addition(bound: Bound, matrix: Matrix, input: GPUBuffer, end: GPUBuffer | null): Addition {
  const { model: { config, pipelines }, scratch: { x, normed, nothing } } = bound;
  const { hidden: WIDTH, residualScale: SCALE, rmsEps: EPS } = config;
  const PITCH = pad8(WIDTH);
  if (SCALE === 1 && !end) {
    return { product: product(bound, { matrix, input, output: x, pitch: PITCH, add: 1 }), join: null };
  }
  return {
    product: product(bound, { matrix, input, output: normed, pitch: PITCH }), // what stood there has been read
    join: pipelines.op("join", { WIDTH, PITCH, SCALE, NORM: end ? 1 : 0, EPS }, [normed, end ?? nothing, x]),
  };
}

/** W·x into rows `pitch` apart, added to what is there where `add` is 1. */
function product(
  { model: { pipelines }, cache, scratch }: Bound,
  { matrix, input, output, pitch, add = 0 }: {
    matrix: Matrix;
    input: GPUBuffer;
    output: GPUBuffer;
    pitch: number;
    add?: number;
  },
): Product {
  const ops = matrix.parts.map((part) => {
    const constants = partConstants(matrix, part, pitch, add);
    const [one, more] = isQuantised(part.dtype) ? ["blockVec", "blockMat"] as const : ["matvec", "matmul"] as const;
    const buffers = [part.buffer, input, matrix.bias ?? scratch.nothing, output, cache.feed.buffer];
    const vec = pipelines.op(one, constants, buffers);
    return { vec, mat: { pipeline: pipelines.get(more, constants), bindings: vec.bindings } };
  });
  return {
    rows: matrix.parts.map((part) => part.rows),
    vec: ops.map(({ vec }) => vec),
    mat: ops.map(({ mat }) => mat),
  };
}

/** Constants of a kernel that reads rows of a matrix. */
function partConstants(matrix: Matrix, { dtype, first, rows }: MatrixPart, pitch: number, add = 0): Constants {
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
export function multiply(pass: GPUComputePassEncoder, { rows, vec, mat }: Product, tokens: number): void {
  for (let i = 0; i < rows.length; i++) {
    const groups = Math.ceil(rows[i] / (tokens === 1 ? 32 : 128));
    const columns = Math.ceil(groups / MOST_GROUPS);
    const across = Math.ceil(groups / columns);
    if (tokens === 1) dispatch(pass, vec[i], across, columns);
    else dispatch(pass, mat[i], across, columns, Math.ceil(tokens / 8));
  }
}
