// A session or its model is disposed of while something is on its way: one sentence, nothing left behind, others unharmed.
import * as assert from "uvu/assert";
import { FIRST } from "../../page/compare/comparison.ts";
import { compare } from "../../page/worker/compare.ts";
import { load, type Model } from "../../src/load.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import type { Session } from "../../src/session/session.ts";
import { repoPath } from "../support/files.ts";
import { refusal, rejection } from "../support/spies.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const PROMPT = "Once upon a time, there was a little girl named Lily.";
const SMALL: SessionOptions = { budget: 24, stride: 4, sinks: 2, newest: 2 };

const test = await engineSuite("session, disposed of meanwhile");

async function loadModel(): Promise<Model> {
  return await load(repoPath("models/fable-2m"), await onEngine());
}

async function say(session: Session): Promise<void> {
  for await (const _ of session.generate(PROMPT, { maxNewTokens: 4 }));
}

test("a session, before its first step", async () => {
  const model = await loadModel();
  const before = model.gpuBytes;
  for (const options of [SMALL, { policy: "full" }, { budget: { share: 0.9 } }] satisfies SessionOptions[]) {
    const session = model.session(options);
    const first = session.generate(PROMPT, { maxNewTokens: 4 }).next();
    session.dispose();
    assert.is(await rejection(first), "Cannot generate: the session must not be disposed, got a disposed one");
    assert.is(model.gpuBytes, before);
  }
  const other = model.session(SMALL);
  await say(other);
  assert.is(model.failure, null);
  model.dispose();
});

test("the lab's sessions, where a comparison cannot begin", async () => {
  const model = await loadModel();
  const made: Session[] = [];
  const make = model.session.bind(model);
  model.session = (options) => {
    made.push(make(options));
    return made.at(-1)!;
  };
  const asked = { ...FIRST, prompt: "" };
  assert.match(await rejection(compare(model, asked, () => {}, new AbortController().signal)), /^Cannot generate: /);
  assert.ok(made.length > 0);
  for (const session of made) assert.match(await rejection(say(session)), "got a disposed one");
  model.dispose();
});

test("a model, while a session is restored or forked", async () => {
  const model = await loadModel();
  const session = model.session(SMALL);
  await say(session);
  const bytes = await session.snapshot();
  const fork = session.fork();
  model.dispose();
  const rule = "Cannot create session: the model must not be disposed, got a disposed one";
  assert.is(await rejection(fork), rule);
  assert.is(model.gpuBytes, 0);
  for (const known of [false, true]) {
    const other = await loadModel();
    if (known) (await other.restore(bytes)).dispose();
    const restored = other.restore(bytes);
    other.dispose();
    assert.is(await rejection(restored), rule.replace("create", "restore"));
    assert.is(other.gpuBytes, 0);
  }
});

test("a model, while it measures perplexity", async () => {
  const model = await loadModel();
  const onProgress = () => model.dispose();
  const measured = model.perplexity(PROMPT.repeat(8), { budget: 40, stride: 8, onProgress });
  assert.is(
    await rejection(measured),
    "Cannot measure perplexity: the model must not be disposed, got a disposed one",
  );
  assert.is(model.gpuBytes, 0);
});

test("a recording whose end cannot be written keeps nothing from being given back", async () => {
  const model = await loadModel();
  let full = false;
  const record = () => {
    if (full) throw new Error("Cannot record: the disk is full");
  };
  const [first, second] = [model.session({ ...SMALL, record }), model.session({ ...SMALL, record })];
  for (const session of [first, second]) await say(session);
  full = true;
  assert.is(refusal(() => first.dispose()), "Cannot record: the disk is full");
  assert.is(refusal(() => model.dispose()), "Cannot record: the disk is full");
  assert.is(model.gpuBytes, 0);
});

test.run();
