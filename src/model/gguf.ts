/** The configuration of a GGUF file, from its metadata. Key names: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
import { type Architecture, ARCHITECTURES, type ModelConfig } from "../engine/config.ts";
import { parseConfig } from "./config.ts";
import { MOST_EXPERTS } from "./experts.ts";
import { FAMILIES } from "./families.ts";
import { words } from "../errors.ts";
import { refuseFile } from "../files/checks.ts";
import type { Tensor } from "../engine/tensor.ts";
import type { RopeAsked } from "../engine/rope.ts";
import { readFloats } from "../engine/widen.ts";
import type { Gguf, Metadata } from "../formats/gguf/file.ts";
import { LONG_FACTORS, ROPE_FACTORS, SHORT_FACTORS } from "../formats/gguf/names.ts";

/** What a file calls a family. */
const nameOf = (family: Architecture) => FAMILIES[family].ggufName ?? family;

/** The family of a file, by the name that it has there. @throws RangeError for one that we cannot run */
function architectureOf(metadata: Metadata): Architecture {
  const name = metadata.get("general.architecture");
  const known = ARCHITECTURES.filter((family) => FAMILIES[family].ggufRows !== null);
  const found = known.find((family) => nameOf(family) === name);
  if (found) return found;
  const shown = known.map((family) => family === "llama" ? "llama (Mistral and Mixtral too)" : nameOf(family));
  const names = `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
  refuseFile(`general.architecture must be one of ${names}`, name, { code: "unsupported" });
}

/** The family by transformers' name: a llama with experts is a Mixtral. @throws RangeError for experts of one that has none here */
function familyOf(architecture: Architecture, experts: unknown): Architecture {
  const has = (experts ?? 0) !== 0;
  if (has && architecture === "llama") return "mixtral";
  if (has && !FAMILIES[architecture].experts) {
    refuseFile(`${nameOf(architecture)}.expert_count must be 0`, experts, { code: "unsupported" });
  }
  return architecture;
}

/** Whether a file holds the rows of q and k in the order of interleaved rotary pairs. */
export function isInterleaved(metadata: Metadata): boolean {
  return FAMILIES[architectureOf(metadata)].ggufRows === "pairs";
}

/**
 * Reads the configuration. What it is checked against in common with config.json is checked there (parseConfig).
 * @throws RangeError, one sentence, for a model that we cannot run or numbers that make no sense.
 */
export async function ggufConfig({ metadata, tensors }: Gguf, asked: RopeAsked = {}): Promise<ModelConfig> {
  const architecture = architectureOf(metadata);
  const called = nameOf(architecture);
  const get = (key: string) => metadata.get(`${called}.${key}`);
  const integer = (key: string, most: number, absent?: number): number => {
    const value = get(key) ?? absent;
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return value as number;
    refuseFile(`${called}.${key} must be a positive integer up to ${most}`, value);
  };
  const positive = (key: string, absent?: number): number => {
    const value = get(key) ?? absent;
    if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
    refuseFile(`${called}.${key} must be a number above 0`, value);
  };

  const family = familyOf(architecture, get("expert_count"));
  const layers = integer("block_count", 1024);
  const hidden = integer("embedding_length", 1 << 20);
  const heads = integer("attention.head_count", 4096);
  const headDim = integer("attention.key_length", 4096, hidden / heads);
  const partial = FAMILIES[family].partialRope;
  for (const key of ["attention.value_length", ...partial ? [] : ["rope.dimension_count"]]) {
    if (integer(key, 4096, headDim) !== headDim) {
      refuseFile(`${called}.${key} must be the ${headDim} of attention.key_length`, get(key));
    }
  }
  const [long, short] = [await factorsOf(tensors, LONG_FACTORS), await factorsOf(tensors, SHORT_FACTORS)];
  const tokens = metadata.get("tokenizer.ggml.tokens");
  const { model_type, ...windows } = window(
    family,
    get("attention.sliding_window"),
    get("attention.sliding_window_pattern"),
  );
  const config = parseConfig(
    {
      model_type,
      ...windows,
      num_hidden_layers: layers,
      hidden_size: hidden,
      intermediate_size: integer("feed_forward_length", 1 << 24),
      num_attention_heads: heads,
      num_key_value_heads: integer("attention.head_count_kv", 4096, heads),
      head_dim: headDim,
      vocab_size: integer("vocab_size", 1 << 24, Array.isArray(tokens) ? tokens.length : undefined),
      rms_norm_eps: positive("attention.layer_norm_rms_epsilon"),
      max_position_embeddings: integer("context_length", 2 ** 31 - 1),
      rope_theta: positive("rope.freq_base", 10000),
      rope_scaling: long && short ? longrope(long, short) : scaling(),
      ...partial ? { partial_rotary_factor: integer("rope.dimension_count", 4096, headDim) / headDim } : {},
      ...scales(),
      ...FAMILIES[family].experts ? experts() : {},
      tie_word_embeddings: !tensors.has("output.weight"),
      bos_token_id: metadata.get("tokenizer.ggml.bos_token_id") ?? null,
      eos_token_id: ["eos", "eot", "eom"].map((end) => metadata.get(`tokenizer.ggml.${end}_token_id`) ?? null),
    },
    null,
    asked,
  );
  // A bias that a file has is a bias that the model adds, and the other way round.
  config.qkvBias ||= tensors.has("blk.0.attn_q.bias");
  config.oBias = tensors.has("blk.0.attn_output.bias");
  config.mlpBias = tensors.has("blk.0.ffn_gate.bias");
  const factors = tensors.get(ROPE_FACTORS);
  if (factors) await divide(config.ropes[0].frequencies, factors);
  return config;

  /** Each read by the families that have it. */
  function scales(): Record<string, unknown> {
    return {
      embedding_multiplier: get("embedding_scale"),
      residual_multiplier: get("residual_scale"),
      attention_multiplier: get("attention.scale") || 1 / Math.sqrt(headDim), // 0, too, says that it is as usual
      logits_scaling: get("logit_scale"),
      // As llama.cpp has it: the largest Gemmas go by another width than that of their heads.
      query_pre_attn_scalar: layers === { gemma2: 46, gemma3: 62 }[called] ? hidden / heads : headDim,
      attn_logit_softcapping: get("attn_logit_softcapping"),
      final_logit_softcapping: get("final_logit_softcapping"),
      rope_local_base_freq: get("rope.freq_base_swa"),
    };
  }

  function experts(): Record<string, unknown> {
    const plain: [key: string, values: unknown[]][] = [["gating_func", [1]], ["weights_scale", [0, 1]], [
      "shared_count",
      [0],
    ]];
    for (const [name, values] of plain) {
      const key = `expert_${name}`;
      const value = get(key) ?? values[0];
      if (!values.includes(value)) {
        refuseFile(`${called}.${key} must be ${values.at(-1)}`, value, { code: "unsupported" });
      }
    }
    return {
      num_local_experts: integer("expert_count", MOST_EXPERTS),
      num_experts_per_tok: integer("expert_used_count", MOST_EXPERTS),
      ...FAMILIES[family].experts?.width === "moe_intermediate_size"
        ? { moe_intermediate_size: integer("expert_feed_forward_length", 1 << 24) }
        : {},
      norm_topk_prob: get("expert_weights_norm") ?? true, // as llama.cpp has it
    };
  }

  function longrope(long_factor: number[], short_factor: number[]): Record<string, unknown> {
    const original_max_position_embeddings = get("rope.scaling.original_context_length");
    const attention_factor = get("rope.scaling.attn_factor");
    return { rope_type: "longrope", long_factor, short_factor, original_max_position_embeddings, attention_factor };
  }

  function scaling(): Record<string, unknown> | null {
    const type = get("rope.scaling.type") ?? (get("rope.scale_linear") === undefined ? "none" : "linear");
    if (type === "none") return null;
    if (type !== "linear" && type !== "yarn") {
      refuseFile(`${called}.rope.scaling.type must be none, linear or yarn`, type, { code: "unsupported" });
    }
    const key = get("rope.scaling.factor") === undefined ? "rope.scale_linear" : "rope.scaling.factor";
    const factor = positive(key, 1);
    if (factor < 1) refuseFile(`${called}.${key} must be a number of at least 1`, factor);
    if (type === "linear") return { rope_type: "linear", factor };
    return {
      rope_type: "yarn",
      factor,
      beta_fast: get("rope.scaling.yarn_beta_fast"),
      beta_slow: get("rope.scaling.yarn_beta_slow"),
      original_max_position_embeddings: get("rope.scaling.original_context_length"),
    };
  }
}

/** A file's factors of all waves; null where it has none. */
async function factorsOf(tensors: Gguf["tensors"], name: string): Promise<number[] | null> {
  const tensor = tensors.get(name);
  if (!tensor) return null;
  if (tensor.dtype !== "F32" || tensor.shape.length !== 1 || tensor.shape[0] > 128) {
    refuseFile(`tensor ${name} must be F32 [up to 128]`, words(`${tensor.dtype} [${tensor.shape.join(", ")}]`));
  }
  return [...await readFloats(tensor)];
}

/** A sliding window, in config.json's words: a llama with one is a Mistral. 0 and nothing say that there is none. */
function window(
  architecture: Architecture,
  window: unknown,
  pattern: unknown,
): Record<string, unknown> & { model_type: string } {
  if (FAMILIES[architecture].windows === "local layers") {
    const types = Array.isArray(pattern) ? pattern.map((local) => `${local ? "sliding" : "full"}_attention`) : null;
    const every = types === null && pattern !== undefined ? { sliding_window_pattern: pattern } : {};
    return { model_type: architecture, sliding_window: window || null, layer_types: types, ...every };
  }
  if (window === undefined || window === 0) return { model_type: architecture };
  if (architecture === "llama") return { model_type: "mistral", sliding_window: window };
  if (FAMILIES[architecture].windows === "none") {
    const rule = `${architecture}.attention.sliding_window must be 0`;
    refuseFile(rule, window, { code: "unsupported" });
  }
  if (FAMILIES[architecture].windows === "every layer") return { model_type: architecture, sliding_window: window };
  return { model_type: architecture, use_sliding_window: true, sliding_window: window, max_window_layers: 0 };
}

/** Divides the rotary frequencies by a file's own factors: that is how `llama3` scaling is stored. */
async function divide(rope: Float32Array, factors: Tensor): Promise<void> {
  const { shape, dtype } = factors;
  if (shape.length !== 1 || shape[0] !== rope.length || dtype !== "F32") {
    refuseFile(`tensor ${ROPE_FACTORS} must be F32 [${rope.length}]`, `${dtype} [${shape.join(", ")}]`);
  }
  const values = await readFloats(factors);
  const strange = values.find((value) => !(value > 0 && Number.isFinite(value)));
  if (strange !== undefined) refuseFile(`the factors of ${ROPE_FACTORS} must be above 0`, strange);
  values.forEach((value, i) => rope[i] /= value);
  if (!rope.every(Number.isFinite)) {
    refuseFile(`the factors of ${ROPE_FACTORS} must leave frequencies finite`, Math.min(...values));
  }
}
