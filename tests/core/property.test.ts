// What must always hold, whatever the policy, the budget, the pins and the stride: checked by a ledger that knows only what
// went in and what came out, while the naive twin checks every choice. The quick run lives a seventh of the lives.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { CoreRule, CoreShape } from "../../src/core/core.ts";
import { corePolicies as policies, type Policy } from "../../src/policies/core.ts";
import { depth, seed } from "../support/depth.ts";
import { randomFrom, Trio } from "../support/trio.ts";

const RUNS = depth(900, 10_000);
const STEPS = 24;
const all: Policy[] = Object.values(policies).filter((policy) => policy.evicts);

interface Setup {
  shape: CoreShape;
  rule: CoreRule;
  budget: number;
  stride: number;
  pinned: number; // tokens that may be pinned
}

function randomSetup(below: (n: number) => number): Setup {
  const policy = all[below(all.length)];
  const budget = 1 + below(24);
  const stride = 1 + below(8);
  const sinks = below(budget + 1);
  const newest = below(budget - sinks + 1);
  return {
    shape: {
      layers: 1 + below(2),
      kvHeads: 1 + below(3),
      capacity: budget + stride,
      window: policy.window && 1 + below(6),
    },
    rule: {
      score: policy.score,
      scope: below(4) ? policy.scope : below(2) ? "low-spread" : "peak",
      sinks,
      newest,
      unsettled: below(budget),
      peaks: below(budget),
      halfLife: 1 + below(40),
      seed: below(1000),
      pool: policy.pool,
      width: policy.width,
      shared: policy.shared || below(4) === 0,
    },
    budget,
    stride,
    pinned: below(budget - sinks - newest + 1),
  };
}

/** Lives one life; returns how many tokens were evicted. */
function live(seed: number): number {
  const random = randomFrom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const { shape, rule, budget, stride, pinned } = randomSetup(below);
  const trio = new Trio(shape, rule);
  const [core] = trio.cores;
  const { lanes, capacity } = core;
  const plane = lanes * capacity;
  const sums = Array.from({ length: lanes }, () => new Map<number, number>()); // by position
  const pins = new Set<number>();
  const coarse = below(2) ? 4 : 1e6; // few distinct values make ties
  let evicted = 0;

  for (let step = 0; step < STEPS; step++) {
    if (pins.size < pinned && below(4) === 0) {
      const from = below(core.seen + 3);
      const to = Math.min(from + 2, from + pinned - pins.size);
      trio.pin(from, to);
      for (let at = from; at < to; at++) pins.add(at);
    }
    const queries = below(2) ? 1 : 1 + below(stride);
    const first = core.seen;
    trio.claim(queries);
    const rows = Float32Array.from({ length: 3 * plane }, () => below(coarse) / coarse);
    for (let lane = 0; lane < lanes; lane++) {
      for (let at = first; at < core.seen; at++) sums[lane].set(at, 0);
      for (let slot = 0; slot < capacity; slot++) {
        const at = core.positions[lane * capacity + slot];
        if (at >= 0) sums[lane].set(at, Math.fround(sums[lane].get(at)! + rows[lane * capacity + slot]));
      }
    }
    const before = core.positions.slice();
    const list = Array.from(core.liveList(), (slot, i) => before[Math.floor(i / core.live) * capacity + slot]);
    const newest = Array.from({ length: lanes }, (_, lane) => {
      return new Set(
        list.slice(lane * core.live, (lane + 1) * core.live).slice(core.live - Math.min(rule.newest, core.live)),
      );
    });
    const n = Math.max(0, core.live - budget);
    assert.ok(below(2) ? trio.step(queries, rows, n) : trio.observe(queries, rows) && trio.evict(n), "protection fits");

    assert.is(core.live, Math.min(core.seen, budget), "live = min(seen, budget)");
    for (let lane = 0; lane < lanes; lane++) {
      for (let slot = 0; slot < capacity; slot++) {
        const was = before[lane * capacity + slot];
        if (was < 0 || core.positions[lane * capacity + slot] >= 0) continue;
        evicted++;
        assert.ok(was >= rule.sinks && !pins.has(was) && !newest[lane].has(was), `evicted ${was}, which is protected`);
        sums[lane].delete(was);
      }
      const slots = Array.from(core.liveList().subarray(lane * core.live, (lane + 1) * core.live));
      const places = slots.map((slot) => core.positions[lane * capacity + slot]);
      assert.is(new Set(slots).size, core.live, "every slot is owned once");
      assert.ok(places.every((at, i) => at >= 0 && (i === 0 || at > places[i - 1])), "positions ascend strictly");
      assert.equal(places, [...sums[lane].keys()], "no token lost, none made up");
      for (const [i, at] of places.entries()) {
        assert.is(core.sums[lane * capacity + slots[i]], sums[lane].get(at), "sums are those of the rows fed in");
      }
    }
  }
  return evicted;
}

const test = suite("core, always");
test(`${RUNS} random lives keep every promise`, () => {
  let evicted = 0;
  for (let run = 1; run <= RUNS; run++) {
    try {
      evicted += live(seed * RUNS + run);
    } catch (error) {
      throw new Error(`life ${seed * RUNS + run}: ${(error as Error).message}`);
    }
  }
  assert.ok(evicted > RUNS * 10, `${evicted} evictions in ${RUNS} runs`);
});
test.run();
