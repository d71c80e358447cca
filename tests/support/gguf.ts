// Writes GGUF files by the format's page, for tests of what is in them: honest ones, and ones that lie where they are told to.
import { formats, isDtype } from "../../src/engine/dtypes.ts";
import { CONVERSIONS } from "../../src/formats/gguf/conversions.ts";
import { TYPES } from "../../src/formats/gguf/file.ts";
import { type ModelFiles, openGgufModel } from "../../src/model/open.ts";
import { folder } from "./memory.ts";

/** Numbers of value types. */
export const U32 = 4, F32 = 6, BOOL = 7, STRING = 8, ARRAY = 9, U64 = 10;

/** A value with its type; an array has its element type, and where that is ARRAY, elements with their own. */
export type Typed = [type: number, value: unknown, elements?: number];

export interface Listed {
  dims: number[]; // innermost first
  type: number;
  offset?: number; // where the file lies; after the tensor before otherwise
}

export interface Described {
  version?: number;
  metadata: Record<string, Typed | undefined>;
  tensors: Record<string, Listed | undefined>;
  align?: number;
}

/** The bytes of a file; its tensors' data is zeros. */
export function writeGguf({ version = 3, metadata, tensors, align = 32 }: Described): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  const number = (value: number | bigint, width: number) => {
    for (let i = 0, left = BigInt(value); i < width; i++, left >>= 8n) bytes.push(Number(left & 255n));
  };
  const text = (value: string) => {
    const utf8 = new TextEncoder().encode(value);
    number(utf8.length, 8);
    bytes.push(...utf8);
  };
  const put = ([type, value, elements]: Typed) => {
    if (type === STRING) text(value as string);
    else if (type === ARRAY) {
      number(elements!, 4);
      number((value as unknown[]).length, 8);
      for (const one of value as unknown[]) put(elements === ARRAY ? one as Typed : [elements!, one]);
    } else if (type === F32) bytes.push(...new Uint8Array(new Float32Array([value as number]).buffer));
    else number(type === BOOL ? Number(value) : value as number, { [U32]: 4, [BOOL]: 1, [U64]: 8 }[type] ?? 4);
  };
  const keys = Object.entries(metadata).filter((entry): entry is [string, Typed] => entry[1] !== undefined);
  const listed = Object.entries(tensors).filter((entry): entry is [string, Listed] => entry[1] !== undefined);
  bytes.push(...new TextEncoder().encode("GGUF"));
  number(version, 4);
  number(listed.length, 8);
  number(keys.length, 8);
  for (const [key, value] of keys) {
    text(key);
    number(value[0], 4);
    put(value);
  }
  let end = 0;
  for (const [name, { dims, type, offset = end }] of listed) {
    text(name);
    number(dims.length, 4);
    for (const dim of dims) number(BigInt.asUintN(64, BigInt(dim)), 8);
    number(type, 4);
    number(offset, 8);
    const dtype = TYPES[type] ?? "F32", count = dims.reduce((a, b) => a * b, 1);
    const { elements, bytes } = isDtype(dtype) ? formats[dtype] : CONVERSIONS[dtype] ?? formats.F32;
    end = Math.ceil((end + Math.ceil(count / elements) * bytes) / align) * align;
  }
  const whole = new Uint8Array(Math.ceil(bytes.length / align) * align + Math.min(end, 1 << 20));
  whole.set(bytes);
  return whole;
}

/** The small llama with changes; undefined leaves something out. */
export function changed(
  metadata: Record<string, Typed | undefined> = {},
  tensors: Record<string, Listed | undefined> = {},
  of: Described = smallLlama(),
): Uint8Array<ArrayBuffer> {
  return writeGguf({ ...of, metadata: { ...of.metadata, ...metadata }, tensors: { ...of.tensors, ...tensors } });
}

/** What opening such a file gives. */
export const openBytes = (bytes: Uint8Array<ArrayBuffer>): Promise<ModelFiles> =>
  openGgufModel(folder({ "model.gguf": bytes }), "model.gguf");

const LETTERS = "abcdefghilmnoprstuwy".split("");

/** A llama of one layer with quantised weights, all there, and a SentencePiece-style tokenizer of 32 tokens. */
export function smallLlama(): Described {
  const bytes = ["<0x0A>", "<0xC3>", "<0xA9>"];
  const tokens = ["<unk>", "<s>", "</s>", ...bytes, "▁", ...LETTERS, "he", "▁t", "▁the", "é", "▁a"];
  const types = tokens.map((_, i) => [2, 3, 3, 6, 6, 6][i] ?? 1);
  return {
    metadata: {
      "general.architecture": [STRING, "llama"],
      "general.alignment": [U32, 32],
      ...sizes("llama"),
      "tokenizer.ggml.model": [STRING, "llama"],
      "tokenizer.ggml.tokens": [ARRAY, tokens, STRING],
      "tokenizer.ggml.scores": [ARRAY, tokens.map((_, i) => -i), F32],
      "tokenizer.ggml.token_type": [ARRAY, types, U32],
      "tokenizer.ggml.bos_token_id": [U32, 1],
      "tokenizer.ggml.eos_token_id": [U32, 2],
      "tokenizer.ggml.unknown_token_id": [U32, 0],
      "tokenizer.chat_template": [STRING, "{{ messages }}"],
      "tokenizer.chat_template.tool_use": [STRING, "{{ tools }}"],
    },
    tensors: matrices(),
  };
}

/** A qwen2 of one layer, as version 2, with a byte-level tokenizer of 32 tokens. */
export function smallQwen(): Described {
  const tokens = ["<|end|>", "<|im_start|>", ...LETTERS, "Ġ", "Ċ", "1", "2", "'", "he", "Ġt", "Ġthe", "12", "!"];
  return {
    version: 2,
    metadata: {
      "general.architecture": [STRING, "qwen2"],
      ...sizes("qwen2"),
      "tokenizer.ggml.model": [STRING, "gpt2"],
      "tokenizer.ggml.pre": [STRING, "qwen2"],
      "tokenizer.ggml.tokens": [ARRAY, tokens, STRING],
      "tokenizer.ggml.token_type": [ARRAY, tokens.map((_, i) => i < 2 ? 3 : 1), U32],
      "tokenizer.ggml.merges": [ARRAY, ["h e", "Ġ t", "Ġt he", "1 2"], STRING],
      "tokenizer.ggml.eos_token_id": [U32, 0],
    },
    tensors: {
      ...matrices(),
      "blk.0.attn_q.bias": { dims: [32], type: 0 },
      "blk.0.attn_k.bias": { dims: [16], type: 0 },
      "blk.0.attn_v.bias": { dims: [16], type: 0 },
      "output.weight": { dims: [32, 32], type: 1 },
    },
  };
}

/** The sizes of both, in the metadata of a file of this architecture. */
export function sizes(architecture: string): Described["metadata"] {
  return Object.fromEntries(
    Object.entries(
      {
        context_length: [U32, 64],
        embedding_length: [U32, 32],
        block_count: [U32, 1],
        feed_forward_length: [U32, 64],
        "attention.head_count": [U32, 2],
        "attention.head_count_kv": [U64, 1],
        "attention.layer_norm_rms_epsilon": [F32, 1e-5],
        "rope.freq_base": [F32, 10000],
      } satisfies Record<string, Typed>,
    ).map(([key, value]) => [`${architecture}.${key}`, value as Typed]),
  );
}

function matrices(): Described["tensors"] {
  return {
    "token_embd.weight": { dims: [32, 32], type: 8 },
    "output_norm.weight": { dims: [32], type: 0 },
    "blk.0.attn_norm.weight": { dims: [32], type: 0 },
    "blk.0.attn_q.weight": { dims: [32, 32], type: 2 },
    "blk.0.attn_k.weight": { dims: [32, 16], type: 2 },
    "blk.0.attn_v.weight": { dims: [32, 16], type: 2 },
    "blk.0.attn_output.weight": { dims: [32, 32], type: 2 },
    "blk.0.ffn_norm.weight": { dims: [32], type: 0 },
    "blk.0.ffn_gate.weight": { dims: [32, 64], type: 2 },
    "blk.0.ffn_up.weight": { dims: [32, 64], type: 2 },
    "blk.0.ffn_down.weight": { dims: [64, 32], type: 8 },
  };
}
