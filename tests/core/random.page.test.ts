// The core under random and adversarial input, always against the twin, SIMD and scalar: same victims, same books, same bits.
// The quick run lives a quarter of the small lives.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { CoreRule, CoreShape } from "../../src/core/core.ts";
import { POOLS, readsWindow, SCOPES, SCORES } from "../../src/core/rule.ts";
import { depth, seed } from "../support/depth.ts";
import { randomFrom, ruleOf, Trio } from "../support/trio.ts";

type Random = () => number;

const below = (random: Random, n: number) => Math.floor(random() * n);
const pick = <T>(random: Random, choices: readonly T[]): T => choices[below(random, choices.length)];

/** Kinds of attention values. Ties, and values whose squares vanish or are huge, are where selections go wrong. */
const values: Record<string, (random: Random) => number> = {
  uniform: (random) => random(),
  peaked: (random) => random() ** 12,
  "few distinct": (random) => below(random, 3) / 4,
  "all equal": () => 0.125,
  zeros: (random) => (random() < 0.9 ? 0 : random()),
  tiny: (random) => random() * 1e-38,
  "wide range": (random) => 2 ** (random() * 60 - 50),
  huge: (random) => random() * 2 ** 33,
};
const garbage = [NaN, Infinity, -Infinity, -1, 2 ** 41, -0, 0.5];

const often = ["mean", "ema", ...SCORES] as const; // RoCo's and crest's are where most goes on
const CREST = { score: "ema", scope: "peak", halfLife: 20, peaks: 15 } as const;
const withoutWindow = often.filter((score) => !readsWindow(score));

function randomRule(random: Random, { capacity, window }: CoreShape, sharing: number): CoreRule {
  const scores = window ? often : withoutWindow;
  const few = () => (random() < 0.4 ? 0 : below(random, Math.max(1, capacity / 4)));
  return {
    score: pick(random, scores),
    scope: pick(random, SCOPES),
    sinks: few(),
    newest: few(),
    unsettled: random() < 0.3 ? 0 : below(random, capacity),
    peaks: random() < 0.3 ? 0 : below(random, capacity),
    halfLife: 1 + below(random, pick(random, [4, 64, 2 ** 20])),
    seed: below(random, 2 ** 32) - 2 ** 31,
    pool: pick(random, POOLS),
    width: 1 + 2 * below(random, 6),
    shared: random() < sharing,
  };
}

/** Rows [3, lanes, capacity]: good values at live slots, anything at free ones. */
function randomRows(random: Random, trio: Trio, queries: number, value: (random: Random) => number): Float32Array {
  const { lanes, capacity } = trio.twin;
  const plane = lanes.length * capacity;
  const rows = Float32Array.from({ length: 3 * plane }, () => pick(random, garbage));
  lanes.forEach(({ tokens }, lane) =>
    tokens.forEach(({ slot }) => {
      const at = lane * capacity + slot;
      let last = 0;
      rows[at] = rows[plane + at] = 0;
      for (let query = 0; query < queries; query++) {
        last = Math.fround(value(random));
        rows[at] += last;
        rows[plane + at] = Math.min(rows[plane + at] + last * last, 2 ** 39);
      }
      rows[2 * plane + at] = last;
      if (random() < 0.02 && value !== values.huge) rows[at] = queries === 1 ? -0 : rows[at];
    })
  );
  return rows;
}

/** As many unpinned slots from every lane, newest first or oldest first: a caller's own choice. */
function anySlots(random: Random, trio: Trio): number[][] {
  const lanes = trio.twin.lanes.map(({ tokens }) => tokens.filter((token) => !token.pinned).map(({ slot }) => slot));
  const n = below(random, 1 + Math.min(...lanes.map((slots) => slots.length)));
  const backwards = random() < 0.5;
  return lanes.map((slots) => (backwards ? slots.toReversed() : slots).slice(0, n));
}

/** One life of a core: chunks and single tokens come in, some observed, and are evicted by changing rules. */
function live(random: Random, shape: CoreShape, steps: number): { evictions: number; refusals: number } {
  const sharing = pick(random, [0, 0.1, 1]);
  const trio = new Trio(shape, randomRule(random, shape, sharing));
  const kind = pick(random, Object.values(values));
  const counts = { evictions: 0, refusals: 0 };
  const tell = (done: boolean) => done || counts.refusals++;
  for (let step = 0; step < steps; step++) {
    const chunk = random() < 0.5 ? 1 : 1 + below(random, Math.max(1, shape.capacity / 2));
    const observed = random() < 0.9;
    const claimed = trio.claim(chunk, observed);
    tell(claimed);
    if (claimed && observed) {
      if (random() < 0.1) tell(trio.evict(1)); // refused: not observed yet
      if (random() < 0.1) tell(trio.observe(chunk + 1, [])); // refused: not so many queries
      const rows = randomRows(random, trio, chunk, kind);
      if (random() < 0.2) {
        const bad = rows.slice();
        const lane = below(random, trio.lanes);
        const token = pick(random, trio.twin.lanes[lane].tokens);
        const plane = chunk === 1 ? 0 : below(random, 3);
        const at = (plane * trio.lanes + lane) * shape.capacity + token.slot;
        bad[at] = pick(random, [NaN, Infinity, -Infinity, -1e-30, 2 ** 40]);
        assert.not(trio.observe(chunk, bad), "a bad row must be refused");
        counts.refusals++;
      }
      const how = random();
      if (how < 0.1) trio.advance(chunk);
      else if (how < 0.5) tell(trio.step(chunk, rows, below(random, trio.twin.evictable + 2)));
      if (trio.twin.pending) trio.observe(chunk, rows);
    }
    if (random() < 0.05) trio.pin(below(random, trio.twin.seen + 2), trio.twin.seen + below(random, 3));
    if (random() < 0.15) trio.setRule(randomRule(random, shape, sharing));
    const { evictable } = trio.twin;
    if (random() < 0.1) tell(trio.evict(evictable + 1));
    if (evictable > 0 && random() < 0.7) {
      counts.evictions++;
      trio.evict(random() < 0.5 ? 1 : 1 + below(random, evictable));
    }
    if (random() < 0.1) tell(trio.evictBy((lane, at) => Math.sin(lane + at * 7) * 2 ** (at % 9), trio.live && 1));
    if (random() < 0.05) trio.free(anySlots(random, trio));
    if (random() < 0.02) trio.reset();
    if (random() < 0.05) trio.exchange();
    if (random() < 0.05) trio.fork();
  }
  return counts;
}

const test = suite("core against its twin");

const LIVES = depth(100, 400);
test(`${LIVES} random lives of small cores`, () => {
  const totals = { evictions: 0, refusals: 0 };
  for (let life = seed * LIVES; life < (seed + 1) * LIVES; life++) {
    const random = randomFrom(life);
    const shape = {
      layers: 1 + below(random, 3),
      kvHeads: 1 + below(random, 3),
      capacity: 1 + below(random, 40),
      window: below(random, 7),
    };
    const { evictions, refusals } = live(random, shape, 30);
    totals.evictions += evictions;
    totals.refusals += refusals;
  }
  assert.ok(totals.evictions > 5 * LIVES && totals.refusals > 5 * LIVES, JSON.stringify(totals));
});

test("lives of larger cores, capacity a multiple of 4 or not", () => {
  for (const [seed, capacity] of [250, 251, 252, 253, 512, 1031].entries()) {
    live(randomFrom(seed), { layers: 2, kvHeads: 2, capacity, window: 3 }, 12);
  }
});

for (const [name, value] of Object.entries(values)) {
  test(`RoCo, H2O and crest evict 1 … many of ${name} rows`, () => {
    for (const rule of [{ scope: "low-spread", unsettled: 20 }, { score: "sum" }, CREST] as Partial<CoreRule>[]) {
      const random = randomFrom(7);
      const trio = new Trio({ layers: 1, kvHeads: 3, capacity: 77 }, ruleOf({ sinks: 2, newest: 3, ...rule }));
      trio.claim(70);
      trio.observe(70, randomRows(random, trio, 70, value));
      for (let n = 1; trio.twin.evictable >= n; n += 3) {
        assert.ok(trio.evict(n));
        assert.ok(trio.claim(1));
        assert.ok(trio.observe(1, randomRows(random, trio, 1, value)));
      }
    }
  });
}

test.run();
