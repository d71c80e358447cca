/** GGUF's tensors under the names, and in the order of rows, that Hugging Face gives them. */
import type { ModelConfig } from "../../engine/config.ts";
import { bytesOf } from "../../engine/dtypes.ts";
import { words } from "../../errors.ts";
import { refuseFile } from "../../files/checks.ts";
import type { Tensor } from "../../engine/tensor.ts";

const MODEL: Record<string, string> = {
  token_embd: "model.embed_tokens",
  output_norm: "model.norm",
  output: "lm_head",
};
const LAYER: Record<string, string> = {
  attn_norm: "input_layernorm",
  attn_q: "self_attn.q_proj",
  attn_k: "self_attn.k_proj",
  attn_v: "self_attn.v_proj",
  attn_output: "self_attn.o_proj",
  attn_q_norm: "self_attn.q_norm",
  attn_k_norm: "self_attn.k_norm",
  ffn_norm: "post_attention_layernorm",
  ffn_gate: "mlp.gate_proj",
  ffn_up: "mlp.up_proj",
  ffn_down: "mlp.down_proj",
};
/** Rotary factors are a part of the configuration (config.ts). */
export const ROPE_FACTORS = "rope_freqs.weight";

const pairs = (names: Record<string, string>) => Object.entries(names).map(([ours, theirs]) => [theirs, ours] as const);
const [MODEL_BACK, LAYER_BACK] = [new Map(pairs(MODEL)), new Map(pairs(LAYER))];

/** Hugging Face's name for a tensor of a GGUF file; null where it has none. */
function hfName(name: string): string | null {
  const [, layer, part, kind] = /^(?:blk\.(0|[1-9]\d*)\.)?(\w+)\.(weight|bias)$/.exec(name) ?? [];
  const names = layer === undefined ? MODEL : LAYER;
  if (part === undefined || !Object.hasOwn(names, part)) return null;
  return layer === undefined ? `${names[part]}.${kind}` : `model.layers.${layer}.${names[part]}.${kind}`;
}

/** GGUF's name for a tensor with a Hugging Face name: the one that messages about a GGUF file use. */
export function ggufName(name: string): string {
  const [, layer, inLayer, kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  if (inLayer !== undefined) return `blk.${layer}.${LAYER_BACK.get(inLayer)}.${kind}`;
  const [, part, end] = /^(.+)\.(weight|bias)$/.exec(name)!;
  return `${MODEL_BACK.get(part)}.${end}`;
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
  for (const [name, tensor] of stored) {
    if (name === ROPE_FACTORS) continue;
    const theirs = hfName(name);
    if (theirs === null) {
      refuseFile(`the tensors must be those of a ${config.architecture}`, words(name), { code: "unsupported" });
    }
    const permuted = interleaved && /\.[qk]_proj\./.test(theirs);
    tensors.set(theirs, permuted ? halved(tensor, config.headDim) : tensor);
  }
  return tensors;
}

/** A tensor of interleaved heads, read with the first of all pairs before the second ones. */
function halved(tensor: Tensor, headDim: number): Tensor {
  const [rows, columns = 1] = tensor.shape;
  const rowBytes = bytesOf(tensor.dtype, columns);
  const headBytes = headDim * rowBytes;
  if (rows % headDim !== 0) return tensor; // its shape will be refused
  return {
    ...tensor,
    async read(from = 0, to = tensor.bytes) {
      const begin = Math.floor(from / headBytes) * headBytes; // whole heads, since a slice may end within one
      const bytes = await tensor.read(begin, Math.ceil(to / headBytes) * headBytes);
      const ordered = new Uint8Array(bytes.length);
      for (let head = 0; head < bytes.length; head += headBytes) {
        for (let row = 0; row < headDim; row++) {
          const at = head + (row % 2 * headDim / 2 + (row >> 1)) * rowBytes;
          ordered.set(bytes.subarray(head + row * rowBytes, head + (row + 1) * rowBytes), at);
        }
      }
      return ordered.slice(from - begin, to - begin);
    },
  };
}
