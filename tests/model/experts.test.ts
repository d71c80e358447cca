// Layers of experts: what config.json says of them, and that whoever wrote the weights, the same are read.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { Architecture } from "../../src/engine/config.ts";
import type { StoredTensor } from "../../src/formats/converted.ts";
import { parseConfig } from "../../src/model/config.ts";
import { apartByExpert } from "../../src/model/experts.ts";
import { checkWeights, tensorShapes } from "../../src/model/layout.ts";

const as = (model_type: Architecture, more: Record<string, unknown> = {}) =>
  parseConfig({
    model_type,
    hidden_size: 8,
    intermediate_size: 6,
    num_hidden_layers: 3,
    num_attention_heads: 2,
    num_key_value_heads: 1,
    vocab_size: 10,
    bos_token_id: 1,
    eos_token_id: 2,
    ...more,
  });

const experts = suite("experts");

experts("mixtral: all layers have them, and shares sum to 1", () => {
  const config = as("mixtral", { num_local_experts: 4, num_experts_per_tok: 3, norm_topk_prob: false });
  const { intermediate, windows, rmsEps, ropes, maxPositions } = config;
  assert.equal(config.experts, { count: 4, used: 3, width: 6, normed: true, layers: [true, true, true] });
  assert.equal([intermediate, windows, rmsEps, maxPositions], [0, [0, 0, 0], 1e-5, 131072]);
  assert.is(ropes[0].frequencies[1], Math.fround(1e6 ** -0.5));
  assert.equal(as("mixtral").experts, { count: 8, used: 2, width: 6, normed: true, layers: [true, true, true] });
  assert.equal(as("mixtral", { sliding_window: 5 }).windows, [5, 5, 5]);
});

experts("qwen3_moe: some layers may have none, and shares are those of all experts where nothing is said", () => {
  const sizes = { moe_intermediate_size: 4, num_experts: 5, num_experts_per_tok: 2 };
  const config = as("qwen3_moe", sizes);
  assert.equal(config.experts, { count: 5, used: 2, width: 4, normed: false, layers: [true, true, true] });
  assert.equal([config.intermediate, config.qkNorm, config.qkvBias], [0, "each head", false]);
  const { experts: some, intermediate } = as("qwen3_moe", { ...sizes, mlp_only_layers: [1], norm_topk_prob: true });
  assert.equal([some?.layers, some?.normed, intermediate], [[true, false, true], true, 6]);
  const every = (decoder_sparse_step: number) => as("qwen3_moe", { ...sizes, decoder_sparse_step }).experts?.layers;
  assert.equal([every(2), every(3), every(4)], [[false, true, false], [false, false, true], undefined]);
  const { num_experts, ...newer } = sizes;
  assert.equal(as("qwen3_moe", { ...newer, num_local_experts: num_experts }), config);
  const asked = { use_sliding_window: true, sliding_window: 7, max_window_layers: 1 };
  assert.equal(as("qwen3_moe", { ...sizes, ...asked }).windows, [7, 7, 7]);
  assert.equal(as("qwen3_moe", { ...sizes, ...asked, use_sliding_window: false }).windows, [0, 0, 0]);
});

const REFUSALS: [Architecture, string, Record<string, unknown>][] = [
  ["mixtral", "num_local_experts must be a positive integer up to 512, got 0", { num_local_experts: 0 }],
  ["mixtral", "num_local_experts must be a positive integer up to 512, got 513", { num_local_experts: 513 }],
  ["mixtral", "num_hidden_layers · num_local_experts must be at most 32768, got 33280", {
    num_hidden_layers: 65,
    num_local_experts: 512,
  }],
  ["mixtral", "num_experts_per_tok must be at most 8, the number of experts, got 9", { num_experts_per_tok: 9 }],
  ["mixtral", 'num_experts_per_tok must be a positive integer up to 512, got "2"', { num_experts_per_tok: "2" }],
  ["qwen3_moe", "moe_intermediate_size must be a positive integer up to 16777216, got -1", {
    moe_intermediate_size: -1,
  }],
  ["qwen3_moe", "norm_topk_prob must be true or false, got 1", { norm_topk_prob: 1 }],
  ["qwen3_moe", "decoder_sparse_step must be a positive integer, got 0", { decoder_sparse_step: 0 }],
  ["qwen3_moe", "mlp_only_layers must be numbers of layers below 3, got [3]", { mlp_only_layers: [3] }],
  ["qwen3_moe", "intermediate_size must be a positive integer up to 16777216, got null", {
    mlp_only_layers: [0],
    intermediate_size: null,
  }],
];
for (const [family, rule, more] of REFUSALS) {
  experts(rule, () => assert.throws(() => as(family, more), `Cannot load model: ${rule}`));
}

/** A tensor that holds its own bytes. */
function tensor(name: string, shape: number[], values: number[]): StoredTensor {
  const all = new Uint8Array(Float32Array.from(values).buffer);
  return { name, dtype: "F32", shape, bytes: all.length, read: (from, to) => Promise.resolve(all.slice(from, to)) };
}

const sizes = { num_local_experts: 3, num_experts_per_tok: 2, num_hidden_layers: 2 };
const config = as("mixtral", sizes);
let drawn = 0;
const apart = new Map([...tensorShapes(config)].map(([name, shape]) => {
  const values = Array.from({ length: shape.reduce((a, b) => a * b) }, () => drawn++);
  return [name, tensor(name, shape, values)];
}));
const valuesOf = async (one: StoredTensor) => [...new Float32Array((await one.read(0, one.bytes)).buffer)];

/** The weights with all experts' matrices of the given names in one tensor, by expert. */
async function together(groups: Record<string, string[]>, ending: string): Promise<Map<string, StoredTensor>> {
  const found = new Map([...apart].filter(([name]) => !name.includes(".experts.")));
  for (let layer = 0; layer < 2; layer++) {
    for (const [as, names] of Object.entries(groups)) {
      const at = `model.layers.${layer}.mlp.experts.`;
      const parts = [0, 1, 2].flatMap((e) => names.map((name) => apart.get(`${at}${e}.${name}.weight`)!));
      const values = (await Promise.all(parts.map(valuesOf))).flat();
      const shape = [3, names.length * parts[0].shape[0], parts[0].shape[1]];
      found.set(`${at}${as}${ending}`, tensor(as, shape, values));
    }
  }
  return found;
}

const same = async (stored: Map<string, StoredTensor>) => {
  const tensors = checkWeights(config, apartByExpert(config, stored));
  assert.equal([...tensors.keys()].sort(), [...apart.keys()].sort());
  for (const [name, one] of tensors) assert.equal(await valuesOf(one), await valuesOf(apart.get(name)!), name);
};

experts("weights as Mixtral's files name them", async () => {
  const names = { gate_proj: "w1", down_proj: "w2", up_proj: "w3" };
  await same(
    new Map([...apart].map(([name, one]) => [
      name.replace(".mlp.", ".block_sparse_moe.")
        .replace(/(gate|up|down)_proj\.weight$/, (part) => `${names[part.slice(0, -7) as keyof typeof names]}.weight`),
      one,
    ])),
  );
});

experts("weights of all experts in one tensor, gates and ups together or apart", async () => {
  await same(await together({ gate_up_proj: ["gate_proj", "up_proj"], down_proj: ["down_proj"] }, ""));
  const each = { gate_proj: ["gate_proj"], up_proj: ["up_proj"], down_proj: ["down_proj"] };
  await same(await together(each, ".weight"));
});

experts("weights that are not those of so many experts are refused by name", async () => {
  const check = (stored: Map<string, StoredTensor>) => checkWeights(config, apartByExpert(config, stored));
  const fused = await together({ gate_up_proj: ["gate_proj", "up_proj"], down_proj: ["down_proj"] }, "");
  const name = "model.layers.1.mlp.experts.gate_up_proj";
  fused.set(name, { ...fused.get(name)!, shape: [4, 9, 8] });
  const missing = "the weights must hold tensor model.layers.1.mlp.experts.0.gate_proj.weight, got none of that name";
  assert.throws(() => check(fused), `Cannot load model: ${missing}`);
  const twice = await together({ down_proj: ["down_proj"] }, "");
  const down = "model.layers.0.mlp.experts.2.down_proj.weight";
  twice.set(down, apart.get(down)!);
  assert.throws(() => check(twice), `the weights must hold ${down} once, got it under two names`);
  const more = new Map(apart);
  more.set("model.layers.0.mlp.experts.3.up_proj.weight", apart.get("model.layers.0.mlp.experts.2.up_proj.weight")!);
  const rule = "the tensors must be those of a mixtral of 2 layers";
  assert.throws(() => check(more), `Cannot load model: ${rule}, got model.layers.0.mlp.experts.3.up_proj.weight`);
});

experts.run();
