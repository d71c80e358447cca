import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Random } from "../../src/session/random.ts";
import { type Drawing, Sampler } from "../../src/session/sample.ts";
import { refused } from "../support/refused.ts";

type How = Partial<Drawing>;
const PLAIN: Drawing = { temperature: 1, topK: 0, topP: 1, minP: 0, typicalP: 1 };
const draw = (sampler: Sampler, logits: Float32Array, how: How, random: () => number) =>
  sampler.draw(logits, { ...PLAIN, ...how }, random);

/** Exact probabilities of every id, each option by sorting; and the order that places on the scale are in. */
function twin(logits: ArrayLike<number>, how: How): { wanted: number[]; order: number[] } {
  const { temperature, topK, topP, minP, typicalP } = { ...PLAIN, ...how };
  const scaled = Array.from(logits, (logit) => logit / temperature);
  const largest = Math.max(...scaled);
  const weights = scaled.map((value) => Math.exp(value - largest));
  const all = weights.map((_, id) => id).filter((id) => weights[id] > 0);
  const sum = (ids: number[]) => ids.reduce((total, id) => total + weights[id], 0);
  let kept = all.toSorted((a, b) => weights[b] - weights[a] || a - b);
  if (topK > 0 && topK < kept.length) kept = kept.filter((id) => weights[id] >= weights[kept[topK - 1]]);
  const until = (share: number) => {
    const total = sum(kept);
    let held = 0;
    return kept.findIndex((id) => (held += weights[id]) >= share * total);
  };
  if (topP < 1) kept = kept.slice(0, until(topP) + 1);
  kept = kept.filter((id) => weights[id] >= minP);
  if (typicalP < 1) {
    const total = sum(kept);
    const entropy = kept.reduce((found, id) => found - weights[id] / total * Math.log(weights[id] / total), 0);
    const away = (id: number) => Math.abs(-Math.log(weights[id] / total) - entropy);
    kept = kept.toSorted((a, b) => away(a) - away(b) || a - b);
    const last = kept[until(typicalP)];
    kept = kept.filter((id) => away(id) <= away(last));
  } else if (topK === 0 && topP === 1) kept = kept.toSorted((a, b) => a - b);
  const total = sum(kept), left = new Set(kept);
  return { wanted: weights.map((weight, id) => left.has(id) ? weight / total : 0), order: kept };
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

const drawing = suite("sample: drawing");

drawing("frequencies are the probabilities (chi-square)", () => {
  const source = new Random(1).next, random = new Random(2).next;
  const ways: How[] = [{}, { temperature: 0.5 }, { temperature: 2, topP: 0.9 }, { topP: 0.6 }, {
    temperature: 1.5,
    topP: 0.4,
  }];
  ways.push({ topK: 9 }, { minP: 0.1 }, { typicalP: 0.7 }, {
    temperature: 2,
    topK: 20,
    topP: 0.9,
    minP: 0.05,
    typicalP: 0.9,
  });
  for (const how of ways) {
    const logits = Float32Array.from({ length: 40 }, () => 2 * normal(source));
    const { wanted } = twin(logits, how);
    const sampler = new Sampler(40);
    const draws = 100_000;
    const counts = new Array(40).fill(0);
    for (let i = 0; i < draws; i++) counts[draw(sampler, logits, how, random)]++;
    // Ids that are expected less than ten times are counted together.
    let chi = 0, cells = 0, restWanted = 0, rest = 0;
    for (let id = 0; id < 40; id++) {
      const expected = wanted[id] * draws;
      if (expected === 0) assert.is(counts[id], 0, `id ${id} is left out`);
      else if (expected < 10) [restWanted, rest] = [restWanted + expected, rest + counts[id]];
      else [chi, cells] = [chi + (counts[id] - expected) ** 2 / expected, cells + 1];
    }
    if (restWanted > 0) [chi, cells] = [chi + (rest - restWanted) ** 2 / restWanted, cells + 1];
    const freedom = cells - 1; // chi-square is about normal with this mean and twice this variance
    const far = (chi - freedom) / Math.sqrt(2 * freedom);
    assert.ok(cells > 2 && far < 4, `${JSON.stringify(how)}: chi-square ${chi} of ${freedom}`);
  }
});

drawing("every place on the scale gives the id that a sorted list gives", () => {
  const source = new Random(3).next;
  for (let round = 0; round < 3000; round++) {
    const vocab = 1 + Math.floor(source() * 30);
    // Few values, so that many are equal; some forbidden.
    const logits = Float32Array.from({ length: vocab }, () => source() < 0.2 ? -Infinity : Math.floor(source() * 4));
    if (logits.every((logit) => logit === -Infinity)) continue;
    const maybe = (value: number, none: number) => source() < 0.5 ? value : none;
    const how: How = {
      temperature: 0.3 + source(),
      topK: maybe(1 + Math.floor(source() * vocab), 0),
      topP: maybe(0.01 + 0.98 * source(), 1),
      minP: maybe(source(), 0),
      typicalP: maybe(0.01 + 0.98 * source(), 1),
    };
    const { wanted, order } = twin(logits, how);
    const sampler = new Sampler(vocab), chances = new Float64Array(vocab);
    sampler.chances(logits, { ...PLAIN, ...how }, chances);
    const far = Math.max(...wanted.map((chance, id) => Math.abs(chance - chances[id])));
    assert.ok(far < 1e-12, `round ${round}: chances are off by ${far}`);
    let low = 0;
    for (const id of order) {
      if (wanted[id] === 0) continue;
      for (const share of [0.001, 0.5, 0.999]) {
        assert.is(
          draw(sampler, logits, how, () => low + share * wanted[id]),
          id,
          `round ${round}: ${JSON.stringify(how)}`,
        );
      }
      low += wanted[id];
    }
    assert.ok(wanted[draw(sampler, logits, how, () => 1 - 2 ** -53)] > 0, "the end of the scale");
    assert.ok(wanted[draw(sampler, logits, how, () => 0)] > 0, "its beginning");
  }
});

drawing("a small topP, and temperature 0, take the likeliest, the smallest of equals", () => {
  const logits = Float32Array.of(-Infinity, 1, 3, 3, 2);
  const sampler = new Sampler(5), random = new Random(4).next;
  for (let i = 0; i < 20; i++) assert.is(draw(sampler, logits, { topP: 1e-9 }, random), 2);
  assert.is(
    draw(sampler, logits, { temperature: 0 }, () => {
      throw new Error("no number is to be drawn");
    }),
    2,
  );
});

drawing("where shares meet exactly", () => {
  const flat = new Sampler(4), logits = new Float32Array(4);
  for (const [topP, ids] of [[1, 4], [0.5, 2], [0.25, 1], [0.75, 3]]) {
    for (let id = 0; id < ids; id++) assert.is(draw(flat, logits, { topP }, () => id / ids), id, `topP ${topP}`);
    assert.is(draw(flat, logits, { topP }, () => 1 - 2 ** -53), ids - 1, `topP ${topP}`);
  }
});

drawing("extreme logits and temperatures", () => {
  const sampler = new Sampler(3), random = new Random(5).next;
  assert.is(draw(sampler, Float32Array.of(-3e38, 3e38, -3e38), { temperature: 1e-3 }, random), 1);
  assert.is(draw(sampler, Float32Array.of(-1e30, 0, -Infinity), { topP: 0.9999 }, random), 1);
  const seen = new Set(
    Array.from({ length: 200 }, () => draw(sampler, Float32Array.of(5, -5, 0), { temperature: 1e9 }, random)),
  );
  assert.is(seen.size, 3);
});

drawing("logits stay as they are, and a draw leaves nothing for the next", () => {
  const logits = Float32Array.of(1, 2, 3, 4);
  const sampler = new Sampler(4);
  const first = draw(sampler, logits, { topP: 0.7 }, () => 0.9);
  draw(sampler, Float32Array.of(9, -9, 9, -9), { temperature: 2, topK: 2, typicalP: 0.5 }, () => 0.1);
  assert.is(draw(sampler, logits, { topP: 0.7 }, () => 0.9), first);
  assert.equal([...logits], [1, 2, 3, 4]);
});

const flat = Float32Array.of(0, 0);
const bad: [string, Float32Array, How][] = [
  ["there must be 2 logits, got 3", new Float32Array(3), {}],
  ["logits must be finite or -Infinity, got NaN", Float32Array.of(0, NaN), {}],
  ["logits must be finite or -Infinity, got NaN", Float32Array.of(NaN, 0), { temperature: 0 }],
  ["logits must be finite or -Infinity, got Infinity", Float32Array.of(0, Infinity), {}],
  ["one logit must be above -Infinity, got none", Float32Array.of(-Infinity, -Infinity), { topP: 0.5 }],
  ["temperature must be a number of at least 0, got -1", flat, { temperature: -1 }],
  ["temperature must be a number of at least 0, got NaN", flat, { temperature: NaN }],
  ["temperature must be a number of at least 0, got Infinity", flat, { temperature: Infinity }],
  ["topK must be a whole number of at least 0, got 1.5", flat, { topK: 1.5 }],
  ["topK must be a whole number of at least 0, got -1", flat, { topK: -1 }],
  ["topP must be in (0, 1], got 0", flat, { topP: 0 }],
  ["topP must be in (0, 1], got 1.1", flat, { topP: 1.1 }],
  ["topP must be in (0, 1], got NaN", flat, { topP: NaN }],
  ["minP must be in [0, 1], got NaN", flat, { minP: NaN }],
  ["minP must be in [0, 1], got 2", flat, { minP: 2 }],
  ["typicalP must be in (0, 1], got 0", flat, { typicalP: 0 }],
];
for (const [rule, logits, how] of bad) {
  drawing(rule, () => refused(() => draw(new Sampler(2), logits, how, () => 0.5), `Cannot sample: ${rule}`));
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
