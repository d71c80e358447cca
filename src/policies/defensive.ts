import type { FunctionPolicy } from "./policy.ts";
import { sizeOf } from "./rows.ts";

/**
 * DefensiveKV: Feng et al., Taming the Fragility of KV Cache Eviction in LLM Inference, arXiv 2510.13334. A token counts for the most
 * attention that any query gave it, and for no less than the mean of all tokens does; times ‖v‖₁, the smallest goes.
 *
 * Deviates from the authors' code: the most is over all queries since the token came, not the last 32, and is not pooled; a chunk of a
 * prompt counts for its self-weighted mean; ‖v‖₁ stands in place of ‖W_o v‖₁; and the tokens that make up nine tenths of the
 * attention have no place apart. It is over the query group's heads with a session's `aggregate: "max"`; by default their mean is taken.
 */
export const defensive: FunctionPolicy = {
  name: "defensive",
  score: (_lane, { positions, squares: peaks, values }, scores) => {
    const headDim = values!.length / positions.length;
    let sum = 0;
    let count = 0;
    for (let slot = 0; slot < positions.length; slot++) {
      if (positions[slot] < 0) continue;
      sum += peaks[slot];
      count++;
    }
    for (let slot = 0; slot < positions.length; slot++) {
      if (positions[slot] < 0) continue;
      scores[slot] = Math.max(peaks[slot], sum / count) * sizeOf(values!, slot * headDim, headDim);
    }
  },
  scope: "peak", // so that the books have peaks; none is left out by itself
  needsAttention: true,
  readsVectors: true,
  evicts: true,
  peaks: 0,
  sinks: 0,
  newest: 0.1,
};
