import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Random, Sampler } from "../../src/session/sample.ts";
import { refused } from "../support/refused.ts";

/** Exact probabilities of every id: softmax, then the nucleus by sorting. */
function twin(logits: ArrayLike<number>, temperature: number, topP: number): number[] {
  const scaled = Array.from(logits, (logit) => logit / temperature);
  const largest = Math.max(...scaled);
  const weights = scaled.map((value) => Math.exp(value - largest));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const order = weights.map((_, id) => id).sort((a, b) => weights[b] - weights[a] || a - b);
  const kept = new Set<number>();
  let sum = 0;
  for (const id of order) {
    if (sum >= topP * total && kept.size > 0) break;
    kept.add(id);
    sum += weights[id];
  }
  return weights.map((weight, id) => kept.has(id) ? weight / sum : 0);
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const drawing = suite("sample: drawing");

drawing("frequencies are the probabilities (chi-square)", () => {
  const source = new Random(1).next, random = new Random(2).next;
  for (const [temperature, topP] of [[1, 1], [0.5, 1], [2, 0.9], [1, 0.6], [1.5, 0.4]]) {
    const logits = Float32Array.from({ length: 40 }, () => 2 * normal(source));
    const wanted = twin(logits, temperature, topP);
    const sampler = new Sampler(40);
    const draws = 100_000;
    const counts = new Array(40).fill(0);
    for (let i = 0; i < draws; i++) counts[sampler.draw(logits, temperature, topP, random)]++;
    // Ids that are expected less than ten times are counted together.
    let chi = 0, cells = 0, restWanted = 0, rest = 0;
    for (let id = 0; id < 40; id++) {
      const expected = wanted[id] * draws;
      if (expected === 0) assert.is(counts[id], 0, `id ${id} is outside the nucleus`);
      else if (expected < 10) [restWanted, rest] = [restWanted + expected, rest + counts[id]];
      else [chi, cells] = [chi + (counts[id] - expected) ** 2 / expected, cells + 1];
    }
    if (restWanted > 0) [chi, cells] = [chi + (rest - restWanted) ** 2 / restWanted, cells + 1];
    const freedom = cells - 1; // chi-square is about normal with this mean and twice this variance
    const far = (chi - freedom) / Math.sqrt(2 * freedom);
    assert.ok(cells > 2 && far < 4, `temperature ${temperature}, topP ${topP}: chi-square ${chi} of ${freedom}`);
  }
});

drawing("every place on the scale gives the id that a sorted list gives", () => {
  const source = new Random(3).next;
  for (let round = 0; round < 300; round++) {
    const vocab = 1 + Math.floor(source() * 30);
    // Few values, so that many are equal; some forbidden.
    const logits = Float32Array.from({ length: vocab }, () => source() < 0.2 ? -Infinity : Math.floor(source() * 4));
    if (logits.every((logit) => logit === -Infinity)) continue;
    const temperature = 0.3 + source(), topP = round % 3 === 0 ? 1 : 0.01 + 0.98 * source();
    const wanted = twin(logits, temperature, topP);
    const order = wanted.map((_, id) => id);
    if (topP < 1) order.sort((a, b) => wanted[b] - wanted[a] || a - b);
    const sampler = new Sampler(vocab);
    let low = 0;
    for (const id of order) {
      if (wanted[id] === 0) continue;
      for (const share of [0.001, 0.5, 0.999]) {
        assert.is(sampler.draw(logits, temperature, topP, () => low + share * wanted[id]), id, `round ${round}`);
      }
      low += wanted[id];
    }
    assert.ok(wanted[sampler.draw(logits, temperature, topP, () => 1 - 2 ** -53)] > 0, "the end of the scale");
    assert.ok(wanted[sampler.draw(logits, temperature, topP, () => 0)] > 0, "its beginning");
  }
});

drawing("a small topP, and temperature 0, take the likeliest, the smallest of equals", () => {
  const logits = Float32Array.of(-Infinity, 1, 3, 3, 2);
  const sampler = new Sampler(5), random = new Random(4).next;
  for (let i = 0; i < 20; i++) assert.is(sampler.draw(logits, 1, 1e-9, random), 2);
  assert.is(
    sampler.draw(logits, 0, 1, () => {
      throw new Error("no number is to be drawn");
    }),
    2,
  );
});

drawing("where shares meet exactly", () => {
  const flat = new Sampler(4), logits = new Float32Array(4);
  for (const [topP, ids] of [[1, 4], [0.5, 2], [0.25, 1], [0.75, 3]]) {
    for (let id = 0; id < ids; id++) assert.is(flat.draw(logits, 1, topP, () => id / ids), id, `topP ${topP}`);
    assert.is(flat.draw(logits, 1, topP, () => 1 - 2 ** -53), ids - 1, `topP ${topP}`);
  }
});

drawing("extreme logits and temperatures", () => {
  const sampler = new Sampler(3), random = new Random(5).next;
  assert.is(sampler.draw(Float32Array.of(-3e38, 3e38, -3e38), 1e-3, 1, random), 1);
  assert.is(sampler.draw(Float32Array.of(-1e30, 0, -Infinity), 1, 0.9999, random), 1);
  const seen = new Set(Array.from({ length: 200 }, () => sampler.draw(Float32Array.of(5, -5, 0), 1e9, 1, random)));
  assert.is(seen.size, 3);
});

drawing("logits stay as they are, and a draw leaves nothing for the next", () => {
  const logits = Float32Array.of(1, 2, 3, 4);
  const sampler = new Sampler(4);
  const first = sampler.draw(logits, 1, 0.7, () => 0.9);
  sampler.draw(Float32Array.of(9, -9, 9, -9), 2, 0.5, () => 0.1);
  assert.is(sampler.draw(logits, 1, 0.7, () => 0.9), first);
  assert.equal([...logits], [1, 2, 3, 4]);
});

const flat = Float32Array.of(0, 0);
const bad: [string, Float32Array, number, number][] = [
  ["there must be 2 logits, got 3", new Float32Array(3), 1, 1],
  ["logits must be finite or -Infinity, got NaN", Float32Array.of(0, NaN), 1, 1],
  ["logits must be finite or -Infinity, got NaN", Float32Array.of(NaN, 0), 0, 1],
  ["logits must be finite or -Infinity, got Infinity", Float32Array.of(0, Infinity), 1, 1],
  ["one logit must be above -Infinity, got none", Float32Array.of(-Infinity, -Infinity), 1, 0.5],
  ["temperature must be a number of at least 0, got -1", flat, -1, 1],
  ["temperature must be a number of at least 0, got NaN", flat, NaN, 1],
  ["temperature must be a number of at least 0, got Infinity", flat, Infinity, 1],
  ["topP must be in (0, 1], got 0", flat, 1, 0],
  ["topP must be in (0, 1], got 1.1", flat, 1, 1.1],
  ["topP must be in (0, 1], got NaN", flat, 1, NaN],
];
for (const [rule, logits, temperature, topP] of bad) {
  drawing(
    rule,
    () => refused(() => new Sampler(2).draw(logits, temperature, topP, () => 0.5), `Cannot sample: ${rule}`),
  );
}

drawing.run();

const numbers = suite("sample: random numbers");

/** sfc32 as PractRand has it, in whole-number arithmetic; two outputs make a number of 53 bits. */
function sfc32(seed: number): () => number {
  const mask = 0xffffffffn;
  let a = 0n, b = BigInt(seed) & mask, c = BigInt(seed) >> 32n & mask, counter = 1n;
  const next = () => {
    const out = a + b + counter & mask;
    counter = counter + 1n & mask;
    a = b ^ b >> 9n;
    b = c + (c << 3n) & mask;
    c = (c << 21n | c >> 11n) + out & mask;
    return out;
  };
  for (let i = 0; i < 15; i++) next();
  return () => Number((next() >> 5n << 26n) + (next() >> 6n)) / 2 ** 53;
}

numbers("the generator is sfc32, for any seed", () => {
  for (const seed of [0, 1, 42, -1, 2 ** 31, 2 ** 32 + 5, Number.MAX_SAFE_INTEGER, -(2 ** 40)]) {
    const random = new Random(seed).next, wanted = sfc32(seed);
    for (let i = 0; i < 1000; i++) assert.is(random(), wanted(), `seed ${seed}, number ${i}`);
  }
});

numbers("the same numbers for ever", () => {
  const random = new Random(42).next;
  assert.equal([random(), random(), random()], [0.29131022954605823, 0.11133799525571064, 0.3166959684496662]);
});

numbers("even, in [0, 1), and different for every seed", () => {
  const boxes = new Array(64).fill(0);
  const random = new Random(9).next;
  for (let i = 0; i < 64_000; i++) boxes[Math.floor(random() * 64)]++;
  assert.is(boxes.length, 64, "nothing outside");
  const chi = boxes.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  assert.ok(chi > 20 && chi < 120, `chi-square ${chi} of 63`);
  assert.is(new Set(Array.from({ length: 1000 }, (_, seed) => new Random(seed).next())).size, 1000);
});

numbers.run();
