// onStep: what a step took in, who went, who is live and what for, told when it is done.
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import type { Evicted, StepEvent } from "../../src/options/events.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import { repoPath } from "../support/files.ts";
import { PROMPT, say } from "../support/say.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const test = await engineSuite("session: its steps");
let model: Model;

test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

/** Each step with what `live` and `scores` gave while it was told. */
type Seen = Pick<StepEvent, "ids" | "first" | "victims"> & {
  live: number[][];
  scores: number[][];
  logits: boolean;
};

async function watch(options: SessionOptions, temperature = 0) {
  const steps: Seen[] = [];
  const gone: Evicted[] = [];
  const session = model.session({
    ...options,
    onEvict: (evicted) => gone.push(evicted),
    onStep: ({ ids, first, victims, live, scores, logits }) => {
      steps.push({ ids, first, victims, live: live(), scores: scores(), logits: logits !== null });
    },
  });
  const { ids, promptTokens } = await say(session, { maxNewTokens: 12, temperature, seed: 1 });
  const live = session.livePositions();
  session.dispose();
  return { steps, gone, ids, promptTokens, live };
}

test("every token is taken in once, in order, and every eviction is told to both", async () => {
  for (const policy of ["roco", "recency"] as const) {
    const { steps, gone, ids, promptTokens, live } = await watch({ policy, budget: 16, stride: 4 });
    const taken = steps.flatMap(({ ids }) => ids);
    assert.equal(taken.length, promptTokens + ids.length - 1);
    assert.equal(taken.slice(promptTokens), ids.slice(0, -1));
    assert.equal(
      steps.map(({ first }) => first),
      steps.map((_, i) => steps.slice(0, i).flatMap(({ ids }) => ids).length),
    );
    assert.equal(steps.flatMap(({ victims }) => victims), gone);
    assert.ok(gone.length > 0);
    assert.equal(steps.at(-1)!.live, live);
  }
});

test("victims are those that were live before and are not after; scores are of the live tokens", async () => {
  const { steps } = await watch({ policy: "roco", budget: 16, stride: 4 });
  steps.forEach(({ ids, first, victims, live, scores }, i) => {
    const before = steps[i - 1]?.live ?? live.map(() => []);
    live.forEach((positions, lane) => {
      const gone = victims.filter(({ layer, head }) => layer * 2 + head === lane).map(({ position }) => position);
      const came = ids.map((_, t) => first + t);
      const expected = [...before[lane], ...came].filter((position) => !gone.includes(position));
      assert.equal(positions, expected, `step ${i}, lane ${lane}`);
      assert.is(scores[lane].length, positions.length);
      assert.ok(scores[lane].every(Number.isFinite));
    });
  });
});

test("logits come where the generation asks for them", async () => {
  const prompt = (steps: Seen[]) => steps.map(({ logits }) => logits);
  assert.not.ok(prompt((await watch({ budget: 64 })).steps).includes(true));
  const drawn = prompt((await watch({ budget: 64 }, 0.8)).steps);
  assert.ok(drawn.slice(-11).every(Boolean));
});

test("a session that forgets begins at position 0 again, and what a listener throws ends the generation", async () => {
  const firsts: number[] = [];
  let fails = false;
  const session = model.session({
    budget: 64,
    stride: 32,
    onStep: ({ first }) => {
      firsts.push(first);
      if (fails) throw new Error("enough");
    },
  });
  await say(session, { maxNewTokens: 2 });
  session.reset();
  await say(session, { maxNewTokens: 2 });
  assert.is(firsts.filter((first) => first === 0).length, 2);
  fails = true;
  let message = "";
  await say(session, { maxNewTokens: 2 }, PROMPT).catch((error) => message = error.message);
  assert.is(message, "enough");
  session.dispose();
});

test("attention of a step is what the books' sums grew by, and a lane's is as much as there were queries", async () => {
  const sums: Map<number, number>[][] = []; // by position, of every lane, step by step
  const told: (number[][] | null)[] = [];
  const session = model.session({
    ...{ policy: "full", stride: 4 },
    onStep: ({ ids, live, attention }) => {
      const [positions, rows] = [live(), attention()!];
      const before = sums.at(-1);
      const now = session.laneViews().map((lane) =>
        new Map(Array.from(lane.positions, (position, slot) => [position, lane.sums[slot]]))
      );
      rows.forEach((row, lane) => {
        assert.is(row.length, positions[lane].length);
        const all = row.reduce((sum, one) => sum + one, 0);
        assert.ok(Math.abs(all - ids.length) < 1e-5 * ids.length, `${all} of ${ids.length}`);
        row.forEach((one, i) => {
          const position = positions[lane][i];
          const grown = now[lane].get(position)! - (before?.[lane].get(position) ?? 0);
          assert.ok(Math.abs(one - grown) < 1e-5, `${one} at ${position}: ${grown}`);
        });
      });
      sums.push(now);
      told.push(rows);
    },
  });
  await say(session, { maxNewTokens: 12 });
  assert.ok(told.length > 12);
  session.dispose();
  const late: boolean[] = [];
  const counting = model.session({
    ...{ policy: "roco", budget: 24, stride: 4, countFrom: "eviction" },
    onStep: ({ attention }) => void late.push(attention() === null),
  });
  await say(counting, { maxNewTokens: 12 });
  assert.ok(late[0] && !late.at(-1));
  counting.dispose();
});
test.run();
