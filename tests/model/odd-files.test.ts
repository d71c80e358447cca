// Files as people have them: weights with a head that config.json denies, Git LFS's pointers in place of files, JSON as Python writes
// it, weights that are no numbers.
import * as assert from "uvu/assert";
import { evaluate as evaluatePlan } from "../../src/eval/index.ts";
import { parseJson } from "../../src/files/checks.ts";
import { load, type Model } from "../../src/load.ts";
import { hasOwnHead } from "../../src/model/head.ts";
import { openModel } from "../../src/model/open.ts";
import type { GenerateOptions } from "../../src/options/index.ts";
import { evaluate } from "../../src/session/evaluate.ts";
import { inside } from "../support/inside.ts";
import { engineSuite, onEngine } from "../support/engine.ts";
import { readJson, repoPath } from "../support/files.ts";
import { type Bytes, type Changes, json, MODEL_FILES, modelFiles } from "../support/model-files.ts";
import { refused } from "../support/refused.ts";

const files = (model: string, changes: Changes = {}) => modelFiles(`tests/golden/models/${model}`, changes);

const test = await engineSuite("odd files");

interface Recorded {
  cases: { ids: number[]; greedy: number[] }[];
}

/** Sees to it that a model of the weights of a tiny one writes what that was recorded to write. */
async function sameAs(model: Model, name: string) {
  const [{ ids, greedy }] = (await readJson<Recorded>(repoPath(`tests/golden/hf/${name}.json`))).cases;
  const session = model.session({ policy: "full", kv: "f32" });
  const banned = model.config.eosIds;
  for await (const _ of session.generate(ids, { maxNewTokens: greedy.length, stopAtEnd: false, banned }));
  assert.equal(session.report().ids, greedy);
}

test("a head of its own is used and said, though config.json ties it to the embeddings", async () => {
  const told: string[] = [];
  const changed = await files("tiny-llama3", { "config.json": json((config) => config.tie_word_embeddings = true) });
  const model = await load(changed, {
    ...await onEngine(),
    onWarning: (line, why) => void told.push(`${why}: ${line}`),
  });
  await sameAs(model, "tiny-llama3");
  assert.equal(told, [
    "model: config.json ties the head to the embeddings, but the weights have one with other values, which is used",
  ]);
  model.dispose();
});

test("a head that is the embeddings once more is none of its own", async () => {
  const stored = (bytes: Bytes, dtype = "F32") => ({
    ...{ name: "", dtype, shape: [bytes.length / 4], bytes: bytes.length },
    read: (from = 0, to = bytes.length) => Promise.resolve(bytes.slice(from, to)),
  });
  const one = new Uint8Array(3 << 20).fill(7), other = one.slice();
  const own = (head: Bytes, dtype?: string) =>
    hasOwnHead(new Map([["lm_head.weight", stored(head, dtype)], ["model.embed_tokens.weight", stored(one)]]));
  assert.is(await own(other), false);
  assert.is(await own(other, "F16"), true);
  other[other.length - 1]++; // in the last piece that is compared
  assert.is(await own(other), true);
  assert.is(await hasOwnHead(new Map([["lm_head.weight", stored(one)]])), false);
});

test("weights that were saved without a head are those of the model", async () => {
  const header = (bytes: Bytes): Bytes => {
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const text = new TextDecoder().decode(bytes.subarray(8, 8 + length)).replaceAll('"model.', '"');
    const changed = bytes.slice(); // names are shorter: spaces fill the header
    changed.set(new TextEncoder().encode(text.padEnd(length)), 8);
    return changed;
  };
  for (const name of ["tiny-llama3", "tiny-qwen2"]) {
    const model = await load(await files(name, { "model.safetensors": header }), await onEngine());
    await sameAs(model, name);
    model.dispose();
  }
});

test("of a model of texts and images the text is read, and the rest said", async () => {
  const told: string[] = [];
  const renamed = (bytes: Bytes): Bytes => {
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const text = new TextDecoder().decode(bytes.subarray(8, 8 + length)).trimEnd();
    const end = bytes.length - 8 - length;
    const image = `{"model.vision_tower.patch.weight":{"dtype":"BF16","shape":[1],"data_offsets":[${end},${end + 2}]},`;
    const header = new TextEncoder().encode(image + text.slice(1).replaceAll('"model.', '"model.language_model.'));
    const whole = new Uint8Array(8 + header.length + end + 2);
    new DataView(whole.buffer).setBigUint64(0, BigInt(header.length), true);
    whole.set(header, 8);
    whole.set(bytes.subarray(8 + length), 8 + header.length);
    return whole;
  };
  const nested = json((config) => {
    const { architectures: _, ...text_config } = config;
    for (const key of Object.keys(config)) delete config[key];
    Object.assign(config, { architectures: ["Gemma3ForConditionalGeneration"], model_type: "gemma3", text_config });
  });
  const changed = await files("tiny-gemma3", { "model.safetensors": renamed, "config.json": nested });
  const model = await load(changed, { ...await onEngine(), onWarning: (line) => void told.push(line) });
  assert.equal(told, ['the weights have tensors that a gemma3_text does not read: "vision_tower.patch.weight"']);
  await sameAs(model, "tiny-gemma3");
  model.dispose();
});

test("ids of the tokenizer that the model has not are said, and refused in a prompt", async () => {
  const told: string[] = [];
  const changed = await files("tiny-llama3", {
    "tokenizer.json": json((tokenizer) => {
      const added = tokenizer.added_tokens as Record<string, unknown>[];
      added.push({ ...added[0], id: 512, content: "<image>" });
    }),
  });
  const model = await load(changed, { ...await onEngine(), onWarning: (line) => void told.push(line) });
  assert.equal(told, ["the tokenizer has ids up to 512, but the model takes those below 512 alone"]);
  await sameAs(model, "tiny-llama3");
  const write = async () => {
    for await (const _ of model.session().generate("the <image>", { maxNewTokens: 1 }));
  };
  await refused(write, "Cannot generate: a prompt id must be a whole number from 0 to 511, got 512");
  model.dispose();
});

test("tensors of other parts than the language model are said", async () => {
  const told: string[] = [];
  const more = (bytes: Bytes): Bytes => {
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
    const end = bytes.length - 8 - length;
    for (const [i, name] of ["score.weight", "vision.patch.weight"].entries()) {
      header[name] = { dtype: "F32", shape: [1], data_offsets: [end + 4 * i, end + 4 * i + 4] };
    }
    const text = new TextEncoder().encode(JSON.stringify(header));
    const whole = new Uint8Array(8 + text.length + end + 8);
    new DataView(whole.buffer).setBigUint64(0, BigInt(text.length), true);
    whole.set(text, 8);
    whole.set(bytes.subarray(8 + length), 8 + text.length);
    return whole;
  };
  const changed = await files("tiny-llama3", { "model.safetensors": more });
  const model = await load(changed, { ...await onEngine(), onWarning: (line) => void told.push(line) });
  assert.equal(told, ['the weights have tensors that a llama does not read: "score.weight" and 1 more']);
  await sameAs(model, "tiny-llama3");
  model.dispose();
});

test("a folder with a GGUF file and no config.json is that file", async () => {
  const folder = await Deno.makeTempDir({ prefix: "kvcap-folder-" });
  try {
    const file = repoPath("tests/golden/gguf/tiny-qwen3-Q4_0.gguf");
    await Deno.symlink(file, `${folder}/x.gguf`); // as the hub's cache has them
    await Deno.writeTextFile(`${folder}/README.md`, "");
    assert.equal((await openModel(folder)).config, (await openModel(file)).config);
    await Deno.copyFile(file, `${folder}/y.gguf`);
    await refused(() => openModel(folder), /of GGUF files there must be one, or all parts of one, got \["/);
    await Deno.copyFile(repoPath("tests/golden/models/tiny-llama3/config.json"), `${folder}/config.json`);
    await refused(() => openModel(folder), /must have the file tokenizer\.json/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

test("a Git LFS pointer is named wherever it stands", async () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 98362432\n`;
  for (const name of MODEL_FILES) {
    const changed = await files("tiny-llama3", { [name]: () => pointer });
    await refused(
      () => openModel(changed),
      `Cannot load model: ${name} must be the file itself, got a Git LFS pointer to it`,
    );
  }
  for (const name of ["x.gguf", "x-00001-of-00001.gguf"]) {
    const rule = `Cannot load model: ${name} must be the file itself, got a Git LFS pointer to it`;
    await refused(() => openModel([new File([pointer], name)]), rule);
  }
  const template = [...await files("tiny-llama3"), new File([pointer], "chat_template.jinja")];
  await refused(() => openModel(template), /chat_template\.jinja must be the file itself/);
});

test("JSON may have Python's numbers", async () => {
  assert.equal(parseJson('{"a": [NaN, -Infinity, Infinity], "b": "NaN \\" Infinity \\\\"}', "x"), {
    a: [NaN, -Infinity, Infinity],
    b: 'NaN " Infinity \\',
  });
  for (const bad of ["[Nan]", "[NaN", "[infinity]", "[-NaN]", "NaNs"]) {
    assert.throws(() => parseJson(bad, "x.json"), "Cannot load model: x.json must be JSON, got ");
  }
  const changed = await files("tiny-llama3", {
    "generation_config.json": (bytes) =>
      new TextDecoder().decode(bytes).replace("{", '{"temperature": NaN, "cut": -Infinity,'),
  });
  assert.is((await openModel(changed)).config.architecture, "llama");
  const eps = await files("tiny-llama3", {
    "config.json": (bytes) => new TextDecoder().decode(bytes).replace(/"rms_norm_eps": [^,]+/, '"rms_norm_eps": NaN'),
  });
  await refused(() => openModel(eps), /^Cannot load model: rms_norm_eps must be a number in \[0, 1\), got NaN$/);
});

test("of a model whose logits are no numbers neither a text nor its perplexity is told", async () => {
  const changed = await files("tiny-llama3", {
    "model.safetensors": (bytes) => {
      const data = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
      new Uint8Array(bytes.buffer, data).fill(255); // NaN in every format
      return bytes;
    },
  });
  const model = await load(changed, await onEngine());
  const rule = "the model's logits must be finite numbers, got others";
  await refused(() => model.perplexity([256, 40, 41, 42, 43, 44], { policy: "full" }), `Cannot generate: ${rule}`);
  const session = model.session({ policy: "full" });
  await refused(async () => {
    for await (const _ of session.generate([256, 40], { maxNewTokens: 2 }));
  }, /^Cannot generate: /);
  model.dispose();
});

test("one logit that is no number ends every way of computing with the same sentence", async () => {
  const at = 512 * 64 - 64; // of lm_head.weight [512, 64], bf16: the last token's row
  for (const half of [0x7fc0, 0xffff, 0x7f80, 0xff80]) { // NaN, Infinity, -Infinity
    const changed = await files("tiny-llama3", {
      "model.safetensors": (bytes) => {
        const data = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
        new DataView(bytes.buffer).setUint16(data + 2 * at, half, true);
        return bytes;
      },
    });
    const model = await load(changed, await onEngine());
    const text = [256, 40, 41, 42, 43, 44], policy = "full", maxNewTokens = 2;
    const generated = async (options: GenerateOptions) => {
      const session = model.session({ policy });
      for await (const _ of session.generate(text, { maxNewTokens, ...options }));
    };
    const rule = "Cannot generate: the model's logits must be finite numbers, got others";
    await refused(() => generated({}), rule);
    await refused(() => generated({ temperature: 1, seed: 1 }), rule);
    await refused(() => generated({ logprobs: 2 }), rule);
    await refused(() => generated({ onLogits: (logits) => void logits.fill(0) }), rule);
    await refused(() => model.perplexity(text, { policy }), rule);
    await refused(() => evaluate(inside(model), text, 4), rule);
    const plan = { tasks: ["perplexity", "agreement"], policies: [policy], documents: 1, length: 64 } as const;
    const results = await Array.fromAsync(evaluatePlan(plan, { models: { tiny: model } }));
    assert.equal(results.map((one) => "error" in one && one.error), [rule, rule]);
    model.dispose();
  }
});
test.run();
