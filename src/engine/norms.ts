/** Where a layer has norms, and what their weights are called. */

/** Norms before its attention and its feed-forward part, or behind them, before what they make joins the residual; or both. */
export type Norms = "before" | "behind" | "both";

/** Names of a layer's norms; null where it has none. */
export interface NormNames {
  readonly attention: string | null;
  readonly attentionEnd: string | null;
  readonly mlp: string | null;
  readonly mlpEnd: string | null;
}

/** Hugging Face's names, "….weight" behind each. */
export const NORM_NAMES: Readonly<Record<Norms, NormNames>> = {
  before: {
    attention: "input_layernorm",
    attentionEnd: null,
    mlp: "post_attention_layernorm",
    mlpEnd: null,
  },
  behind: {
    attention: null,
    attentionEnd: "post_attention_layernorm",
    mlp: null,
    mlpEnd: "post_feedforward_layernorm",
  },
  both: {
    attention: "input_layernorm",
    attentionEnd: "post_attention_layernorm",
    mlp: "pre_feedforward_layernorm",
    mlpEnd: "post_feedforward_layernorm",
  },
};
