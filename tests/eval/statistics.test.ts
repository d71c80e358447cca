// Bootstrap intervals against what theory says of them, and what is said of a difference.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Draws } from "../../src/eval/draws.ts";
import { bootstrap, verdictOf } from "../../src/eval/statistics.ts";

/** A normal variable, Box and Muller. */
const normal = (draws: Draws) => Math.sqrt(-2 * Math.log(1 - draws.next())) * Math.cos(2 * Math.PI * draws.next());

const test = suite("eval: statistics");

test("an interval of many values is mean ± 1.96 standard errors, the same at every call", () => {
  const draws = new Draws("values");
  const values = Array.from({ length: 400 }, () => 3 + 2 * normal(draws));
  const mean = values.reduce((sum, value) => sum + value, 0) / 400;
  const error = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0)) / 400;
  const found = bootstrap(values);
  assert.ok(Math.abs(found.mean - mean) < 1e-12);
  assert.ok(Math.abs(found.high - mean - 1.96 * error) < 0.15 * error, `${(found.high - mean) / error}`);
  assert.ok(Math.abs(mean - found.low - 1.96 * error) < 0.15 * error, `${(mean - found.low) / error}`);
  assert.equal(bootstrap(values), found);
});

test("of intervals of 30 values nine in ten hold the truth, and not all", () => {
  const draws = new Draws("coverage");
  let held = 0;
  for (let i = 0; i < 200; i++) {
    const { low, high } = bootstrap(Array.from({ length: 30 }, () => normal(draws)), `${i}`);
    if (low <= 0 && high >= 0) held++;
  }
  assert.ok(held >= 178 && held < 200, `${held} of 200`); // 95 in 100, less a little for so few values
});

test("the verdict has the sign of the better side", () => {
  const all = (value: number) => bootstrap(new Array(6).fill(value));
  assert.is(verdictOf(all(1), true), "better");
  assert.is(verdictOf(all(1), false), "worse");
  assert.is(verdictOf(all(-1), true), "worse");
  assert.is(verdictOf(all(-1), false), "better");
  assert.is(verdictOf(all(0), true), "not told apart");
  assert.is(verdictOf(bootstrap([1, -1, 1, -1, 1, -1]), true), "not told apart");
  assert.is(verdictOf(bootstrap([1, 1, 1, 1, 1]), true), "not told apart"); // too few pairs
});

test("draws are even, and none comes twice", () => {
  const draws = new Draws("even");
  const counts = new Array(10).fill(0);
  for (let i = 0; i < 20_000; i++) counts[draws.below(10)]++;
  assert.ok(counts.every((count) => Math.abs(count - 2000) < 200), counts.join());
  assert.equal(draws.some([1, 2, 3], 9).sort(), [1, 2, 3]);
  for (let i = 0; i < 100; i++) assert.match(draws.digits(5), /^[1-9]\d{4}$/);
});

test.run();
