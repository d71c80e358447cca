import type { Policy } from "./policy.ts";

/**
 * H2O, "heavy-hitter oracle": Zhang et al., H2O: Heavy-Hitter Oracle for Efficient Generative Inference of Large Language
 * Models, arXiv 2306.14048. The smallest accumulated attention goes; the newest tokens are protected.
 *
 * The paper gives half the budget to the newest tokens, as `ruleFor` does; a session protects as many as its `newest`. Deviates
 * in the choice per KV head, over the group's mean attention, as in EasyKV's `h2o_head`.
 */
export const h2o: Policy = {
  name: "h2o",
  score: "sum",
  scope: "all",
  needsAttention: true,
  evicts: true,
  sinks: 0,
  newest: 0.5,
};
