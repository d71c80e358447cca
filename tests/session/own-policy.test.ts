// A policy of one's own, everywhere that a policy may be named: a session, its fork and its snapshot, perplexity, a recording and
// its replay; and the example of one.
import * as assert from "uvu/assert";
import byValue from "../../examples/crest-by-value.ts";
import fading, { run as runExample } from "../../examples/own-policy.ts";
import { load, type Model } from "../../src/load.ts";
import { definePolicy } from "../../src/options/own.ts";
import type { OwnScore } from "../../src/options/parts.ts";
import type { Session } from "../../src/session/session.ts";
import { readRecording } from "../../src/recording/read.ts";
import { replay } from "../../src/recording/replay.ts";
import { repoPath } from "../support/files.ts";
import { refusal, rejection } from "../support/spies.ts";
import { PROMPT } from "../support/say.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const OPTIONS = { budget: 20, stride: 4, sinks: 2, newest: 2 };

const test = await engineSuite("policy of one's own");
let model: Model;

test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

async function say(session: Session, maxNewTokens = 30, prompt = PROMPT) {
  for await (const _ of session.generate(prompt, { maxNewTokens, banned: model.config.eosIds }));
  return session.report();
}

test("it evicts as its score in a session does, and reports have its name", async () => {
  const mine = model.session({ ...OPTIONS, policy: fading });
  const same = model.session({ ...OPTIONS, score: fading.score, scope: "all" });
  const [{ ids, policy }, other] = [await say(mine), await say(same)];
  assert.equal([policy, other.policy], ["fading", "crest, score of its own, scope all"]);
  assert.equal(ids, other.ids);
  assert.equal(mine.livePositions(), same.livePositions());
  assert.is(mine.options.policy, fading);
  const h2o = definePolicy({ name: "my-h2o", score: "sum" });
  const named = model.session({ ...OPTIONS, policy: h2o });
  const known = model.session({ ...OPTIONS, policy: "h2o" });
  assert.is((await say(named)).policy, "my-h2o");
  await say(known);
  assert.equal(named.livePositions(), known.livePositions());
  for (const session of [mine, same, named, known]) session.dispose();
});

test("the example that weighs by values scales crest's score by their length", async () => {
  let told = 0;
  const { score } = byValue;
  const session = model.session({
    ...OPTIONS,
    policy: definePolicy({
      ...byValue,
      score: (lane, views, scores, clock) => {
        const before = scores.slice(); // crest's own
        (score as OwnScore)(lane, views, scores, clock);
        for (let slot = 0; slot < scores.length; slot++) {
          if (views.positions[slot] < 0) continue;
          const d = views.values!.length / scores.length;
          const length = Math.hypot(...views.values!.subarray(slot * d, slot * d + d));
          assert.ok(Math.abs(scores[slot] - before[slot] * length) <= 1e-6 * scores[slot], `slot ${slot}`);
          if (scores[slot] > 0) told++;
        }
      },
    }),
  });
  assert.equal([session.options.scope, session.options.peaks], ["peak", 4]);
  await say(session);
  assert.ok(told > 1000, `${told}`);
  session.dispose();
});

test("perplexity measures under it", async () => {
  const mine = await model.perplexity(PROMPT, { ...OPTIONS, stride: 1, policy: fading });
  const same = await model.perplexity(PROMPT, { ...OPTIONS, stride: 1, score: fading.score, scope: "all" });
  assert.equal([mine.policy, mine.loss], ["fading", same.loss]);
  assert.ok(mine.evictions > 0);
});

test("a fork has it; a snapshot has its name, and must be given it again", async () => {
  const session = model.session({ ...OPTIONS, policy: fading });
  await say(session);
  const bytes = await session.snapshot();
  const fork = await session.fork();
  const restored = await model.restore(bytes, { policy: fading });
  const more = (session: Session) => say(session, 20, "");
  const { ids } = await more(session);
  assert.equal((await more(fork)).ids, ids);
  assert.equal((await more(restored)).ids, ids);
  assert.is(restored.report().policy, "fading");
  assert.equal(restored.livePositions(), session.livePositions());
  const refused = async (own: Parameters<Model["restore"]>[1], words: string) =>
    assert.match(await rejection(model.restore(bytes, own)), words);
  await refused({}, "Cannot restore session: the session's own policy, fading, must be given again, got none");
  await refused({ policy: { ...fading, name: "other" } }, "must be given again, got other");
  await refused({ policy: "h2o" }, "must be given again, got h2o");
  const plain = model.session(OPTIONS);
  const kept = await plain.snapshot();
  assert.match(
    await rejection(model.restore(kept, { policy: fading })),
    "policy must be left out, the session has none",
  );
  for (const one of [session, fork, restored, plain]) one.dispose();
});

test("a recording has its name; replayed with it the victims are the recorded ones", async () => {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const session = model.session({ ...OPTIONS, policy: fading, record: (piece) => void pieces.push(piece.slice()) });
  await say(session);
  session.dispose();
  const recording = readRecording(new Uint8Array(pieces.flatMap((piece) => [...piece])));
  const { policy, ownPolicy, score } = recording.options;
  assert.equal([policy, ownPolicy, score], ["fading", true, "own"]);
  const again = replay(recording, { policy: fading });
  assert.equal([again.policy, again.budget, again.reproduced], ["fading", 20, true]);
  assert.is(replay(recording, { policy: fading, budget: 15 }).reproduced, null);
  const other = replay(recording, { policy: "h2o" });
  assert.equal([other.policy, other.budget, other.reproduced], ["h2o", 20, null]);
  const reversed = definePolicy({
    ...fading,
    score: (_, { positions }, scores) => scores.set(positions.map((at) => -at)),
  });
  assert.is(replay(recording, { policy: reversed }).reproduced, false, "another one of this name");
  assert.match(
    refusal(() => replay(recording)),
    "Cannot replay: policy must be given: the recorded one, fading, is none of kvcap's, got nothing",
  );
  assert.match(refusal(() => replay(recording, { policy: "best" as never })), "policy must be one of roco");
});

test("the example compares one with RoCo", async () => {
  const found = await runExample(model, 80, 24);
  assert.equal(Object.keys(found), ["fading", "roco"]);
  for (const share of Object.values(found)) assert.ok(share > 0.5 && share < 1, `${share}`);
});
test.run();
