import type { Policy } from "./policy.ts";

/**
 * SnapKV while decoding: Li et al., SnapKV: LLM Knows What You are Looking for Before Generation, arXiv 2404.14469. The token
 * goes whose neighbourhood of 7 positions got the least attention, at its best, from the last 32 rows.
 *
 * Deviates from the paper, which compresses the prompt once, by the attention of its last queries, and then keeps all: here
 * the window moves on with every row and tokens go whenever the budget asks. A chunk of a prompt is one row. The paper keeps
 * the window's own tokens; here the newest tenth of the budget stays. Pooling takes in protected tokens too.
 */
export const snapkv: Policy = {
  name: "snapkv",
  score: "windowed",
  scope: "all",
  needsAttention: true,
  evicts: true,
  window: 32,
  pool: "max",
  width: 7,
  sinks: 0,
  newest: 0.1,
};
