// exp, log, powers, sine and cosine: close to the host's own, and the same bits in every host.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { exp, log, power, turn } from "../../src/engine/elementary.ts";
import { Draws } from "../../src/eval/draws.ts";
import { crc32 } from "../../src/core/snapshot.ts";

const draws = new Draws("elementary");
const COUNT = 20_000;
const of = (make: () => number) => Float64Array.from({ length: COUNT }, make);
/** Numbers of either sign and of many sizes. */
const sized = () => (draws.next() - 0.5) * 2 * [1, 10, 1e3, 1e5, 1e6][draws.below(5)];

const powers = of(() => (draws.next() - 0.5) * 1400);
const numbers = of(() => draws.next() / (1 + draws.below(1e6)) * (1 + draws.below(1e6)));
const shares = of(() => draws.next());
const angles = of(() => sized());
const sines = new Float64Array(COUNT);
const cosines = new Float64Array(COUNT);
const both = new Float64Array(2);
angles.forEach((angle, i) => {
  turn(angle, both, 0, 1);
  [cosines[i], sines[i]] = both;
});
const found = {
  exp: powers.map(exp),
  log: numbers.map(log),
  power: shares.map((share) => power(500_000, share)),
  sine: sines,
  cosine: cosines,
};

/** The largest difference, in units of 2⁻⁵² of the larger of the wanted number and `least`. */
function worst(found: Float64Array, wanted: Float64Array, least = 0): number {
  return found.reduce((most, one, i) => {
    const unit = 2 ** -52 * Math.max(least, Math.abs(wanted[i]));
    return Math.max(most, one === wanted[i] ? 0 : Math.abs(one - wanted[i]) / unit);
  }, 0);
}

const test = suite("elementary functions");

test("are what the host says, but for the last bits", () => {
  assert.ok(worst(found.exp, powers.map(Math.exp)) <= 2);
  assert.ok(worst(found.log, numbers.map(Math.log)) <= 2);
  assert.ok(worst(found.power, shares.map((share) => Math.pow(500_000, share))) <= 32);
  assert.ok(worst(found.sine, angles.map(Math.sin), 1) <= 1);
  assert.ok(worst(found.cosine, angles.map(Math.cos), 1) <= 1);
});

test("are exact where that is known", () => {
  assert.equal([0, -Infinity, Infinity, -709, 710].map(exp), [1, 0, Infinity, 0, Infinity]);
  assert.ok(Number.isNaN(exp(NaN)) && Number.isNaN(log(-1)) && Number.isNaN(log(NaN)));
  assert.equal([1, 0, Infinity].map(log), [0, -Infinity, Infinity]);
  turn(0, both, 0, 1);
  assert.equal([...both], [1, 0]);
});

test("have the same bits in every host", () => {
  // Of what Deno 2.9.5 found: whoever computes otherwise is told here.
  const told = Object.values(found).map((values) => crc32(new Uint8Array(values.slice().buffer)).toString(16));
  assert.equal(told, ["8c8d1e61", "c31368cb", "3d642dce", "b6833e33", "954eea59"]);
});

test.run();
