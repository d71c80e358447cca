// Embeddings against transformers' recorded hidden states (tests/golden/hf), in Deno and in a page.
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import type { EmbedOptions } from "../../src/options/embed.ts";
import { evaluate } from "../../src/session/evaluate.ts";
import { chosen } from "../support/depth.ts";
import { engineSuite, onEngine } from "../support/engine.ts";
import { inBrowser, listGolden, modelFolder, readFloats, readJson, repoPath } from "../support/files.ts";
import { inside } from "../support/inside.ts";
import { refused } from "../support/refused.ts";
import { relative } from "../support/relative.ts";

const TOLERANCE = 1e-4; // of the largest number, as for hidden states

interface Case {
  readonly ids: number[];
  readonly hidden: { readonly offset: number; readonly shape: [stages: number, tokens: number, width: number] };
}

const test = await engineSuite("embeddings");
const fable = () => onEngine().then((options) => load(repoPath("models/fable-2m"), options));

/** The mean of recorded rows, in f64. */
function meanOf(states: Float32Array, width: number): Float32Array {
  const rows = states.length / width;
  return Float32Array.from({ length: width }, (_, i) => {
    let sum = 0;
    for (let t = 0; t < rows; t++) sum += states[t * width + i];
    return sum / rows;
  });
}

async function checkCases(model: Model, cases: readonly Case[], floats: Float32Array): Promise<void> {
  const ids = cases.map(({ ids }) => ids);
  const [means, lasts] = [await model.embed(ids), await model.embed(ids, { pooling: "last" })];
  const middle = Math.floor(model.config.layers / 2);
  const [all, halfway] = [
    await model.embed(ids, { pooling: "none" }),
    await model.embed(ids, { layer: middle, pooling: "none" }),
  ];
  cases.forEach(({ hidden: { offset, shape: [stages, tokens, width] } }, i) => {
    const stage = (number: number) =>
      floats.subarray(offset + number * tokens * width, offset + (number + 1) * tokens * width);
    const last = stage(stages - 1);
    const pairs = [
      [means[i], meanOf(last, width)],
      [lasts[i], last.subarray((tokens - 1) * width)],
      [all[i], last],
      [halfway[i], stage(middle)],
    ];
    for (const [ours, theirs] of pairs) {
      assert.is(ours.length, theirs.length);
      const off = relative(ours, theirs);
      assert.ok(off <= TOLERANCE, `${off} of the largest`);
    }
  });
}

const recorded = await listGolden("hf");
const small = recorded.filter(({ name }) => /^(fable|tiny)-/.test(name));
for (const { name, json, floats } of inBrowser ? chosen(small, () => "any", 1) : recorded) {
  test(`${name}: means, last tokens and layers are transformers'`, async () => {
    const golden = await readJson<{ model: string; cases: Case[] }>(json);
    const folder = await modelFolder(golden.model);
    if (!folder) return;
    const model = await load(folder, await onEngine());
    await checkCases(model, golden.cases, await readFloats(floats));
    model.dispose();
  });
}

test("texts of any lengths are read by themselves, in chunks, begin-of-sequence before each", async () => {
  const model = await fable();
  const { hidden: width, layers } = model.config;
  const texts = ["Once upon a time", "The fox saw a crow. ".repeat(30), "Hello"];
  const together = await model.embed(texts);
  for (const [i, text] of texts.entries()) {
    const [alone] = await model.embed(text);
    assert.equal(together[i], alone);
    const ids = model.tokenizer.encode(text, { bos: true });
    const { hidden } = await evaluate(inside(model), ids, 16);
    const off = relative(alone, meanOf(hidden.subarray(layers * ids.length * width), width));
    assert.ok(off <= TOLERANCE, `${text.slice(0, 20)}: ${off}`);
  }
  assert.ok(model.tokenizer.encode(texts[1]).length > 128); // more than two chunks
  const [plain, unit] = [together[0], (await model.embed(texts[0], { normalize: true }))[0]];
  const length = Math.hypot(...plain);
  assert.ok(Math.abs(Math.hypot(...unit) - 1) < 1e-6);
  assert.ok(relative(unit.map((value) => value * length), plain) < 1e-6);
  assert.equal(await model.embed([]), []);
  model.dispose();
});

test("memory is given back, and what cannot be done is said", async () => {
  const model = await fable();
  const held = model.gpuBytes;
  const embed = (texts: unknown, options?: EmbedOptions) => model.embed(texts as string[], options);
  const heard: number[][] = [];
  await embed(["One", "Two or three"], { onProgress: (...told) => void heard.push(told) });
  assert.is(heard.at(-1)![0], heard.at(-1)![1]);
  assert.is(model.gpuBytes, held);
  await refused(() => embed([[]]), "Cannot embed: a text must have at least one token, got none");
  await refused(() => embed([7]), "Cannot embed: a text must be text or token ids, got number");
  await refused(() => embed(7), "Cannot embed: texts must be a text or a list of texts, got 7");
  await refused(() => embed("x", { layer: 9 }), "Cannot embed: layer must be at most the model's 5, got 9");
  await refused(
    () => embed("x", { pooling: "first" as "last" }),
    'Cannot embed: pooling must be one of mean, last, none, got "first"',
  );
  const most = model.config.maxPositions;
  await refused(
    () => embed([new Array(most + 1).fill(5)]),
    `Cannot embed: a text must have at most the model's ${most} tokens, got ${most + 1}`,
  );
  await refused(() => embed("x", { signal: AbortSignal.abort(new Error("enough")) }), "enough");
  const long = embed(["The fox. ".repeat(60)], { onProgress: () => model.dispose() });
  await refused(() => long, "Cannot embed: the model must not be disposed, got a disposed one");
});
test.run();
