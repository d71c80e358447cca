import type { LaneViews } from "../core/core.ts";
import type { FunctionPolicy } from "./policy.ts";
import { dot, lengthOf, putInOrder, workspace } from "./rows.ts";

const ATTENTION = 0.07; // its weight beside redundancy, as in the authors' code
const REACH = 3; // neighbours on either side whose attention counts for a token

/**
 * R-KV: Cai et al., R-KV: Redundancy-aware KV Cache Compression for Reasoning Models, arXiv 2505.24133. Attention in the last 8 rows,
 * the most among 7 neighbours, and against it how like the token's key is to all others.
 *
 * Deviates from the authors' code: the mean cosine of a key and all others is its product with the mean direction, so that a step takes
 * n·d products, not n²·d; their exception for the newest of keys that are alike would need the latter. They evict in rounds, and
 * keep the last 8 tokens; here tokens go whenever the budget asks, the newest tenth of it stays, and a chunk of a prompt is one row.
 * A group's attention is its heads' mean, not the softmax of their largest logits.
 */
export const rkv: FunctionPolicy = {
  name: "rkv",
  basis: "windowed",
  score: (_lane, { positions, keys }, scores) => mixScores(positions, keys!, scores),
  scope: "all",
  needsAttention: true,
  readsVectors: true,
  evicts: true,
  window: 8,
  pool: "none",
  sinks: 0,
  newest: 0.1,
};

function mixScores(positions: Int32Array, keys: Float32Array, scores: Float32Array): void {
  const { slots, count } = putInOrder(positions);
  let attention = 0;
  let alike = 0;
  const work = workspace(2 * count + keys.length / positions.length); // redundancy, attention, the mean direction
  redundancy({ positions, keys }, work, 2 * count);
  for (let i = 0; i < count; i++) {
    attention += work[count + i] = scores[slots[i]];
    alike += work[i];
  }
  for (let i = 0; i < count; i++) {
    let most = 0;
    for (let j = Math.max(0, i - REACH); j <= Math.min(count - 1, i + REACH); j++) {
      most = Math.max(most, work[count + j]);
    }
    scores[slots[i]] = ATTENTION * most / (attention || 1) - (1 - ATTENTION) * work[i] / alike;
  }
}

/** e to each key's mean cosine with all others, 0 with itself, in order of positions. @param at where there is room for a row */
function redundancy(
  { positions, keys }: Required<Pick<LaneViews, "positions" | "keys">>,
  work: Float64Array,
  at: number,
) {
  const { slots, count } = putInOrder(positions);
  const headDim = keys.length / positions.length;
  work.fill(0, at, at + headDim);
  for (let i = 0; i < count; i++) {
    const length = lengthOf(keys, slots[i] * headDim, headDim) || 1;
    for (let j = 0; j < headDim; j++) work[at + j] += keys[slots[i] * headDim + j] / length;
  }
  for (let i = 0; i < count; i++) {
    const length = lengthOf(keys, slots[i] * headDim, headDim);
    const all = length > 0 ? dot(keys, slots[i] * headDim, work, at, headDim) / length - 1 : 0;
    work[i] = Math.exp(all / count);
  }
}
