/** What a model's numbers are multiplied by on their way, beyond its weights. */
import type { ModelConfig } from "../engine/config.ts";
import { refuseFile } from "../files/checks.ts";

/** These of a config. */
export type Scales = Pick<
  ModelConfig,
  "embeddingScale" | "residualScale" | "attentionScale" | "logitScale" | "scoreCap" | "logitCap"
>;

/** Where a family has them: none, those that its files name (Granite), or Gemma's. */
export type Scaling = "none" | "named" | "gemma";

/** Reads them. */
export function readScales(
  config: Record<string, unknown>,
  scaling: Scaling,
  { hidden, headDim }: { hidden: number; headDim: number },
): Scales {
  const plain = {
    ...{ embeddingScale: 1, residualScale: 1, attentionScale: 1 / Math.sqrt(headDim), logitScale: 1 },
    ...{ scoreCap: 0, logitCap: 0 },
  };
  if (scaling === "none") return plain;
  const number = (name: string): number => {
    const value = config[name] ?? 1;
    if (typeof value === "number" && Number.isFinite(Math.fround(value)) && Math.fround(value) > 0) return value;
    refuseFile(`${name} must be a number above 0`, value);
  };
  if (scaling === "gemma") {
    const cap = (name: string) => (config[name] ?? null) === null ? 0 : number(name);
    return {
      ...plain,
      embeddingScale: Math.sqrt(hidden),
      attentionScale: number("query_pre_attn_scalar") ** -0.5,
      scoreCap: cap("attn_logit_softcapping"),
      logitCap: cap("final_logit_softcapping"),
    };
  }
  return {
    ...plain,
    embeddingScale: number("embedding_multiplier"),
    residualScale: number("residual_multiplier"),
    attentionScale: number("attention_multiplier"),
    logitScale: 1 / number("logits_scaling"),
  };
}
