// Weights quantised while a model is loaded: blocks against a naive twin, whole models against a twin of the weights' values.
// The quick run takes one model of each type, and 100 tokens of a text; in a page one of the whole models.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { quantise, targetOf, WEIGHT_TYPES } from "../../src/engine/quantise.ts";
import { openSource } from "../../src/files/open-source.ts";
import { openFolder } from "../../src/model/open.ts";
import { narrowF16, widenF16 } from "../../src/engine/widen.ts";
import { checkSession, leastOf, type SessionOptions } from "../../src/options/index.ts";
import { depth, fewOf, full } from "../support/depth.ts";
import { gpuSuite, testDevice } from "../support/device.ts";
import { inBrowser, listGolden, readJson, repoPath } from "../support/files.ts";
import { readWeights, SessionTwin } from "../reference/forward.ts";
import { unquantised } from "../reference/quantise.ts";
import { refusal } from "../support/spies.ts";
import { randomFrom } from "../support/trio.ts";

const blocks = suite("quantised blocks");

const bytesOf = (weights: Float32Array<ArrayBuffer>) => new Uint8Array(weights.buffer);
const asStored = (weights: Float32Array<ArrayBuffer>, type: "Q8_0" | "IQ4_NL") =>
  unquantised(quantise(bytesOf(weights), "F32", type, "x"), type);

/** 64 blocks of numbers of all sizes. */
function numbers(seed: number, make: (random: () => number) => number): Float32Array<ArrayBuffer> {
  const random = randomFrom(seed);
  return Float32Array.from({ length: 64 * 32 }, () => make(random));
}
const bell = (random: () => number) => (random() + random() + random() + random() - 2) * 0.05;

blocks("f16 there and back", () => {
  for (let bits = 0; bits < 0x7c00; bits++) assert.is(narrowF16(widenF16(bits)), bits);
  assert.equal([1e6, -1e6, 0, -0.1, 65519].map(narrowF16), [0x7bff, 0xfbff, 0, 0xae66, 0x7bff]);
  assert.equal([1 + 1 / 2048, 1 + 3 / 2048, 2 ** -25, 2 ** -25 * 1.01].map(narrowF16), [0x3c00, 0x3c02, 0, 1]);
});

blocks("Q8_0: no weight is further off than half a step", () => {
  for (const weights of [numbers(1, bell), numbers(2, (random) => (random() - 0.5) * 2 ** (random() * 20 - 10))]) {
    const stored = asStored(weights, "Q8_0");
    for (let i = 0; i < weights.length; i++) {
      const block = weights.subarray(i - i % 32, i - i % 32 + 32);
      const step = Math.max(...block.map(Math.abs)) / 127;
      assert.ok(Math.abs(stored[i] - weights[i]) <= 0.57 * step, `${stored[i]} and ${weights[i]}, step ${step}`); // 2⁻¹¹ · 127 of it are the scale's
    }
  }
});

blocks("IQ4_NL: no scale that there is would do much better", () => {
  const LEVELS = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];
  const weights = numbers(3, bell);
  const stored = asStored(weights, "IQ4_NL");
  let [ours, least] = [0, 0];
  for (let from = 0; from < weights.length; from += 32) {
    const block = weights.subarray(from, from + 32);
    const largest = Math.max(...block.map(Math.abs));
    let best = Infinity;
    for (let i = -400; i <= 400; i++) {
      const scale = widenF16(narrowF16(largest / (80 + Math.abs(i) * 0.2))) * Math.sign(i + 0.5);
      const off = (weight: number) => Math.min(...LEVELS.map((level) => (weight - scale * level) ** 2));
      best = Math.min(best, block.reduce((sum, weight) => sum + off(weight), 0));
    }
    ours += block.reduce((sum, weight, i) => sum + (weight - stored[from + i]) ** 2, 0);
    least += best;
  }
  assert.ok(ours < 1.02 * least, `squared error ${ours}, least ${least}`);
});

blocks("zeros, weights too small and too large for a scale, one alone", () => {
  for (const type of ["Q8_0", "IQ4_NL"] as const) {
    assert.ok(asStored(numbers(4, () => 0), type).every((weight) => weight === 0));
    assert.ok(asStored(numbers(5, () => 1e-12), type).every((weight) => weight === 0));
    assert.ok(asStored(numbers(6, (random) => (random() - 0.5) * 1e9), type).every(Number.isFinite));
    const alone = numbers(7, () => 0);
    alone[40] = -3;
    assert.ok(
      asStored(alone, type).every((weight, i) => i === 40 ? Math.abs(weight + 3) < 0.01 : Math.abs(weight) < 0.03),
    );
    for (const strange of [NaN, Infinity]) {
      alone[50] = strange;
      const words = `Cannot load model: weights that are to be quantised must be numbers, in x, got ${strange}`;
      assert.is(refusal(() => asStored(alone, type)), words);
    }
  }
});

blocks("what is quantised: numbers, in rows of whole blocks", () => {
  assert.is(targetOf("BF16", 64, "q8"), "Q8_0");
  assert.is(targetOf("F32", 64, "q4"), "IQ4_NL");
  assert.is(targetOf("F32", 172, "q4"), "F32");
  assert.is(targetOf("Q6_K", 256, "q8"), "Q6_K");
  assert.is(targetOf("F16", 64, null), "F16");
});
blocks.run();

const whole = await gpuSuite("quantised weights");
const test = inBrowser ? fewOf(whole, ["tiny-llama3"]) : whole;

const SETUPS = [["tiny-llama3", "q8"], ["tiny-qwen2", "q4"], ["tiny-mqa-sharded", "q4"]] as const;
for (const [name, type] of full ? SETUPS : SETUPS.slice(0, 2)) {
  test(`${name} in ${type}, against its twin`, async () => {
    const folder = repoPath(`tests/golden/models/${name}`);
    const options: SessionOptions = { kv: "f32", policy: "h2o", budget: 16, stride: 4 };
    const model = await load(folder, { device: (await testDevice())!, weights: type, sampling: "greedy" });
    const session = model.session(options);
    const prompt = Array.from({ length: 30 }, (_, i) => 3 + (i * i * 31 + i * 7) % 500);
    for await (const _ of session.generate(prompt, { maxNewTokens: 10, stopAtEnd: false }));
    const { ids } = session.report();
    model.dispose();

    const { config, tensors } = await openFolder(openSource(folder));
    const weights = await readWeights(tensors);
    for (const [name, values] of weights) {
      if (!/(proj|embed_tokens|lm_head)\.weight$/.test(name)) continue;
      const target = type === "q8" || !name.includes("proj") ? "Q8_0" : "IQ4_NL";
      weights.set(
        name,
        unquantised(quantise(bytesOf(values as Float32Array<ArrayBuffer>), "F32", target, name), target),
      );
    }
    const { score, allocation, positions, aggregate, ...rest } = checkSession(options);
    const rule = { ...rest, score: score as "sum" };
    const twin = new SessionTwin(config, weights, {
      ...{
        rule,
        budget: 16,
        stride: 4,
        allocation,
        positions,
        aggregate,
        kv: "f32",
        least: leastOf(checkSession(options)),
      },
    });
    let logits = twin.read(prompt);
    for (const [i, id] of ids.entries()) {
      assert.is(id, logits.indexOf(Math.max(...logits)), `token ${i}`);
      logits = twin.read([id]);
    }
  });
}

test("fable-2m: bytes saved, and what they cost", async () => {
  const [{ json }] = (await listGolden("easykv")).filter(({ name }) => name === "fable-2m-encoding-roco-b0.4-s8");
  const { promptIds } = await readJson(json);
  const found = new Map<string, [bytes: number, perplexity: number]>();
  for (const weights of [undefined, ...WEIGHT_TYPES]) {
    const model = await load(repoPath("models/fable-2m"), {
      device: (await testDevice())!,
      weights,
      sampling: "greedy",
    });
    const { perplexity } = await model.perplexity(promptIds.slice(0, depth(100, promptIds.length)), {
      policy: "full",
      kv: "f32",
    });
    found.set(weights ?? "f16", [model.gpuBytes, perplexity]);
    model.dispose();
  }
  const [[all, exact], [eights, nearly], [fours, roughly]] = [...found.values()];
  assert.ok(eights < 0.54 * all && fours < 0.33 * all, `${eights} and ${fours} of ${all} bytes`);
  assert.ok(Math.abs(nearly / exact - 1) < 0.01, `q8: ${nearly} instead of ${exact}`);
  assert.ok(roughly / exact < 1.06, `q4: ${roughly} instead of ${exact}`);
});
test.run();
