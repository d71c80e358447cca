// A generation as a stream, and how what takes long is ended: by the stream's cancel, a signal, a block that is left.
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import { inBrowser, repoPath } from "../support/files.ts";
import { engineSuite, onEngine } from "../support/engine.ts";
import { refused } from "../support/refused.ts";
import { PROMPT, say } from "../support/say.ts";

const test = await engineSuite("stream");
const where = repoPath("models/fable-2m");
let model: Model;

test.before(async () => {
  model = await load(where, await onEngine());
});
test.after(() => model.dispose());

const options = { maxNewTokens: 20, seed: 3, temperature: 1 };

test("its pieces are those of generate, and make a response", async () => {
  const { text, ids } = await say(model.session({ budget: 48 }), options);
  const session = model.session({ budget: 48 });
  const bytes = session.stream(PROMPT, options).pipeThrough(new TextEncoderStream());
  assert.is(await new Response(bytes).text(), text);
  assert.equal([...session.report().ids], [...ids]);
});

test("nothing is generated before it is read", async () => {
  const session = model.session({ budget: 48 });
  const reader = session.stream(PROMPT, options).getReader();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(session.seen, 0);
  await reader.read();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(session.report().ids.length < 5, `${session.report().ids.length} ids for one piece`);
  await reader.cancel();
});

test("cancel ends it, and the context goes on as behind a loop that was left", async () => {
  const [left, cancelled] = [model.session({ budget: 48 }), model.session({ budget: 48 })];
  for await (const _ of left.generate(PROMPT, options)) break;
  const reader = cancelled.stream(PROMPT, options).getReader();
  await reader.read();
  await reader.cancel("enough");
  assert.is((await reader.read()).done, true);
  assert.is((await say(cancelled, options, "")).text, (await say(left, options, "")).text);
});

test("cancel ends it while the prompt is read", async () => {
  const session = model.session({ budget: 48, stride: 1 });
  let cancelled: Promise<void> | undefined;
  const onPrefill = (done: number) => {
    if (done === 5) cancelled = reader.cancel();
  };
  const reader: ReadableStreamDefaultReader<string> = session.stream(PROMPT, { ...options, onPrefill }).getReader();
  assert.is((await reader.read()).done, true);
  await cancelled;
  assert.is(session.seen, 5);
});

test("the caller's own signal is the stream's error", async () => {
  const stopper = new AbortController();
  const reader = model.session({ budget: 48 }).stream(PROMPT, { ...options, signal: stopper.signal }).getReader();
  await reader.read();
  stopper.abort(new Error("no more"));
  await refused(async () => {
    while (!(await reader.read()).done);
  }, "no more");
});

test("what generate refuses is refused at once", async () => {
  const session = model.session({ budget: 48 });
  assert.throws(() => session.stream(PROMPT, { topP: 2 }), /^Cannot generate: topP must be/);
  assert.throws(
    () => session.stream(PROMPT, { signal: 5 as never }),
    /^Cannot generate: signal must be an AbortSignal/,
  );
  const reader = session.stream(PROMPT, options).getReader();
  await reader.read();
  assert.throws(() => session.stream(PROMPT), /busy|runs|at a time/);
  await reader.cancel();
});

test("a block that is left gives session and model back", async () => {
  let [session, loaded] = [model.session(), model];
  {
    using inner = await load(where, await onEngine());
    using short = inner.session({ budget: 48 });
    [session, loaded] = [short, inner];
  }
  await refused(() => say(session), /disposed/);
  assert.throws(() => loaded.session(), /disposed/);
});

test("a signal ends a measurement at its next step", async () => {
  const stopper = new AbortController();
  let read = 0;
  const onProgress = (done: number) => (read = done) >= 6 && stopper.abort(new Error("no more"));
  const asked = { budget: 48, stride: 2, onProgress, signal: stopper.signal };
  await refused(() => model.perplexity(PROMPT, asked), "no more");
  assert.is(read, 7); // one token, and three times two
});

test("a signal ends a loading, before it and in the middle", async () => {
  const before = { ...await onEngine(), signal: AbortSignal.abort(new Error("no more")) };
  await refused(() => load(inBrowser ? "nowhere" : "no/such", before), "no more");
  const stopper = new AbortController();
  let [read, all] = [0, 0];
  const onProgress = (done: number, total: number) => {
    [read, all] = [done, total];
    stopper.abort(new Error("no more"));
  };
  const middle = { ...await onEngine(), signal: stopper.signal, onProgress };
  await refused(() => load(where, middle), "no more");
  assert.ok(read > 0 && read < all, `${read} of ${all} bytes`);
});

test.run();
