/** Every kernel of a forward pass bound to its buffers: made once for a context, dispatched by every pass. */
import { formats, isQuantised } from "../engine/dtypes.ts";
import { KV_TYPES, kvRowBytes } from "../engine/kv.ts";
import type { Op } from "./dispatch.ts";
import { bindFeedForward, type FeedForward } from "./feed-forward.ts";
import { type Addition, addition, type Bound, partConstants, type Product, product } from "./product.ts";
import { pad8 } from "./scratch.ts";
import type { LayerWeights } from "./weights.ts";

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
  readonly feedForward: FeedForward;
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
  const { model: { config }, scratch } = bound;
  const { heads, kvHeads, headDim } = config;
  const { x, normed, qkv, mixed } = scratch;
  const [attentionNorm, mlpNorm] = [layer.attentionNorm, layer.mlpNorm].map((weight) => weight && norm(bound, weight));
  const qkvPitch = (heads + 2 * kvHeads) * headDim;
  return {
    attentionNorm,
    qkv: product(bound, { matrix: layer.qkv, input: attentionNorm ? normed : x, output: qkv, pitch: qkvPitch }),
    ...attentionOps(bound, layer, i, qkvPitch),
    output: addition(bound, layer.output, mixed, layer.attentionEnd),
    mlpNorm,
    feedForward: bindFeedForward(bound, layer, mlpNorm ? normed : x),
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
