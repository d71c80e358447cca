// The core's books: what claim, observe, pin, rules and reset do and refuse, and that a refusal changes nothing.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { KvcapError } from "../../src/errors.ts";
import { Core } from "../../src/core/core.ts";
import { SCORES } from "../../src/core/rule.ts";
import { draw } from "../reference/draw.ts";
import { eight, plane, ruleOf, scalarWasm, shape, throws, Trio } from "../support/trio.ts";

const claims = suite("claim");
claims("gives slots freed last first, then unused ones", () => {
  const trio = eight();
  const [core] = trio.cores;
  assert.equal(Array.from(core.claim(1)), [8, 8, 8, 8]);
  assert.is(core.extent, 9);
  core.advance(1);
  core.free([1, 5, 2, 6, 3, 7, 0, 4]);
  assert.equal(Array.from(core.claim(3)), [5, 1, 9, 6, 2, 9, 7, 3, 9, 4, 0, 9]);
  assert.is(core.extent, 10);
  assert.equal([core.seen, core.live, core.positions[5]], [12, 10, 9]);
});
claims("counts n from a token's own query, or from the next observed one", () => {
  const trio = new Trio(shape, ruleOf({}));
  trio.claim(3, false);
  trio.claim(2);
  trio.observe(2, new Float32Array(3 * plane));
  assert.equal(Array.from(trio.cores[0].births.subarray(0, 5)), [0, 0, 0, 0, 1]);
  trio.claim(1);
  trio.observe(1, new Float32Array(plane));
  assert.is(trio.cores[0].births[5], 2);
  assert.is(trio.cores[0].clock, 3);
});
claims("refuses what does not fit", () => {
  const [core] = eight().cores;
  throws(() => core.claim(5), "Cannot claim: only 4 slots per lane are free, got 5");
  throws(() => core.claim(0), "Cannot claim: tokens must be a positive integer, got 0");
  throws(() => core.claim(1.5), "Cannot claim: tokens must be a positive integer, got 1.5");
  throws(() => core.claim(NaN), "Cannot claim: tokens must be a positive integer, got NaN");
  throws(() => core.claim(2 ** 32 + 1), "Cannot claim: tokens must be a positive integer, got 4294967297");
});
claims.run();

const rows = suite("observe");
for (const bad of [NaN, Infinity, -Infinity, -1e-45, -1, 2 ** 40]) {
  rows(`refuses a row with ${bad}, wherever it stands`, () => {
    for (const queries of [1, 3]) {
      for (let where = 0; where < (queries === 1 ? 1 : 3); where++) {
        const trio = eight();
        trio.claim(queries);
        const row = new Float32Array(3 * plane).fill(0.25);
        row[where * plane + 3 * 12 + 7] = bad;
        assert.not(trio.observe(queries, row));
        const value = Math.fround(bad);
        throws(
          () => trio.cores[0].observe(queries),
          `Cannot observe: every value of a row must lie in [0, 2^40), got ${value} in lane 3, slot 7`,
        );
        row[where * plane + 3 * 12 + 7] = 1;
        assert.ok(trio.observe(queries, row));
      }
    }
  });
}
rows("ignores what stands at free slots, and takes −0 as 0", () => {
  const trio = eight();
  trio.claim(1);
  const row = new Float32Array(plane).fill(-0);
  for (let lane = 0; lane < 4; lane++) row.fill(NaN, lane * 12 + 9, lane * 12 + 12);
  assert.ok(trio.observe(1, row));
  assert.ok(Object.is(trio.cores[0].lasts[0], 0));
  trio.claim(2);
  assert.ok(trio.observe(2, new Float32Array(3 * plane)));
  assert.is(trio.cores[0].sums[9], 0);
});
rows("a row that is too long does not fit, and changes nothing", () => {
  const [core] = eight().cores;
  core.claim(1);
  const before = core.snapshot();
  assert.throws(() => core.rows.set(new Float32Array(3 * plane + 1)), (error: Error) => error instanceof RangeError);
  for (const queries of [3, 2 ** 31, NaN]) {
    assert.throws(() => core.observe(queries), /^Cannot observe: queries must be/);
  }
  assert.equal(core.snapshot(), before);
});
rows("wants as many queries as were claimed", () => {
  const [core] = eight().cores;
  throws(() => core.observe(1), "Cannot observe: queries must be the 0 tokens claimed since the last row, got 1");
  core.claim(2);
  throws(() => core.observe(1), "Cannot observe: queries must be the 2 tokens claimed since the last row, got 1");
  throws(() => core.advance(3), "Cannot advance: queries must be the 2 tokens claimed since the last row, got 3");
  throws(() => core.observe(0), "Cannot observe: queries must be a positive integer, got 0");
  core.advance(2);
  assert.is(core.clock, 10);
});
rows.run();

const others = suite("pin, rule, reset, create");
others("pins what is claimed and what will be", () => {
  const trio = eight({ score: "recency" });
  trio.evict(2);
  trio.pin(1, 3);
  trio.pin(7, 9);
  trio.pin(10, 11);
  trio.pin(4, 4);
  for (let token = 0; token < 3; token++) {
    trio.claim(1);
    trio.advance(1);
  }
  assert.is(trio.twin.evictable, 5); // of positions 2 … 10, without 2, 7, 8 and 10
  const [core] = trio.cores;
  throws(() => core.pin(-1, 2), "Cannot pin: from must be a non-negative integer, got -1");
  throws(() => core.pin(3, 2), "Cannot pin: to must be an integer not below from, got 2");
});
others("refuses bad rules and keeps the old one", () => {
  const trio = eight({ score: "recency", sinks: 1 });
  for (const core of trio.cores) {
    const bad = (rule: Record<string, unknown>) => () => core.setRule(ruleOf(rule));
    throws(
      bad({ score: "best" }),
      `Cannot set a rule: score must be one of ${SCORES.join(", ")}, got best`,
    );
    throws(bad({ scope: "none" }), "Cannot set a rule: scope must be one of all, low-spread, peak, got none");
    throws(bad({ sinks: -1 }), "Cannot set a rule: sinks must be a non-negative integer, got -1");
    throws(bad({ newest: 0.5 }), "Cannot set a rule: newest must be a non-negative integer, got 0.5");
    throws(bad({ unsettled: NaN }), "Cannot set a rule: unsettled must be a non-negative integer, got NaN");
    throws(bad({ peaks: -1 }), "Cannot set a rule: peaks must be a non-negative integer, got -1");
    throws(bad({ halfLife: 0 }), "Cannot set a rule: halfLife must be a positive integer, got 0");
    throws(bad({ seed: 0.1 }), "Cannot set a rule: seed must be an integer, got 0.1");
  }
  assert.ok(trio.evict(2));
});
others("says which part of a rule is bad, and what may have been meant", () => {
  const [core] = eight().cores;
  const parts: [Record<string, unknown>, string, string?][] = [
    [{ score: "meen" }, "score", "mean"],
    [{ scope: "low-sprad" }, "scope", "low-spread"],
    [{ pool: "min" }, "pool"],
    [{ newest: -1 }, "newest"],
    [{ seed: 0.5 }, "seed"],
    [{ width: 2 }, "width"],
    [{ shared: 1 }, "shared"],
  ];
  for (const [rule, option, meant] of parts) {
    assert.throws(() => core.setRule(ruleOf(rule)), (error: KvcapError) => {
      assert.equal([error.code, error.action, error.option, error.meant], ["bad-option", "set a rule", option, meant]);
      return true;
    });
  }
  assert.throws(() => core.evict(9), (error: KvcapError) => error.code === "no-room");
  core.claim(1);
  core.observe(1);
  core.claim(1);
  assert.throws(() => core.evict(1), (error: KvcapError) => error.code === "wrong-state");
  assert.throws(() => core.restore(new Uint8Array(99)), (error: KvcapError) => error.code === "bad-file");
});
others("reset forgets tokens, pins and draws", () => {
  const trio = eight({ score: "random" });
  trio.pin(2, 20);
  trio.evict(1);
  trio.reset();
  assert.equal([trio.cores[0].live, trio.cores[0].seen, trio.cores[0].clock, trio.cores[0].extent], [0, 0, 0, 0]);
  trio.claim(12);
  trio.advance(12);
  assert.ok(trio.evict(4));
});
others("random draws differ from lane to lane, call to call and seed to seed, and are even", () => {
  const draws = [draw(1, 0, 0, 5), draw(1, 1, 0, 5), draw(1, 0, 1, 5), draw(2, 0, 0, 5), draw(1, 0, 0, 6)];
  assert.is(new Set(draws).size, 5);
  const counts = new Array(8).fill(0);
  const core = Core.create({ layers: 1, kvHeads: 1, capacity: 8 }, ruleOf({ score: "random" }));
  for (let run = 0; run < 4000; run++) {
    core.claim(8 - core.live);
    core.advance(core.clock === 0 ? 8 : 1);
    counts[core.evict(1)[0]]++;
  }
  assert.ok(counts.every((count) => Math.abs(count - 500) < 120), String(counts));
});
others("create refuses shapes that make no sense or do not fit", () => {
  for (const capacity of [0, -1, 1.5, NaN, 2 ** 31, 2 ** 26]) {
    throws(
      () => Core.create({ layers: 1, kvHeads: 8, capacity }, ruleOf({})),
      "Cannot create a core: layers, kvHeads and capacity must be positive integers within 2 GiB of books, " +
        `got 1 × 8 × ${capacity}`,
    );
  }
});
others("ready compiles the built-in module", async () => {
  await Core.ready();
  assert.is(Core.create(shape, ruleOf({})).live, 0);
  assert.is(Core.create(shape, ruleOf({}), scalarWasm).live, 0);
});
others("outputs are views made once, and stay in place", () => {
  const trio = eight();
  const [core] = trio.cores;
  core.evict(1);
  const first = core.claim(1);
  core.advance(1);
  const victims = core.evict(1);
  const { buffer, byteLength } = core.rows;
  for (let step = 0; step < 1000; step++) {
    assert.is(core.claim(1), first);
    core.rows.fill(step / 1000);
    core.observe(1);
    assert.is(core.evict(1), victims);
    core.liveList();
  }
  assert.is(core.rows.buffer, buffer);
  assert.is(core.rows.byteLength, byteLength);
  assert.ok(buffer.byteLength >= core.bytes && buffer.byteLength < core.bytes + 65536);
});
others.run();
