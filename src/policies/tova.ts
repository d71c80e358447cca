import type { Policy } from "./policy.ts";

/**
 * TOVA, "token omission via attention": Oren et al., Transformers are Multi-State RNNs, arXiv 2401.06104. The token to which
 * the newest query attends least goes.
 *
 * Deviates from the paper, which averages the newest query's attention over all heads of a layer and evicts the same token
 * in all of them: here every KV head chooses its own. `tovaLayer` does as the paper does.
 */
export const tova: Policy = {
  name: "tova",
  score: "last",
  scope: "all",
  needsAttention: true,
  evicts: true,
  sinks: 0,
  newest: 0,
};

/** TOVA as in its paper: attention averaged over a layer's KV heads, each the mean of its query group; one choice for all. */
export const tovaLayer: Policy = { ...tova, name: "tova-layer", shared: true };
