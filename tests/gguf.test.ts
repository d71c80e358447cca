import { suite } from "uvu";
import * as assert from "uvu/assert";
import { formats } from "../src/model/formats.ts";
import { ggufName, namedTensors } from "../src/model/gguf/names.ts";
import { tensorShapes } from "../src/model/layout.ts";
import { openGgufModel, openModel } from "../src/model/open.ts";
import type { Tensor } from "../src/model/safetensors.ts";
import type { Source } from "../src/model/source.ts";
import { inBrowser, listGolden } from "./files.ts";
import {
  ARRAY,
  BOOL,
  type Described,
  F32,
  type Listed,
  smallLlama,
  smallQwen,
  STRING,
  type Typed,
  U32,
  U64,
  writeGguf,
} from "./gguf.ts";
import { folder } from "./memory.ts";
import { refused } from "./refused.ts";

/** The small llama with changes; undefined leaves something out. */
function changed(
  metadata: Record<string, Typed | undefined> = {},
  tensors: Record<string, Listed | undefined> = {},
  of: Described = smallLlama(),
): Uint8Array<ArrayBuffer> {
  return writeGguf({ ...of, metadata: { ...of.metadata, ...metadata }, tensors: { ...of.tensors, ...tensors } });
}
const open = (bytes: Uint8Array<ArrayBuffer>) => openGgufModel(folder({ "model.gguf": bytes }), "model.gguf");

const format = suite("gguf: what a file says");

format("a llama: config, tokenizer, template", async () => {
  const { config, tokenizer, tensors, chatTemplate } = await open(changed());
  const { rope, ...rest } = config;
  assert.equal(rest, {
    architecture: "llama",
    layers: 1,
    hidden: 32,
    intermediate: 64,
    heads: 2,
    kvHeads: 1,
    headDim: 16,
    vocab: 32,
    rmsEps: Math.fround(1e-5),
    tied: true,
    qkNorm: false,
    qkvBias: false,
    oBias: false,
    mlpBias: false,
    windows: [0],
    maxPositions: 64,
    bosId: 1,
    eosIds: [2],
  });
  assert.equal(rope[4], Math.fround(0.01));
  assert.is(chatTemplate, "{{ messages }}");
  assert.equal([...tensors.keys()], [...tensorShapes(config).keys()]);
  // ▁the, ▁, h, é by its piece, an unknown letter by its bytes, which are no tokens: <unk>; newline by its byte.
  const shown = (text: string, options = {}) => tokenizer.encode(text, options).map((id) => tokenizer.decode([id]));
  assert.equal(shown("the"), ["the"]);
  assert.equal(tokenizer.encode("a", { bos: true })[0], 1);
  assert.is(tokenizer.decode(tokenizer.encode("the he\né")), "the he\né");
  assert.equal(tokenizer.encode("<s>"), [1]);
});

format("a qwen2 of version 2: biases, an untied head, byte-level tokens", async () => {
  const { config, tokenizer, tensors, chatTemplate } = await open(changed({}, {}, smallQwen()));
  assert.equal([config.qkvBias, config.tied, config.bosId, config.eosIds], [true, false, null, [0]]);
  assert.is(tensors.get("lm_head.weight")!.dtype, "F16");
  assert.is(chatTemplate, null);
  const ids = tokenizer.encode(" the12\n<|im_start|>");
  assert.equal(ids.map((id) => tokenizer.decode([id])), [" the", "1", "2", "\n", "<|im_start|>"]);
});

format("a name with a line break is shown in one line", () =>
  refused(
    () => open(changed({}, { "blk\n0.x": { dims: [32], type: 0 } })),
    "Cannot load model: the tensors must be those of a llama, got blk\\u000a0.x",
  ));

format("names go there and back", async () => {
  const config = { ...(await open(changed())).config, qkNorm: true, qkvBias: true, mlpBias: true, tied: false };
  const names = [...tensorShapes(config).keys()].map(ggufName);
  assert.is(new Set(names).size, names.length);
  for (const name of ["token_embd.weight", "output.weight", "blk.0.attn_q_norm.weight", "blk.0.ffn_down.bias"]) {
    assert.ok(names.includes(name), name);
  }
});

format("window, rope, biases, ends", async () => {
  const of = async (metadata: Record<string, Typed | undefined>, tensors = {}) =>
    (await open(changed(metadata, tensors))).config;
  const windowed = await of({ "llama.attention.sliding_window": [U32, 12] });
  assert.equal([windowed.architecture, windowed.windows], ["mistral", [12]]);
  const plain = (await of({})).rope;
  const linear = await of({ "llama.rope.scaling.type": [STRING, "linear"], "llama.rope.scaling.factor": [F32, 4] });
  assert.equal(linear.rope, plain.map((value) => value / 4));
  assert.equal((await of({ "llama.rope.scale_linear": [F32, 2] })).rope, plain.map((value) => value / 2));
  const biased = await of({}, { "blk.0.attn_output.bias": { dims: [32], type: 0 } });
  assert.equal([biased.oBias, biased.qkvBias], [true, false]);
  const ends = { "tokenizer.ggml.eot_token_id": [U32, 7] as Typed, "tokenizer.ggml.eom_token_id": [U32, 2] as Typed };
  assert.equal((await of(ends)).eosIds, [2, 7]);
});

format("rotary factors divide", async () => {
  const bytes = changed({}, { "rope_freqs.weight": { dims: [8], type: 0 } });
  await refused(() => open(bytes), "Cannot load model: the factors of rope_freqs.weight must be above 0, got 0");
  const factors = Float32Array.of(1, 1, 1, 1, 2, 4, 8, 8);
  const at = bytes.length - 32; // the last tensor of the file
  bytes.set(new Uint8Array(factors.buffer), at);
  const plain = (await open(changed())).config.rope;
  assert.equal((await open(bytes)).config.rope, plain.map((value, i) => value / factors[i]));
});

format("rows of q and k in Hugging Face's order, whatever the slice", async () => {
  // Two heads of 16 rows, 8 bytes a row: row r of the file holds r.
  const config = (await open(changed())).config;
  const stored = Uint8Array.from({ length: 32 * 8 }, (_, i) => i >> 3);
  const tensor: Tensor = {
    ...{ name: "q", dtype: "F32", shape: [32, 2], bytes: stored.length },
    read: (from = 0, to = stored.length) => Promise.resolve(stored.slice(from, to)),
  };
  const read = (interleaved: boolean, part: string) =>
    namedTensors(config, interleaved, new Map([[`blk.0.attn_${part}.weight`, tensor]]))
      .get(`model.layers.0.self_attn.${part}_proj.weight`)!;
  // The converter's words: reshape(heads, 2, d / 2).swapaxes(1, 2), so that place 2·j + h of a head holds row h·d/2 + j.
  const expected = new Uint8Array(32 * 8);
  for (let head = 0; head < 2; head++) {
    for (let h = 0; h < 2; h++) {
      for (let j = 0; j < 8; j++) {
        const row = head * 16 + h * 8 + j;
        expected.fill(head * 16 + 2 * j + h, row * 8, (row + 1) * 8);
      }
    }
  }
  for (const part of ["q", "k"]) {
    assert.equal(await read(true, part).read(), expected);
    for (const [from, to] of [[0, 8], [8, 24], [120, 136], [40, 256], [56, 56]]) {
      assert.equal(await read(true, part).read(from, to), expected.slice(from, to));
    }
    assert.equal(await read(false, part).read(), stored);
  }
  assert.equal(await read(true, "v").read(), stored);
});

format("a file beyond 4 GiB is read by ranges", async () => {
  const far = 5 * 2 ** 30; // bytes
  const header = changed({}, { "output.weight": { dims: [32, 32], type: 0, offset: far } });
  const size = far + 2 ** 20;
  const asked: [number, number][] = [];
  const source: Source = {
    name: "far",
    has: () => Promise.resolve(true),
    size: () => Promise.resolve(size),
    text: () => Promise.reject(new Error("no text")),
    read(_, begin, end) {
      asked.push([begin, end]);
      const bytes = new Uint8Array(end - begin);
      bytes.set(header.subarray(begin, end));
      return Promise.resolve(bytes);
    },
  };
  const { tensors } = await openGgufModel(source, "far.gguf");
  await tensors.get("lm_head.weight")!.read(128, 256);
  const [from, to] = asked.at(-1)!;
  assert.ok(from > far && to - from === 128, `${from} to ${to}`);
  assert.ok(asked.every(([begin, end]) => end - begin <= 2 ** 20), "never more than a megabyte at once");
});

format("real files, by path and by URL", async () => {
  const { json } = (await listGolden("gguf")).find(({ name }) => name === "fable-2m-Q8_0")!;
  const path = json.replace(/json$/, "gguf");
  const { config, tensors } = await openModel(path);
  assert.equal([config.layers, config.tied, config.vocab], [5, true, 2048]);
  assert.is(tensors.get("model.embed_tokens.weight")!.dtype, "Q8_0");
  if (inBrowser) assert.is((await openModel(new URL(`${path}?download=true`))).config.layers, 5);
  else assert.is((await openModel(new URL(`file://${path}`))).config.layers, 5);
  const none = path.replace("fable", "no");
  await refused(() => openModel(none), /^Cannot load model: .+ must (have the file|be a file of the model).+, got /);
});

format.run();

const bad = suite("gguf: refusals");

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
    'general.architecture must be one of llama (Mistral too), qwen2 and qwen3, got "gemma2"',
    changed({
      "general.architecture": [STRING, "gemma2"],
    }),
  ],
  [
    "general.architecture must be one of llama (Mistral too), qwen2 and qwen3, got nothing",
    changed({
      "general.architecture": undefined,
    }),
  ],
  ["llama.expert_count must be 0, got 8", changed({ "llama.expert_count": [U32, 8] })],
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
    'llama.rope.scaling.type must be none or linear, got "yarn"',
    changed({ "llama.rope.scaling.type": [STRING, "yarn"] }),
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
    `the type of tensor ${q} must be one of ${Object.keys(formats).join(", ")}, got IQ2_XXS`,
    changed({}, {
      [q]: { dims: [32, 32], type: 16 },
    }),
  ],
  [
    `the type of tensor ${q} must be one of ${Object.keys(formats).join(", ")}, got type 99`,
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
    'tokenizer.ggml.pre must be one of default, gpt-2, smollm, llama-bpe, qwen2, got "tekken"',
    changed(
      { "tokenizer.ggml.pre": [STRING, "tekken"] },
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
for (const [rule, bytes] of lies) bad(rule, () => refused(() => open(bytes), `Cannot load model: ${rule}`));

bad("places that lie", async () => {
  await refused(
    () => open(changed({}, { "blk.0.ffn_down.weight": { dims: [64, 32], type: 8, offset: 2 ** 40 } })),
    /^Cannot load model: tensor blk\.0\.ffn_down\.weight must end within the \d+ bytes of model\.gguf, got 109951\d+$/,
  );
  await refused(
    () => open(changed({}, { [q]: { dims: [32, 32], type: 2, offset: 32 } })),
    /^Cannot load model: tensor .+ must begin at \d+ in model\.gguf or later, after .+, got \d+, an overlap$/,
  );
  const twice = changed({}, { "output_norm.weighs": { dims: [32], type: 0 } });
  const at = new TextDecoder("latin1").decode(twice).indexOf("output_norm.weighs");
  twice[at + 17] = "t".charCodeAt(0);
  await refused(
    () => open(twice),
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
    return () => open(copy);
  };
  const what = "tokenizer.ggml.scores";
  await refused(
    lie(8, 2n ** 60n, 8),
    `Cannot load model: the number of elements of ${what} must be at most 4194304, got 1152921504606846976`,
  );
  await refused(
    lie(8, 4_000_000n, 8),
    new RegExp(`^Cannot load model: ${what} must end within the ${bytes.length} bytes of model.gguf, got 1600\\d+$`),
  );
  await refused(lie(4, 9n, 4), `Cannot load model: the elements of ${what} must be numbers or strings, got arrays`);
  await refused(lie(4, 77n, 4), `Cannot load model: the element type of ${what} must be one of GGUF's 0 to 12, got 77`);
  await refused(lie(0, 13n, 4), `Cannot load model: the type of ${what} must be one of GGUF's 0 to 12, got 13`);
});

bad("a file cut anywhere", async () => {
  const whole = changed({ "tokenizer.ggml.add_bos_token": [BOOL, true], "general.count": [U64, 3] });
  await open(whole);
  for (let size = 0; size < whole.length; size += size < 3000 ? 1 : 97) {
    await refused(() => open(whole.slice(0, size)), /^Cannot load model: [^\n]+, got [^\n]+$/);
  }
});

bad.run();

/** The small llama with a 64-bit number in place of what the header has at `at`. */
function patched(at: number, value: bigint): Uint8Array<ArrayBuffer> {
  const bytes = changed();
  new DataView(bytes.buffer).setBigUint64(at, value, true);
  return bytes;
}
