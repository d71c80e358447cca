import type { Policy } from "./policy.ts";

/**
 * A sliding window: the oldest token goes. With sinks it is StreamingLLM, see streaming.ts.
 */
export const recency: Policy = {
  name: "recency",
  score: "recency",
  scope: "all",
  needsAttention: false,
  evicts: true,
  sinks: 0,
  newest: 0,
};
