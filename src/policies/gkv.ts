import type { Policy } from "./policy.ts";

/**
 * G-KV: Liao et al., G-KV: Decoding-Time KV Cache Eviction with Global Attention, arXiv 2512.00504. The token goes whose part of the
 * attention of the last 64 rows, in that of the most attended token, was smallest at its best; a best fades to 0.8 in 128 queries.
 *
 * Deviates from the authors' code, which evicts after every 128 tokens, and weighs what it remembers by 0.8 each time: here the
 * memory fades query by query, to the same, and tokens go whenever the budget asks. A chunk of a prompt is one row of the window. Their
 * window's own tokens are always kept, here the newest tenth of the budget. Their term for similar keys is off there, too, by default.
 */
export const gkv: Policy = {
  name: "gkv",
  score: "fading",
  scope: "all",
  needsAttention: true,
  evicts: true,
  window: 64,
  halfLife: 398,
  sinks: 0,
  newest: 0.1,
};
