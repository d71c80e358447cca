// kvcap/openai: an object of the shape of the package `openai`'s client, in Deno and in pages; and that package itself over its fetch.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import { type Client, openai, RequestError } from "../../src/openai/index.ts";
import { inBrowser, repoPath } from "../support/files.ts";

const test = suite("kvcap/openai");
const chat_template =
  "{{ bos_token }}{% for m in messages %}{{ m.role + ': ' + m.content + eos_token }}{% endfor %}assistant: ";
const MESSAGES = [{ role: "user", content: "Tell me of a dog." }];
const ASKED = { messages: MESSAGES, chat_template, max_tokens: 30, temperature: 0.8, seed: 4 };
let model: Model, client: Client;
test.before(async () => {
  model = await load(repoPath("models/fable-2m"), { device: "wasm" });
  client = openai({ fable: model }, { session: { budget: 64 } });
});
test.after(() => {
  client.dispose();
  model.dispose();
});

/** What the library says. */
async function wanted(): Promise<string> {
  using session = model.session({ budget: 64, positions: "cache" });
  let text = "";
  const options = { maxNewTokens: 30, temperature: 0.8, seed: 4, template: chat_template };
  for await (const piece of session.chat(MESSAGES, options)) text += piece;
  return text;
}

test("answers are the library's, whole and piece by piece, and a conversation goes on in its cache", async () => {
  const answer = await wanted();
  const whole = await client.chat.completions.create(ASKED);
  assert.is(whole.choices[0].message.content, answer);
  let text = "";
  for await (const chunk of await client.chat.completions.create({ ...ASKED, stream: true })) {
    text += chunk.choices[0]?.delta.content ?? "";
  }
  assert.is(text, answer);
  const messages = [...MESSAGES, { role: "assistant", content: answer }, { role: "user", content: "Go on." }];
  const { usage } = await client.chat.completions.create({ ...ASKED, messages });
  assert.ok(usage.prompt_tokens_details.cached_tokens > usage.prompt_tokens / 2);
});

test("texts, vectors and models", async () => {
  const { choices } = await client.completions.create({ prompt: "Once upon a time", max_tokens: 8, temperature: 0 });
  assert.match(choices[0].text, ", there was");
  const [vector] = await model.embed("Once", { normalize: true });
  const { data } = await client.embeddings.create({ input: "Once" });
  assert.equal(Float32Array.from(data[0].embedding as number[]), vector);
  assert.equal((await client.models.list()).data.map(({ id }) => id), ["fable"]);
  assert.is((await client.models.retrieve("fable")).object, "model");
});

test("what is refused, and answers that are ended", async () => {
  const refused = await client.chat.completions.create({ ...ASKED, model: "none" }).catch((error) => error);
  assert.instance(refused, RequestError);
  assert.equal([refused.status, refused.code], [404, "model_not_found"]);
  const early = await client.completions.create({ prompt: "x", stream: true, temperature: -1 }).catch((error) => error);
  assert.match(String(early), "temperature must be a number from 0 to 100");
  const long = { prompt: "Once", max_tokens: 4000, ignore_eos: true };
  const stop = new AbortController();
  const stopped = client.completions.create(long, { signal: stop.signal }).catch((error) => error.message);
  setTimeout(() => stop.abort(new Error("enough")), 50);
  assert.is(await stopped, "enough");
  let count = 0;
  for await (const _ of await client.completions.create({ ...long, stream: true })) if (++count === 5) break;
  const stream = await client.completions.create({ ...long, stream: true });
  const ended = (async () => {
    for await (const _ of stream) stream.controller.abort(new Error("by its controller"));
  })().catch((error) => error.message);
  assert.is(await ended, "by its controller");
  assert.throws(() => openai({}), /Cannot make the client: there must be a model, got none/);
  assert.throws(() => openai(null as never), /Cannot make the client: there must be a model, got none/);
  assert.throws(() => openai({ story: 5 } as never), /Cannot make the client: story must be a model, got number/);
  assert.throws(() => openai(model, { session: 5 } as never), /session must be an object, got 5/);
  assert.throws(() => openai(model, { budget: 3 } as never), /budget/);
  assert.throws(() => openai(model, { parallel: 0 }), /parallel must be a whole number from 1 on, got 0/);
  assert.throws(() => openai(model, { memory: NaN }), /memory must be a whole number from 1 on, got NaN/);
  assert.throws(() => openai(model, { session: { budget: -1 } }), /budget/);
  assert.throws(() => openai(model, { generate: { temperature: -1 } }), /temperature/);
  assert.ok(await client.completions.create({ ...long, max_tokens: 1 }), "no turn was kept");
});

test("streams that nobody reads give their turns back when they are ended; names that are no names are none", async () => {
  const long = { prompt: "Once", max_tokens: 4000, ignore_eos: true, stream: true } as const;
  for (let i = 0; i < 8; i++) (await client.completions.create(long)).controller.abort(); // twice as many as have a turn
  assert.ok(await client.completions.create({ prompt: "Once", max_tokens: 1 }));
  const answer = await client.fetch("http://kvcap/v1/models/%E0");
  assert.is(answer.status, 404);
});

if (!inBrowser) {
  test("the package openai over client.fetch: whole, streamed, refused", async () => {
    const { default: OpenAI } = await import("openai");
    const theirs = new OpenAI({ baseURL: "http://kvcap/v1", apiKey: "none", fetch: client.fetch, maxRetries: 0 });
    const answer = await wanted();
    const asked = {
      ...ASKED,
      model: "fable",
    } as unknown as import("openai").OpenAI.ChatCompletionCreateParamsNonStreaming;
    assert.is((await theirs.chat.completions.create(asked)).choices[0].message.content, answer);
    let text = "";
    for await (const { choices } of await theirs.chat.completions.create({ ...asked, stream: true })) {
      text += choices[0]?.delta.content ?? "";
    }
    assert.is(text, answer);
    assert.equal((await theirs.models.list()).data.map(({ id }) => id), ["fable"]);
    const refused = await theirs.chat.completions.create({ ...asked, model: "none" }).catch((error) => error);
    assert.instance(refused, OpenAI.NotFoundError);
  });
}

test("a client that is disposed of in the middle keeps nothing, and answers no more", async () => {
  const before = model.gpuBytes, system = { role: "system", content: "You tell stories, briefly. ".repeat(24) };
  for (const wait of [0, 5, 40]) {
    const short = openai(model, { session: { budget: 600 } });
    const answers = ["dog", "cat", "cow", "hen"].map((name) => {
      const messages = [system, { role: "user", content: `Tell me of a ${name}.` }];
      return short.chat.completions.create({ ...ASKED, messages, n: 2 }).then(() => null, (error) => error.message);
    });
    await new Promise((resolve) => setTimeout(resolve, wait));
    short.dispose();
    for (const message of await Promise.all(answers)) {
      assert.ok(message === null || message.startsWith("Cannot ") && message.includes("disposed"), message);
    }
    assert.is(model.gpuBytes, before);
    const refused = await short.chat.completions.create(ASKED).catch((error) => error);
    assert.equal([refused.status, refused.code], [503, "closed"]);
    assert.is(refused.message, "Cannot answer the request: who answers must not be disposed of, got one that is");
    assert.is((await short.completions.create({ prompt: "Once" }).catch((error) => error)).code, "closed");
    assert.is(model.gpuBytes, before);
  }
});

test.run();
