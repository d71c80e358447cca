// Scores that look back on a window of rows, and choices shared by a layer.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Core, type CoreRule } from "../../src/core/core.ts";
import { randomFrom, ruleOf, throws, Trio } from "../support/trio.ts";

const one = { layers: 1, kvHeads: 1, capacity: 8, window: 3 };

/** A trio of five tokens in one lane that have seen no row. */
function five(rule: Partial<CoreRule>): Trio {
  const trio = new Trio(one, ruleOf(rule));
  trio.claim(5);
  trio.advance(5);
  return trio;
}

/** One row for the first five slots; the token of its query goes again at once. */
function row(trio: Trio, ...values: number[]): void {
  trio.claim(1);
  trio.observe(1, [...values, 0, 0, 0]);
  trio.free([[trio.twin.lanes[0].tokens.at(-1)!.slot]]);
}

const chosen = (trio: Trio, n: number) => Array.from(trio.cores[0].choose(n));

const windows = suite("window");
windows("sums the last rows and forgets those before", () => {
  const trio = five({ score: "windowed" });
  row(trio, 9, 1, 2, 3, 4);
  assert.equal(chosen(trio, 1), [1]);
  row(trio, 0, 4, 0, 0, 0);
  row(trio, 0, 0, 0, 0, 0);
  assert.equal(chosen(trio, 2), [2, 3]);
  row(trio, 0, 0, 0, 0, 0); // the first row is forgotten: of slot 0 nothing is left
  assert.equal(chosen(trio, 2), [0, 2]); // ties: the older first
  row(trio, 0, 0, 0, 0, 1);
  row(trio, 1, 0, 0, 0, 0);
  row(trio, 1, 0, 1, 0, 0);
  assert.ok(trio.evict(2)); // of 2 0 1 0 1
  assert.equal(chosen(trio, 1), [2]);
});
windows("counts rows, and a chunk of queries is one row", () => {
  const trio = five({ score: "windowed" });
  row(trio, 5, 0, 0, 0, 1);
  trio.claim(3);
  trio.observe(3, [0, 1, 2, 3, 4, 1, 1, 1, ...Array(16).fill(0)]);
  trio.free([[5, 6, 7]]);
  assert.equal(chosen(trio, 1), [1]);
  trio.claim(1);
  trio.advance(1); // no row
  trio.free([[7]]);
  assert.equal(chosen(trio, 1), [1]);
});
windows("begins with the rule that asks for it", () => {
  const trio = five({ score: "sum" });
  row(trio, 1, 2, 3, 4, 5);
  trio.setRule(ruleOf({ score: "windowed" }));
  assert.equal(chosen(trio, 1), [0]); // all have zero: the oldest
  row(trio, 1, 0, 1, 1, 1);
  assert.equal(chosen(trio, 1), [1]);
  trio.setRule(ruleOf({ score: "windowed", sinks: 2 })); // the same score: the window stays
  assert.equal(chosen(trio, 1), [2]);
  trio.setRule(ruleOf({ score: "persistence" }));
  trio.setRule(ruleOf({ score: "windowed" }));
  assert.equal(chosen(trio, 1), [0]);
});
windows("pools over neighbouring positions, not slots", () => {
  const trio = five({ score: "windowed", pool: "max", width: 3 });
  row(trio, 1, 0, 0, 8, 2);
  assert.equal(chosen(trio, 2), [0, 1]); // 1 1 8 8 8
  trio.free([[1]]);
  assert.equal(chosen(trio, 2), [0, 2]); // positions 0 2 3 4: 1 8 8 8
  trio.setRule(ruleOf({ score: "windowed", pool: "mean", width: 3 }));
  assert.equal(chosen(trio, 2), [0, 2]); // thirds of 1 9 10 10
  row(trio, 12, 0, 0, 0, 0);
  assert.equal(chosen(trio, 1), [3]); // thirds of 13, 21, 10, 10
});
windows("persistence counts the rows in which p was above its mean", () => {
  const trio = five({ score: "persistence" });
  // Live are 6 during a row: the mean is 1/6.
  row(trio, 0.9, 0.17, 0.16, 0, 0.17);
  row(trio, 0, 0.17, 0.17, 0.16, 0.2);
  assert.equal(chosen(trio, 3), [0, 2, 3]); // 1 2 1 0 2
  assert.ok(trio.evict(1));
  assert.equal(chosen(trio, 1), [0]);
  trio.claim(2);
  // Two queries, live are 6: twice the mean is 1/3.
  trio.observe(2, [0.34, 0.33, 0.4, 1, 1, 1, 1, 1, ...Array(16).fill(0)]);
  trio.free([[3, 5]]);
  assert.equal(chosen(trio, 1), [0]); // 2 2 2 – 3
});
for (const [window, steps] of [[1, 50], [2, 500], [64, 3000], [300, 3000]]) {
  windows(`of ${window} rows equals the exact sum after ${steps} rows`, () => {
    const core = Core.create({ layers: 1, kvHeads: 2, capacity: 21, window }, ruleOf({ score: "windowed" }));
    const random = randomFrom(window);
    core.claim(20);
    core.advance(20);
    const rows: Float32Array[] = [];
    for (let step = 0; step < steps; step++) {
      core.claim(1);
      for (let i = 0; i < 42; i++) core.rows[i] = 10 ** (random() * 12 - 9);
      rows.push(core.rows.slice(0, 42));
      core.observe(1);
      core.free([20, 20]);
    }
    const scores = core.showScores();
    for (let at = 0; at < 42; at++) {
      const exact = rows.slice(-window).reduce((sum, row) => sum + row[at], 0);
      if (core.positions[at] >= 0) assert.ok(Math.abs(scores[at] - exact) <= 1e-5 * exact, `${scores[at]}, ${exact}`);
    }
  });
}
windows("is refused where the shape has none, as are bad widths and pools", () => {
  const core = Core.create({ ...one, window: 0 }, ruleOf({}));
  throws(
    () => core.setRule(ruleOf({ score: "windowed" })),
    "Cannot set a rule: the score windowed needs a core whose shape has a window, got a window of 0 rows",
  );
  for (const width of [0, 2, 257, 1.5, -1]) {
    throws(
      () => core.setRule(ruleOf({ width })),
      `Cannot set a rule: width must be an odd number from 1 to 255, got ${width}`,
    );
  }
  throws(
    () => core.setRule(ruleOf({ pool: "min" as "max" })),
    "Cannot set a rule: pool must be one of none, max, mean, got min",
  );
  throws(
    () => Core.create({ ...one, window: -1 }, ruleOf({})),
    "Cannot create a core: layers, kvHeads and capacity must be positive integers within 2 GiB of books, " +
      "got 1 × 1 × 8 with a window of -1 rows",
  );
});
windows.run();

const shared = suite("shared choice");
shared("TOVA's: the newest query's attention averaged over the lanes of each layer", () => {
  const trio = new Trio({ layers: 2, kvHeads: 2, capacity: 4 }, ruleOf({ score: "last", shared: true }));
  trio.claim(3, false);
  trio.claim(1);
  trio.observe(1, [1, 5, 3, 9, 6, 1, 3, 9, 4, 4, 4, 9, 4, 4, 3, 9]);
  assert.equal(Array.from(trio.cores[0].choose(1)), [1, 1, 2, 2]); // 3.5 3 3 9: the older; 4 4 3.5 9
  assert.ok(trio.evict(1));
  assert.ok(trio.evict(2));
});
shared("is refused where lanes have chosen for themselves", () => {
  const trio = new Trio({ layers: 1, kvHeads: 2, capacity: 4 }, ruleOf({ score: "sum" }));
  trio.claim(4);
  trio.observe(4, [1, 2, 3, 4, 4, 3, 2, 1, ...Array(16).fill(0)]);
  assert.ok(trio.evict(1));
  trio.setRule(ruleOf({ score: "sum", shared: true }));
  assert.not(trio.evict(1));
  throws(
    () => trio.cores[0].evict(1),
    "Cannot evict: a shared choice needs a layer's lanes to hold the same tokens in the same slots, got lanes that differ",
    Error,
  );
});
shared.run();

const own = suite("a caller's own score");
own("chooses within the rule's scope and protection, ties to the older", () => {
  const trio = new Trio({ layers: 1, kvHeads: 2, capacity: 9 }, ruleOf({ score: "recency", sinks: 1, newest: 1 }));
  trio.claim(9);
  trio.observe(9, Float32Array.from({ length: 54 }, (_, i) => (i * 7919) % 101));
  const score = (lane: number, position: number) => (lane ? position % 3 - 1 : -(2 ** position));
  assert.ok(trio.evictBy(score, 2)); // lane 0: 6 and 7; lane 1: 3 and 6
  assert.equal(trio.twin.lanes.map(({ tokens }) => tokens.map(({ position }) => position)), [
    [0, 1, 2, 3, 4, 5, 8],
    [0, 1, 2, 4, 5, 7, 8],
  ]);
  trio.setRule(ruleOf({ scope: "low-spread", unsettled: 3 }));
  assert.ok(trio.evictBy(score, 3));
});
own("is refused unless finite, and shown where", () => {
  const core = Core.create(one, ruleOf({}));
  core.claim(3);
  core.advance(3);
  for (const bad of [NaN, Infinity, -Infinity]) {
    const message = `every live slot's score must be a finite number, got ${bad} in lane 0, slot 2`;
    throws(() => core.evictBy((_, __, scores) => scores.set([1, 2, bad]), 1), `Cannot evict: ${message}`);
  }
  assert.equal(Array.from(core.chooseBy((_, { positions }, scores) => scores.set(positions.map((at) => -at)), 1)), [2]);
  assert.is(core.live, 3);
});
own.run();
