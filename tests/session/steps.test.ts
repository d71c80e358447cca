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

test.run();
