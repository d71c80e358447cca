// GGUF files that are damaged or lie: the one sentence that says so.
import process from "node:process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formats } from "../../src/engine/dtypes.ts";
import { CONVERSIONS } from "../../src/formats/gguf/conversions.ts";
import { openGguf } from "../../src/formats/gguf/file.ts";
import { Skipped } from "../../src/formats/gguf/reader.ts";
import {
  ARRAY,
  BOOL,
  changed,
  F32,
  openBytes,
  smallLlama,
  smallQwen,
  STRING,
  type Typed,
  U32,
  U64,
  writeGguf,
} from "../support/gguf.ts";
import { folder } from "../support/memory.ts";
import { FILE_CODES, refused } from "../support/refused.ts";

const bad = suite("gguf: refusals");

const TYPES = [...Object.keys(formats), ...Object.keys(CONVERSIONS)].join(", ");
const embedding = "token_embd.weight", q = "blk.0.attn_q.weight";
const lies: [string, Uint8Array<ArrayBuffer>][] = [
  [
    "model.gguf must begin with GGUF, got 0x4d554747",
    (() => {
      const bytes = changed();
      bytes[3] = 0x4d;
      return bytes;
    })(),
  ],
  ["the first word of model.gguf must end within the 3 bytes of model.gguf, got 4", changed().slice(0, 3)],
  ["the version of model.gguf must be 2 or 3, little-endian, got 1", writeGguf({ ...smallLlama(), version: 1 })],
  [
    "the version of model.gguf must be 2 or 3, little-endian, got 50331648",
    writeGguf({
      ...smallLlama(),
      version: 0x03000000,
    }),
  ],
  ["the number of tensors of model.gguf must be at most 65536, got 18446744073709551615", patched(8, 2n ** 64n - 1n)],
  ["the number of metadata keys of model.gguf must be at most 65536, got 4294967296", patched(16, 2n ** 32n)],
  ["the length of metadata key 0 must be at most 65535, got 1000000", patched(24, 1_000_000n)],
  ["general.alignment must be a power of two up to 65536, got 33", changed({ "general.alignment": [U32, 33] })],
  ['general.alignment must be a power of two up to 65536, got "x"', changed({ "general.alignment": [STRING, "x"] })],
  [
    "llama.expert_used_count must be a positive integer up to 512, got nothing",
    changed({ "llama.expert_count": [U32, 8] }),
  ],
  [
    "llama.expert_gating_func must be 1, got 2",
    changed({ "llama.expert_count": [U32, 8], "llama.expert_gating_func": [U32, 2] }),
  ],
  [
    "num_experts_per_tok must be at most 2, the number of experts, got 3",
    changed({ "llama.expert_count": [U32, 2], "llama.expert_used_count": [U32, 3] }),
  ],
  ["qwen2.expert_count must be 0, got 8", changed({ "qwen2.expert_count": [U32, 8] }, {}, smallQwen())],
  ["llama.block_count must be a positive integer up to 1024, got nothing", changed({ "llama.block_count": undefined })],
  [
    "llama.block_count must be a positive integer up to 1024, got 4294967295",
    changed({
      "llama.block_count": [U32, 0xffffffff],
    }),
  ],
  [
    "llama.attention.head_count_kv must be a positive integer up to 4096, got [1,1]",
    changed({
      "llama.attention.head_count_kv": [ARRAY, [1, 1], U32],
    }),
  ],
  [
    "llama.rope.dimension_count must be the 16 of attention.key_length, got 8",
    changed({
      "llama.rope.dimension_count": [U32, 8],
    }),
  ],
  [
    "llama.attention.value_length must be the 16 of attention.key_length, got 32",
    changed({
      "llama.attention.value_length": [U32, 32],
    }),
  ],
  [
    'llama.rope.scaling.type must be none, linear or yarn, got "longrope"',
    changed({ "llama.rope.scaling.type": [STRING, "longrope"] }),
  ],
  [
    "llama.attention.layer_norm_rms_epsilon must be a number above 0, got 0",
    changed({
      "llama.attention.layer_norm_rms_epsilon": [F32, 0],
    }),
  ],
  [
    "the weights must hold tensor blk.1.attn_norm.weight, got none of that name",
    changed({ "llama.block_count": [U32, 2] }),
  ],
  [`the weights must hold tensor ${embedding}, got none of that name`, changed({}, { [embedding]: undefined })],
  [
    `tensor ${embedding} must have shape [32, 32], got [31, 32]`,
    changed({}, { [embedding]: { dims: [32, 31], type: 8 } }),
  ],
  [`tensor ${q} must have shape [32, 32], got [16, 32]`, changed({}, { [q]: { dims: [32, 16], type: 2 } })],
  [
    'tensor output_norm.weight must be F32, F16 or BF16, got "Q8_0"',
    changed({}, {
      "output_norm.weight": { dims: [32], type: 8 },
    }),
  ],
  [
    `the type of tensor ${q} must be one of ${TYPES}, got I8`,
    changed({}, {
      [q]: { dims: [32, 32], type: 24 },
    }),
  ],
  [
    `the rows of tensor ${q} must be whole blocks of 256 elements of IQ2_XXS, got 32`,
    changed({}, { [q]: { dims: [32, 32], type: 16 } }),
  ],
  [
    `the type of tensor ${q} must be one of ${TYPES}, got type 99`,
    changed({}, {
      [q]: { dims: [32, 32], type: 99 },
    }),
  ],
  [
    `the rows of tensor ${q} must be whole blocks of 256 elements of Q4_K, got 32`,
    changed({}, {
      [q]: { dims: [32, 32], type: 12 },
    }),
  ],
  [`tensor ${q} must have 1 to 4 dimensions, got 0`, changed({}, { [q]: { dims: [], type: 0 } })],
  [`tensor ${q} must have 1 to 4 dimensions, got 5`, changed({}, { [q]: { dims: [1, 1, 1, 1, 1], type: 0 } })],
  [
    `dimension 1 of tensor ${q} must be at most 9007199254740991, got 18446744073709551615`,
    changed({}, {
      [q]: { dims: [32, -1], type: 0 },
    }),
  ],
  [
    `the offset of tensor ${q} must be a multiple of 32, got 8`,
    changed({}, { [q]: { dims: [32, 32], type: 2, offset: 8 } }),
  ],
  [
    "the tensors must be those of a llama, got vision.weight",
    changed({}, { "vision.weight": { dims: [32], type: 0 } }),
  ],
  [
    "the tensors must be those of a llama of 1 layers, got blk.1.ffn_up.weight",
    changed({}, {
      "blk.1.ffn_up.weight": { dims: [32, 64], type: 2 },
    }),
  ],
  [
    'tensor rope_freqs.weight must be F32 [8], got "F32 [9]"',
    changed({}, { "rope_freqs.weight": { dims: [9], type: 0 } }),
  ],
  ['tokenizer.ggml.model must be llama or gpt2, got "bert"', changed({ "tokenizer.ggml.model": [STRING, "bert"] })],
  [
    'tokenizer.ggml.pre must be a name that llama.cpp has for byte-level tokens, got "whitespace"',
    changed(
      { "tokenizer.ggml.pre": [STRING, "whitespace"] },
      {},
      smallQwen(),
    ),
  ],
  [
    "tokenizer.ggml.tokens must be a list of strings, got [1,2]",
    changed({
      "llama.vocab_size": [U32, 32],
      "tokenizer.ggml.tokens": [ARRAY, [1, 2], U32],
    }),
  ],
  [
    'tokenizer.ggml.tokens must have every token once, got "a"',
    changed({
      "llama.vocab_size": [U32, 32],
      "tokenizer.ggml.tokens": [ARRAY, ["a", "b", "a"], STRING],
    }),
  ],
  [
    "tokenizer.ggml.scores must have a number for each of 32 tokens, got [0]",
    changed({
      "tokenizer.ggml.scores": [ARRAY, [0], F32],
    }),
  ],
  [
    'tokenizer.ggml.merges must have two tokens each, got "he"',
    changed(
      { "tokenizer.ggml.merges": [ARRAY, ["he"], STRING] },
      {},
      smallQwen(),
    ),
  ],
  ["tokenizer.ggml.add_bos_token must be true or false, got 1", changed({ "tokenizer.ggml.add_bos_token": [U32, 1] })],
];
for (const [rule, bytes] of lies) {
  bad(rule, () => refused(() => openBytes(bytes), `Cannot load model: ${rule}`, FILE_CODES));
}

bad("an architecture that we cannot run", async () => {
  for (const [name, got] of [["mamba", '"mamba"'], ["mistral", '"mistral"'], [undefined, "nothing"]]) {
    await refused(
      () => openBytes(changed({ "general.architecture": name === undefined ? undefined : [STRING, name] })),
      new RegExp(
        `^Cannot load model: general\\.architecture must be one of llama \\(Mistral and Mixtral too\\), .+ and .+, got ${got}$`,
      ),
      FILE_CODES,
    );
  }
});

bad("places that lie", async () => {
  await refused(
    () => openBytes(changed({}, { "blk.0.ffn_down.weight": { dims: [64, 32], type: 8, offset: 2 ** 40 } })),
    /^Cannot load model: tensor blk\.0\.ffn_down\.weight must end within the \d+ bytes of model\.gguf, got 109951\d+$/,
  );
  await refused(
    () => openBytes(changed({}, { [q]: { dims: [32, 32], type: 2, offset: 32 } })),
    /^Cannot load model: tensor .+ must begin at \d+ in model\.gguf or later, after .+, got \d+, an overlap$/,
  );
  const twice = changed({}, { "output_norm.weighs": { dims: [32], type: 0 } });
  const at = new TextDecoder("latin1").decode(twice).indexOf("output_norm.weighs");
  twice[at + 17] = "t".charCodeAt(0);
  await refused(
    () => openBytes(twice),
    'Cannot load model: the tensors of model.gguf must have different names, got "output_norm.weight"',
  );
});

bad("arrays that lie", async () => {
  const bytes = changed();
  const key = new TextDecoder("latin1").decode(bytes).indexOf("tokenizer.ggml.scores") + "tokenizer.ggml.scores".length;
  const lie = (at: number, value: bigint, width: 4 | 8) => {
    const copy = bytes.slice(), view = new DataView(copy.buffer);
    if (width === 8) view.setBigUint64(key + at, value, true);
    else view.setUint32(key + at, Number(value), true);
    return () => openBytes(copy);
  };
  const what = "tokenizer.ggml.scores";
  await refused(
    lie(8, 2n ** 60n, 8),
    `Cannot load model: ${what} must end within the ${bytes.length} bytes of model.gguf, got 4611686018427389000`,
  );
  await refused(
    lie(8, 1_000_000n, 8),
    new RegExp(`^Cannot load model: ${what} must end within the ${bytes.length} bytes of model.gguf, got 400\\d+$`),
  );
  await refused(lie(4, 9n, 4), `Cannot load model: ${what} must be a list of numbers or strings, got one of lists`);
  await refused(lie(4, 77n, 4), `Cannot load model: the element type of ${what} must be one of GGUF's 0 to 12, got 77`);
  await refused(lie(0, 13n, 4), `Cannot load model: the type of ${what} must be one of GGUF's 0 to 12, got 13`);
});

bad("arrays that nobody asks for are gone over, eight deep at most", async () => {
  const deep = (left: number): Typed => left === 1 ? [ARRAY, [7], U32] : [ARRAY, [deep(left - 1)], ARRAY];
  const nested: Typed = [ARRAY, [[ARRAY, [1, 2], U32], [ARRAY, [], U32], [ARRAY, ["é"], STRING], deep(3)], ARRAY];
  const file = folder({ "model.gguf": changed({ "general.nested": nested, "general.deep": deep(8) }) });
  const { metadata } = await openGguf(file, "model.gguf");
  assert.equal(metadata.get("general.nested"), new Skipped(4));
  assert.equal(metadata.get("general.deep"), new Skipped(1));
  await openBytes(changed({ "general.nested": nested })); // and the model loads
  const rule = "Cannot load model: arrays in general.deep must lie at most 8 deep, got more";
  await refused(() => openBytes(changed({ "general.deep": deep(9) })), rule);
  await refused(() => openBytes(changed({ "tokenizer.ggml.tokens": nested })), /^Cannot load model: [^\n]+, got /);
});

/** The small llama behind one more key: an array of so many bytes, all 0, which is as many elements as these make. */
function swollen(type: number, width: number, bytes: number): Uint8Array<ArrayBuffer> {
  const small = changed(), key = new TextEncoder().encode("general.a12345"); // a length that leaves the data aligned
  const out = new Uint8Array(small.length + 8 + key.length + 16 + bytes), view = new DataView(out.buffer);
  out.set(small.subarray(0, 24));
  view.setBigUint64(16, view.getBigUint64(16, true) + 1n, true);
  view.setBigUint64(24, BigInt(key.length), true);
  out.set(key, 32);
  view.setUint32(32 + key.length, ARRAY, true);
  view.setUint32(36 + key.length, type, true);
  view.setBigUint64(40 + key.length, BigInt(bytes / width), true);
  out.set(small.subarray(24), 48 + key.length + bytes);
  return out;
}

bad("a header of 34 MB takes little more memory than itself, whatever is in it", async () => {
  const bytes = 34_560_000; // whole elements of each kind, and whole alignments
  for (const [type, width] of [[STRING, 8], [ARRAY, 12], [U32, 4], [F32, 4], [BOOL, 1], [0, 1], [U64, 8]]) {
    const source = folder({ "model.gguf": swollen(type, width, bytes) });
    const before = process.memoryUsage.rss(), began = performance.now();
    const { metadata } = await openGguf(source, "model.gguf");
    const grown = process.memoryUsage.rss() - before, ms = performance.now() - began;
    console.log(`    type ${type}: ${(grown / 1e6).toFixed(0)} MB more, ${ms.toFixed(0)} ms`);
    assert.equal(metadata.get("general.a12345"), new Skipped(bytes / width));
    assert.ok(grown < 250e6, `${grown} bytes`); // what is read doubles: its pieces, and their sum
  }
});

bad("a file cut anywhere", async () => {
  const whole = changed({ "tokenizer.ggml.add_bos_token": [BOOL, true], "general.count": [U64, 3] });
  await openBytes(whole);
  for (let size = 0; size < whole.length; size += size < 3000 ? 1 : 97) {
    await refused(() => openBytes(whole.slice(0, size)), /^Cannot load model: [^\n]+, got [^\n]+$/);
  }
});

bad.run();

/** The small llama with a 64-bit number in place of what the header has at `at`. */
function patched(at: number, value: bigint): Uint8Array<ArrayBuffer> {
  const bytes = changed();
  new DataView(bytes.buffer).setBigUint64(at, value, true);
  return bytes;
}
