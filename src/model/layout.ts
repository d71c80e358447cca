// Which tensors a model must have, under the names and in the shapes that Hugging Face gives them.
import type { ModelConfig } from "../engine/config.ts";
import { NORM_NAMES } from "../engine/norms.ts";
import { isDtype, isQuantised } from "../engine/dtypes.ts";
import { show, words } from "../errors.ts";
import { refuseFile } from "../files/checks.ts";
import type { Tensor } from "../engine/tensor.ts";
import type { StoredTensor } from "../formats/converted.ts";

const EMBEDDING = "model.embed_tokens.weight";

/** Every tensor of a model: its Hugging Face name and shape. Matrices are [outputs, inputs]. */
export function tensorShapes(config: ModelConfig): Map<string, number[]> {
  const { hidden, intermediate, experts, vocab, headDim } = config;
  const norms = NORM_NAMES[config.norms];
  const queries = config.heads * headDim, keys = config.kvHeads * headDim;
  const shapes = new Map<string, number[]>([[EMBEDDING, [vocab, hidden]]]);
  for (let layer = 0; layer < config.layers; layer++) {
    const add = (name: string, ...shape: number[]) => shapes.set(`model.layers.${layer}.${name}`, shape);
    if (norms.attention) add(`${norms.attention}.weight`, hidden);
    add("self_attn.q_proj.weight", queries, hidden);
    add("self_attn.k_proj.weight", keys, hidden);
    add("self_attn.v_proj.weight", keys, hidden);
    add("self_attn.o_proj.weight", hidden, queries);
    if (config.qkvBias) {
      add("self_attn.q_proj.bias", queries);
      add("self_attn.k_proj.bias", keys);
      add("self_attn.v_proj.bias", keys);
    }
    if (config.oBias) add("self_attn.o_proj.bias", hidden);
    if (config.qkNorm !== "none") {
      const each = config.qkNorm === "each head";
      add("self_attn.q_norm.weight", each ? headDim : queries);
      add("self_attn.k_norm.weight", each ? headDim : keys);
    }
    for (const norm of [norms.attentionEnd, norms.mlp, norms.mlpEnd]) if (norm) add(`${norm}.weight`, hidden);
    const feedForward = (at: string, width: number) => {
      add(`${at}.gate_proj.weight`, width, hidden);
      add(`${at}.up_proj.weight`, width, hidden);
      add(`${at}.down_proj.weight`, hidden, width);
    };
    if (experts?.layers[layer]) {
      add("mlp.gate.weight", experts.count, hidden);
      for (let expert = 0; expert < experts.count; expert++) feedForward(`mlp.experts.${expert}`, experts.width);
      continue;
    }
    feedForward("mlp", intermediate);
    if (config.mlpBias) {
      add("mlp.gate_proj.bias", intermediate);
      add("mlp.up_proj.bias", intermediate);
      add("mlp.down_proj.bias", hidden);
    }
  }
  shapes.set("model.norm.weight", [hidden]);
  if (!config.tied) shapes.set("lm_head.weight", [vocab, hidden]);
  return shapes;
}

/**
 * Tensors as a model with a head names them, where they were saved without one: "layers.0…" is "model.layers.0…"; or as a part of a
 * larger one: "language_model.model.layers.0…" is, too.
 */
export function underModel(saved: Map<string, StoredTensor>): Map<string, StoredTensor> {
  const stored = new Map([...saved].map(([name, tensor]) => [ofText(name), tensor]));
  const bare = !stored.has(EMBEDDING) && stored.has(EMBEDDING.slice("model.".length));
  if (!bare) return stored;
  return new Map([...stored].map(([name, tensor]) => [name.startsWith("lm_head.") ? name : `model.${name}`, tensor]));
}

/** Of a model of texts and images the names that its text has alone; what belongs to images is not under "model.". */
function ofText(name: string): string {
  const own = name.replace(/^(?:model\.)?language_model\.(?:model\.)?/, "model.").replace(/^model\.(?=lm_head\.)/, "");
  return own.replace(/^model\.(?=vision_tower\.|multi_modal_projector\.)/, "");
}

/**
 * Checks that the tensors found are those of the model that the configuration describes.
 *
 * @param shown The name of a tensor as its file has it, for messages.
 * @returns The tensors of `tensorShapes`, all of them readable by the shaders.
 * @throws RangeError or Error, one sentence, for a tensor that is missing, has another shape or dtype, or has no place in the model.
 */
export function checkWeights(
  config: ModelConfig,
  stored: Map<string, StoredTensor>,
  shown: (name: string) => string = (name) => name,
): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  const shapes = tensorShapes(config);
  for (const [name, shape] of shapes) {
    let tensor = stored.get(name);
    // Writers store a tied matrix once, some of them under the head's name.
    if (!tensor && config.tied && name === EMBEDDING) tensor = stored.get("lm_head.weight");
    if (!tensor) refuseFile(`the weights must hold tensor ${shown(name)}`, words("none of that name"));
    if (tensor.shape.length !== shape.length || tensor.shape.some((side, i) => side !== shape[i])) {
      refuseFile(`tensor ${shown(name)} must have shape [${shape.join(", ")}]`, words(`[${tensor.shape.join(", ")}]`));
    }
    // Norms and biases are read as they are: whoever quantises leaves them alone.
    if (!isDtype(tensor.dtype) || shape.length === 1 && isQuantised(tensor.dtype)) {
      refuseFile(`tensor ${shown(name)} must be F32, F16 or BF16`, tensor.dtype, { code: "unsupported" });
    }
    tensors.set(name, tensor as Tensor);
  }
  for (const name of stored.keys()) {
    // A tensor of the model's own that we would leave out: its answers would not be those of this model.
    if (!shapes.has(name) && /^(model|lm_head)\./.test(name) && !isRedundant(name, config)) {
      const rule = `the tensors must be those of a ${config.architecture} of ${config.layers} layers`;
      refuseFile(rule, words(shown(name)), { code: "unsupported" });
    }
  }
  return tensors;
}

/** What is said of tensors that nothing reads, of other parts of a larger model; null where there are none. */
export function unread(config: ModelConfig, stored: Map<string, StoredTensor>): string | null {
  const shapes = tensorShapes(config);
  const [first, ...others] = [...stored.keys()].filter((name) => !shapes.has(name) && !isRedundant(name, config));
  if (first === undefined) return null;
  return `the weights have tensors that a ${config.architecture} does not read: ${show(first)}${
    others.length > 0 ? ` and ${others.length} more` : ""
  }`;
}

/** Old checkpoints store the rotary frequencies, which follow from the configuration, and some store a tied head twice. */
function isRedundant(name: string, config: ModelConfig): boolean {
  return /\brotary_emb\.inv_freq$/.test(name) || config.tied && name === "lm_head.weight";
}
