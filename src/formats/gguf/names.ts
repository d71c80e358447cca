/** GGUF's tensors under the names, and in the order of rows, that Hugging Face gives them. */
import type { ModelConfig } from "../../engine/config.ts";
import { NORM_NAMES, type NormNames } from "../../engine/norms.ts";
import { words } from "../../errors.ts";
import { refuseFile } from "../../files/checks.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reordered } from "../rows.ts";

const MODEL: Record<string, string> = {
  token_embd: "model.embed_tokens",
  output_norm: "model.norm",
  output: "lm_head",
};
const LAYER: Record<string, string> = {
  attn_qkv: "self_attn.qkv_proj",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  attn_q_norm: "self_attn.q_norm",
  attn_k_norm: "self_attn.k_norm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
  ffn_gate_inp: "mlp.gate",
  ffn_gate_exps: "mlp.experts.gate_proj",
  ffn_up_exps: "mlp.experts.up_proj",
  ffn_down_exps: "mlp.experts.down_proj",
};
/** Norms of a layer, by what they are to it. */
const NORMS = {
  attention: "attn_norm",
  attentionEnd: "post_attention_norm",
  mlp: "ffn_norm",
  mlpEnd: "post_ffw_norm",
} satisfies Record<keyof NormNames, string>;
/** Rotary factors are a part of the configuration (model/gguf.ts): of all texts, of long and of short ones. */
export const ROPE_FACTORS = "rope_freqs.weight";
export const [LONG_FACTORS, SHORT_FACTORS] = ["rope_factors_long.weight", "rope_factors_short.weight"];

/** Names of a layer's tensors, Hugging Face's by GGUF's. */
function layerNames({ norms }: Pick<ModelConfig, "norms">): Record<string, string> {
  const theirs = NORM_NAMES[norms];
  const found = Object.entries(NORMS).map(([part, ours]) => [ours, theirs[part as keyof NormNames]]);
  return { ...LAYER, ...Object.fromEntries(found.filter(([, name]) => name !== null)) };
}

/** The key of a value. */
const keyOf = (names: Record<string, string>, value: string) => Object.keys(names).find((key) => names[key] === value);

/** Hugging Face's name for a tensor of a GGUF file; null where it has none. */
function hfName(config: ModelConfig, name: string): string | null {
  const [, layer, own, expert, kind] = /^(?:blk\.(0|[1-9]\d*)\.)?(\w+)(?:\.(\d+))?\.(weight|bias)$/.exec(name) ?? [];
  const part = expert === undefined ? own : `${own}_exps`; // files of early 2024 have each by itself
  const names = layer === undefined ? MODEL : layerNames(config);
  if (part === undefined || !Object.hasOwn(names, part)) return null;
  const fused = config.architecture === "phi3"; // gate and up are one matrix
  const whole = fused && part === "ffn_up" ? "mlp.gate_up_proj" : names[part];
  const theirs = expert === undefined ? whole : whole.replace(/\.experts\./, `.experts.${expert}.`);
  return layer === undefined ? `${theirs}.${kind}` : `model.layers.${layer}.${theirs}.${kind}`;
}

/** GGUF's name for a tensor with a Hugging Face name: the one that messages about a GGUF file use. */
export function ggufName(config: Pick<ModelConfig, "norms">, name: string): string {
  const [, layer, inLayer, kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  if (inLayer !== undefined) {
    const all = inLayer.replace(/\.experts\.\d+\./, ".experts."); // in one tensor
    return `blk.${layer}.${keyOf(layerNames(config), all)}.${kind}`;
  }
  const [, part, end] = /^(.+)\.(weight|bias)$/.exec(name)!;
  return `${keyOf(MODEL, part)}.${end}`;
}

/**
 * The tensors of a GGUF file by Hugging Face's names. Files of the architecture `llama` hold the rows of q and k in the order
 * of interleaved rotary pairs (0, d/2, 1, d/2 + 1, … of each head of d); reading puts them back.
 * @throws Error for a tensor that these models do not have: without it the answers would be another model's.
 */
export function namedTensors(
  config: ModelConfig,
  interleaved: boolean,
  stored: Map<string, Tensor>,
): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  const order = halves(config.headDim);
  for (const [name, tensor] of stored) {
    if ([ROPE_FACTORS, LONG_FACTORS, SHORT_FACTORS].includes(name)) continue;
    const theirs = hfName(config, name);
    if (theirs === null) {
      refuseFile(`the tensors must be those of a ${config.architecture}`, words(name), { code: "unsupported" });
    }
    const permuted = interleaved && /\.[qk]_proj\./.test(theirs);
    tensors.set(theirs, permuted ? reordered(tensor, order) : tensor);
  }
  return tensors;
}

/** Where the rows of a head stand that the file has as rotary pairs: the first of all pairs before the second ones. */
const halves = (headDim: number) =>
  Array.from({ length: headDim }, (_, row) => row < headDim / 2 ? 2 * row : 2 * row - headDim + 1);
