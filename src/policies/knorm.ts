import type { FunctionPolicy } from "./policy.ts";
import { lengthOf } from "./rows.ts";

/**
 * Devoto et al., A Simple and Effective L₂ Norm-Based Strategy for KV Cache Compression, arXiv 2406.11430. The key of the largest
 * norm goes: keys of a small norm are those attended to much; attention itself is not asked.
 *
 * Deviates in that the authors leave a model's first two layers whole.
 */
export const knorm: FunctionPolicy = {
  name: "knorm",
  score: (_lane, { positions, keys }, scores) => {
    const headDim = keys!.length / positions.length;
    for (let slot = 0; slot < positions.length; slot++) {
      if (positions[slot] >= 0) scores[slot] = -lengthOf(keys!, slot * headDim, headDim);
    }
  },
  scope: "all",
  needsAttention: false,
  readsVectors: true,
  evicts: true,
  sinks: 0,
  newest: 0,
};
