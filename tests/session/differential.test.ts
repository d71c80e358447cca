// Random sessions on random prompts, each told in several ways that must come out alike, bit for bit: once more, cut in the middle, stopped,
// restored, forked, after something else and a reset, beside another, in a batch with others; and with room for all as under the full cache. On a GPU
// logits are compared with those of the processor, too.
// The full run does so for minutes. A failure names its trial, the day's seed draws the same again.
import * as assert from "uvu/assert";
import { KvcapError } from "../../src/errors.ts";
import { load, type Model } from "../../src/load.ts";
import { dice, type Roll } from "../support/damage.ts";
import { depth, seed } from "../support/depth.ts";
import { engine, engineSuite, onEngine } from "../support/engine.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import { modelFolder } from "../support/files.ts";
import { relative } from "../support/relative.ts";
import { drawTrial, type Outcome, type Trial, Watched } from "../support/trials.ts";

const MODELS = ["tiny-qwen3", "tiny-llama3", "tiny-mistral-window", "tiny-mha", "fable-2m"];
const TRIALS = engine() === "wasm" ? depth(12, 1500) : depth(3, 30); // of each model
const test = await engineSuite("random sessions");

/** What became of a trial told in a way. */
type Way = (watched: Watched, trial: Trial, roll: Roll) => Promise<void>;

const straight: Way = async (watched, { turns }) => {
  for (const turn of turns) await watched.take(turn);
};

/** All turns, at a random one something is done: behind it, or in its middle. */
const broken = (act: (watched: Watched, roll: Roll) => Promise<void>): Way => async (watched, { turns }, roll) => {
  const at = roll(turns.length);
  for (const [i, turn] of turns.entries()) {
    const most = i === at ? 1 + roll(turn.options.maxNewTokens!) : undefined;
    await watched.take(turn, most, () => act(watched, roll));
  }
};

const WAYS: Record<string, Way> = {
  twice: straight,
  cut: broken(async () => {}),
  stopped: async (watched, { turns }, roll) => {
    for (const turn of turns) await watched.stop(turn, 1 + roll(turn.options.maxNewTokens!));
  },
  restored: broken((watched) => watched.restore()),
  forked: broken((watched) => watched.fork()),
  reset: async (watched, trial, roll) => {
    const [{ prompt }] = trial.turns; // as long, for budgets that are shares of it
    await watched.take({ prompt: prompt.map(() => roll(99)), options: { maxNewTokens: 3, seed: 7 } });
    watched.session.reset();
    watched.clear();
    await straight(watched, trial, roll);
  },
  beside: broken(async ({ model }, roll) => {
    const session = model.session({ budget: 12 + roll(3000) });
    for await (const _ of session.generate([roll(99), roll(99)], { maxNewTokens: 2 }));
    session.dispose();
  }),
  batched: async (watched, trial, roll) => {
    const { model, session } = watched;
    const others = Array.from({ length: 1 + roll(4) }, () => model.session({ budget: 12 + roll(64) }));
    const batch = model.batch([session, ...others]);
    let over = false;
    const beside = others.map(async (other) => {
      const prompt = [roll(99), roll(99)];
      while (!over) {
        for await (const _ of other.generate(prompt, { maxNewTokens: 9, stopAtEnd: false })) if (over) break;
      }
    });
    try {
      await straight(watched, trial, roll);
    } finally {
      over = true;
      await Promise.all(beside);
      batch.dispose();
      for (const other of others) other.dispose();
    }
  },
};

/** Tells a trial in a way. @returns what came of it; the sentence of its refusal */
async function tell(model: Model, trial: Trial, way: Way, roll: Roll): Promise<Outcome | string> {
  let watched: Watched | null = null;
  try {
    watched = new Watched(model, trial.session);
    await way(watched, trial, roll);
    return watched.outcome();
  } catch (error) {
    if (!(error instanceof KvcapError)) throw error;
    assert.match(error.message, /^Cannot (create session|generate): [^\n]+, got [^\n]+$/);
    return error.message;
  } finally {
    watched?.session.dispose();
  }
}

/** A session whose budget holds all evicts nothing: the full cache's text, whatever the policy. */
async function withRoom(model: Model, { session: { policy, kv, positions, stride }, turns }: Trial): Promise<void> {
  const plain = { kv, positions, stride };
  const room = turns.reduce((sum, { prompt, options }) => sum + prompt.length + options.maxNewTokens!, 16);
  const [full, wide] = [{ ...plain, policy: "full" }, { ...plain, policy, budget: room }] as const;
  const roll = dice(1);
  const [a, b] = [
    await tell(model, { session: full, turns }, straight, roll),
    await tell(model, { session: wide, turns }, straight, roll),
  ];
  if (typeof a === "string" || typeof b === "string") throw new Error(`${a} ${b}`);
  assert.equal([b.ids, b.live, b.victims], [a.ids, a.live, []]);
  assert.equal(b.logits, a.logits);
}

/** What both engines compute of a trial's first prompt, under a policy that looks at no attention, so that the same tokens stay. */
async function onBoth(
  models: readonly Model[],
  { session: { positions, stride }, turns: [turn] }: Trial,
): Promise<void> {
  const session: SessionOptions = { policy: "recency", budget: 40, sinks: 2, newest: 2, kv: "f32", positions, stride };
  const turns = [{ ...turn, options: { maxNewTokens: 1 } }];
  const [mine, theirs] = [
    await tell(models[0], { session, turns }, straight, dice(1)),
    await tell(models[1], { session, turns }, straight, dice(1)),
  ];
  if (typeof mine === "string" || typeof theirs === "string") return assert.is(mine, theirs);
  assert.equal([mine.live, mine.victims.length], [theirs.live, theirs.victims.length]);
  const apart = relative(mine.logits, theirs.logits);
  assert.ok(apart < 1e-4, `${apart} between the engines`);
}

for (const [place, name] of MODELS.entries()) {
  test(`${name}: ${TRIALS} trials`, async () => {
    const folder = (await modelFolder(name))!;
    const model = await load(folder, await onEngine());
    const both = engine() === "wasm" ? null : [model, await load(folder, { device: "wasm", precision: "exact" })];
    const { vocab } = model.config;
    let refused = 0;
    for (let number = 0; number < TRIALS; number++) {
      const draw = seed * 100_000 + place * TRIALS + number;
      const trial = drawTrial(dice(draw), vocab);
      const told = `trial ${number}: ${JSON.stringify(trial.session)}`;
      try {
        const expected = await tell(model, trial, straight, dice(draw + 1));
        if (typeof expected === "string") {
          refused++;
          continue;
        }
        for (const [name, way] of Object.entries(WAYS)) {
          const outcome = await tell(model, trial, way, dice(draw + 2));
          if (typeof outcome === "string") throw new Error(`${name}: ${outcome}`);
          for (const part of ["ids", "victims", "live", "scores", "logits"] as const) {
            assert.equal(outcome[part], expected[part], `${name}: its ${part}`);
          }
        }
        await withRoom(model, trial);
        if (both) await onBoth(both, trial);
      } catch (error) {
        (error as Error).message = `${told}: ${(error as Error).message}`;
        throw error;
      }
    }
    assert.ok(refused < Math.max(0.8 * TRIALS, 10), `${refused} of ${TRIALS} trials were refused`);
    console.log(`    ${name}: ${TRIALS - refused} sessions, ${refused} refused`);
    for (const one of both ?? [model]) one.dispose();
  });
}
test.run();
