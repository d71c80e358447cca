// What a session evicts by, put together by its caller: parts of a rule, and a score of one's own.
import * as assert from "uvu/assert";
import { run as runOwnScore } from "../../examples/session-own-score.ts";
import { load, type Model } from "../../src/load.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import type { Session } from "../../src/session/session.ts";
import { repoPath } from "../support/files.ts";
import { rejection } from "../support/spies.ts";
import { PROMPT, say as sayWhole } from "../support/say.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const test = await engineSuite("session, its rule");
let model: Model;

test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

const say = (session: Session, maxNewTokens = 40, prompt: string | number[] = PROMPT) =>
  sayWhole(session, { maxNewTokens, banned: model.config.eosIds }, prompt);

async function once(options: SessionOptions) {
  const session = model.session({ budget: 20, stride: 4, sinks: 2, newest: 2, ...options });
  const { ids, policy } = await say(session);
  const positions = session.livePositions();
  session.dispose();
  return { ids, policy, positions };
}

test("a preset is its parts", async () => {
  const same: [SessionOptions, SessionOptions][] = [
    [{ policy: "h2o" }, { policy: "roco", score: "sum", scope: "all" }],
    [{ policy: "tova-layer" }, { policy: "recency", score: "last", shared: true }],
    [{ policy: "scissorhands" }, { policy: "h2o", score: "persistence" }],
    [{ policy: "snapkv" }, { policy: "tova", score: "windowed", window: 32, pool: "max", width: 7 }],
    [{ policy: "gkv" }, { policy: "tova", score: "fading", newest: { share: 0.1 } }],
    [{ policy: "streaming" }, { policy: "h2o", score: "recency" }],
    [{ policy: "crest" }, { policy: "h2o", score: "ema", scope: "peak" }],
    [{ policy: "roco" }, { policy: "random", score: "mean", scope: "low-spread" }],
  ];
  for (const [preset, parts] of same) {
    const [a, b] = [await once(preset), await once(parts)];
    assert.equal(b.positions, a.positions, String(preset.policy));
    assert.equal(b.ids, a.ids);
    assert.is(a.policy, preset.policy);
    assert.is.not(b.policy, parts.policy);
  }
  assert.is((await once({ score: "sum", scope: "all" })).policy, "crest, score sum, scope all");
  assert.is((await once({ policy: "crest", halfLife: 8 })).policy, "crest, halfLife 8");
});

test("a shared choice is one for all lanes of a layer, and layers differ", async () => {
  const { positions } = await once({ policy: "tova-layer" });
  for (let layer = 0; layer < 5; layer++) assert.equal(positions[2 * layer], positions[2 * layer + 1]);
  assert.ok(new Set(positions.map(String)).size > 1);
  assert.is(new Set((await once({ policy: "tova" })).positions.map(String)).size, 10);
});

test("a score of one's own is asked with the books, and gives what the same score by name gives", async () => {
  const lanes = new Set<number>();
  const score: SessionOptions["score"] = (lane, { sums, positions }, scores) => {
    lanes.add(lane);
    positions.forEach((position, slot) => scores[slot] = position < 0 ? NaN : sums[slot]);
  };
  const own = await once({ score, scope: "all" });
  assert.equal(own.positions, (await once({ policy: "h2o" })).positions);
  assert.is(lanes.size, 10);
  const last = await once({ scope: "all", score: (_, { lasts }, scores) => scores.set(lasts) });
  assert.equal(last.positions, (await once({ policy: "tova" })).positions);
});

test("a score that throws or is no number ends the generation until the session is reset", async () => {
  let wrong: "no" | "NaN" | "throws" = "NaN";
  const session = model.session({
    budget: 20,
    stride: 4,
    score: (_, { positions }, scores) => {
      if (wrong === "throws") throw new Error("my own fault");
      positions.forEach((position, slot) => scores[slot] = wrong === "NaN" && position === 9 ? NaN : position);
    },
  });
  assert.match(
    await rejection(say(session)),
    /^Cannot evict: every live slot's score must be a finite number, got NaN in /,
  );
  assert.match(await rejection(say(session)), "got NaN");
  wrong = "throws";
  session.reset();
  assert.is(await rejection(say(session)), "my own fault");
  wrong = "no";
  session.reset();
  assert.is((await say(session)).liveSlots, 20);
  session.dispose();
});

test("the example with a score of its own", async () => {
  const { text, kept } = await runOwnScore(model, 60);
  assert.ok(text.length > 60);
  assert.is(kept.length, 32);
  assert.equal([...kept.slice(0, 2), ...kept.slice(-8)], [
    0,
    1,
    ...Array.from({ length: 8 }, (_, i) => kept[31] - 7 + i),
  ]);
  assert.ok(kept[31] > 55);
});

test.run();
