// A long life: memory stays flat, the books agree with the twin's at the end, and the window has not drifted.
// The quick run takes a tenth of the million steps.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Core } from "../../src/core/core.ts";
import { depth, seed } from "../support/depth.ts";
import { randomFrom, ruleOf, scalarWasm } from "../support/trio.ts";
import { CoreTwin } from "../reference/core.ts";

const STEPS = depth(60_000, 1_000_000);
const WINDOW = 16;
const shape = { layers: 1, kvHeads: 2, capacity: 12, window: WINDOW };

const test = suite(`soak of ${STEPS} steps`);
for (
  const rule of [ruleOf({ scope: "low-spread", unsettled: 3, sinks: 1, newest: 2 }), ruleOf({ score: "windowed" })]
) {
  test(rule.score, () => {
    const cores = [Core.create(shape, rule), Core.create(shape, rule, scalarWasm)];
    const twin = new CoreTwin(shape, rule);
    const random = randomFrom(seed);
    const row = new Float32Array(24);
    const { buffer } = cores[0].rows;
    for (let step = 0; step < STEPS; step++) {
      twin.claim(1);
      for (let i = 0; i < row.length; i++) row[i] = random() ** 8;
      const n = twin.live === shape.capacity ? 1 : 0;
      const victims = twin.step(1, row, n).flat();
      for (const core of cores) {
        core.claim(1);
        core.rows.set(row);
        const chosen = core.step(1, n);
        if (victims.some((slot, i) => slot !== chosen[i])) {
          assert.unreachable(`step ${step}: ${chosen}, not ${victims}`);
        }
      }
    }
    for (const core of cores) {
      assert.is(core.seen, STEPS);
      assert.equal(Array.from(core.liveList()), twin.liveList().flat());
      twin.lanes.forEach(({ tokens }, lane) => {
        for (const { slot, position, sum, sumsq } of tokens) {
          const at = lane * shape.capacity + slot;
          assert.equal([core.positions[at], core.sums[at], core.squares[at]], [position, sum, sumsq]);
        }
      });
    }
    assert.ok(cores[0].rows.buffer === buffer && buffer.byteLength < cores[0].bytes + 65536, "memory is flat");
  });
}
test("windowed scores are exact to 1e-4", () => {
  const core = Core.create(shape, ruleOf({ score: "windowed" }));
  const random = randomFrom(seed + 1);
  core.claim(11);
  core.advance(11);
  const rows: Float64Array[] = [];
  for (let step = 0; step < STEPS; step++) {
    core.claim(1);
    const row = Float64Array.from({ length: 24 }, () => Math.fround(10 ** (random() * 14 - 12)));
    rows[step % WINDOW] = row;
    core.rows.set(row);
    core.observe(1);
    core.free([11, 11]);
  }
  const scores = core.showScores();
  for (let at = 0; at < 24; at++) {
    if (core.positions[at] < 0) continue;
    const exact = rows.reduce((sum, row) => sum + row[at], 0);
    assert.ok(Math.abs(scores[at] - exact) <= 1e-4 * exact, `${scores[at]} and ${exact}`);
  }
});
test.run();
