// An option that is null, or undefined, is as if it were left out: in sessions, forks, snapshots, replays and policies.
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import { definePolicy } from "../../src/options/own.ts";
import { checkSession, SESSION, type SessionOptions } from "../../src/options/session.ts";
import { readRecording } from "../../src/recording/read.ts";
import { replay } from "../../src/recording/replay.ts";
import { repoPath } from "../support/files.ts";
import { PROMPT, say } from "../support/say.ts";
import { refusal } from "../support/spies.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const test = await engineSuite("options that are left out");
let model: Model;

test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

const without = (options: SessionOptions) => ({ ...checkSession(options), onWarning: null });

test("each of a session's options", () => {
  for (const base of [{ policy: "full" }, { policy: "roco" }, { policy: "snapkv", budget: 40 }] as SessionOptions[]) {
    for (const name of Object.keys(SESSION)) {
      if (name in base) continue;
      for (const value of [null, undefined]) {
        assert.equal(without({ ...base, [name]: value } as never), without(base), `${base.policy}, ${name}`);
      }
    }
  }
});

test("a policy that is null is the usual one, in forks and snapshots too", async () => {
  const session = model.session({ policy: null, budget: 20, stride: null } as never);
  await say(session, { maxNewTokens: 4 }, PROMPT + PROMPT);
  const fork = await session.fork();
  const again = await model.restore(await session.snapshot(), { policy: null, score: undefined } as never);
  assert.equal([session, fork, again].map(({ options }) => options.policy), ["crest", "crest", "crest"]);
  for (const one of [session, fork, again]) one.dispose();
});

test("what a snapshot is not given again stays as it was", async () => {
  const session = model.session({ policy: "h2o", score: "last", budget: 20 });
  await say(session, { maxNewTokens: 4 });
  const again = await model.restore(await session.snapshot(), { policy: undefined, score: undefined } as never);
  assert.equal([again.options.policy, again.options.score], ["h2o", "last"]);
  for (const one of [session, again]) one.dispose();
});

test("a replay's options", async () => {
  const pieces: Uint8Array[] = [];
  const record = (piece: Uint8Array) => void pieces.push(piece.slice());
  const session = model.session({ policy: "roco", budget: 24, stride: 8, seed: 5, sinks: 2, record });
  await say(session, { maxNewTokens: 20 });
  session.dispose();
  const recording = readRecording(new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer()));
  const plain = replay(recording);
  assert.is(plain.reproduced, true);
  for (const name of ["budget", "seed", "sinks", "policy", "score"]) {
    assert.equal(replay(recording, { [name]: null } as never), plain, name);
  }
});

test("parts of a policy of one's own; and a copy of it is taken", async () => {
  assert.match(refusal(() => definePolicy({ name: "mine", score: null } as never)), "must have a score");
  const own = { name: "mine", score: "mean" as "mean" | "sum", scope: undefined, window: null };
  const session = model.session({ policy: own as never, budget: 20 });
  own.score = "sum";
  await say(session, { maxNewTokens: 4 });
  const fork = await session.fork();
  assert.equal([session, fork].map(({ options }) => options.score), ["mean", "mean"]);
  assert.is(session.report().policy, "mine");
  for (const one of [session, fork]) one.dispose();
  const windowed = model.session({ policy: { name: "wide", score: "windowed" }, budget: 20 });
  assert.is(windowed.report().policy, "wide");
  windowed.dispose();
});

test.run();
