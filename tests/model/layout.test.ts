import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parseConfig } from "../../src/model/config.ts";
import { checkWeights, tensorShapes, underModel } from "../../src/model/layout.ts";
import type { StoredTensor } from "../../src/formats/converted.ts";
import { openWeights } from "../../src/formats/safetensors.ts";
import { openSource } from "../../src/files/open-source.ts";
import { modelFolder, readBytes, readJson } from "../support/files.ts";
import { type Entry, file, folder } from "../support/memory.ts";
import { FILE_CODES, refused } from "../support/refused.ts";

const layout = suite("layout");

const config = parseConfig({
  model_type: "llama",
  hidden_size: 8,
  intermediate_size: 12,
  num_hidden_layers: 1,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 4,
  vocab_size: 10,
});

/** A model's tensors, all there, with changes: null leaves a tensor out. */
function weights(changes: Record<string, Partial<Entry> | null> = {}, of = config) {
  const entries: Record<string, { dtype: string; shape: number[] }> = {};
  for (const [name, shape] of tensorShapes(of)) entries[name] = { dtype: "F32", shape };
  for (const [name, change] of Object.entries(changes)) {
    if (change === null) delete entries[name];
    else {
      const before = entries[name] ?? { dtype: "F32", shape: [1] };
      entries[name] = { ...before, ...change as Partial<{ dtype: string; shape: number[] }> };
    }
  }
  const header: Record<string, Entry> = {};
  let end = 0;
  for (const [name, { dtype, shape }] of Object.entries(entries)) {
    const bytes = shape.reduce((product, side) => product * side, 1) * ({ F64: 8, F32: 4 }[dtype] ?? 2);
    header[name] = { dtype, shape, data_offsets: [end, end += bytes] };
  }
  return openWeights(folder({ "model.safetensors": file(header, end) }));
}

layout("names and shapes", () => {
  const shapes = tensorShapes({ ...config, qkNorm: "each head", qkvBias: true, oBias: true, mlpBias: true });
  const listed = [...shapes].map(([name, shape]) => `${name.replace("model.layers.0.", "")} ${shape.join("×")}`);
  assert.equal(listed, [
    "model.embed_tokens.weight 10×8",
    "input_layernorm.weight 8",
    "self_attn.q_proj.weight 16×8",
    "self_attn.k_proj.weight 8×8",
    "self_attn.v_proj.weight 8×8",
    "self_attn.o_proj.weight 8×16",
    "self_attn.q_proj.bias 16",
    "self_attn.k_proj.bias 8",
    "self_attn.v_proj.bias 8",
    "self_attn.o_proj.bias 8",
    "self_attn.q_norm.weight 4",
    "self_attn.k_norm.weight 4",
    "post_attention_layernorm.weight 8",
    "mlp.gate_proj.weight 12×8",
    "mlp.up_proj.weight 12×8",
    "mlp.down_proj.weight 8×12",
    "mlp.gate_proj.bias 12",
    "mlp.up_proj.bias 12",
    "mlp.down_proj.bias 8",
    "model.norm.weight 8",
    "lm_head.weight 10×8",
  ]);
});

layout("what is there is returned, what is not needed is left alone", async () => {
  const tensors = checkWeights(
    config,
    await weights({
      "model.layers.0.self_attn.rotary_emb.inv_freq": {},
      "v_head.weight": { dtype: "F64" },
      "model.norm.weight": { dtype: "BF16" },
      "lm_head.weight": { dtype: "F16" },
    }),
  );
  assert.equal([...tensors.keys()], [...tensorShapes(config).keys()]);
  assert.is(tensors.get("model.norm.weight")!.dtype, "BF16");
});

layout("a tied head may be absent, double, or the only one", async () => {
  const tied = { ...config, tied: true };
  const embedding = "model.embed_tokens.weight", head = "lm_head.weight";
  const size = tensorShapes(tied).size;
  assert.is(checkWeights(tied, await weights({}, tied)).size, size);
  assert.is(checkWeights(tied, await weights({ [head]: { shape: [10, 8] } }, tied)).has(head), false);
  const only = checkWeights(tied, await weights({ [embedding]: null, [head]: { shape: [10, 8] } }, tied));
  assert.is(only.get(embedding)!.name, head);
});

const misfits: [string, Record<string, Partial<Entry> | null>][] = [
  ["the weights must hold tensor lm_head.weight, got none of that name", { "lm_head.weight": null }],
  ["tensor model.norm.weight must have shape [8], got [9]", { "model.norm.weight": { shape: [9] } }],
  [
    "tensor model.layers.0.self_attn.k_proj.weight must have shape [8, 8], got [16, 8]",
    { "model.layers.0.self_attn.k_proj.weight": { shape: [16, 8] } },
  ],
  ["tensor model.norm.weight must have shape [8], got [8, 1]", { "model.norm.weight": { shape: [8, 1] } }],
  ['tensor model.norm.weight must be F32, F16 or BF16, got "F64"', { "model.norm.weight": { dtype: "F64" } }],
  ["the tensors must be those of a llama of 1 layers, got model.layers.1.mlp.up_proj.weight", {
    "model.layers.1.mlp.up_proj.weight": {},
  }],
  ["the tensors must be those of a llama of 1 layers, got model.layers.0.self_attn.q_proj.bias", {
    "model.layers.0.self_attn.q_proj.bias": { shape: [16] },
  }],
];
for (const [rule, changes] of misfits) {
  layout(rule, async () => {
    const tensors = await weights(changes);
    await refused(() => checkWeights(config, tensors), `Cannot load model: ${rule}`, FILE_CODES);
  });
}

layout("real folders, single and sharded", async () => {
  let checked = 0;
  for (const name of ["fable-2m", "tiny-mqa-sharded", "tiny-qwen2", "tiny-qwen3", "tiny-mistral", "TinyStories-656K"]) {
    const path = await modelFolder(name);
    if (path === null) continue;
    const config = parseConfig(await readJson(`${path}/config.json`), null);
    const tensors = checkWeights(config, await openWeights(openSource(path)));
    for (const tensor of tensors.values()) assert.is((await tensor.read(2, 10)).length, 8);
    checked++;
  }
  assert.ok(checked >= 5, `${checked} checked`);
  // One tensor against the file itself.
  const path = (await modelFolder("fable-2m"))!;
  const bytes = await readBytes(`${path}/model.safetensors`);
  const norm = (await openWeights(openSource(path))).get("model.norm.weight")!;
  assert.equal(await norm.read(), bytes.slice(bytes.length - norm.bytes)); // the last one of the file
});

layout("of a model of texts and images the text's", () => {
  const saved = [
    "language_model.model.embed_tokens.weight",
    "model.language_model.layers.0.input_layernorm.weight",
    "language_model.lm_head.weight",
    "model.vision_tower.a.weight",
    "multi_modal_projector.b.weight",
  ];
  const named = underModel(new Map(saved.map((name) => [name, { name } as StoredTensor])));
  assert.equal([...named.keys()], [
    "model.embed_tokens.weight",
    "model.layers.0.input_layernorm.weight",
    "lm_head.weight",
    "vision_tower.a.weight",
    "multi_modal_projector.b.weight",
  ]);
});

layout.run();
