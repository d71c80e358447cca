// Sessions of a batch: each says, keeps and evicts what it would alone, to the last bit; their passes do go together; who is slow, late
// or gone holds nobody up; wrong use is refused, and all is given back.
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import { engine, engineSuite, onEngine } from "../support/engine.ts";
import { repoPath } from "../support/files.ts";
import { inside } from "../support/inside.ts";
import { PROMPT, say } from "../support/say.ts";
import { refusal, rejection } from "../support/spies.ts";
import { type Outcome, type Turn, Watched } from "../support/trials.ts";

const test = await engineSuite("batch");
let model: Model;
test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

/** Of every kind of cache one. */
const KINDS: readonly SessionOptions[] = [
  { policy: "roco", budget: 24 },
  { policy: "h2o", budget: 20, positions: "cache", kv: "q8" },
  { policy: "snapkv", budget: 32, allocation: "pyramid", kv: "f32" },
  { policy: "streaming", budget: 16, remainder: 2 },
  { policy: "keydiff", budget: 24, aggregate: "max" },
  { policy: "full" },
];

const turnOf = (i: number): Turn => ({
  prompt: Array.from({ length: 9 + 7 * i }, (_, k) => (31 * k + 17 * i) % 500),
  options: { maxNewTokens: 30 - 3 * i, stopAtEnd: false, ...(i % 2 ? { temperature: 0.8, seed: i } : {}) },
});

async function tell(watched: Watched, turn: Turn) {
  await watched.take(turn);
  return watched.outcome();
}

/** The passes that went together while `work` ran: how many in each. */
async function gathered(work: () => Promise<unknown>): Promise<number[]> {
  const loaded = inside(model);
  const counts: number[] = [];
  const own = loaded.engine.gather!;
  loaded.engine.gather = (most) => {
    const gathering = own.call(loaded.engine, most);
    const { pass } = gathering;
    gathering.pass = (members, ids) => (counts.push(members.count), pass.call(gathering, members, ids));
    return gathering;
  };
  try {
    await work();
  } finally {
    delete (loaded.engine as { gather?: unknown }).gather;
  }
  return counts;
}

test("each session is as it is alone, to the last bit", async () => {
  const alone: Outcome[] = [];
  for (const [i, options] of KINDS.entries()) {
    const watched = new Watched(model, options);
    alone.push(await tell(watched, turnOf(i)));
    watched.session.dispose();
  }
  const work = async () => {
    const all = KINDS.map((options) => new Watched(model, options));
    const batch = model.batch(all.map(({ session }) => session));
    assert.is(batch.size, KINDS.length);
    const outcomes = await Promise.all(all.map((watched, i) => tell(watched, turnOf(i))));
    for (const [i, outcome] of outcomes.entries()) {
      for (const part of ["ids", "victims", "live", "scores", "logits"] as const) {
        assert.equal(outcome[part], alone[i][part], `${KINDS[i].policy}: its ${part}`);
      }
    }
    for (const { session } of all) session.dispose();
    assert.is(batch.size, 0);
    batch.dispose();
  };
  if (engine() === "webgpu") return await work();
  const counts = await gathered(work);
  const passes = (least: number) => counts.filter((count) => count >= least).reduce((sum, count) => sum + count, 0);
  assert.ok(passes(4) > 50, `went together: ${counts}`); // of 135, some of them when others have ended
});

test("who is slow holds nobody up, and who comes late or leaves changes nothing", async () => {
  const options = { maxNewTokens: 12, stopAtEnd: false };
  const expected = await say(model.session({ budget: 24 }), options);
  const sessions = Array.from({ length: 3 }, () => model.session({ budget: 24 }));
  using batch = model.batch(sessions.slice(0, 2));
  const [quick, slow, late] = sessions;
  const first = Promise.withResolvers<void>();
  const told = Promise.withResolvers<void>();
  const beside = (async () => {
    for await (const _ of slow.generate(PROMPT, options)) {
      first.resolve();
      await told.promise; // it goes on only when the quick one has ended
    }
  })();
  await first.promise;
  assert.equal((await say(quick, options)).ids, expected.ids);
  told.resolve();
  batch.add(late);
  assert.equal((await say(late, options)).ids, expected.ids);
  batch.remove(slow);
  await beside;
  assert.equal(slow.report().ids, expected.ids);
  assert.is(batch.size, 2);
});

test("memory that grows while a step waits for others' changes nothing", async () => {
  if (engine() === "webgpu") return; // whose sessions have no memory in common
  const own = await load(repoPath("models/fable-2m"), { ...await onEngine(), threads: 1 }); // memory of threads stays in its place
  const others: { dispose(): void }[] = [];
  try {
    const options = { maxNewTokens: 40, stopAtEnd: false };
    const expected = await say(own.session({ budget: 24 }), options);
    const sessions = Array.from({ length: 3 }, () => own.session({ budget: 24 }));
    using batch = own.batch(sessions);
    let writing = true;
    const all = Promise.all(sessions.map((session) => say(session, options))).finally(() => writing = false);
    const before = own.gpuBytes;
    while (writing) { // each of a size for which nothing is free
      others.push(own.session({ budget: 512 }));
      await new Promise((resolve) => setTimeout(resolve, 0));
    }
    for (const { ids } of await all) assert.equal(ids, expected.ids);
    assert.ok(own.gpuBytes > before && batch.size === 3);
  } finally {
    for (const one of others) one.dispose();
    own.dispose();
  }
});

test("a session, a batch and a model that end meanwhile", async () => {
  const own = await load(repoPath("models/fable-2m"), await onEngine());
  const options = { maxNewTokens: 400, stopAtEnd: false };
  const sessions = Array.from({ length: 3 }, () => own.session({ budget: 24 }));
  const batch = own.batch(sessions);
  const [first, second, third] = sessions.map((session) => rejection(say(session, options)));
  await new Promise((resolve) => setTimeout(resolve, 5));
  sessions[0].dispose();
  assert.is(await first, "Cannot generate: the session must not be disposed, got a disposed one");
  assert.is(batch.size, 2);
  batch.dispose();
  assert.is(
    refusal(() => batch.add(sessions[1])),
    "Cannot batch sessions: the batch must not be disposed, got a disposed one",
  );
  own.dispose();
  for (const one of [second, third]) assert.match(await one, /^(Cannot generate: .*|nothing was thrown)$/);
  assert.match(refusal(() => own.batch()), "Cannot batch sessions: the model must not be disposed");
});

test("what a batch works on is counted, and given back", async () => {
  const before = model.gpuBytes;
  const sessions = Array.from({ length: 40 }, () => model.session({ budget: 16 }));
  const held = model.gpuBytes;
  const batch = model.batch(sessions);
  if (engine() === "wasm") assert.ok(model.gpuBytes > held);
  const texts = await Promise.all(sessions.map((session) => say(session, { maxNewTokens: 6, stopAtEnd: false })));
  for (const { ids } of texts) assert.equal(ids, texts[0].ids);
  batch.dispose();
  assert.is(model.gpuBytes, held);
  assert.equal((await say(sessions[0], { maxNewTokens: 2 }, "")).ids.length, 2);
  for (const session of sessions) session.dispose();
  assert.is(model.gpuBytes, before);
});

test("refused: another model's session, one that has ended, more than the memory holds", async () => {
  const room = model.gpuBytes + 1e5;
  const other = await load(repoPath("models/fable-2m"), { ...await onEngine(), memory: room });
  const theirs = other.session({ budget: 16 });
  const mine = model.session({ budget: 16 });
  const wrong = "Cannot batch sessions: every session must be of this model, got another's";
  assert.is(refusal(() => model.batch([mine, theirs])), wrong);
  const batch = model.batch([mine]);
  assert.is(refusal(() => batch.add(theirs)), wrong);
  theirs.dispose();
  assert.match(refusal(() => other.batch([theirs])), "the session must not be disposed");
  if (engine() === "wasm") {
    const held = other.gpuBytes;
    const many = Array.from({ length: 2 }, () => other.session({ budget: 8 }));
    const after = other.gpuBytes;
    const message = refusal(() => other.batch([...many, ...many, ...many, ...many, ...many, ...many]));
    assert.ok(message === "nothing was thrown" || message.startsWith("Cannot use the memory: "), message);
    assert.ok(after >= held);
  }
  const none = "Cannot batch sessions: each must be a session, got ";
  for (const value of [undefined, null, {}, "one"]) {
    for (const use of [() => batch.add(value as never), () => batch.remove(value as never)]) {
      assert.match(refusal(use), none);
    }
    assert.match(refusal(() => model.batch([value as never])), none);
  }
  assert.is(refusal(() => model.batch(mine as never)), "Cannot batch sessions: sessions must be a list, got object");
  assert.is(batch.size, 1);
  batch.dispose();
  mine.dispose();
  other.dispose();
});

test.run();
