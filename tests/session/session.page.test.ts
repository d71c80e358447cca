// The session: the same text however it is run, the budget kept, nothing allocated or leaked, wrong use refused.
// The quick run takes two policies where it says every one; in a page four of the tests.
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import type { GenerateOptions, SessionOptions } from "../../src/options/index.ts";
import { policies, type PolicyName } from "../../src/policies/index.ts";
import { chosen, fewOf } from "../support/depth.ts";
import { inBrowser, repoPath } from "../support/files.ts";
import { refusal, rejection } from "../support/spies.ts";
import { allocating } from "../support/inside.ts";
import { PROMPT, say } from "../support/say.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const NAMES = Object.keys(policies) as PolicyName[];
const EVICTING = chosen(NAMES.filter((name) => name !== "full"), () => "any", 2);

/** What the host could do otherwise: the tests that the quick run takes in a page. */
const HOST = ["live positions", "an abort ends", "a decode step takes no memory"];
const whole = await engineSuite("session");
const test = inBrowser ? fewOf(whole, HOST) : whole;
let model: Model;

/** One generation on a session of its own. */
async function once(options: SessionOptions, generate: GenerateOptions = {}, prompt: string | number[] = PROMPT) {
  const session = model.session(options);
  try {
    return await say(session, generate, prompt);
  } finally {
    session.dispose();
  }
}

test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

test("a budget that holds everything gives exactly what full gives", async () => {
  const options = { maxNewTokens: 40, banned: model.config.eosIds };
  const { ids, text, promptTokens } = await once({ policy: "full", stride: 8 }, options);
  assert.is(ids.length, 40);
  for (const policy of EVICTING) {
    const budget = promptTokens + 40;
    const capped = await once({ policy, stride: 8, budget }, options);
    assert.equal(capped.ids, ids, policy);
    assert.equal((await once({ policy, stride: 8, budget, positions: "cache" }, options)).ids, ids);
    assert.is(capped.text, text);
    assert.is(capped.evictions, 0);
  }
});

test("under a budget every policy keeps to it, and policies differ", async () => {
  const budget = 16;
  const kept = new Set<string>();
  for (const policy of EVICTING) {
    const options = { maxNewTokens: 30, banned: model.config.eosIds };
    const positions = policy === "streaming" ? "cache" : "absolute"; // else it is recency with sinks
    const session = model.session({ policy, budget, stride: 4, sinks: 2, newest: 2, positions });
    const report = await say(session, options);
    kept.add(JSON.stringify([report.text, session.livePositions()])); // streaming keeps what recency does, and reads it otherwise
    session.dispose();
    assert.is(report.liveSlots, budget, policy);
    assert.is(report.maxLiveSlots, budget + 4, policy);
    assert.is(report.evictions, report.promptTokens + 30 - 1 - budget);
    assert.is(report.newTokens, 30);
    assert.is(report.kvBytes, (budget + 4) * 5 * 2 * 32 * 2 * 2);
    assert.is(report.fullKvBytes, (report.promptTokens + 29) * 5 * 2 * 32 * 2 * 2);
  }
  assert.is(kept.size, EVICTING.length);
});

test("live positions are ascending, hold the sinks and the newest, and differ by lane", async () => {
  const session = model.session({ policy: "roco", budget: 20, stride: 4, sinks: 3, newest: 5 });
  const { promptTokens } = await say(session, { maxNewTokens: 20, banned: model.config.eosIds });
  const lanes = session.livePositions();
  assert.is(lanes.length, 10);
  const seen = promptTokens + 19;
  for (const lane of lanes) {
    assert.is(lane.length, 20);
    assert.ok(lane.every((position, i) => i === 0 || position > lane[i - 1]));
    assert.equal(lane.slice(0, 3), [0, 1, 2]);
    assert.equal(lane.slice(-5), [5, 4, 3, 2, 1].map((back) => seen - back));
  }
  assert.ok(new Set(lanes.map(String)).size > 1);
  session.dispose();
});

test("the same seed gives the same text twice in a row, another seed another", async () => {
  const options = { maxNewTokens: 40, temperature: 1, topP: 0.95, seed: 5 };
  const session = model.session({ policy: "roco", budget: 24, stride: 8 });
  const first = await say(session, options);
  session.reset();
  assert.is(session.seen, 0);
  assert.equal((await say(session, options)).ids, first.ids);
  assert.equal((await once({ policy: "roco", budget: 24, stride: 8 }, options)).ids, first.ids);
  assert.not.equal((await once({ policy: "roco", budget: 24, stride: 8 }, { ...options, seed: 6 })).ids, first.ids);
  const random = { policy: "random", budget: 24, stride: 8 } as const;
  assert.is.not((await once({ ...random, seed: 1 })).text, (await once({ ...random, seed: 2 })).text);
  session.dispose();
});

test("a banned id is never chosen, greedily or drawn", async () => {
  const { ids } = await once({ budget: 64 }, { maxNewTokens: 20 });
  for (const temperature of [0, 1]) {
    const other = await once({ budget: 64 }, { maxNewTokens: 20, banned: ids, temperature });
    assert.not.ok(other.ids.some((id) => ids.includes(id)));
  }
});

test("an id ends the text, is none of it, and the text goes on behind it", async () => {
  const { ids } = await once({ policy: "full" }, { maxNewTokens: 20 });
  const at = ids.findIndex((id, i) => i > 5 && ids.indexOf(id) === i);
  const session = model.session({ policy: "full" });
  for await (const _ of session.generate(PROMPT, { maxNewTokens: 20, stopIds: [0, ids[at]] }));
  assert.is(session.report().ended, "stop");
  assert.equal(session.report().ids, ids.slice(0, at));
  for await (const _ of session.generate("", { maxNewTokens: 19 - at }));
  assert.equal(session.report().ids, ids.slice(at + 1));
  session.dispose();
});

test("sessions side by side do not disturb one another", async () => {
  const setups = EVICTING.map((policy) => ({ policy, budget: 24, stride: 8 }));
  const options = { maxNewTokens: 25, temperature: 0.8, seed: 3 };
  const alone = [];
  for (const setup of setups) alone.push((await once(setup, options)).ids);
  const together = await Promise.all(setups.map((setup) => once(setup, options)));
  assert.equal(together.map(({ ids }) => ids), alone);
});

test("leaving the loop, aborting and stopping keep the context, and the next call continues it", async () => {
  const whole = await once({ policy: "full" }, { maxNewTokens: 24, banned: model.config.eosIds });
  const session = model.session({ policy: "full" });
  const ids: number[] = [];
  const options = { maxNewTokens: 8, banned: model.config.eosIds };
  for await (const _ of session.generate(PROMPT, options)) if (session.report().newTokens === 5) break;
  ids.push(...session.report().ids);
  assert.is(session.report().ended, "caller");
  // The context ends with an id not yet taken in: a prompt that repeats nothing continues as if never left.
  const next = whole.ids[ids.length];
  const { ids: rest } = await say(session, options, [next]);
  assert.equal([...ids, next, ...rest], whole.ids.slice(0, ids.length + 1 + rest.length));
  session.dispose();
});

test("an abort ends with the signal's reason, before and during a generation", async () => {
  const session = model.session({ budget: 64 });
  const reason = new Error("enough");
  assert.is(await rejection(say(session, { signal: AbortSignal.abort(reason) })), "enough");
  const stopper = new AbortController();
  let count = 0;
  const onToken = () => ++count === 7 && stopper.abort(reason);
  assert.is(await rejection(say(session, { signal: stopper.signal, onToken })), "enough");
  assert.is(session.report().newTokens, 7);
  assert.is((await say(session, { maxNewTokens: 3 })).newTokens, 3);
  const last = session.report();
  session.dispose();
  assert.equal(session.report(), last, "the last report outlives the session");
});

test("a generation begins from the context as it is then, not as it was when it was called", async () => {
  const options = { maxNewTokens: 6, banned: model.config.eosIds };
  const [one, two] = [model.session({ policy: "full" }), model.session({ policy: "full" })];
  const first = await say(one, options);
  const expected = await say(one, options, " Then");
  const calls = [two.generate(PROMPT, options), two.generate(" Then", options)];
  for await (const _ of calls[0]);
  assert.equal(two.report().ids, first.ids);
  for await (const _ of calls[1]);
  assert.equal(two.report().ids, expected.ids);
  one.dispose();
  two.dispose();
});

test("a pinned prompt that was left half-way pins what was read of it", async () => {
  const session = model.session({ policy: "recency", budget: 40, stride: 4, sinks: 0, newest: 2, pinPrompt: true });
  const stopper = new AbortController();
  const onPrefill = (done: number) => done === 8 && stopper.abort(new Error("enough"));
  assert.is(await rejection(say(session, { signal: stopper.signal, onPrefill })), "enough");
  assert.is(session.report().promptTokens, 8);
  await say(session, { maxNewTokens: 60, banned: model.config.eosIds }, " and then");
  const [lane] = session.livePositions();
  assert.equal(lane.slice(0, 8), [0, 1, 2, 3, 4, 5, 6, 7]);
  assert.ok(lane[8] > 8);
  session.dispose();
});

test("the caller's time is not the model's", async () => {
  const session = model.session({ budget: 64 });
  const begun = performance.now();
  let paused = 0; // ms
  for await (const _ of session.generate(PROMPT, { maxNewTokens: 6 })) {
    const from = performance.now();
    await new Promise((end) => setTimeout(end, 200));
    paused += performance.now() - from;
  }
  const mine = performance.now() - begun - paused;
  const { stepMs, tokensPerSecond, newTokens } = session.report();
  assert.ok(paused > 1000 && stepMs.total * (newTokens - 1) < mine + 5, `${stepMs.total} ms a step of ${mine} in all`);
  assert.ok(tokensPerSecond * (mine + 5) > 1000 * (newTokens - 1), `${tokensPerSecond} tokens per second`);
  session.dispose();
});

test("stop strings end the text and are not part of it", async () => {
  const { text } = await once({ budget: 64 }, { maxNewTokens: 40 });
  const stop = text.slice(25, 32);
  const stopped = await once({ budget: 64 }, { maxNewTokens: 40, stop });
  assert.is(stopped.text, text.slice(0, text.indexOf(stop)));
  assert.is(stopped.ended, "stop");
});

test("the model's end ends the text, unless that is turned off", async () => {
  const end = { maxNewTokens: 600, temperature: 0.7, seed: 1 };
  const ended = await once({ budget: 128 }, end);
  assert.is(ended.ended, "end");
  assert.not.ok(ended.ids.includes(model.config.eosIds[0]));
  const on = await once({ budget: 128 }, { ...end, maxNewTokens: ended.newTokens + 20, stopAtEnd: false });
  assert.is(on.ended, "length");
  assert.equal(on.ids.slice(0, ended.newTokens + 1), [...ended.ids, model.config.eosIds[0]]);
});

test("a decode step takes no memory, and dispose gives all of it back", async () => {
  const before = model.gpuBytes;
  const session = model.session({ policy: "roco", budget: 24, stride: 8 });
  assert.ok(model.gpuBytes > before);
  await say(session, { maxNewTokens: 10 });
  const made = allocating(model);
  await say(session, { maxNewTokens: 20, banned: model.config.eosIds });
  made.stop();
  assert.is(made.count, 0);
  session.dispose();
  session.dispose();
  assert.is(model.gpuBytes, before);
  const full = model.session({ policy: "full" }); // grows between generations
  await say(full, { maxNewTokens: 4 });
  await say(full, { maxNewTokens: 40 });
  full.dispose();
  assert.is(model.gpuBytes, before);
});

test("bans last for one generation", async () => {
  const session = model.session({ budget: 64 });
  const { ids } = await say(session, { maxNewTokens: 6 });
  session.reset();
  await say(session, { maxNewTokens: 6, banned: ids });
  session.reset();
  assert.equal((await say(session, { maxNewTokens: 6 })).ids, ids);
  session.dispose();
});

test("a chunk's observations are the sums over its queries", async () => {
  // One session reads the text in a chunk, the other token by token; nothing is evicted.
  const setup = { policy: "h2o", budget: 64, sinks: 0, newest: 0, kv: "f32" } as const;
  const [chunk, single] = [model.session({ ...setup, stride: 32 }), model.session({ ...setup, stride: 1 })];
  await say(chunk, { maxNewTokens: 1 });
  await say(single, { maxNewTokens: 1 });
  const [a, b] = [chunk.laneViews(), single.laneViews()];
  for (const name of ["sums", "squares", "lasts"] as const) {
    for (let lane = 0; lane < 10; lane++) {
      for (let slot = 0; slot < chunk.seen; slot++) {
        const [x, y] = [a[lane][name][slot], b[lane][name][slot]];
        assert.ok(Math.abs(x - y) <= 1e-5 * Math.max(1, y), `${name} of lane ${lane} slot ${slot}: ${x} and ${y}`);
      }
    }
  }
  // Every query's probabilities add up to 1.
  for (let lane = 0; lane < 10; lane++) {
    let total = 0;
    for (let slot = 0; slot < chunk.seen; slot++) total += a[lane].sums[slot];
    assert.ok(Math.abs(total - chunk.seen) < 1e-4, `lane ${lane} adds up to ${total}`);
  }
  chunk.dispose();
  single.dispose();
});

test("wrong use is refused in one sentence", async () => {
  const session = model.session({ budget: 64 });
  const refused = (use: () => unknown, words: string) => assert.match(refusal(use), words);
  refused(() => session.generate(""), "Cannot generate: the prompt must not be empty, got an empty string");
  refused(() => session.generate([]), "Cannot generate: the prompt must have at least one token, got");
  refused(
    () => session.generate([0, 2048]),
    "Cannot generate: a prompt id must be a whole number from 0 to 2047, got 2048",
  );
  refused(() => session.generate([-1]), "got -1");
  refused(() => session.generate([1.5]), "got 1.5");
  refused(() => session.generate(null as unknown as string), "Cannot generate: the prompt must be text or token ids");
  refused(() => session.generate("x", { banned: [2048] }), "a banned id must be a whole number from 0 to 2047");
  // Two generations at once.
  const first = session.generate(PROMPT, { maxNewTokens: 30 });
  await first.next();
  refused(() => session.generate(PROMPT), "Cannot generate: one generation at a time on a session");
  refused(() => session.reset(), "one generation at a time");
  await first.return();
  // Also when both were made before either began.
  const [a, b] = [session.generate(PROMPT), session.generate(PROMPT)];
  await a.next();
  assert.match(await rejection(b.next()), "one generation at a time");
  await a.return();
  session.dispose();
  refused(() => session.generate(PROMPT), "Cannot generate: the session must not be disposed");
  // What must stay leaves no room.
  const pinned = model.session({ budget: 20, stride: 2, sinks: 0, newest: 2, pinPrompt: true });
  refused(() => pinned.generate(PROMPT), "budget must be above sinks and pinned tokens + newest = 25, got 20");
  const tight = model.session({ budget: 16, stride: 8, sinks: 4, newest: 4 });
  refused(() => tight.generate(PROMPT), "budget must be above sinks + newest + stride = 16, got 16");
  const full = model.session({ policy: "full", budget: 30 });
  refused(
    () => full.generate(PROMPT, { maxNewTokens: 20 }),
    "all tokens must fit the full cache's budget of 30 slots, got 0 before + 23 of the prompt + maxNewTokens 20",
  );
  refused(() => model.session({ policy: "full" }).generate(PROMPT, { maxNewTokens: Infinity }), "must be finite");
});

test.run();
