import type { FunctionPolicy } from "./policy.ts";
import { sizeOf } from "./rows.ts";

/**
 * VATP, "value-aware token pruning": Guo et al., Attention Score is not All You Need for Token Importance Indicator in KV Cache
 * Reduction: Value Also Matters, arXiv 2406.12335. The smallest product of summed attention, as in H2O, and ‖v‖₁ goes.
 *
 * Deviates as `h2o` does. The paper keeps the first 20 tokens, whose values are small: a session keeps its `sinks`, 4 by default.
 */
export const vatp: FunctionPolicy = {
  name: "vatp",
  basis: "sum",
  score: (_lane, { positions, values }, scores) => {
    const headDim = values!.length / positions.length;
    for (let slot = 0; slot < positions.length; slot++) {
      if (positions[slot] >= 0) scores[slot] *= sizeOf(values!, slot * headDim, headDim);
    }
  },
  scope: "all",
  needsAttention: true,
  readsVectors: true,
  evicts: true,
  sinks: 20,
  newest: 0.5,
};
