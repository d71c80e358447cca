import type { Policy } from "./policy.ts";

/**
 * RoCo, "robust cache omission": Ren & Zhu, On the Efficacy of Eviction Policy for Key-Value Constrained Generative Language
 * Model Inference, arXiv 2402.06262. The smallest mean attention goes, among the tokens whose attention has settled: those
 * with the largest standard deviation stay out of the scope.
 *
 * Deviates from its authors' package EasyKV: n counts every query exactly (EasyKV starts it at the first eviction), the
 * variance is clamped at zero, and the newest tokens are protected instead of their σ being forced up.
 */
export const roco: Policy = {
  name: "roco",
  score: "mean",
  scope: "low-spread",
  needsAttention: true,
  evicts: true,
  sinks: 4,
  newest: 0.1,
  unsettled: 0.3,
};
