// Snapshots and forks of a session: whoever goes on from one goes on exactly, to the last byte of books, K and V.
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import type { GenerateOptions, OwnScore, SessionOptions } from "../../src/options/index.ts";
import { ALLOCATIONS } from "../../src/policies/allocation.ts";
import { policies, type PolicyName } from "../../src/policies/index.ts";
import { presetOf } from "../../src/policies/own.ts";
import type { Session } from "../../src/session/session.ts";
import { chosen } from "../support/depth.ts";
import { repoPath } from "../support/files.ts";
import { refusal, rejection } from "../support/spies.ts";
import { PROMPT, say as sayWhole } from "../support/say.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const SMALL: SessionOptions = { budget: 24, stride: 4, sinks: 2, newest: 2 };

const test = await engineSuite("session, its snapshots");
let model: Model;

test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

async function say(session: Session, maxNewTokens = 16, options: GenerateOptions = {}, prompt = PROMPT) {
  const generate = { maxNewTokens, banned: model.config.eosIds, ...options };
  const { text, ids } = await sayWhole(session, generate, prompt);
  return { text, ids };
}

/**
 * A session that has said something, its fork and what is restored from its snapshot go on alike, and as one that was never
 * interrupted.
 */
async function goesOn(options: SessionOptions, generate: GenerateOptions = {}, name = JSON.stringify(options)) {
  const own = typeof options.score === "function" ? { score: options.score } : {};
  const whole = model.session(options);
  const { ids } = await say(whole, 32, generate);
  const session = model.session(options);
  const first = await say(session, 16, generate);
  const bytes = await session.snapshot();
  const restored = await model.restore(bytes, own);
  const forked = await session.fork();
  assert.ok(same(await restored.snapshot(), bytes), `${name}: restored`);
  assert.ok(same(await forked.snapshot(), bytes), `${name}: forked`);
  const { seed: _, ...later } = generate;
  const ends: Uint8Array[] = [];
  for (const each of [session, restored, forked]) {
    const second = await say(each, 16, later, "");
    assert.equal([...first.ids, ...second.ids], ids, name);
    assert.equal(each.livePositions(), whole.livePositions(), name);
    ends.push(await each.snapshot());
  }
  assert.ok(same(ends[0], ends[1]) && same(ends[0], ends[2]), `${name}: at the end`);
  assert.ok(!same(ends[0], bytes), name);
  for (const each of [whole, session, restored, forked]) each.dispose();
}

for (const allocation of ALLOCATIONS) {
  test(`a cache that has grown goes on from a snapshot and in a fork: ${allocation}`, async () => {
    await goesOn({ ...SMALL, policy: "h2o", evict: "prompt", allocation });
  });
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** What books a policy keeps: the quick run takes one policy of each kind. */
const books = (name: PolicyName) => {
  const { window, scope, evicts, readsVectors } = presetOf(name);
  return readsVectors ? "vectors" : window ? "window" : scope === "peak" ? "peaks" : evicts ? "sums" : "none";
};
const NAMES = chosen(Object.keys(policies) as PolicyName[], books);

for (const policy of NAMES) {
  test(`${policy} goes on from a snapshot and in a fork`, async () => {
    await goesOn(policy === "full" ? { policy, stride: 8 } : { ...SMALL, policy });
  });
}

test("so do all allocations, with both kinds of positions", async () => {
  const all = (["absolute", "cache"] as const).flatMap((positions) =>
    ALLOCATIONS.map((allocation) => ({ allocation, positions }))
  );
  const either = chosen(all, ({ allocation, positions }) => [allocation, positions]); // the quick run: each once
  for (const setup of either) await goesOn({ ...SMALL, ...setup });
});

test("and sampling, pins, a share of the prompt, a score of one's own and a full cache of a fixed size", async () => {
  const setups: [SessionOptions, GenerateOptions][] = [
    [SMALL, { temperature: 1, topP: 0.9, seed: 7 }],
    [{ ...SMALL, pinPrompt: true, budget: 48 }, {}],
    [{ ...SMALL, pin: [[4, 8], [40, 44]], policy: "random", seed: 5 }, {}],
    [{ ...SMALL, budget: { share: 0.7 }, kv: "q8" }, {}],
    [{ policy: "full", budget: 100, kv: "f32" }, {}],
  ];
  for (const [options, generate] of chosen(setups, () => "any", 3)) await goesOn(options, generate); // the quick run: three
  const score: OwnScore = (_, { sums, births }, scores, clock) => {
    for (let slot = 0; slot < scores.length; slot++) scores[slot] = sums[slot] / (clock - births[slot] + 1);
  };
  await goesOn({ ...SMALL, score }, {}, "a score of one's own");
});

test("a session that has seen nothing, and one that was reset, can be kept too", async () => {
  for (const options of [SMALL, { policy: "full" } as const, { budget: { share: 0.5 } }]) {
    const session = model.session(options);
    const bytes = await session.snapshot();
    const restored = await model.restore(bytes);
    assert.ok(same(await restored.snapshot(), bytes));
    const { ids } = await say(session);
    assert.equal((await say(restored)).ids, ids);
    session.reset();
    const fork = await session.fork();
    assert.equal((await say(fork)).ids, ids);
    for (const each of [session, restored, fork]) each.dispose();
  }
});

test("who is evicted is told after a restore as before, by those who could be told from the start", async () => {
  const tell = (list: unknown[]) => ({ onEvict: (evicted: unknown) => list.push(evicted) });
  const [told, retold, ofFork] = [[], [], []] as unknown[][];
  const session = model.session({ ...SMALL, ...tell(told) });
  await say(session);
  const before = told.length;
  const bytes = await session.snapshot();
  const restored = await model.restore(bytes, tell(retold));
  const fork = await session.fork(tell(ofFork));
  for (const each of [session, restored, fork]) await say(each, 8, {}, "");
  assert.ok(told.length > before);
  assert.equal(retold, told.slice(before));
  assert.equal(ofFork, told.slice(before));
  const silent = await model.restore(bytes);
  assert.ok(same(await silent.snapshot(), bytes));
  const plain = model.session(SMALL);
  await say(plain, 1);
  const rule = "session: onEvict needs a session that had one from the start";
  assert.match(await rejection(model.restore(await plain.snapshot(), tell([]))), `Cannot restore ${rule}`);
  assert.match(await rejection(plain.fork(tell([]))), `Cannot fork the ${rule}`);
  for (const each of [session, restored, fork, silent, plain]) each.dispose();
});

test("a fork is its own: what one goes on with does not touch the other", async () => {
  const session = model.session(SMALL);
  await say(session);
  const fork = await session.fork();
  const before = await session.snapshot();
  await say(fork, 20, {}, " The dog");
  assert.ok(same(await session.snapshot(), before));
  session.dispose();
  await say(fork, 4, {}, "");
  fork.dispose();
});

test("options are those that a session was made with, whatever becomes of the object that held them", async () => {
  const pin: [number, number][] = [[4, 8]];
  const session = model.session({ ...SMALL, pin });
  await say(session);
  pin[0][1] = 12;
  pin.push([0, 40]);
  const restored = await model.restore(await session.snapshot());
  const fork = await session.fork();
  for (const each of [restored, fork]) assert.equal(each.options.pin, [[4, 8]]);
  for (const each of [session, restored, fork]) each.dispose();
});

test("draws go on where they left off, and a seed begins them anew", async () => {
  const sampled = { temperature: 1 };
  const session = model.session(SMALL);
  const [first, second] = [(await say(session, 12, sampled)).ids, (await say(session, 12, sampled)).ids];
  assert.is.not(String(first), String(second));
  session.reset();
  assert.equal((await say(session, 12, sampled)).ids, first);
  session.reset();
  assert.equal((await say(session, 12, { ...sampled, seed: 0 })).ids, first);
  session.dispose();
});

test("an empty prompt goes on with what was generated, and is refused before", async () => {
  const session = model.session(SMALL);
  assert.match(refusal(() => session.generate("")), "Cannot generate: the prompt must not be empty");
  assert.match(
    refusal(() => session.generate([])),
    "Cannot generate: the prompt must have at least one token",
  );
  const { ids } = await say(session, 8);
  const more = [];
  for await (const _ of session.generate([], { maxNewTokens: 8, banned: model.config.eosIds }));
  more.push(...session.report().ids);
  session.reset();
  assert.equal((await say(session, 16)).ids, [...ids, ...more]);
  session.dispose();
});

test("no snapshot while a generation runs, nor of a disposed session; disposing waits for one that is being taken", async () => {
  const session = model.session(SMALL);
  const pieces = session.generate(PROMPT, { maxNewTokens: 4 });
  await pieces.next();
  assert.is(
    await rejection(session.snapshot()),
    "Cannot take a snapshot: one generation at a time on a session, got a second use",
  );
  assert.match(await rejection(session.fork()), "Cannot fork the session: one generation at a time");
  await pieces.return();
  const taken = session.snapshot();
  assert.match(refusal(() => session.generate(PROMPT)), "one generation at a time");
  session.dispose();
  assert.ok((await taken).length > 0);
  assert.match(await rejection(session.snapshot()), "Cannot take a snapshot: the session must not be disposed");
  assert.match(await rejection(session.fork()), "Cannot fork the session: the session must not be disposed");
});

// ---- refusals ----------------------------------------------------------------------------------------------------

test.run();
