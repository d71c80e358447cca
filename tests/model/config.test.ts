import { suite } from "uvu";
import * as assert from "uvu/assert";
import { type Architecture, ARCHITECTURES, type ModelConfig } from "../../src/engine/config.ts";
import { parseConfig } from "../../src/model/config.ts";
import { listGolden, modelFolder, readJson } from "../support/files.ts";
import { FILE_CODES, refused } from "../support/refused.ts";

const llama = {
  model_type: "llama",
  architectures: ["LlamaForCausalLM"],
  hidden_size: 64,
  intermediate_size: 160,
  num_hidden_layers: 4,
  num_attention_heads: 8,
  vocab_size: 512,
  eos_token_id: 2,
};
const as = (type: Architecture, more: Record<string, unknown> = {}) => {
  return { ...llama, model_type: type, architectures: [`${type}ForCausalLM`], num_key_value_heads: 2, ...more };
};

const families = suite("config: families");

families("every family has a recorded model", async () => {
  const recorded = new Set<string>();
  for (const { json } of await listGolden("hf")) {
    const folder = await modelFolder((await readJson<{ model: string }>(json)).model);
    if (folder) recorded.add(parseConfig(await readJson(`${folder}/config.json`)).architecture);
  }
  assert.equal([...recorded].sort(), [...ARCHITECTURES].sort());
});

families("what config.json leaves out is what transformers takes for granted", () => {
  const { ropes, ...rest } = parseConfig(llama);
  assert.equal(ropes.map(({ scale }) => scale), [1]);
  assert.equal(ropes.map(({ frequencies }) => frequencies.length), [4]);
  assert.equal(
    rest satisfies Omit<ModelConfig, "ropes">,
    {
      architecture: "llama",
      layers: 4,
      hidden: 64,
      intermediate: 160,
      experts: null,
      heads: 8,
      kvHeads: 8,
      headDim: 8,
      rotaryDim: 8,
      layerRopes: [0, 0, 0, 0],
      ...{
        embeddingScale: 1,
        residualScale: 1,
        attentionScale: 1 / Math.sqrt(8),
        logitScale: 1,
        scoreCap: 0,
        logitCap: 0,
      },
      vocab: 512,
      rmsEps: 1e-6,
      tied: false,
      qkNorm: "none",
      norms: "before",
      activation: "silu",
      qkvBias: false,
      oBias: false,
      mlpBias: false,
      windows: [0, 0, 0, 0],
      maxPositions: 2048,
      bosId: 1,
      eosIds: [2],
    },
  );
  const absent = { partial_rotary_factor: 0.5, rms_norm_eps: undefined, eos_token_id: undefined, vocab_size: 32064 };
  const phi = parseConfig({ ...as("phi3"), ...absent });
  assert.equal([phi.rotaryDim, phi.rmsEps, phi.maxPositions, phi.eosIds], [4, 1e-5, 4096, [32000]]);
  assert.equal([...phi.ropes[0].frequencies], [1, Math.fround(0.01), 0, 0]);
  const mistral = parseConfig({ ...as("mistral"), num_key_value_heads: undefined });
  assert.equal([mistral.kvHeads, mistral.maxPositions, mistral.windows[0]], [8, 131072, 4096]);
  const qwen3 = parseConfig({ ...as("qwen3"), eos_token_id: undefined });
  assert.equal([qwen3.headDim, qwen3.bosId, qwen3.eosIds.length], [128, null, 0]);
});

families("null heads and head_dim follow from the others", () => {
  const config = parseConfig(as("qwen3", { num_key_value_heads: null, head_dim: null }));
  assert.equal([config.kvHeads, config.headDim], [8, 8]);
});

families("biases and norms", () => {
  const flags = (config: unknown) => {
    const { qkvBias, oBias, mlpBias, qkNorm, tied } = parseConfig(config);
    return [qkvBias, oBias, mlpBias, qkNorm !== "none", tied].map(Number).join("");
  };
  const every = { attention_bias: true, mlp_bias: true, tie_word_embeddings: true };
  assert.is(flags(as("llama", every)), "11101");
  assert.is(flags(as("llama")), "00000");
  assert.is(flags(as("mistral", every)), "00001"); // its layers have no biases, whatever the file says
  assert.is(flags(as("qwen2", every)), "10001");
  assert.is(flags(as("qwen2")), "10000");
  assert.is(flags(as("qwen3", every)), "11011");
  assert.is(flags(as("qwen3")), "00010");
});

families("model_type or architectures may stand alone", () => {
  assert.is(parseConfig({ ...as("qwen2"), architectures: undefined }).architecture, "qwen2");
  assert.is(parseConfig({ ...as("mistral"), model_type: undefined }).architecture, "mistral");
  assert.is(parseConfig({ ...llama, architectures: ["LLaMAForCausalLM"] }).architecture, "llama");
});

families("ends of both files are merged", () => {
  assert.equal(parseConfig({ ...llama, eos_token_id: [7, 2] }, { eos_token_id: [2, 5] }).eosIds, [2, 5, 7]);
  assert.equal(parseConfig({ ...llama, eos_token_id: undefined }, { eos_token_id: 5 }).eosIds, [5]);
  assert.equal(parseConfig({ ...llama, eos_token_id: null }, null).eosIds, []);
  assert.equal(parseConfig({ ...llama, eos_token_id: undefined }).eosIds, [2]);
  assert.is(parseConfig({ ...llama, bos_token_id: null }, { bos_token_id: 3 }).bosId, null);
  assert.is(parseConfig(llama, { bos_token_id: 3 }).bosId, 3);
});

families("sliding windows", () => {
  const windows = (type: Architecture, more: Record<string, unknown>) => parseConfig(as(type, more)).windows;
  assert.equal(windows("llama", { sliding_window: 12 }), [0, 0, 0, 0]);
  assert.equal(windows("mistral", { sliding_window: 12 }), [12, 12, 12, 12]);
  assert.equal(windows("mistral", { sliding_window: null }), [0, 0, 0, 0]);
  for (const qwen of ["qwen2", "qwen3"] as const) {
    assert.equal(windows(qwen, { sliding_window: 12, max_window_layers: 0 }), [0, 0, 0, 0]); // not turned on
    const on = { use_sliding_window: true, sliding_window: 12 };
    assert.equal(windows(qwen, { ...on, max_window_layers: 3 }), [0, 0, 0, 12]);
    assert.equal(windows(qwen, on), [0, 0, 0, 0]); // the first 28 layers see everything
    assert.equal(windows(qwen, { ...on, sliding_window: null, max_window_layers: 0 }), [0, 0, 0, 0]);
    const layer_types = ["sliding_attention", "full_attention", "sliding_attention", "full_attention"];
    assert.equal(windows(qwen, { ...on, layer_types, max_window_layers: 0 }), [12, 0, 12, 0]);
  }
});

families("every recorded model's configuration is read", async () => {
  let read = 0;
  for (const { json } of await listGolden("hf")) {
    const golden = await readJson(json);
    const folder = await modelFolder(golden.model);
    if (folder === null) continue;
    const config = parseConfig(
      await readJson(`${folder}/config.json`),
      await readJson(`${folder}/generation_config.json`),
    );
    assert.is(`${config.architecture.replace(/_text$|_/, "")}forcausallm`, golden.architecture[0].toLowerCase());
    assert.equal(golden.cases[0].hidden.shape, [config.layers + 1, golden.cases[0].ids.length, config.hidden]);
    read++;
  }
  assert.ok(read >= 8, `${read} read`);
});

families.run();

const rope = suite("config: rotary frequencies");

/** The definitions in double precision: what float32 steps may be off is a few units in the last place. */
function twin(
  headDim: number,
  base: number,
  scale: (frequency: number) => number = (frequency) => frequency,
): number[] {
  return Array.from({ length: headDim / 2 }, (_, i) => scale(base ** (-2 * i / headDim)));
}

function close(got: Float32Array, wanted: number[]) {
  assert.is(got.length, wanted.length);
  wanted.forEach((value, i) => assert.ok(Math.abs(got[i] / value - 1) < 5e-7, `[${i}]: ${got[i]}, wanted ${value}`));
}

const llama3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 };

/** Llama 3.1's rule as its paper's code puts it: a weight between stretched and unstretched, by wavelength. */
function stretch(frequency: number): number {
  const turns = 64 * frequency / (2 * Math.PI); // in the original context
  const keep = Math.min(1, Math.max(0, (turns - 1) / (4 - 1)));
  return keep * frequency + (1 - keep) * frequency / 8;
}

rope("plain, of both spellings", () => {
  close(parseConfig(llama).ropes[0].frequencies, twin(8, 10000));
  close(parseConfig({ ...llama, rope_theta: 500000, rope_scaling: null }).ropes[0].frequencies, twin(8, 500000));
  close(
    parseConfig({ ...llama, rope_parameters: { rope_theta: 1e6, rope_type: "default" } }).ropes[0].frequencies,
    twin(8, 1e6),
  );
});

rope("linear divides by the factor", () => {
  const wanted = twin(8, 10000, (frequency) => frequency / 2.5);
  close(parseConfig({ ...llama, rope_scaling: { type: "linear", factor: 2.5 } }).ropes[0].frequencies, wanted);
  close(parseConfig({ ...llama, rope_parameters: { rope_type: "linear", factor: 2.5 } }).ropes[0].frequencies, wanted);
});

rope("llama3 stretches long waves and leaves short ones", () => {
  const wanted = twin(32, 5000, stretch);
  const plain = twin(32, 5000);
  const between = wanted.filter((value, i) => value !== plain[i] && value !== plain[i] / 8).length;
  assert.ok(between >= 2 && wanted[0] === plain[0] && wanted[15] === plain[15] / 8, "all three kinds are there");
  const head = { head_dim: 32 };
  close(
    parseConfig({ ...llama, ...head, rope_theta: 5000, rope_scaling: { rope_type: "llama3", ...llama3 } }).ropes[0]
      .frequencies,
    wanted,
  );
  const rope_parameters = { rope_type: "llama3", rope_theta: 5000, ...llama3 };
  close(parseConfig({ ...llama, ...head, rope_parameters }).ropes[0].frequencies, wanted);
});

rope("a length is refused where nothing depends on it", () => {
  const rule = "ropeLength must go with a rope that depends on it, dynamic or longrope";
  assert.throws(() => parseConfig(llama, null, { ropeLength: 4096 }), `Cannot load model: ${rule}, got "default"`);
  assert.throws(() => parseConfig(llama, null, { ropeScaling: "yarn", ropeFactor: 2, ropeLength: 4096 }), rule);
  assert.is(parseConfig(llama, null, { ropeScaling: "dynamic", ropeFactor: 2, ropeLength: 99999 }).maxPositions, 99999);
});
rope.run();

const bad = suite("config: refusals");

const FAMILIES = `the architecture must be one of ${ARCHITECTURES.slice(0, -1).join(", ")} and ${ARCHITECTURES.at(-1)}`;
const cases: [string, unknown, unknown?][] = [
  ["config.json must be an object, got [1]", [1]],
  ["generation_config.json must be an object, got 3", llama, 3],
  [
    `${FAMILIES}, got "GPT2LMHeadModel"`,
    { ...llama, model_type: "gpt2", architectures: ["GPT2LMHeadModel"] },
  ],
  [`${FAMILIES}, got "mamba"`, {
    ...llama,
    model_type: "mamba",
    architectures: undefined,
  }],
  [`${FAMILIES}, got nothing`, {}],
  [
    `${FAMILIES}, got "constructor"`,
    { ...llama, model_type: "constructor", architectures: undefined },
  ],
  ['architectures must agree with model_type llama, got "MistralForCausalLM"', {
    ...llama,
    architectures: ["MistralForCausalLM"],
  }],
  [
    'weights must be plain, or 8-bit floats of fp8, fbgemm_fp8, modelopt, compressed-tensors, got {"quant_method":"gptq","bits":4}',
    { ...llama, quantization_config: { quant_method: "gptq", bits: 4 } },
  ],
  ['hidden_act must be silu, got "gelu"', { ...llama, hidden_act: "gelu" }],
  ["num_hidden_layers must be a positive integer up to 1024, got -3", { ...llama, num_hidden_layers: -3 }],
  ["num_hidden_layers must be a positive integer up to 1024, got 100000", { ...llama, num_hidden_layers: 1e5 }],
  ["hidden_size must be a positive integer up to 1048576, got nothing", { ...llama, hidden_size: undefined }],
  ["hidden_size must be a positive integer up to 1048576, got 64.5", { ...llama, hidden_size: 64.5 }],
  ['intermediate_size must be a positive integer up to 16777216, got "160"', { ...llama, intermediate_size: "160" }],
  ["num_attention_heads must be a positive integer up to 4096, got 0", { ...llama, num_attention_heads: 0 }],
  ["num_attention_heads must divide hidden_size 64, got 7", { ...llama, num_attention_heads: 7 }],
  ["num_key_value_heads must divide num_attention_heads 8, got 3", { ...llama, num_key_value_heads: 3 }],
  ["head_dim must be a multiple of 4 up to 256, got 15", { ...llama, head_dim: 15 }],
  ["vocab_size must be a positive integer up to 16777216, got null", { ...llama, vocab_size: null }],
  ["rms_norm_eps must be a number in [0, 1), got -1", { ...llama, rms_norm_eps: -1 }],
  ["max_position_embeddings must be a positive integer up to 2147483647, got 0", {
    ...llama,
    max_position_embeddings: 0,
  }],
  ['tie_word_embeddings must be true or false, got "yes"', { ...llama, tie_word_embeddings: "yes" }],
  ["attention_bias must be true or false, got 1", { ...llama, attention_bias: 1 }],
  ["eos_token_id must be an id below vocab_size 512, got 512", { ...llama, eos_token_id: [2, 512] }],
  ["eos_token_id must be an id below vocab_size 512, got -1", llama, { eos_token_id: -1 }],
  ["bos_token_id must be an id below vocab_size 512, got 1.5", { ...llama, bos_token_id: 1.5 }],
  ["sliding_window must be a positive integer or null, got 0", as("mistral", { sliding_window: 0 })],
  ["use_sliding_window must be true or false, got 1", as("qwen2", { use_sliding_window: 1 })],
  [
    "max_window_layers must be a non-negative integer, got -1",
    as("qwen3", { use_sliding_window: true, max_window_layers: -1 }),
  ],
  [
    'layer_types must name sliding_attention or full_attention for each of 4 layers, got ["full_attention"]',
    as("qwen3", { use_sliding_window: true, layer_types: ["full_attention"] }),
  ],
  ["rope factor must be a number of at least 1, got 0.5", { ...llama, rope_scaling: { type: "yarn", factor: 0.5 } }],
  ["beta_fast must be a number above 0, got -1", {
    ...llama,
    rope_scaling: { type: "yarn", factor: 2, beta_fast: -1 },
  }],
  ['attention_factor must be a number above 0, got "2"', {
    ...llama,
    rope_scaling: { type: "yarn", factor: 2, attention_factor: "2" },
  }],
  ["short_factor must be 4 numbers above 0, got [1,2]", {
    ...llama,
    rope_scaling: { type: "longrope", short_factor: [1, 2], long_factor: [1, 2] },
  }],
  ['rope type must be default, linear, llama3, dynamic, yarn or longrope, got "mrope"', {
    ...llama,
    rope_parameters: { rope_type: "mrope", factor: 4 },
  }],
  ['rope_parameters must be an object, got "linear"', { ...llama, rope_parameters: "linear" }],
  ['rope of type default must have no scaling, got {"factor":4}', { ...llama, rope_scaling: { factor: 4 } }],
  [
    'rope of type default must have no scaling, got {"full_attention":{"rope_theta":10000}}',
    { ...llama, rope_parameters: { full_attention: { rope_theta: 10000 } } },
  ],
  ["rope factor must be a number of at least 1, got nothing", { ...llama, rope_scaling: { type: "linear" } }],
  ["rope_theta must be a number of at least 1, got 0", { ...llama, rope_theta: 0 }],
  [
    'the settings of rope must give finite frequencies, got {"type":"dynamic","factor":18014398509481984}',
    { ...llama, rope_scaling: { type: "dynamic", factor: 2 ** 54 } },
  ],
  ["partial_rotary_factor must be 1, got 0.5", { ...llama, partial_rotary_factor: 0.5 }],
  [
    "partial_rotary_factor must leave an even number from 4 to 8 of a head's 8, got 0.4",
    { ...llama, model_type: "phi3", architectures: undefined, partial_rotary_factor: 0.4 },
  ],
  ["low_freq_factor must be a number above 0, got 0", {
    ...llama,
    rope_scaling: { rope_type: "llama3", ...llama3, low_freq_factor: 0 },
  }],
  ["high_freq_factor must be above low_freq_factor 1, got 1", {
    ...llama,
    rope_scaling: { rope_type: "llama3", ...llama3, high_freq_factor: 1 },
  }],
  ["original_max_position_embeddings must be a number of at least 1, got nothing", {
    ...llama,
    rope_scaling: { rope_type: "llama3", ...llama3, original_max_position_embeddings: undefined },
  }],
];
for (const [rule, config, generation] of cases) {
  bad(rule, () => refused(() => parseConfig(config, generation), `Cannot load model: ${rule}`, FILE_CODES));
}

bad.run();
