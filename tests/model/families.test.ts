// What single families have in their config.json, and what is made of it: defaults are transformers'.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Architecture } from "../../src/engine/config.ts";
import { parseConfig } from "../../src/model/config.ts";
import { tensorShapes } from "../../src/model/layout.ts";

const as = (model_type: Architecture, more: Record<string, unknown> = {}) =>
  parseConfig({
    model_type,
    hidden_size: 64,
    intermediate_size: 160,
    num_hidden_layers: 4,
    num_attention_heads: 8,
    vocab_size: 512,
    bos_token_id: 1,
    eos_token_id: 2,
    ...more,
  });

const families = suite("config: what one family has");

families("smollm3: layers that positions do not turn", () => {
  const turned = (more: Record<string, unknown>) => as("smollm3", more).layerRopes;
  assert.equal(turned({}), [0, 0, 0, 1]);
  assert.equal(turned({ no_rope_layer_interval: 2 }), [0, 1, 0, 1]);
  assert.equal(turned({ no_rope_layers: [0, 1, 1, 0, 1] }), [1, 0, 0, 1]);
  const absent = { bos_token_id: undefined, eos_token_id: undefined, vocab_size: 128256 };
  const { ropes, kvHeads, bosId, eosIds, windows, tied } = as("smollm3", absent);
  assert.equal([tied, ropes[0].frequencies[1]], [true, Math.fround(2000000 ** -0.25)]);
  assert.equal([...ropes[1].frequencies, ropes[1].scale], [0, 0, 0, 0, 1]);
  assert.equal([kvHeads, bosId, eosIds, windows], [4, 128000, [128001], [0, 0, 0, 0]]);
  const windowed = { ...absent, use_sliding_window: true, sliding_window: 12 };
  assert.equal(as("smollm3", windowed).windows, [0, 0, 0, 12]);
  assert.is(as("smollm3", { ...absent, no_rope_layers: [1, 1, 1, 1] }).ropes.length, 1);
  assert.equal(as("llama", { no_rope_layer_interval: 2 }).layerRopes, [0, 0, 0, 0]);
  const rule = "no_rope_layers must have 0 or 1 for each of 4 layers";
  assert.throws(() => turned({ no_rope_layers: [1, 1, 1] }), `Cannot load model: ${rule}, got [1, 1, 1]`);
  assert.throws(
    () => turned({ no_rope_layer_interval: 0 }),
    "no_rope_layer_interval must be a positive integer, got 0",
  );
});

families("granite: factors", () => {
  const factors = (more: Record<string, unknown>, family: Architecture = "granite") => {
    const { embeddingScale, residualScale, attentionScale, logitScale } = as(family, more);
    return [embeddingScale, residualScale, attentionScale, logitScale];
  };
  assert.equal(factors({}), [1, 1, 1, 1]);
  const named = { embedding_multiplier: 12, residual_multiplier: 0.25, attention_multiplier: 0.5, logits_scaling: 8 };
  assert.equal(factors(named), [12, 0.25, 0.5, 0.125]);
  assert.equal(factors(named, "llama"), [1, 1, 1 / Math.sqrt(8), 1]);
  const rule = "Cannot load model: logits_scaling must be a number above 0, got 0";
  assert.throws(() => factors({ logits_scaling: 0 }), rule);
  assert.throws(
    () => factors({ embedding_multiplier: 1e39 }),
    "embedding_multiplier must be a number above 0, got 1e+39",
  );
});

families("olmo2: norms", () => {
  const { norms, qkNorm, rmsEps, bosId, eosIds, mlpBias } = as("olmo2", {
    vocab_size: 50304,
    bos_token_id: undefined,
    eos_token_id: undefined,
    mlp_bias: true,
  });
  assert.equal([norms, qkNorm, rmsEps, bosId, eosIds, mlpBias], ["behind", "all heads", 1e-5, null, [50279], false]);
  const shapes = [...tensorShapes(as("olmo2", { num_key_value_heads: 2 }))].filter(([name]) =>
    /layers\.0.*norm/.test(name)
  );
  assert.equal(shapes.map(([name, shape]) => [name.replace("model.layers.0.", ""), ...shape]), [
    ["self_attn.q_norm.weight", 64],
    ["self_attn.k_norm.weight", 16],
    ["post_attention_layernorm.weight", 64],
    ["post_feedforward_layernorm.weight", 64],
  ]);
});

families("gemma3: what its class takes for granted", () => {
  const said = { model_type: "gemma3", architectures: ["Gemma3ForConditionalGeneration"], eos_token_id: [1, 106] };
  const text_config = {
    hidden_size: 2560,
    intermediate_size: 10240,
    model_type: "gemma3_text",
    num_hidden_layers: 7,
    sliding_window: 1024,
  };
  const scaled = { ...text_config, rope_scaling: { factor: 8, rope_type: "linear" } };
  const config = parseConfig({ ...said, text_config: scaled, vision_config: { hidden_size: 1152 } });
  const { heads, kvHeads, headDim, vocab, tied, norms, qkNorm, activation, bosId, eosIds, windows, layerRopes } =
    config;
  assert.equal([heads, kvHeads, headDim, vocab, bosId, eosIds], [8, 4, 256, 262208, 2, [1, 106]]);
  assert.equal([tied, norms, qkNorm, activation], [true, "both", "each head", "gelu"]);
  assert.equal(windows, [1024, 1024, 1024, 1024, 1024, 0, 1024]);
  assert.equal(layerRopes, [1, 1, 1, 1, 1, 0, 1]);
  assert.equal([config.embeddingScale, config.attentionScale], [Math.sqrt(2560), 1 / 16]);
  const near = (one: number, wanted: number) => assert.ok(Math.abs(one / wanted - 1) < 1e-6, `${one}, ${wanted}`);
  near(config.ropes[0].frequencies[64], 1e6 ** -0.5 / 8);
  near(config.ropes[1].frequencies[64], 1e4 ** -0.5);
});

families("gemma3: layers in either spelling", () => {
  const sizes = { head_dim: 8, num_key_value_heads: 2 };
  const rope = {
    sliding_attention: { rope_theta: 500 },
    full_attention: { rope_theta: 9000, rope_type: "linear", factor: 4 },
  };
  const layer_types = ["full_attention", "sliding_attention", "sliding_attention", "full_attention"];
  const own = as("gemma3_text", { ...sizes, layer_types, rope_parameters: rope, sliding_window: 12 });
  const older = { rope_theta: 9000, rope_local_base_freq: 500, rope_scaling: { rope_type: "linear", factor: 4 } };
  const same = as("gemma3_text", { ...sizes, ...older, layer_types, sliding_window: 12 });
  assert.equal([own.windows, own.layerRopes], [[0, 12, 12, 0], [0, 1, 1, 0]]);
  assert.equal(own, same);
  assert.equal(as("gemma3_text", { ...sizes, sliding_window_pattern: 2, sliding_window: 5 }).windows, [5, 0, 5, 0]);
  const refusals: [string, Record<string, unknown>][] = [
    ['hidden_activation must be gelu_pytorch_tanh, got "silu"', { hidden_activation: "silu" }],
    ["query_pre_attn_scalar must be a number above 0, got 0", { query_pre_attn_scalar: 0 }],
    ["use_bidirectional_attention must be false, got true", { use_bidirectional_attention: true }],
    ["sliding_window_pattern must be a positive integer, got 0", { sliding_window_pattern: 0 }],
    ["rope_parameters must be an object, got 5", { rope_parameters: 5 }],
  ];
  for (const [rule, more] of refusals) {
    assert.throws(() => as("gemma3_text", { ...sizes, ...more }), `Cannot load model: ${rule}`);
  }
});

families("gemma2: caps, and every second layer", () => {
  const sizes = { head_dim: 8, num_key_value_heads: 2 };
  const { scoreCap, logitCap, windows, layerRopes, ropes, qkNorm } = as("gemma2", sizes);
  assert.equal([scoreCap, logitCap, qkNorm, ropes.length], [50, 30, "none", 1]);
  assert.equal([windows, layerRopes], [[4096, 0, 4096, 0], [0, 0, 0, 0]]);
  const none = as("gemma2", { ...sizes, attn_logit_softcapping: null, final_logit_softcapping: null });
  assert.equal([none.scoreCap, none.logitCap], [0, 0]);
  const rule = "Cannot load model: attn_logit_softcapping must be a number above 0, got 0";
  assert.throws(() => as("gemma2", { ...sizes, attn_logit_softcapping: 0 }), rule);
});

families.run();
