// showScores: what the rule makes of every live slot, for every score, and that choosing by it is choosing by the rule.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Core, type CoreRule, type LaneScore } from "../../src/core/core.ts";
import { SCORES } from "../../src/core/rule.ts";
import { corePolicies as policies, type Policy, ruleFor } from "../../src/policies/core.ts";
import { draw } from "../reference/draw.ts";
import { eight, plane, ruleOf, scalarWasm, shape, Trio } from "../support/trio.ts";

const one = { layers: 1, kvHeads: 1, capacity: 8, window: 3 };

/** Three tokens, then a row that gives them 1, 2, 3 / 8, of which the middle one's slot is freed. */
function three(rule: Partial<CoreRule>): Core[] {
  return [undefined, scalarWasm].map((wasm) => {
    const core = Core.create(one, ruleOf(rule), wasm);
    core.claim(3);
    core.rows.set([1, 2, 3, 0, 0, 0, 0, 0].map((x) => x / 8));
    core.rows.set([1, 2, 3, 0, 0, 0, 0, 0].map((x) => x / 16), 16); // the last query's p
    core.observe(3);
    core.free([1]);
    return core;
  });
}

const shown = suite("showScores");
const expected: [Partial<CoreRule>, number, number][] = [
  [{ score: "mean" }, 1 / 24, 3 / 8], // n is 3 and 1
  [{ score: "sum" }, 1 / 8, 3 / 8],
  [{ score: "last" }, 1 / 16, 3 / 16],
  [{ score: "recency" }, 0, 2],
  [{ score: "random", seed: 7 }, Math.fround(draw(7, 0, 0, 0)), Math.fround(draw(7, 0, 0, 2))],
  [{ score: "windowed" }, 1 / 8, 3 / 8],
  [{ score: "windowed", pool: "max", width: 3 }, 3 / 8, 3 / 8], // neighbours now that the middle one is gone
  [{ score: "windowed", pool: "mean", width: 3 }, Math.fround(0.5 / 3), Math.fround(0.5 / 3)],
  [{ score: "persistence" }, 0, 0], // none is above 3 queries / 3 live
  // Three queries are a half-life: half of the mean, made whole by what three queries weigh, a half, or one.
  [{ score: "ema", halfLife: 3 }, 1 / 24, (1 / 16) / (1 - 2 ** (-1 / 3))],
  [{ score: "fading", halfLife: 3 }, 1 / 3, 1], // parts in the third's
];
shown("of every score", () => assert.equal([...new Set(expected.map(([{ score }]) => score))], SCORES));
for (const [rule, first, third] of expected) {
  shown(`${JSON.stringify(rule)} by slot, 0 at free slots`, () => {
    for (const core of three(rule)) {
      core.scores.fill(9);
      const scores = core.showScores();
      assert.is(scores, core.scores);
      assert.equal(Array.from(scores), [first, 0, third, 0, 0, 0, 0, 0].map(Math.fround));
    }
  });
}
shown("protected and pinned tokens have their scores, and showing changes no choice", () => {
  const trio = eight({ sinks: 2, newest: 2 });
  trio.pin(3, 4);
  for (const core of trio.cores) {
    const before = Array.from(core.choose(2));
    const scores = core.showScores();
    const means = Array.from(core.sums, (sum, at) => Math.fround(sum / (core.clock - core.births[at])));
    assert.equal(Array.from(scores), means.map((mean, at) => (core.positions[at] < 0 ? 0 : mean)));
    assert.equal(Array.from(core.choose(2)), before);
  }
});
shown("each lane's own number where the choice is shared; the first lane draws for all", () => {
  const trio = new Trio({ layers: 1, kvHeads: 2, capacity: 4 }, ruleOf({ score: "sum", shared: true }));
  trio.claim(4);
  trio.observe(4, [1, 2, 3, 4, 8, 7, 6, 5, ...Array(16).fill(0)]);
  const draws = [0, 1, 2, 3].map((position) => Math.fround(draw(3, 0, 0, position)));
  for (const core of trio.cores) {
    assert.equal(Array.from(core.showScores()), [1, 2, 3, 4, 8, 7, 6, 5]);
    core.setRule(ruleOf({ score: "recency", shared: true }));
    assert.equal(Array.from(core.showScores()), [0, 1, 2, 3, 0, 1, 2, 3]);
    core.setRule(ruleOf({ score: "random", shared: true, seed: 3 }));
    assert.equal(Array.from(core.showScores()), [...draws, ...draws]);
  }
});
for (const policy of Object.values(policies) as Policy[]) {
  shown(`${policy.name}: choosing by what is shown is choosing by the rule`, () => {
    const trio = eight(ruleFor(policy, 8, { newest: 1, unsettled: 3 }));
    for (const core of trio.cores) {
      const own = Array.from(core.choose(3));
      const shown = core.showScores().slice();
      const fill: LaneScore = (lane, _, scores) => scores.set(shown.subarray(lane * 12, (lane + 1) * 12));
      assert.equal(Array.from(core.chooseBy(fill, 3)), own);
    }
  });
}
shown("what halves becomes nothing below 2⁻¹⁰⁰, before it is subnormal", () => {
  for (const score of ["ema", "fading"] as const) {
    for (const queries of [99, 101]) {
      const size = { layers: 1, kvHeads: 1, capacity: 104, window: 1 };
      const trio = new Trio(size, ruleOf({ score, halfLife: 1 }));
      trio.claim(3);
      trio.observe(3, [1, 1, 1, ...Array(309).fill(0)]);
      trio.claim(queries);
      trio.observe(queries, [0, 0, 1, ...Array(309).fill(0)]);
      const scale = score === "ema" ? (1 - 2 ** -3) / 3 : 1;
      const [first] = trio.cores.map((core) => core.lasts[0]);
      const expected = scale * 2 ** -queries < 2 ** -100 ? 0 : scale * 2 ** -queries;
      assert.ok(Math.abs(first - expected) <= expected * 1e-6, `${score} ${queries}: ${first}`);
    }
  }
});
shown("pooled scores do not need the list to have been asked for", () => {
  for (const score of ["windowed", "persistence"] as const) {
    const rule = ruleOf({ score, pool: "max", width: 3 });
    const trio = new Trio(shape, rule);
    for (let token = 0; token < 40; token++) {
      trio.claim(1);
      const row = Float32Array.from({ length: plane }, (_, i) => ((i * 31 + token * 17) % 23) / 23);
      trio.step(1, row, Math.max(0, trio.live - 7));
    }
  }
});
shown.run();
