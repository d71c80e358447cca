// What layers of experts take of a GPU beside their weights.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { ContextShape } from "../../src/engine/engine.ts";
import { checkScratch, scratchSizes } from "../../src/gpu/scratch.ts";
import { parseConfig } from "../../src/model/config.ts";

const config = (more: Record<string, unknown>) =>
  parseConfig({
    model_type: "qwen3_moe",
    hidden_size: 8,
    intermediate_size: 6,
    moe_intermediate_size: 4,
    num_hidden_layers: 2,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    num_experts: 32,
    num_experts_per_tok: 16,
    vocab_size: 10,
    ...more,
  });
const shape = (stride: number): ContextShape => ({
  ...{ rows: [8, 8], capacity: 8, stride, kv: "f32", ranked: false, pooled: false, observe: null, every: false },
  ...{ hidden: false, tells: false, asks: false, remainders: 0, foldRank: 0, foldMost: 1 },
});

const test = suite("experts on a GPU");

test("rooms of dense layers are made only where there are any", () => {
  const sizes = scratchSizes(config({}), shape(3));
  assert.equal([sizes.gateUp, sizes.activated], [0, 0]);
  const { routed, routes, shares, expertGateUp, expertActivated, expertMade } = sizes;
  const each = 4 * 3 * 16;
  assert.equal([routed, routes, shares], [4 * 3 * 32, each, each]);
  assert.equal([expertGateUp, expertActivated, expertMade], [each * 8, each * 8, each * 8]);
  const mixed = scratchSizes(config({ mlp_only_layers: [0] }), shape(3));
  assert.equal([mixed.gateUp, mixed.activated, mixed.routed], [4 * 3 * 12, 4 * 3 * 8, 4 * 3 * 32]);
  const dense = scratchSizes(config({ mlp_only_layers: [0, 1] }), shape(3));
  assert.equal([dense.routed, dense.expertMade], [0, 0]);
});

test("a pass has at most as many rows of experts as a dispatch has workgroups", () => {
  checkScratch(Infinity, scratchSizes(config({}), shape(4095)));
  const rule = "Cannot create session: stride · experts of a token must be at most 65535, got 65536";
  assert.throws(() => checkScratch(Infinity, scratchSizes(config({}), shape(4096))), rule);
});

test.run();
