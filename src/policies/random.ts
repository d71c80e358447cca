import type { Policy } from "./policy.ts";

/**
 * A uniform draw, the control group of arXiv 2402.06262. Every lane draws for itself at every eviction, from the session's
 * seed: the same seed gives the same victims.
 *
 * Deviates from EasyKV, which makes one draw for all heads and layers.
 */
export const random: Policy = {
  name: "random",
  score: "random",
  scope: "all",
  needsAttention: false,
  evicts: true,
  sinks: 0,
  newest: 0,
};
