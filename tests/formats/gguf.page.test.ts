import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Architecture, ARCHITECTURES } from "../../src/engine/config.ts";
import { formats } from "../../src/engine/dtypes.ts";
import { CONVERSIONS } from "../../src/formats/gguf/conversions.ts";
import { TYPES } from "../../src/formats/gguf/file.ts";
import { ggufName, namedTensors } from "../../src/formats/gguf/names.ts";
import { parseConfig } from "../../src/model/config.ts";
import { FAMILIES } from "../../src/model/families.ts";
import { tensorShapes } from "../../src/model/layout.ts";
import { openGgufModel, openModel } from "../../src/model/open.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import type { Source } from "../../src/files/source.ts";
import { inBrowser, listGolden } from "../support/files.ts";
import { changed, F32, openBytes, sizes, smallLlama, smallQwen, STRING, type Typed, U32 } from "../support/gguf.ts";
import { refused } from "../support/refused.ts";

const format = suite("gguf: what a file says");

/** What files of a family say beyond what all do: in config.json's words, and in GGUF's. */
const MORE: Partial<Record<Architecture, [json: Record<string, unknown>, metadata: Record<string, Typed>]>> = {
  granite: [
    { embedding_multiplier: 12, residual_multiplier: 0.25, attention_multiplier: 0.125, logits_scaling: 8 },
    {
      "granite.embedding_scale": [F32, 12],
      "granite.residual_scale": [F32, 0.25],
      "granite.attention.scale": [F32, 0.125],
      "granite.logit_scale": [F32, 8],
    },
  ],
  qwen3_moe: [
    { num_experts: 3, num_experts_per_tok: 2, moe_intermediate_size: 48, norm_topk_prob: true },
    {
      "qwen3moe.expert_count": [U32, 3],
      "qwen3moe.expert_used_count": [U32, 2],
      "qwen3moe.expert_feed_forward_length": [U32, 48],
    },
  ],
  gemma2: [
    { query_pre_attn_scalar: 16, attn_logit_softcapping: 20, final_logit_softcapping: 10, sliding_window: 12 },
    {
      "gemma2.attn_logit_softcapping": [F32, 20],
      "gemma2.final_logit_softcapping": [F32, 10],
      "gemma2.attention.sliding_window": [U32, 12],
    },
  ],
  gemma3_text: [
    { query_pre_attn_scalar: 16, rope_local_base_freq: 5000, sliding_window: 12, sliding_window_pattern: 2 },
    {
      "gemma3.rope.freq_base_swa": [F32, 5000],
      "gemma3.attention.sliding_window": [U32, 12],
      "gemma3.attention.sliding_window_pattern": [U32, 2],
    },
  ],
};

for (const family of ARCHITECTURES.filter((family) => FAMILIES[family].ggufRows !== null)) {
  format(`a ${family} says what its config.json would say`, async () => {
    const [json, metadata] = MORE[family] ?? [{}, {}];
    const expected = parseConfig({
      model_type: family,
      num_hidden_layers: 4,
      hidden_size: 32,
      intermediate_size: 64,
      num_attention_heads: 2,
      num_key_value_heads: 1,
      head_dim: 16,
      vocab_size: 32,
      rms_norm_eps: Math.fround(1e-5),
      rope_theta: 10000,
      max_position_embeddings: 64,
      tie_word_embeddings: true,
      bos_token_id: 1,
      eos_token_id: 2,
      ...json,
    });
    const called = FAMILIES[family].ggufName ?? family;
    const layers: Typed = [U32, 4], named: Typed = [STRING, called];
    const said = { ...sizes(called), ...metadata, [`${called}.block_count`]: layers, "general.architecture": named };
    const shapes = fusedIn(family, [...tensorShapes(expected)]);
    const tensors = shapes.map(([name, shape]) => [ggufName(expected, name), { dims: shape.toReversed(), type: 0 }]);
    const file = changed(said, Object.fromEntries(tensors), { ...smallLlama(), tensors: {} });
    assert.equal((await openBytes(file)).config, expected);
  });
}

/** The tensors of a family as its files have them: a Phi's q, k and v are one, and its gate and up; and all experts' of a layer. */
function fusedIn(family: string, shapes: [string, number[]][]): [string, number[]][] {
  if (family === "qwen3_moe") {
    const others = shapes.filter(([name]) => !/\.experts\.[12]\./.test(name));
    return others.map(([name, shape]) => [name, name.includes(".experts.") ? [3, ...shape] : shape]);
  }
  if (family !== "phi3") return shapes;
  return shapes.flatMap(([name, [rows, ...columns]]): [string, number[]][] => {
    if (/\.(k|v|gate)_proj\./.test(name)) return [];
    if (name.includes(".q_proj.")) return [[name.replace("q_proj", "qkv_proj"), [2 * rows, ...columns]]]; // two heads and one
    return [[name, [name.includes(".up_proj.") ? 2 * rows : rows, ...columns]]];
  });
}

format("a llama with experts is a Mixtral, whose experts are one tensor each or all in one", async () => {
  const experts: [string, Typed][] = [["llama.expert_count", [U32, 2]], ["llama.expert_used_count", [U32, 1]]];
  const { tensors: own } = smallLlama();
  const [, { dims: [hidden, width] }] = Object.entries(own).find(([name]) => name === "blk.0.ffn_gate.weight")! as [
    string,
    { dims: number[] },
  ];
  const parts = { gate: [hidden, width], up: [hidden, width], down: [width, hidden] };
  const layers = Object.keys(own).filter((name) => name.endsWith(".ffn_gate.weight")).length;
  const open = (each: boolean) => {
    const tensors: Parameters<typeof changed>[1] = {};
    for (let i = 0; i < layers; i++) {
      for (const [part, dims] of Object.entries(parts)) {
        tensors[`blk.${i}.ffn_${part}.weight`] = undefined;
        if (!each) tensors[`blk.${i}.ffn_${part}_exps.weight`] = { dims: [...dims, 2], type: 0 };
        else for (const e of [0, 1]) tensors[`blk.${i}.ffn_${part}.${e}.weight`] = { dims, type: 0 };
      }
      tensors[`blk.${i}.ffn_gate_inp.weight`] = { dims: [hidden, 2], type: 0 };
    }
    return openBytes(changed(Object.fromEntries(experts), tensors));
  };
  for (const each of [false, true]) {
    const { config, tensors } = await open(each);
    assert.equal([config.architecture, config.intermediate], ["mixtral", 0]);
    const all = new Array<boolean>(layers).fill(true);
    assert.equal(config.experts, { count: 2, used: 1, width, normed: true, layers: all });
    assert.equal([...tensors.keys()], [...tensorShapes(config).keys()]);
  }
});

format("a llama: tensors, tokenizer, template", async () => {
  const { config, tokenizer, tensors, chatTemplate, toolTemplate } = await openBytes(changed());
  assert.equal([chatTemplate, toolTemplate], ["{{ messages }}", "{{ tools }}"]);
  assert.equal([...tensors.keys()], [...tensorShapes(config).keys()]);
  // ▁the, ▁, h, é by its piece, an unknown letter by its bytes, which are no tokens: <unk>; newline by its byte.
  const shown = (text: string, options = {}) => tokenizer.encode(text, options).map((id) => tokenizer.decode([id]));
  assert.equal(shown("the"), ["the"]);
  assert.equal(tokenizer.encode("a", { bos: true })[0], 1);
  assert.is(tokenizer.decode(tokenizer.encode("the he\né")), "the he\né");
  assert.equal(tokenizer.encode("<s>"), [1]);
});

format("a qwen2 of version 2: biases, an untied head, byte-level tokens", async () => {
  const { config, tokenizer, tensors, chatTemplate } = await openBytes(changed({}, {}, smallQwen()));
  assert.equal([config.qkvBias, config.tied, config.bosId, config.eosIds], [true, false, null, [0]]);
  assert.is(tensors.get("lm_head.weight")!.dtype, "F16");
  assert.is(chatTemplate, null);
  const ids = tokenizer.encode(" the12\n<|im_start|>");
  assert.equal(ids.map((id) => tokenizer.decode([id])), [" the", "1", "2", "\n", "<|im_start|>"]);
});

format("a name with a line break is shown in one line", () =>
  refused(
    () => openBytes(changed({}, { "blk\n0.x": { dims: [32], type: 0 } })),
    "Cannot load model: the tensors must be those of a llama, got blk\\u000a0.x",
  ));

format("names go there and back", async () => {
  const config = {
    ...(await openBytes(changed())).config,
    qkNorm: "each head" as const,
    qkvBias: true,
    mlpBias: true,
    tied: false,
  };
  const names = [...tensorShapes(config).keys()].map((name) => ggufName(config, name));
  assert.is(new Set(names).size, names.length);
  for (const name of ["token_embd.weight", "output.weight", "blk.0.attn_q_norm.weight", "blk.0.ffn_down.bias"]) {
    assert.ok(names.includes(name), name);
  }
});

format("a window where the family has none is refused", async () => {
  const [window, named]: Typed[] = [[U32, 12], [STRING, "olmo2"]];
  const said = { ...sizes("olmo2"), "olmo2.attention.sliding_window": window, "general.architecture": named };
  const rule = "Cannot load model: olmo2.attention.sliding_window must be 0, got 12";
  await refused(() => openBytes(changed(said)), rule);
});

format("window, rope, biases, ends", async () => {
  const of = async (metadata: Record<string, Typed | undefined>, tensors = {}) =>
    (await openBytes(changed(metadata, tensors))).config;
  const windowed = await of({ "llama.attention.sliding_window": [U32, 12] });
  assert.equal([windowed.architecture, windowed.windows], ["mistral", [12]]);
  const plain = (await of({})).ropes[0].frequencies;
  const linear = await of({ "llama.rope.scaling.type": [STRING, "linear"], "llama.rope.scaling.factor": [F32, 4] });
  assert.equal(linear.ropes[0].frequencies, plain.map((value) => value / 4));
  assert.equal(
    (await of({ "llama.rope.scale_linear": [F32, 2] })).ropes[0].frequencies,
    plain.map((value) => value / 2),
  );
  const biased = await of({}, { "blk.0.attn_output.bias": { dims: [32], type: 0 } });
  assert.equal([biased.oBias, biased.qkvBias], [true, false]);
  const ends = { "tokenizer.ggml.eot_token_id": [U32, 7] as Typed, "tokenizer.ggml.eom_token_id": [U32, 2] as Typed };
  assert.equal((await of(ends)).eosIds, [2, 7]);
});

format("rotary factors divide", async () => {
  const bytes = changed({}, { "rope_freqs.weight": { dims: [8], type: 0 } });
  await refused(() => openBytes(bytes), "Cannot load model: the factors of rope_freqs.weight must be above 0, got 0");
  const factors = Float32Array.of(1, 1, 1, 1, 2, 4, 8, 8);
  const at = bytes.length - 32; // the last tensor of the file
  bytes.set(new Uint8Array(factors.buffer), at);
  const plain = (await openBytes(changed())).config.ropes[0].frequencies;
  assert.equal((await openBytes(bytes)).config.ropes[0].frequencies, plain.map((value, i) => value / factors[i]));
  bytes.set(new Uint8Array(factors.fill(2 ** -140).buffer), at);
  const rule = "Cannot load model: the factors of rope_freqs.weight must leave frequencies finite, got ";
  await refused(() => openBytes(bytes), `${rule}${2 ** -140}`);
});

format("rows of q and k in Hugging Face's order, whatever the slice", async () => {
  // Two heads of 16 rows, 8 bytes a row: row r of the file holds r.
  const config = (await openBytes(changed())).config;
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
  await refused(() => openModel(none), /^Cannot load model: .+ must (have the file .+|be a file of the model), got /);
});

format("every format that is read has a number in GGUF, and no other", () => {
  for (const dtype of Object.keys({ ...formats, ...CONVERSIONS })) {
    assert.is(TYPES.filter((type) => type === dtype).length, 1, dtype);
  }
});
format.run();
