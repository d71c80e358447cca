// Whose turn it is: so many at once, each client in its turn, and nobody who went away.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { chatChunks } from "../../src/openai/chat.ts";
import { completionChunks } from "../../src/openai/completions.ts";
import { readCommon } from "../../src/openai/fields.ts";
import { usualChunk } from "../../src/openai/hosted.ts";
import { Queue } from "../../src/openai/queue.ts";
import { Service } from "../../src/openai/service.ts";
import { openApi, refusal } from "../support/api.ts";

const test = suite("serve: turns");
const signal = new AbortController().signal;
const soon = () => new Promise((resolve) => setTimeout(resolve, 0));

test("clients have their turns one after another, however many requests one of them has", async () => {
  const queue = new Queue(1, 100), order: string[] = [];
  const ask = async (client: string, name: string) => {
    const leave = await queue.enter(client, signal);
    order.push(name);
    await soon();
    leave();
    leave(); // again: nothing
  };
  await Promise.all([ask("a", "a1"), ask("a", "a2"), ask("a", "a3"), ask("b", "b1"), ask("c", "c1"), ask("b", "b2")]);
  assert.equal(order, ["a1", "a2", "b1", "c1", "a3", "b2"]);
  assert.equal([queue.running, queue.waiting], [0, 0]);
});

test("who goes away while he waits is forgotten; too many are refused", async () => {
  const queue = new Queue(2, 1), stop = new AbortController();
  const [one, two] = await Promise.all([queue.enter("a", signal), queue.enter("b", signal)]);
  const waits = queue.enter("c", stop.signal).catch((error) => error);
  assert.is(queue.waiting, 1);
  const refused = await queue.enter("d", signal).catch((error) => error);
  assert.equal([refused.status, refused.code], [429, "queue_full"]);
  stop.abort(new Error("gone"));
  assert.is((await waits).message, "gone");
  assert.is(queue.waiting, 0);
  one();
  two();
  (await queue.enter("e", signal))();
  assert.is(queue.running, 0);
});

test("prompts are read in chunks of eight tokens where nobody says otherwise, the processor being as fast in them", async () => {
  const api = await openApi({ session: { budget: 512 } });
  try {
    const { hosted, service: { limits } } = api;
    const service = new Service([{ ...hosted, chunk: usualChunk(hosted.model) }], limits);
    const chunks = (asked: object) => service.asked(readCommon({ ...asked }, [])).session.stride;
    assert.equal([{}, { budget: 64 }, { policy: "full" }, { policy: "full", budget: 100 }].map(chunks), [8, 8, 8, 8]);
    assert.equal([{ stride: 64 }, { stride: 3 }].map(chunks), [64, 3]);
    for (const small of [{ budget: 12, sinks: 4 }, { budget: 20, newest: 14, sinks: 0 }, { budget: "25%" }]) {
      assert.is(chunks(small), undefined); // smaller already, or known with the prompt
    }
    assert.is(usualChunk({ device: { name: "webgpu", why: "" } } as typeof hosted.model), undefined);
  } finally {
    await api.stop();
  }
});

test("two answers are written side by side, a third behind the first of them", async () => {
  const api = await openApi({ limits: { parallel: 2 } });
  try {
    const order: number[] = [];
    const caller = { owner: "", client: "", signal };
    const body = { prompt: "Once upon a time", max_tokens: 60, ignore_eos: true };
    await Promise.all([0, 1, 2].map(async (i) => {
      for await (const _ of completionChunks(api.service, body, caller)) order.push(i);
    }));
    const last = (i: number) => order.lastIndexOf(i), first = (i: number) => order.indexOf(i);
    const turns = order.slice(0, last(0)).filter((i, at, all) => i !== all[at - 1]).length;
    assert.ok(turns > 60, order.join("")); // one after another, token by token
    assert.ok(first(2) > Math.min(last(0), last(1)), order.join(""));
  } finally {
    await api.stop();
  }
});

test("too many are refused with 429 and when to come again", async () => {
  const api = await openApi({ limits: { parallel: 1, waiting: 0 } });
  try {
    const leave = await api.service.queue.enter("another", signal);
    const refused = await api.post("/completions", { prompt: "Once" });
    assert.is(refused.headers.get("retry-after"), "1");
    assert.equal([(await refusal(refused)).code, refused.status], ["queue_full", 429]);
    leave();
    assert.is((await api.post("/completions", { prompt: "Once" })).status, 200);
  } finally {
    await api.stop();
  }
});

test("an answer that takes too long is ended", async () => {
  const api = await openApi({ limits: { time: 30, tokens: 100_000 } });
  try {
    const body = { prompt: "Once upon a time", max_tokens: 100_000, ignore_eos: true };
    const { status, code } = await refusal(await api.post("/completions", body));
    assert.equal([status, code], [504, "timeout"]);
    const events = await (await api.post("/completions", { ...body, stream: true })).text();
    assert.match(events, '"code":"timeout"');
    assert.is(api.service.queue.running, 0);
  } finally {
    await api.stop();
  }
});

test("an answer that nobody reads on is ended when its time is over, or its reader gone, and its turn is another's", async () => {
  const api = await openApi({ limits: { parallel: 1, time: 150, tokens: 100_000 } });
  try {
    const body = { prompt: "Once upon a time", max_tokens: 100_000, ignore_eos: true };
    const late = completionChunks(api.service, body, { owner: "", client: "", signal });
    await late.next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.is(api.service.queue.running, 0);
    const refused = await late.next().catch((error) => error);
    assert.equal([refused.status, refused.code], [504, "timeout"]);
    const gone = new AbortController();
    const left = completionChunks(api.service, body, { owner: "", client: "", signal: gone.signal });
    await left.next();
    assert.is(api.service.queue.running, 1);
    gone.abort(new Error("gone"));
    await soon();
    assert.is(api.service.queue.running, 0);
    assert.is((await left.next().catch((error) => error)).message, "gone");
    const stop = new AbortController();
    const answer = await fetch(`${api.url}/completions`, {
      ...{ method: "POST", headers: { "content-type": "application/json" }, signal: stop.signal },
      body: JSON.stringify({ ...body, stream: true }),
    });
    await answer.body!.getReader().read();
    stop.abort();
    while (api.service.queue.running > 0) await soon();
    assert.equal(api.failures, []); // who went away is no failure
  } finally {
    await api.stop();
  }
});

test("a turn is given back though the store fails when an answer is left", async () => {
  const fails = (): never => {
    throw new Error("gone");
  };
  const none = () => Promise.resolve(null), nothing = () => Promise.resolve();
  const store = { what: "none", read: none, version: none, write: fails, remove: nothing, close: nothing };
  const api = await openApi({ limits: { parallel: 1 }, store });
  try {
    const body = { messages: [{ role: "user", content: "Hello." }], max_tokens: 60, ignore_eos: true };
    const chunks = chatChunks(api.service, body, { owner: "", client: "", signal });
    await chunks.next();
    assert.is((await chunks.return().catch((error) => error)).message, "gone");
    assert.equal([api.service.queue.running, api.service.conversations.held.bytes], [0, 0]);
    const gone = new AbortController();
    const answer = await fetch(`${api.url}/chat/completions`, {
      ...{ method: "POST", headers: { "content-type": "application/json" }, signal: gone.signal },
      body: JSON.stringify({ ...body, max_tokens: 256, stream: true }),
    });
    await answer.body!.getReader().read();
    gone.abort();
    while (api.failures.length === 0 || api.service.queue.running > 0) await soon();
    assert.equal(api.failures.map((error) => (error as Error).message), ["gone"]); // who runs it hears of it
  } finally {
    await api.stop();
  }
});

test("a schema that is slow to read stops nobody, and one that is too much work is refused", async () => {
  const api = await openApi();
  try {
    const schema = (count: number, doublings: number) => {
      const one = (i: number) => [`p${i}`, { type: "string", pattern: `^(a|b)*a(a|b){${doublings}}${i}$` }];
      const properties = Object.fromEntries(Array.from({ length: count }, (_, i) => one(i)));
      return { type: "object", properties, additionalProperties: false };
    };
    const ask = (json_schema: object) => api.post("/completions", { prompt: "Once", max_tokens: 1, json_schema });
    let isOver = false, heard = 0;
    const slow = ask(schema(12, 9)).finally(() => isOver = true);
    while (!isOver) {
      assert.is((await (await fetch(new URL("/healthz", api.url))).json()).status, "ok");
      heard++;
    }
    assert.is((await slow).status, 200);
    assert.ok(heard > 5, `${heard} times`);
    const { status, message } = await refusal(await ask(schema(12, 12)));
    assert.equal([status, message], [400, "Cannot read the schema: it must be less work to read, got more"]);
  } finally {
    await api.stop();
  }
});

test.run();
