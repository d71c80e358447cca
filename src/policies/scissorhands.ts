import type { Policy } from "./policy.ts";

/**
 * Scissorhands: Liu et al., Scissorhands: Exploiting the Persistence of Importance Hypothesis for LLM KV Cache Compression at
 * Test Time, arXiv 2305.17118. The token goes that was least often attended to above the mean within a window of queries.
 *
 * Deviates from the paper, which drops half of a full buffer at a time and counts within a window of 400 queries: here as
 * many go as the budget asks for at every step, the window is of 64 rows, and a chunk of a prompt is one row, in which
 * Σp above queries / live counts once. Among equals, which are many, the oldest goes.
 */
export const scissorhands: Policy = {
  name: "scissorhands",
  score: "persistence",
  scope: "all",
  needsAttention: true,
  evicts: true,
  window: 64,
  sinks: 0,
  newest: 0.1,
};
