// Whoever writes into what a core hands out, its two inputs aside, changes nothing: the same victims as from one that nobody disturbs.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Core, type LaneScore, policies, ruleFor } from "../../src/core/index.ts";
import { scribble } from "../support/scribble.ts";

const BUDGET = 24, STRIDE = 4, LANES = 4;
const own: LaneScore = (lane, { sums, positions, births, squares }, scores) => {
  for (let slot = 0; slot < scores.length; slot++) {
    scores[slot] = sums[slot] - squares[slot] + (positions[slot] * 7 + births[slot] + lane) % 5;
  }
};

/** What goes, and where tokens are, in a run that is handed all that there is. */
function run(name: keyof typeof policies, spoil: (value: unknown) => void): number[][] {
  const core = Core.create(
    { layers: 2, kvHeads: 2, capacity: BUDGET + STRIDE, window: 8 },
    ruleFor(policies[name], BUDGET),
  );
  core.pin(5, 7);
  const found: number[][] = [];
  let state = 9;
  for (let step = 0; step < 60; step++) {
    const tokens = step % 3 === 0 ? STRIDE : 1;
    const slots = core.claim(tokens);
    found.push([...slots]);
    spoil(slots);
    for (let i = 0; i < core.rows.length; i++) {
      state = Math.imul(state, 1103515245) + 12345 >>> 0;
      core.rows[i] = state / 2 ** 33;
    }
    core.observe(tokens);
    const n = Math.max(0, core.live - BUDGET);
    const shown = [core.positions, core.sums, core.squares, core.lasts, core.births, core.laneViews, core.liveList()];
    spoil([...shown, core.showScores(), core.scores, core.choose(n), core.snapshot(), core.chooseBy(own, n)]);
    const mine = step % 2 === 0;
    const victims = mine
      ? core.evictBy((lane, views, scores) => (own(lane, views, scores), spoil(views)), n)
      : core.evict(n);
    found.push([...victims]);
    spoil(victims);
    if (step === 40) core.restore(core.snapshot());
  }
  spoil([core.fork().positions, core.positions]);
  found.push(Array.from(core.liveList()));
  assert.is(found.at(-1)!.length, LANES * core.live);
  return found;
}

const test = suite("what a core hands out");
for (const name of Object.keys(policies) as (keyof typeof policies)[]) {
  if (name === "full") continue;
  test(`${name}: writing into it changes nothing`, () => assert.equal(run(name, scribble), run(name, () => {})));
}

test("behind a reset, as many tokens as before are not the ones of before", () => {
  const core = Core.create({ layers: 1, kvHeads: 1, capacity: 4 }, ruleFor(policies.h2o, 2));
  for (const p of [0.25, 0.75]) {
    core.reset();
    core.claim(1);
    core.rows.fill(p);
    core.observe(1);
    assert.is(core.sums[0], p);
  }
});
test.run();
