// What is never evicted: pinned tokens, first and newest ones, and what that leaves room for.
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import { corePolicies } from "../../src/policies/core.ts";
import type { PolicyName } from "../../src/policies/index.ts";
import type { Session } from "../../src/session/session.ts";
import { repoPath } from "../support/files.ts";
import { refused } from "../support/refused.ts";
import { refusal } from "../support/spies.ts";
import { PROMPT, say as sayWhole } from "../support/say.ts";
import { engineSuite, fewOnGpu, onEngine } from "../support/engine.ts";

const test = await engineSuite("session, its pins");
let model: Model;

test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

const say = (session: Session, maxNewTokens = 40, prompt: string | number[] = PROMPT) =>
  sayWhole(session, { maxNewTokens, banned: model.config.eosIds }, prompt);

/** Those of the core; of those that read keys and values two, which leave books behind that differ. */
const EVICTING = (Object.keys(corePolicies) as PolicyName[]).filter((name) => name !== "full");

test("pinned tokens stay: asked for at the start, before they come, and while lanes still have them", async () => {
  for (const policy of fewOnGpu([...EVICTING, "keydiff", "defensive"] as const, () => "any", 4)) {
    const session = model.session({ policy, budget: 24, stride: 2, sinks: 0, newest: 2, pin: [[3, 6], [40, 43]] });
    await say(session, 10);
    const held = session.livePositions().map((lane) => lane.filter((at) => at >= 20 && at < 25));
    session.pin(20, 25);
    await say(session, 60, " and then");
    session.livePositions().forEach((lane, i) => {
      assert.equal(lane.filter((at) => at >= 3 && at < 6), [3, 4, 5], policy);
      assert.equal(lane.filter((at) => at >= 20 && at < 25), held[i], policy);
      assert.equal(lane.filter((at) => at >= 40 && at < 43), [40, 41, 42], policy);
      assert.is(lane.length, 24);
    });
    session.reset(); // the options' pins are there again, the others are not
    await say(session, 80);
    const [lane] = session.livePositions();
    assert.equal(lane.filter((at) => at < 6 || (at >= 40 && at < 43)).slice(-6), [3, 4, 5, 40, 41, 42], policy);
    if (policy === "recency") assert.is(lane.findIndex((at) => at >= 20 && at < 25), -1);
    session.dispose();
  }
});

test("what is protected may change on the way, and a snapshot and a fork go on so", async () => {
  const session = model.session({ policy: "random", budget: 24, stride: 2, sinks: 4, newest: 2 });
  await say(session, 20);
  assert.ok(session.livePositions().every((lane) => lane.slice(0, 4).join() === "0,1,2,3"));
  session.protect({ sinks: 0, newest: { share: 0.5 } });
  assert.equal([session.options.sinks, session.options.newest, session.options.stride], [0, 12, 2]);
  const restored = await model.restore(await session.snapshot());
  const forked = await session.fork();
  const ends: number[][][] = [];
  for (const each of [session, restored, forked]) {
    await say(each, 60, " and");
    const lives = each.livePositions();
    assert.ok(lives.every((lane) => lane.at(-1)! - lane.at(-12)! === 11)); // the newest half
    assert.ok(lives.some((lane) => lane[0] > 3));
    ends.push(lives);
  }
  assert.equal(ends[1], ends[0]);
  assert.equal(ends[2], ends[0]);
  const refused = (parts: object, words: string) => assert.match(refusal(() => session.protect(parts)), words);
  refused({ newest: 24 }, "Cannot create session: budget must be above sinks + newest = 24, got 24");
  refused({ newest: -1 }, "newest must be a whole number from 0");
  refused({ policy: "h2o" }, 'Cannot protect: options are sinks, newest, unsettled, peaks, got "policy"');
  assert.equal([session.options.sinks, session.options.newest], [0, 12]);
  for (const each of [session, restored, forked]) each.dispose();
  refused({ newest: 1 }, "Cannot protect: the session must not be disposed");
  const apart = model.session({ policy: "h2o", budget: 24, stride: 2, allocation: "pyramid" });
  assert.match(
    refusal(() => apart.protect({ newest: 1 })),
    "Cannot protect: all lanes must have the same budget, got pyramid",
  );
  apart.dispose();
});

test("a share of the budget is protected at both ends", async () => {
  const session = model.session({
    policy: "random",
    budget: 40,
    sinks: { share: 0.1 },
    newest: { share: 0.5 },
    stride: 4,
  });
  await say(session, 80);
  for (const lane of session.livePositions()) {
    assert.equal(lane.slice(0, 4), [0, 1, 2, 3]);
    assert.is(lane[39] - lane[20], 19);
  }
  session.dispose();
});

test("where pins leave no room for a chunk, a smaller one is read; where one was asked for, that is said", async () => {
  const options: SessionOptions = { budget: 24, sinks: 2, newest: 2, pin: [[0, 17]] };
  const session = model.session(options);
  assert.is(session.options.stride, 4);
  const prompt = PROMPT.repeat(3);
  const chunks: number[] = [];
  const onPrefill = (done: number) => chunks.push(done);
  for await (const _ of session.generate(prompt, { maxNewTokens: 4, onPrefill }));
  assert.equal(chunks.slice(0, 3), [4, 8, 12]);
  session.pin(session.seen, session.seen + 2);
  chunks.length = 0;
  for await (const _ of session.generate(prompt, { maxNewTokens: 4, onPrefill }));
  assert.equal(chunks.slice(0, 3), [2, 4, 6]);
  assert.is(session.report().liveSlots, 24);
  const fixed = model.session({ ...options, stride: 4, pin: [[0, 18]] });
  assert.match(refusal(() => fixed.generate(prompt)), "newest + stride = 24, got 24");
  session.dispose();
  fixed.dispose();
});

test("what is read at once must fit, not the most that ever is", async () => {
  const session = model.session({ budget: 16, stride: 32, sinks: 2, newest: 2 });
  const read = async (ids: number[]) => {
    for await (const _ of session.generate(ids, { maxNewTokens: 4, stopAtEnd: false }));
    assert.ok(session.livePositions().every((lane) => lane.length === 16));
  };
  const text = model.tokenizer.encode(PROMPT);
  const least = model.session({ budget: 8, sinks: 4, newest: 3, stride: 1 }); // a single token, as those that are generated
  for await (const _ of least.generate(text.slice(0, 20), { maxNewTokens: 4, stopAtEnd: false }));
  for await (const _ of least.generate("", { maxNewTokens: 4 }));
  assert.is(least.report().liveSlots, 8);
  least.dispose();
  for await (const _ of session.generate(text.slice(0, 12), { maxNewTokens: 8, stopAtEnd: false }));
  assert.is(session.seen, 19);
  for (const count of [1, 4, 10]) await read(text.slice(20, 20 + count)); // and the id before
  const [more, rule] = ["for a prompt beyond the budget, budget must be above sinks + newest + ", "got 16"];
  assert.match(refusal(() => session.generate(text.slice(0, 11))), `${more}its 12 tokens = 16, ${rule}`);
  assert.match(refusal(() => session.generate([...text, ...text].slice(0, 40))), `${more}stride = 36, ${rule}`);
  const restored = await model.restore(await session.snapshot());
  for await (const _ of restored.generate(text.slice(0, 6), { maxNewTokens: 4 }));
  const measured = { budget: 16, stride: 32, sinks: 2, newest: 2, first: 8 };
  assert.ok((await model.perplexity(text.slice(0, 20), measured)).evictions > 0);
  await refused(() => model.perplexity(text.slice(0, 21), measured), /its 12 tokens = 16, got 16$/);
  session.dispose();
  restored.dispose();
});

test("pins that would leave no room are refused, and change nothing", async () => {
  const session = model.session({ budget: 24, stride: 2, sinks: 2, newest: 2 });
  const refused = (use: () => unknown, words: string) => assert.match(refusal(use), words);
  refused(() => session.pin(-1, 3), "Cannot pin: the span's from must be a whole number from 0");
  refused(() => session.pin(5, 5), "Cannot pin: the span's to must be a whole number from 6 to 4194304, got 5");
  refused(() => session.pin(0, 22), "Cannot pin: budget must be above sinks and pinned tokens + newest = 24, got 24");
  session.pin(0, 20);
  refused(() => session.pin(1000, 1002), "sinks and pinned tokens + newest = 24, got 24");
  refused(
    () => session.generate(PROMPT.repeat(2)),
    "for a prompt beyond the budget, budget must be above sinks and pinned tokens + newest + stride = 24, got 24",
  );
  await say(session, 60);
  assert.is(session.report().liveSlots, 24);
  session.dispose();
  refused(() => session.pin(0, 1), "Cannot pin: the session must not be disposed");
  const waiting = model.session({ budget: { share: 0.5 }, pin: [[0, 90]], stride: 1 });
  refused(
    () => waiting.generate(PROMPT, { maxNewTokens: 100 }),
    "budget must be above sinks and pinned tokens + newest",
  );
  waiting.dispose();
});
test.run();
