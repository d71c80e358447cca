import type { LaneViews } from "../core/core.ts";
import type { FunctionPolicy } from "./policy.ts";
import { dot, lengthOf, workspace } from "./rows.ts";

/**
 * KeyDiff: Park et al., KeyDiff: Key Similarity-Based KV Cache Eviction for Long-Context LLM Inference in Resource-Constrained
 * Environments, arXiv 2504.15364. The key most like the mean of all keys' directions goes; attention is not asked.
 *
 * Deviates in that nothing is protected by the paper; a session's `sinks` and `newest` stand here as for every policy.
 */
export const keydiff: FunctionPolicy = {
  name: "keydiff",
  score: (_lane, { positions, keys }, scores) => difference(positions, keys!, scores),
  scope: "all",
  needsAttention: false,
  readsVectors: true,
  evicts: true,
  sinks: 0,
  newest: 0,
};

/** −cos of every live key and the mean of all keys' directions. */
export function difference(positions: LaneViews["positions"], keys: Float32Array, scores: Float32Array): void {
  const headDim = keys.length / positions.length;
  const anchor = workspace(headDim).fill(0, 0, headDim);
  for (let slot = 0; slot < positions.length; slot++) {
    if (positions[slot] < 0) continue;
    const length = lengthOf(keys, slot * headDim, headDim) || 1;
    for (let i = 0; i < headDim; i++) anchor[i] += keys[slot * headDim + i] / length;
  }
  const anchorLength = Math.sqrt(dot(anchor, 0, anchor, 0, headDim));
  for (let slot = 0; slot < positions.length; slot++) {
    if (positions[slot] < 0) continue;
    const lengths = lengthOf(keys, slot * headDim, headDim) * anchorLength || 1;
    scores[slot] = -dot(keys, slot * headDim, anchor, 0, headDim) / lengths;
  }
}
