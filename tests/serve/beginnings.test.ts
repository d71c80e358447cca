// Beginnings that conversations share are read once, and nobody can tell by what is said: answers, evictions and counts are the same.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import type { SessionOptions } from "../../src/options/session.ts";
import { type Api, withApi } from "../support/api.ts";
import { depth } from "../support/depth.ts";

const test = suite("serve: beginnings");
const system = { role: "system", content: "You tell stories of animals, briefly, and never of people. ".repeat(6) };
const user = (content: string) => ({ role: "user", content });
const EXAMPLES = [user("Of a fox."), { role: "assistant", content: "A fox was red. ".repeat(12) }, user("Of a hen.")];
const ASKED = { max_tokens: 20, temperature: 0.9, ignore_eos: true, seed: 5, pin_system: false };
const FEW: SessionOptions[] = [
  { budget: 40, policy: "roco" }, // less than the beginning
  { budget: 400, policy: "h2o" },
  { policy: "full", budget: undefined },
];
const CASES = depth<SessionOptions[]>(FEW, [
  ...FEW,
  { budget: 40, policy: "crest", remainder: 2 },
  { budget: 48, policy: "tova", evict: "prompt" },
  { budget: 400, policy: "snapkv", pinPrompt: true },
  { budget: 300, policy: "roco", allocation: "adaptive" },
  { budget: { share: 0.5 }, policy: "roco" }, // which depends on all of the prompt: nothing is shared
]);

interface Usage {
  readonly prompt_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
}

async function ask(api: Api, body: object, key = "") {
  const headers: Record<string, string> = key === "" ? {} : { authorization: `Bearer ${key}` };
  const answer = await api.post("/chat/completions", { ...ASKED, ...body }, headers);
  const { choices, usage, error } = await answer.json();
  if (error) throw new Error(error.message);
  const { prompt_tokens_details: { cached_tokens: cached }, ...rest } = usage as Usage;
  return { content: choices[0].message.content as string, cached, usage: rest };
}

/** The same of a session that has read all itself. */
async function alone(api: Api, messages: { role: string; content: string }[]) {
  using session = api.hosted.model.session({ ...api.hosted.session, onWarning: () => {} });
  let content = "";
  const options = { maxNewTokens: 20, temperature: 0.9, stopAtEnd: false, seed: 5, pinSystem: false };
  for await (const piece of session.chat(messages, options)) content += piece;
  const { promptTokens, newTokens, policy, budget, liveSlots, evictions } = session.report();
  const usage = {
    ...{ prompt_tokens: promptTokens, completion_tokens: newTokens, total_tokens: promptTokens + newTokens },
    kvcap: { policy, budget, live: liveSlots, evicted: evictions },
  };
  return { content, usage };
}

for (const session of CASES) {
  test(`a system's words are read once, examples twice, to the same answers: ${JSON.stringify(session)}`, async () => {
    await withApi({ session }, async (api) => {
      const shares = typeof session.budget !== "object";
      const asked = [
        ...["Of a dog.", "Of a cat, if you please.", "Of a mouse."].map((text) => [system, user(text)]),
        ...["one", "two", "three"].map((text) => [system, ...EXAMPLES.slice(0, 2), user(`Of ${text} hens.`)]),
      ];
      const found: number[] = [];
      for (const messages of asked) {
        const { cached, ...told } = await ask(api, { messages });
        assert.equal(told, await alone(api, messages));
        found.push(cached);
      }
      assert.is(found[0], 0);
      const wanted = shares ? [0, 1, 1, 1, 1, 1] : [0, 0, 0, 0, 0, 0];
      assert.equal(found.map((cached) => Math.min(1, cached)), wanted, `${found}`);
      if (shares) {
        assert.is(found[1], found[2]);
        assert.ok(found[5] > found[3], `${found}`); // what the second and third shared was kept
      }
    });
  });
}

test("many at once, each its own answer; a conversation goes on from there", async () => {
  await withApi({}, async (api) => {
    const texts = ["a dog", "a cat", "a cow", "an owl", "a bee", "a fox"].map((who) => `Tell me of ${who}.`);
    const told = await Promise.all(texts.map((text) => ask(api, { messages: [system, user(text)] })));
    for (const [i, text] of texts.entries()) {
      const { cached: _, ...one } = told[i];
      assert.equal(one, await alone(api, [system, user(text)]));
    }
    assert.ok((await ask(api, { messages: [system, user(texts[0])] })).cached > 0);
    const answer = { role: "assistant", content: told[0].content };
    const { cached, usage } = await ask(api, { messages: [system, user(texts[0]), answer, user("Go on.")] });
    assert.ok(cached > 100 && cached < usage.prompt_tokens);
  });
});

test("without a seed copies draw each their own", async () => {
  await withApi({}, async (api) => {
    const messages = [system, user("Tell me of a dog.")], texts = new Set<string>();
    for (let i = 0; i < 4; i++) texts.add((await ask(api, { messages, seed: null })).content);
    assert.ok(texts.size > 1);
  });
});

test("what one key has had read is nobody else's, nor another model's or cache's", async () => {
  const owners = { owner: (key: string) => key };
  await withApi({ door: { keys: owners as never } }, async (api) => {
    const messages = [system, user("Tell me of a dog.")];
    const cached = async (key: string, more = {}) => (await ask(api, { messages, ...more }, key)).cached > 0;
    assert.equal([await cached("one"), await cached("one"), await cached("two"), await cached("two")], [
      ...[false, true, false, true],
    ]);
    const pinned = { pin_system: true, budget: 400 }, loose = { budget: 400 };
    const found = [];
    for (const more of [{ policy: "h2o" }, pinned, loose, pinned, loose]) found.push(await cached("one", more));
    assert.equal(found, [false, false, false, true, true]);
  });
});

test("what nobody asks for again takes no conversation's place; what several share does, within the bound", async () => {
  await withApi({}, async (api) => {
    await ask(api, { messages: [user("Hello.")], conversation: "size" });
    const { bytes } = api.service.conversations.held;
    await withApi({ limits: { memory: Math.floor(2.5 * bytes) } }, async (api) => {
      const { conversations } = api.service;
      const told = (text: string, id: string) => ask(api, { messages: [system, user(text)], conversation: id });
      await told("Of a dog.", "a"); // and its beginning
      assert.ok(conversations.held.bytes > 1.5 * bytes);
      await ask(api, { messages: [user("Hello.")], conversation: "b" }); // which takes the beginning's place
      assert.is(conversations.held.count, 2);
      assert.is((await told("Of a cat.", "c")).cached, 0); // in place of the first conversation
      assert.is(conversations.held.count, 1); // as the beginning, known to be shared, took the other's
      assert.ok((await told("Of a cow.", "d")).cached > 0);
      assert.ok(conversations.held.bytes <= 2.5 * bytes);
    });
  });
});

test("what cannot have room costs nobody else's", async () => {
  await withApi({}, async (api) => {
    await ask(api, { messages: [user("Hello.")], conversation: "size" });
    const { bytes } = api.service.conversations.held;
    await withApi({ limits: { memory: Math.floor(2.5 * bytes) } }, async (api) => {
      const { pool } = api.service.conversations;
      await ask(api, { messages: [user("Hello.")], conversation: "a" });
      const room = pool.reserve(api.hosted, api.hosted.session, { read: 1, written: 1 }); // somebody is at work
      assert.throws(() => pool.makeRoom(1.6 * bytes));
      assert.is(api.service.conversations.held.count, 1);
      room.free();
    });
  });
});

test.run();
