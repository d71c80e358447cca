// One row for each reader of a model's files: how a damaged one is made, opened and used.
import * as assert from "uvu/assert";
import type { ModelConfig } from "../../src/engine/config.ts";
import { bytesOf } from "../../src/engine/dtypes.ts";
import { TYPES } from "../../src/formats/gguf/file.ts";
import { parseConfig } from "../../src/model/config.ts";
import { type ModelFiles, openFolder, openGgufModel } from "../../src/model/open.ts";
import { ggufTokenizer } from "../../src/tokenizer/gguf.ts";
import { SPLITTINGS } from "../../src/tokenizer/splits.ts";
import { changedJson, changedMetadata, damaged, type Roll } from "./damage.ts";
import { modelFolder, readBytes, readJson, repoPath } from "./files.ts";
import {
  ARRAY,
  type Described,
  F32,
  type Listed,
  sizes,
  smallLlama,
  smallQwen,
  STRING,
  type Typed,
  U32,
  writeGguf,
} from "./gguf.ts";
import { file, folder } from "./memory.ts";
import { sentencePiece, special, steps } from "./token-fuzzers.ts";

/** A row. */
export interface Fuzzer {
  readonly name: string;
  /** Damages one, opens it and uses what came of it. @throws what `load` would */
  readonly open: (roll: Roll) => Promise<void>;
}

const TEXT = "the <s> 12 é\n<|im_start|>";

function checkAngles({ ropes, headDim }: ModelConfig): void {
  for (const { frequencies, scale } of ropes) {
    assert.is(frequencies.length, headDim / 2);
    assert.ok(
      frequencies.every((one) => Number.isFinite(one) && one >= 0) && Number.isFinite(scale) && scale > 0,
      `${frequencies}`,
    );
  }
}

/** Uses a model's files as far as that goes without an engine. */
async function use({ config, tokenizer, tensors }: ModelFiles): Promise<void> {
  checkAngles(config);
  assert.type(tokenizer.decode(tokenizer.encode(TEXT)), "string");
  for (const { name, dtype, shape, bytes, read } of tensors.values()) {
    const elements = shape.reduce((product, side) => product * side, 1);
    assert.is(bytes, bytesOf(dtype, elements));
    assert.is((await read()).length, bytes, name);
    assert.is((await read(Math.min(bytes, 7), Math.min(bytes, 99))).length, Math.max(0, Math.min(bytes, 99) - 7), name);
  }
}

/** Opens a file, of which no more may be read than a few times what it has. */
async function openOne(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const source = folder({ "model.gguf": bytes });
  const opened = openGgufModel(source, "model.gguf");
  const bounded = () =>
    assert.ok(source.taken <= 3 * bytes.length + 1000, `${source.taken} bytes read of ${bytes.length}`);
  await opened.then(bounded, bounded);
  await use(await opened);
}

const described = { llama: smallLlama(), qwen2: smallQwen() };

/** Bytes of a file's metadata, names, and some of its data. */
const headerOf = (of: Described) => writeGguf(of).length - writeGguf({ ...of, metadata: {} }).length + 900;

/** Bytes of a file, damaged. */
function plain(of: Described): Fuzzer["open"] {
  const [bytes, header] = [writeGguf(of), headerOf(of)];
  return (roll) => openOne(damaged(bytes, header, roll));
}

/** A llama whose metadata has arrays in arrays. */
function nested(): Described {
  const deep = (left: number): Typed =>
    left === 1 ? [ARRAY, [7, 8], U32] : [ARRAY, [deep(left - 1), [ARRAY, [], U32]], ARRAY];
  return {
    ...described.llama,
    metadata: { "general.deep": deep(8), "general.two": deep(2), ...described.llama.metadata },
  };
}

/** A llama whose rows have 256 weights where they can, in formats that are turned into others: these in turn, from the first or later. */
function turned(first: number): Described {
  const names = "IQ1_S IQ1_M IQ2_XXS IQ2_XS IQ2_S IQ3_XXS IQ3_S TQ1_0 TQ2_0 NVFP4".split(" ");
  const sides: Record<string, [number, number]> = {
    ...{ token_embd: [256, 32], attn_q: [256, 32], attn_k: [256, 16], attn_v: [256, 16], attn_output: [32, 256] },
    ...{ ffn_gate: [256, 256], ffn_up: [256, 256], ffn_down: [256, 256] },
  };
  const tensors = Object.keys(described.llama.tensors).map((name, i): [string, Listed] => {
    const dims: number[] = sides[name.replace(/^blk\.0\.|\.weight$/g, "")] ?? [256];
    const type = dims.length === 1 ? "F64" : dims[0] === 32 ? "MXFP4" : names[(first + i) % names.length];
    return [name, { dims, type: TYPES.indexOf(type) }];
  });
  const [wide, narrow]: Typed[] = [[U32, 256], [U32, 16]];
  const lengths = {
    "llama.embedding_length": wide,
    "llama.feed_forward_length": wide,
    "llama.attention.key_length": narrow,
  };
  const metadata = { ...described.llama.metadata, ...lengths, "llama.attention.value_length": narrow };
  return { metadata, tensors: Object.fromEntries(tensors) };
}
const TURNED = [turned(0), turned(5)].map(plain);

/** The small llama in three parts, one of them damaged, or with other words about parts. */
function split(roll: Roll): Promise<void> {
  const { metadata, tensors } = described.llama;
  const names = Object.keys(tensors);
  const strange = roll(2) === 0 ? roll(3) : -1;
  const files = [names.slice(0, 3), names.slice(3, 7), names.slice(7)].map((list, i) => {
    const parts: Record<string, Typed | undefined> = {
      ...{ "split.no": [U32, i], "split.count": [U32, 3], "split.tensors.count": [U32, names.length] },
    };
    const own = i === strange ? changedMetadata(parts, Object.keys(parts), roll) : parts;
    const known = Object.fromEntries(list.map((name) => [name, tensors[name]]));
    return writeGguf({ metadata: { ...(i === 0 ? metadata : {}), ...own }, tensors: known });
  });
  const at = roll(3);
  if (strange < 0) files[at] = damaged(files[at], at === 0 ? headerOf(described.llama) : 600, roll);
  const named = files.map((bytes, i) => [`m-0000${i + 1}-of-00003.gguf`, bytes] as const);
  return openGgufModel(folder(Object.fromEntries(named)), named[roll(3)][0]).then(use);
}

const OF_TOKENIZERS = ["model", "pre", "tokens", "scores", "token_type", "merges", "bos_token_id", "eos_token_id"]
  .concat(["unknown_token_id", "eot_token_id", "add_bos_token", "add_space_prefix", "eom_token_id"])
  .map((key) => `tokenizer.ggml.${key}`);
const PRES = [...SPLITTINGS.keys()];

/** A tokenizer with other values. */
async function tokenizer(roll: Roll): Promise<void> {
  const of = roll(2) === 0 ? described.llama : described.qwen2;
  const own = Object.fromEntries(Object.entries(of.metadata).filter(([key]) => key.startsWith("tokenizer.")));
  if (own["tokenizer.ggml.pre"]) own["tokenizer.ggml.pre"] = [STRING, PRES[roll(PRES.length)]];
  const metadata = { ...of.metadata, ...own, ...changedMetadata(own, OF_TOKENIZERS, roll) };
  await openOne(writeGguf({ ...of, metadata }));
}

const OF_SIZES = [
  "rope.scaling.type",
  "rope.scaling.factor",
  "rope.scale_linear",
  "rope.scaling.original_context_length",
]
  .concat(["rope.scaling.yarn_beta_fast", "rope.scaling.yarn_beta_slow", "rope.freq_base", "rope.dimension_count"])
  .concat(["attention.sliding_window", "attention.key_length", "attention.value_length", "expert_count", "vocab_size"]);

/** Sizes and rope with other values. */
async function ggufConfig(roll: Roll): Promise<void> {
  const [family, of] = roll(2) === 0 ? ["llama", described.llama] as const : ["qwen2", described.qwen2] as const;
  const kinds: Typed[] = [[STRING, "yarn"], [STRING, "linear"], [STRING, "none"]];
  const own: Described["metadata"] = {
    ...sizes(family),
    [`${family}.rope.scaling.type`]: kinds[roll(3)],
    [`${family}.rope.scaling.factor`]: [F32, 4],
    [`${family}.rope.scaling.original_context_length`]: [U32, 16],
  };
  const changes = changedMetadata(own, OF_SIZES.map((key) => `${family}.${key}`), roll);
  await openOne(writeGguf({ ...of, metadata: { ...of.metadata, ...own, ...changes } }));
}

const rope = await readJson<{ cases: { rope: unknown; max: number }[] }>(repoPath("tests/golden/rope.json"));
const qwen = await readJson(repoPath("tests/golden/models/tiny-qwen3/config.json"));

/** Settings of rope, and a few other lines of config.json, with other values. */
// deno-lint-ignore require-await
async function ropeSettings(roll: Roll): Promise<void> {
  const { rope: rope_parameters, max: max_position_embeddings } = rope.cases[roll(rope.cases.length)];
  const { head_dim, ...config } = changedJson({ rope_parameters, max_position_embeddings, head_dim: 16 }, roll);
  const whole = { ...qwen, ...config, head_dim: roll(8) === 0 ? head_dim : 16 };
  if (roll(4) === 0) [whole.rope_scaling, whole.rope_parameters] = [whole.rope_parameters, undefined];
  checkAngles(parseConfig(whole, {}, roll(4) === 0 ? { ropeLength: 160 } : {}));
}

/** A Llama of one layer, as `quantization_config` describes it, whose tensors are of 8 and 64 bits. */
function eights() {
  const entries: Record<string, { dtype: string; shape: number[]; data_offsets: number[] }> = {};
  let end = 0;
  const add = (name: string, dtype: string, bits: number, ...shape: number[]) => {
    const bytes = shape.reduce((product, side) => product * side, 1) * bits / 8;
    entries[name] = { dtype, shape, data_offsets: [end, end += bytes] };
  };
  const scaled = (name: string, rows: number, columns: number, ...scale: number[]) => {
    add(`${name}.weight`, "F8_E4M3", 8, rows, columns);
    add(`${name}.weight_scale${scale.length === 2 && scale[1] > 1 ? "_inv" : ""}`, "BF16", 16, ...scale);
  };
  add("model.embed_tokens.weight", "BF16", 16, 32, 32);
  add("model.norm.weight", "F64", 64, 32);
  const layer = "model.layers.0";
  for (const name of ["input", "post_attention"]) add(`${layer}.${name}_layernorm.weight`, "F64", 64, 32);
  scaled(`${layer}.self_attn.q_proj`, 32, 32);
  scaled(`${layer}.self_attn.k_proj`, 16, 32, 1);
  scaled(`${layer}.self_attn.v_proj`, 16, 32, 16, 1);
  add(`${layer}.self_attn.k_scale`, "F32", 32, 1);
  scaled(`${layer}.self_attn.o_proj`, 32, 32, 2, 2);
  add(`${layer}.self_attn.o_proj.input_scale`, "F32", 32);
  scaled(`${layer}.mlp.gate_proj`, 64, 32, 4, 2);
  scaled(`${layer}.mlp.up_proj`, 64, 32, 64, 1);
  scaled(`${layer}.mlp.down_proj`, 32, 64, 2, 4);
  const config = {
    ...{ model_type: "llama", hidden_size: 32, intermediate_size: 64, num_hidden_layers: 1, num_attention_heads: 2 },
    ...{
      num_key_value_heads: 1,
      vocab_size: 32,
      rms_norm_eps: 1e-5,
      max_position_embeddings: 64,
      tie_word_embeddings: true,
    },
    ...{ bos_token_id: 1, eos_token_id: 0, dtype: "bfloat16" },
    quantization_config: { quant_method: "fp8", weight_block_size: [16, 16], fmt: "e4m3" },
  };
  return { entries, bytes: end, config };
}

const eight = eights();
const EIGHT_FILE = file(eight.entries, eight.bytes);
const { tokenizer: SMALL_TOKENIZER } = ggufTokenizer(
  new Map(Object.entries(described.qwen2.metadata).map(([key, typed]) => [key, typed![1] as string])),
);

/** Weights of 8 and 64 bits: other bytes, another header, or another config.json. */
async function eightBits(roll: Roll): Promise<void> {
  const kind = roll(4);
  const weights = kind === 0
    ? damaged(EIGHT_FILE, EIGHT_FILE.length - eight.bytes, roll)
    : kind === 1
    ? file(changedJson(eight.entries, roll), eight.bytes)
    : EIGHT_FILE;
  const config = kind < 2
    ? eight.config
    : kind === 2
    ? changedJson(eight.config, roll)
    : { ...eight.config, quantization_config: changedJson(HOW[roll(HOW.length)], roll) };
  const files = { "config.json": JSON.stringify(config), "tokenizer.json": JSON.stringify(SMALL_TOKENIZER) };
  await use(await openFolder(folder({ ...files, "model.safetensors": weights })));
}
const HOW: unknown[] = [eight.config.quantization_config, {
  ...{ quant_method: "compressed-tensors", format: "float-quantized", sparsity_config: {}, transform_config: {} },
  config_groups: {
    group_0: { weights: { num_bits: 8, type: "float", block_structure: [16, 16] }, targets: ["Linear"] },
  },
}, { quant_method: "modelopt", quant_algo: "FP8" }];

/** Bytes of a public kind of file, damaged. */
async function safetensors(): Promise<Fuzzer["open"]> {
  const path = (await modelFolder("tiny-qwen3"))!;
  const [config, tokenizer, weights] = await Promise.all(
    ["config.json", "tokenizer.json", "model.safetensors"].map((name) => readBytes(`${path}/${name}`)),
  );
  const header = 8 + Number(new DataView(weights.buffer, weights.byteOffset).getBigUint64(0, true));
  return async (roll) => {
    const bytes = damaged(weights, header, roll);
    const source = folder({ "config.json": config, "tokenizer.json": tokenizer, "model.safetensors": bytes });
    const opened = await openFolder(source);
    assert.ok(source.taken <= 3 * bytes.length + 1000, `${source.taken} bytes read of ${bytes.length}`);
    assert.type(opened.tokenizer.decode(opened.tokenizer.encode(TEXT)), "string");
  };
}

/** All of them. The first three are the slowest to be drawn up, and have been here longest. */
export const FUZZERS: readonly Fuzzer[] = [
  { name: "gguf, llama", open: plain(described.llama) },
  { name: "gguf, qwen2", open: plain(described.qwen2) },
  { name: "safetensors", open: await safetensors() },
  { name: "gguf, arrays in arrays", open: plain(nested()) },
  { name: "gguf, formats that become others", open: (roll) => TURNED[roll(2)](roll) },
  { name: "gguf, in parts", open: split },
  { name: "gguf, tokenizers", open: tokenizer },
  { name: "gguf, sizes and rope", open: ggufConfig },
  { name: "config.json, rope", open: ropeSettings },
  { name: "safetensors, 8 and 64 bits", open: eightBits },
  { name: "tokenizer.json, steps", open: steps },
  { name: "special tokens", open: special },
  { name: "tokenizer.model", open: sentencePiece },
];
