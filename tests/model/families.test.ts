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

families.run();
