// Who goes: evict, choose and free, with ties, protection and scopes, and what they refuse.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { LaneScore } from "../../src/core/core.ts";
import { readsWindow, SCOPES, SCORES } from "../../src/core/rule.ts";
import { corePolicies as policies, type Policy, ruleFor } from "../../src/policies/core.ts";
import { eight, plane, ruleOf, shape, throws, Trio } from "../support/trio.ts";

const evictions = suite("evict");
evictions("takes nothing that is protected, down to the last slot", () => {
  for (const score of SCORES.filter((score) => !readsWindow(score))) {
    const trio = eight({ score, scope: "low-spread", unsettled: 3, sinks: 1, newest: 2 });
    trio.pin(3, 5);
    assert.is(trio.cores[0].evictable, 3);
    assert.not(trio.evict(4));
    assert.ok(trio.evict(3));
    assert.equal(
      trio.twin.lanes.map(({ tokens }) => tokens.map((token) => token.position)),
      Array(4).fill([0, 3, 4, 6, 7]),
    );
    assert.not(trio.evict(1), "the budget is what is protected");
    throws(() => trio.cores[0].evict(1), "Cannot evict: only 0 slots per lane may go, got 1");
  }
});
evictions("takes nothing where all is pinned, or newest, or sinks", () => {
  const pinned = eight();
  pinned.pin(0, 8);
  const newest = eight({ newest: 8 });
  const more = eight({ newest: 2 ** 31 - 1 });
  const sinks = eight({ sinks: 8 });
  for (const trio of [pinned, newest, more, sinks]) {
    assert.is(trio.cores[0].evictable, 0);
    assert.not(trio.evict(1));
  }
});
evictions("goes by age among equals, in scores and in spreads", () => {
  for (const scope of SCOPES) {
    const trio = new Trio(shape, ruleOf({ score: "sum", scope, unsettled: 3, sinks: 1 }));
    trio.claim(8, false);
    trio.claim(1);
    trio.observe(1, new Float32Array(plane).fill(0.5));
    // Equal sums and spreads but for the newest, whose n is 1 as well: positions 1 and 2 go, the newest are unsettled.
    assert.equal(Array.from(trio.cores[0].choose(2)), [1, 2, 1, 2, 1, 2, 1, 2]);
    assert.ok(trio.evict(2));
  }
});
evictions("leaves out the largest spreads, but never so many that too few remain", () => {
  const trio = eight({ scope: "low-spread", unsettled: 5 });
  for (const n of [1, 2, 1, 3]) assert.ok(trio.evict(n));
  const all = eight({ scope: "low-spread", unsettled: 2 ** 31 - 1 });
  assert.ok(all.evict(8));
});
evictions("takes the calm token with the smallest mean, not the unsettled one below it", () => {
  const [core] = new Trio({ layers: 1, kvHeads: 1, capacity: 4 }, ruleOf({ scope: "low-spread", unsettled: 1 })).cores;
  core.claim(3, false);
  // Means .15, .2, .5 over two queries; the first swings most.
  for (const row of [[0.3, 0.2, 0.5, 0], [0, 0.2, 0.5, 0]]) {
    core.claim(1, false);
    core.free([3]);
    core.claim(1);
    core.rows.set(row);
    core.observe(1);
    core.free([3]);
  }
  assert.equal(Array.from(core.evict(1)), [1]);
  core.setRule(ruleOf({}));
  assert.equal(Array.from(core.evict(1)), [0]);
});
evictions("keeps what was once looked at hard, up to `peaks` of them, and takes the least of the others", () => {
  const rule = ruleOf({ score: "ema", scope: "peak", halfLife: 2, peaks: 1 });
  for (const core of new Trio({ layers: 1, kvHeads: 1, capacity: 5 }, rule).cores) {
    core.claim(3, false);
    // The first token is looked at once, and never again; the second now and then; the third always.
    for (const row of [[0.5, 0.2, 0.3, 0], [0, 0.1, 0.9, 0], [0, 0.1, 0.4, 0], [0, 0.1, 0.9, 0]]) {
      core.claim(1);
      core.rows.set(row);
      core.observe(1);
      core.free([3]);
    }
    // Peaks .5, .2, .9: with one left out that is the third, and the first, of the least mean, goes; with two, the second.
    assert.equal(Array.from(core.squares.subarray(0, 3)), [0.5, 0.2, 0.9].map(Math.fround));
    const means = Array.from(core.lasts.subarray(0, 3));
    assert.ok(means[0] < means[1] && means[1] < means[2], `${means}`);
    assert.equal(Array.from(core.choose(1)), [0]);
    core.setRule({ ...rule, peaks: 2 });
    assert.equal(Array.from(core.choose(1)), [1]);
  }
});
evictions("a peak of several queries is their self-weighted mean, and nothing where nobody looked", () => {
  const rule = ruleOf({ score: "sum", scope: "peak", peaks: 1 });
  for (const core of new Trio({ layers: 1, kvHeads: 1, capacity: 4 }, rule).cores) {
    core.claim(4);
    core.rows.set([1, 0.5, 0, 2 ** -140, 0.625, 0.25, 0, 2 ** 30, 9, 9, 9, 9]);
    core.observe(4);
    assert.equal(Array.from(core.squares), [0.625, 0.5, 0, 2 ** 40]); // never above what a p may be
  }
});
evictions("the cut through peaks is the same where it was noted, among neighbouring floats, and where it moves", () => {
  for (const score of ["ema", "sum", "recency"] as const) {
    const trio = new Trio({ layers: 1, kvHeads: 1, capacity: 131 }, ruleOf({ score, scope: "peak" }));
    trio.claim(130, false);
    trio.claim(1);
    const floats = new Float32Array(Int32Array.from({ length: 131 }, (_, i) => 0x3e000000 + (i * 37) % 131).buffer);
    trio.observe(1, floats);
    // As many as the scope holds go: whoever is wrongly in or out of it shows. Twice: from afar, and from where it was.
    for (const peaks of [60, 60, 61, 59, 100, 100, 30, 30, 131, 0, 60]) {
      trio.setRule(ruleOf({ score, scope: "peak", peaks, newest: 5 }));
      for (const n of [126 - peaks, 1, 126 - peaks].filter((n) => n > 0)) {
        const expected = trio.twin.choose(n).flat();
        for (const core of trio.cores) assert.equal(Array.from(core.choose(n)), expected, `${score} ${peaks} ${n}`);
      }
    }
  }
});
evictions("below the cut through peaks goes the least score of one's own, also where it is below 0", () => {
  const worth = (position: number) => position * 53 % 131 - 65;
  const fill: LaneScore = (_, { positions }, scores) => scores.set(positions.map(worth));
  const trio = new Trio({ layers: 1, kvHeads: 1, capacity: 131 }, ruleOf({ scope: "peak", peaks: 60 }));
  trio.claim(130, false);
  trio.claim(1);
  trio.observe(1, Float32Array.from({ length: 131 }, (_, i) => 1 / (2 + i * 37 % 131)));
  for (const n of [1, 5, 70, 71, 1]) { // from the second on the cut is where it was noted
    const expected = trio.twin.choose(n, (_, { position }) => worth(position)).flat();
    for (const core of trio.cores) assert.equal(Array.from(core.chooseBy(fill, n)), expected, `${n}`);
  }
});
evictions("memory begins with the rule that asks for it", () => {
  for (const core of eight().cores) {
    const squares = core.squares.slice();
    core.setRule(ruleOf({ score: "ema" }));
    assert.equal(core.squares, squares);
    assert.ok(core.lasts.every((mean) => mean === 0));
    core.setRule(ruleOf({ score: "ema", scope: "peak" }));
    assert.ok(core.squares.every((peak) => peak === 0));
    core.claim(1);
    core.rows.fill(0.5);
    core.observe(1);
    const peaks = core.squares.slice();
    core.setRule(ruleOf({ score: "sum", scope: "peak" }));
    assert.equal(core.squares, peaks);
    core.setRule(ruleOf({ scope: "low-spread" }));
    assert.ok(core.squares.every((square) => square === 0));
  }
});
evictions("waits for the row of claimed tokens", () => {
  const [core] = eight().cores;
  core.claim(1);
  const message = "the rows of claimed tokens must be observed first (or skipped with advance), got 1 tokens waiting";
  throws(() => core.evict(1), `Cannot evict: ${message}`, Error);
  throws(() => core.choose(1), `Cannot choose: ${message}`, Error);
  throws(() => core.free([0, 0, 0, 0]), `Cannot free: ${message}`, Error);
  assert.is(core.evict(0).length, 0);
  throws(() => core.evict(-1), "Cannot evict: n must be a non-negative integer, got -1");
});
evictions("choose shows what evict will take, and takes nothing", () => {
  for (const policy of Object.values(policies) as Policy[]) {
    const trio = eight(ruleFor(policy, 8, { unsettled: 3 }));
    for (const core of trio.cores) {
      const shown = Array.from(core.choose(3));
      trio.compare("choose");
      assert.equal(shown, trio.twin.lanes.flatMap((_, lane) => chosenByTwin(trio, lane, 3)));
    }
    assert.ok(trio.evict(3));
  }
});
function chosenByTwin({ twin }: Trio, lane: number, n: number): number[] {
  const copy = structuredClone(twin.lanes);
  const slots = twin.evict(n)[lane];
  twin.lanes.splice(0, copy.length, ...copy);
  twin.evictions--;
  return slots;
}
evictions.run();

const frees = suite("free");
frees("takes the caller's choice, protected by the rule or not, but never pinned", () => {
  const trio = eight({ sinks: 2, newest: 2 });
  trio.pin(3, 4);
  assert.ok(trio.free([[0, 7], [7, 1], [4, 2], [5, 6]]));
  for (const slots of [[3, 3, 3, 3], [0, 0, 0, 0], [1, 2, 1, 11], [1, 2, 0, 12], [1, 2, 0, 2 ** 31]]) {
    assert.not(trio.free(slots.map((slot) => [slot])), `${slots}`);
  }
  assert.not(trio.free([[1, 1], [2, 3], [0, 1], [0, 1]]));
  const [core] = trio.cores;
  throws(() => core.free([1, 2, 3]), "Cannot free: slots must be [4, at most 6], got 3 of them");
  throws(() => core.free([1, 2, 3, 0.5]), "Cannot free: a slot must be a non-negative integer, got 0.5");
  throws(
    () => core.free([3, 3, 3, 3]),
    "Cannot free: every slot must be live, unpinned and named once, got one that is not",
  );
});
frees.run();
