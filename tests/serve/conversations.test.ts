// Conversations that go on in their caches: found by what has been said or by an id, kept apart, let go, and restored.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { chatChunks } from "../../src/openai/chat.ts";
import { FolderStore } from "../../src/serve/folder-store.ts";
import { depth } from "../support/depth.ts";
import { type Api, openApi, refusal, withApi } from "../support/api.ts";

const test = suite("serve: conversations");
const said = (content: string) => ({ role: "user" as const, content });
const TURNS = depth(40, 200);
const QUESTIONS = ["Tell me of a dog.", "And of a cat?", "What did they find in the old garden behind the house?"];
const ASKED = { model: "fable", max_tokens: 40, temperature: 0.9, ignore_eos: true };

interface Turn {
  content: string;
  usage: { prompt_tokens: number; prompt_tokens_details: { cached_tokens: number }; kvcap: { evicted: number } };
}

async function ask(api: Api, body: Record<string, unknown>): Promise<Turn> {
  const answer = await api.post("/chat/completions", { ...ASKED, ...body });
  const { choices, usage, error } = await answer.json();
  if (error) throw new Error(error.message);
  return { content: choices[0].message.content, usage };
}

/** What the library says to the same questions, one session for all. */
async function uninterrupted(api: Api): Promise<string[]> {
  using session = api.hosted.model.session(api.hosted.session);
  const answers = [];
  for (const [i, question] of QUESTIONS.entries()) {
    let text = "";
    const options = { maxNewTokens: 40, temperature: 0.9, stopAtEnd: false, seed: i };
    for await (const piece of session.chat(question, options)) text += piece;
    answers.push(text);
  }
  return answers;
}

test("a conversation goes on in its cache, as an uninterrupted session does, found by what has been said", async () => {
  await withApi({}, async (api) => {
    const wanted = await uninterrupted(api), messages: { role: string; content: string }[] = [];
    let seen = 0;
    for (const [seed, question] of QUESTIONS.entries()) {
      messages.push(said(question));
      const { content, usage } = await ask(api, { messages, seed });
      assert.is(content, wanted[seed]);
      const { cached_tokens: cached } = usage.prompt_tokens_details;
      assert.ok(
        seed === 0 ? cached === 0 : cached >= seen - 1 && cached < usage.prompt_tokens,
        `${cached} of ${usage.prompt_tokens}`,
      );
      seen = usage.prompt_tokens + 40;
      messages.push({ role: "assistant", content });
    }
    assert.is(api.service.conversations.held.count, 1);
  });
});

test(`by an id only what is new need be said, and ${TURNS} turns end with no word of a context's length`, async () => {
  await withApi({}, async (api) => {
    const wanted = await uninterrupted(api);
    for (const [seed, question] of QUESTIONS.entries()) {
      const { content } = await ask(api, { messages: [said(question)], conversation: "one", append: seed > 0, seed });
      assert.is(content, wanted[seed]);
    }
    let evicted = 0;
    for (let turn = 0; turn < TURNS; turn++) {
      const { usage } = await ask(api, {
        messages: [said("Go on, please.")],
        conversation: "one",
        append: true,
        max_tokens: 8,
      });
      assert.ok(usage.kvcap.evicted > evicted);
      evicted = usage.kvcap.evicted;
    }
    assert.is(api.service.conversations.held.count, 1);
  });
});

test("fields that are null, as the package of PyPI dumps messages, are as if they were not there", async () => {
  await withApi({}, async (api) => {
    const first = await ask(api, { messages: [said("Tell me of a dog.")] });
    const dumped = { role: "assistant", content: first.content, refusal: null, audio: null, function_call: null };
    const messages = [{ ...said("Tell me of a dog."), name: null }, { ...dumped, tool_calls: null }, said("Go on.")];
    assert.ok((await ask(api, { messages })).usage.prompt_tokens_details.cached_tokens > 0);
  });
});

test("what the template says at the beginning is read again where it is another: tools, and whatever else it is given", async () => {
  const folder = await Deno.makeTempDir();
  const chat_template = "{{ bos_token }}{% for tool in tools or [] %}{{ tool.function.name }} {% endfor %}{{ mood }}" +
    "{% for m in messages %}{{ m.role + ': ' + m.content + eos_token }}{% endfor %}assistant: ";
  const tools = [{ type: "function", function: { name: "look_up" } }];
  for (const store of [null, await FolderStore.open(folder, 1e9)]) {
    for (const id of [undefined, "one"]) {
      await withApi({ store }, async (api) => {
        const messages: object[] = [], cached: boolean[] = [];
        const mood = { chat_template_kwargs: { mood: "glad" } };
        for (const more of [{}, {}, { tools }, { tools }, { tools, ...mood }, { tools, ...mood }, {}]) {
          messages.push(said("Tell me of a dog."));
          if (store) api.service.conversations.clear(); // all is restored
          const asked = { messages, chat_template, ...(id ? { conversation: id } : {}), ...more, max_tokens: 8 };
          const { content, usage } = await ask(api, asked);
          messages.push({ role: "assistant", content });
          cached.push(usage.prompt_tokens_details.cached_tokens > 0);
        }
        const first = id === undefined; // what went on without tools is found again
        assert.equal(cached, [false, true, false, true, false, true, first], `${id} ${store?.what}`);
      });
    }
  }
  await Deno.remove(folder, { recursive: true });
});

test("what is appended to a conversation keeps its cache's options, said again or not; others are refused", async () => {
  const folder = await Deno.makeTempDir();
  for (const store of [null, await FolderStore.open(folder, 1e9)]) {
    await withApi({ store }, async (api) => {
      const first = { messages: [said("Hello.")], conversation: "one", policy: "recency", budget: 48 };
      await ask(api, first);
      for (const more of [{}, { policy: "recency", budget: 48 }]) {
        const { usage } = await ask(api, { messages: [said("Go on.")], conversation: "one", append: true, ...more });
        const { policy, budget } = usage.kvcap as unknown as { policy: string; budget: number };
        assert.equal([policy, budget], ["recency", 48]);
      }
      const other = { ...ASKED, ...first, append: true, budget: 40 };
      assert.is((await refusal(await api.post("/chat/completions", other))).status, 409);
    });
  }
  await withApi({ store: await FolderStore.open(folder, 1e9) }, async (api) => {
    const { usage } = await ask(api, { messages: [said("Go on.")], conversation: "one", append: true });
    assert.is((usage.kvcap as unknown as { budget: number }).budget, 48);
  });
  await Deno.remove(folder, { recursive: true });
});

test("what is not to be stored is not, and what a store has let go is still there", async () => {
  const folder = await Deno.makeTempDir(), files = () => [...Deno.readDirSync(folder)].map(({ name }) => name);
  await withApi({ store: await FolderStore.open(folder, 1e9) }, async (api) => {
    await ask(api, { messages: [said("Hello.")], conversation: "one", store: false });
    assert.equal(files(), []);
    await ask(api, { messages: [said("Hello.")], conversation: "two" });
    for (const name of files()) await Deno.remove(`${folder}/${name}`);
    for (const id of ["one", "two"]) await ask(api, { messages: [said("Go on.")], conversation: id, append: true });
  });
  await Deno.remove(folder, { recursive: true });
});

test("another beginning is another conversation", async () => {
  await withApi({}, async (api) => {
    const first = await ask(api, { messages: [said("Tell me of a dog.")], seed: 1 });
    const again = [said("Tell me of a cat."), { role: "assistant", content: first.content }, said("Go on.")];
    const { usage } = await ask(api, { messages: again, seed: 1 });
    assert.is(usage.prompt_tokens_details.cached_tokens, 0);
    assert.is(api.service.conversations.held.count, 2);
  });
});

test("an id with other messages begins anew; one that is not known cannot be gone on with", async () => {
  await withApi({}, async (api) => {
    await ask(api, { messages: [said("Tell me of a dog.")], conversation: "one" });
    const alone = await ask(api, { messages: [said("Tell me of a cat.")], seed: 3 });
    const { content, usage } = await ask(api, { messages: [said("Tell me of a cat.")], conversation: "one", seed: 3 });
    assert.equal([content, usage.prompt_tokens_details.cached_tokens], [alone.content, 0]);
    const answer = await api.post("/chat/completions", {
      ...ASKED,
      messages: [said("?")],
      conversation: "two",
      append: true,
    });
    const { status, code, message } = await refusal(answer);
    assert.equal([status, code], [404, "conversation_not_found"]);
    assert.match(message, 'a conversation that is gone on with must be known, got "two"');
  });
});

test("one conversation is asked one thing at a time, others beside it", async () => {
  await withApi({}, async (api) => {
    const begin = (id: string) =>
      api.post("/chat/completions", { ...ASKED, messages: [said("Hello.")], conversation: id, stream: true });
    const one = await begin("one"); // which waits to be read
    const [same, other] = await Promise.all([begin("one"), begin("other")]);
    assert.equal([one.status, other.status], [200, 200]);
    const { status, code } = await refusal(same);
    assert.equal([status, code], [409, "conversation_busy"]);
    await Promise.all([one, other].map((answer) => answer.text()));
    await (await begin("one")).text();
  });
});

test("a conversation whose answer was broken off goes on from there", async () => {
  await withApi({ limits: { tokens: 2000 } }, async (api) => {
    for (const id of ["one", "two"]) {
      const asked = { ...ASKED, messages: [said("Hello.")], conversation: id, max_tokens: 2000 };
      if (id === "one") {
        const chunks = chatChunks(api.service, asked, { owner: "", client: "", signal: new AbortController().signal });
        for (let i = 0; i < 5; i++) await chunks.next();
        await chunks.return(); // as a stream that is left
      } else {
        const stop = new AbortController();
        const stream = await api.client.chat.completions.create({ ...asked, stream: true } as never, {
          signal: stop.signal,
        });
        await (async () => {
          for await (const _ of stream as unknown as AsyncIterable<unknown>) stop.abort();
        })().catch(() => {});
        while (api.service.queue.running > 0) await new Promise((resolve) => setTimeout(resolve, 5));
      }
      const { usage } = await ask(api, { messages: [said("Go on.")], conversation: id, append: true });
      assert.ok(usage.prompt_tokens_details.cached_tokens > 5, id);
    }
  });
});

test("whoever goes on with a conversation is not disturbed by a reader who has not taken the end yet", async () => {
  await withApi({}, async (api) => {
    const caller = { owner: "", client: "", signal: new AbortController().signal };
    for (const id of ["one", undefined]) {
      const first = { ...ASKED, messages: [said("Hello.")], conversation: id, max_tokens: 8 };
      const chunks = chatChunks(api.service, first, caller);
      let content = "", ended = false;
      while (!ended) {
        const { choices: [choice] } = (await chunks.next()).value!;
        content += choice.delta.content ?? "";
        ended = choice.finish_reason !== null;
      }
      const messages = [said("Hello."), { role: "assistant" as const, content }, said("Go on.")];
      const next = chatChunks(api.service, { ...ASKED, messages, conversation: id, max_tokens: 30 }, caller);
      await next.next();
      assert.ok((await chunks.next()).done);
      if (id !== undefined) {
        const asked = { ...ASKED, messages: [said("?")], conversation: id, append: true };
        assert.is((await refusal(await api.post("/chat/completions", asked))).code, "conversation_busy");
      }
      let reason = null;
      for await (const { choices: [choice] } of next) reason = choice.finish_reason;
      assert.is(reason, "length");
    }
    assert.equal(api.failures, []);
  });
});

test("memory has a bound: who was not asked for longest leaves it, and is read again", async () => {
  await withApi({}, async (api) => {
    await ask(api, { messages: [said("Hello.")], conversation: "size" });
    const { bytes } = api.service.conversations.held;
    await withApi({ limits: { memory: Math.floor(2.5 * bytes) } }, async (api) => {
      for (const id of ["a", "b", "c", "d"]) await ask(api, { messages: [said("Hello.")], conversation: id });
      const { count, bytes: held } = api.service.conversations.held;
      assert.is(count, 2);
      assert.ok(held <= 2.5 * bytes);
      const lost = await api.post("/chat/completions", {
        ...ASKED,
        messages: [said("?")],
        conversation: "a",
        append: true,
      });
      assert.is((await refusal(lost)).status, 404);
      await ask(api, { messages: [said("?")], conversation: "d", append: true });
      const large = await api.post("/chat/completions", { ...ASKED, messages: [said("?")], budget: 4_000_000 });
      const { status, message } = await refusal(large);
      assert.is(status, 400, message);
    });
  });
});

test("what is kept goes on in another process, to the letter; what is damaged is read again", async () => {
  const folder = await Deno.makeTempDir();
  let wanted: string[] = [];
  await withApi({}, async (api) => void (wanted = await uninterrupted(api)));
  for (const way of ["said", "id"]) {
    const messages: { role: string; content: string }[] = [];
    for (const [seed, question] of QUESTIONS.entries()) { // a server for each answer
      await withApi({ store: await FolderStore.open(`${folder}/${way}`, 1e9) }, async (api) => {
        messages.push(said(question));
        const asked = way === "said"
          ? { messages }
          : { messages: [said(question)], conversation: "one", append: seed > 0 };
        const { content } = await ask(api, { ...asked, seed });
        assert.is(content, wanted[seed]);
        messages.push({ role: "assistant", content });
      });
    }
    const files = [...Deno.readDirSync(`${folder}/${way}`)].map(({ name }) => name);
    assert.is(files.length, 1);
    const path = `${folder}/${way}/${files[0]}`;
    assert.is(Deno.statSync(path).mode! & 0o777, 0o600);
    const bytes = Deno.readFileSync(path);
    bytes[bytes.length >> 1] ^= 1;
    Deno.writeFileSync(path, bytes);
    await withApi({ store: await FolderStore.open(`${folder}/${way}`, 1e9) }, async (api) => {
      messages.push(said("And then?"));
      const { usage } = await ask(api, { messages, ...(way === "id" ? { conversation: "one" } : {}) });
      assert.is(usage.prompt_tokens_details.cached_tokens, 0);
    });
  }
  await Deno.remove(folder, { recursive: true });
});

test("a server that another was ahead of goes on with what the other wrote", async () => {
  const folder = await Deno.makeTempDir();
  const open = async () => await openApi({ store: await FolderStore.open(folder, 1e9) });
  const [one, other] = [await open(), await open()];
  try {
    const wanted = await uninterrupted(one);
    for (const [seed, question] of QUESTIONS.entries()) {
      const body = { messages: [said(question)], conversation: "one", append: seed > 0, seed };
      assert.is((await ask(seed % 2 === 0 ? one : other, body)).content, wanted[seed]);
    }
  } finally {
    await Promise.all([one.stop(), other.stop()]);
    await Deno.remove(folder, { recursive: true });
  }
});

test("what another server is writing into a folder stays, what one left there long ago goes", async () => {
  const folder = await Deno.makeTempDir(), old = `${folder}/${"1".repeat(64)}.a.part`;
  for (const path of [old, `${folder}/${"2".repeat(64)}.b.part`]) await Deno.writeTextFile(path, "beginning");
  const day = 86_400_000;
  await Deno.utime(old, new Date(Date.now() - day), new Date(Date.now() - day));
  await FolderStore.open(folder, 1e9);
  assert.equal([...Deno.readDirSync(folder)].map(({ name }) => name), [`${"2".repeat(64)}.b.part`]);
  await Deno.remove(folder, { recursive: true });
});

test("a folder keeps no more than it may", async () => {
  const folder = await Deno.makeTempDir();
  const store = await FolderStore.open(folder, 250);
  for (let i = 0; i < 5; i++) await store.write(`${i}`.repeat(64), new Uint8Array(100));
  assert.equal([...Deno.readDirSync(folder)].length, 2);
  assert.ok(await store.read("4".repeat(64)));
  await Deno.remove(folder, { recursive: true });
});

test.run();
