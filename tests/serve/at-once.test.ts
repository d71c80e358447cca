// Conversations that several ask for at once, that are given up, and that would outgrow their bounds.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { chatCompletion } from "../../src/openai/chat.ts";
import { completion } from "../../src/openai/completions.ts";
import { Service } from "../../src/openai/service.ts";
import type { Store } from "../../src/openai/store.ts";
import { FolderStore } from "../../src/serve/folder-store.ts";
import type { Session } from "../../src/session/session.ts";
import { depth, seed } from "../support/depth.ts";
import { randomFrom } from "../support/trio.ts";
import { type Api, LIMITS, openApi, refusal, type Setup, talkingModel } from "../support/api.ts";

const test = suite("serve: conversations at once");
const said = (content: string) => ({ role: "user" as const, content });
const ASKED = { model: "fable", messages: [said("Hello.")], max_tokens: 8, ignore_eos: true };

const later = () => new Promise<void>((resolve) => setTimeout(resolve, 20));

/** A store that takes its time, as one over a network does. */
function slow(store: Store): Store {
  return {
    what: store.what,
    version: (name) => later().then(() => store.version(name)),
    read: (name) => later().then(() => store.read(name)),
    write: (name, bytes) => later().then(() => store.write(name, bytes)),
    remove: (name) => later().then(() => store.remove(name)),
    close: () => store.close(),
  };
}

/** The sessions of an API's model that nobody has given back. */
function sessionsOf({ hosted: { model } }: Api): Set<Session> {
  const sessions = new Set<Session>();
  const counted = (session: Session) => {
    sessions.add(session);
    const dispose = session.dispose.bind(session), fork = session.fork.bind(session);
    session.fork = async (own) => counted(await fork(own));
    session.dispose = () => {
      sessions.delete(session);
      dispose();
    };
    return session;
  };
  const session = model.session.bind(model), restore = model.restore.bind(model);
  model.session = (options) => counted(session(options));
  model.restore = async (bytes, own) => counted(await restore(bytes, own));
  return sessions;
}

async function withApi(setup: Setup, work: (api: Api, sessions: Set<Session>) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const api = await openApi({ store: slow(await FolderStore.open(folder, 1e9)), ...setup });
  try {
    await work(api, sessionsOf(api));
  } finally {
    await api.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

const ask = (api: Api, body: Record<string, unknown>) => api.post("/chat/completions", { ...ASKED, ...body });

/** What two get who ask the same at once: status and code. */
async function twice(api: Api, body: Record<string, unknown>): Promise<string[]> {
  const answers = await Promise.all([ask(api, body), ask(api, body)]);
  const told = await Promise.all(
    answers.map(async (answer) => `${answer.status} ${(await answer.json()).error?.code}`),
  );
  return told.sort();
}

test("of two that ask one conversation at once one is answered, whether it is new, at hand or in a store", async () => {
  await withApi({}, async (api, sessions) => {
    const wanted = ["200 undefined", "409 conversation_busy"];
    assert.equal(await twice(api, { conversation: "one" }), wanted);
    assert.equal(await twice(api, { conversation: "one", append: true }), wanted);
    api.service.conversations.clear();
    assert.equal(await twice(api, { conversation: "one", append: true }), wanted);
    assert.is((await ask(api, { conversation: "one", append: true })).status, 200);
    assert.equal([api.service.conversations.held.count, sessions.size], [1, 1]);
  });
});

test("two that go on from one history at once are both answered, and nothing is left behind", async () => {
  await withApi({}, async (api, sessions) => {
    const first = await (await ask(api, { seed: 1 })).json();
    const messages = [...ASKED.messages, first.choices[0].message, said("Go on.")];
    const cached = (usage: { prompt_tokens_details: { cached_tokens: number } }) =>
      usage.prompt_tokens_details.cached_tokens;
    for (const at of ["at hand", "in the store"]) {
      if (at === "in the store") {
        api.service.conversations.clear();
        assert.is((await ask(api, { seed: 1 })).status, 200); // again what all go on from
        api.service.conversations.clear();
      }
      const answers = await Promise.all([2, 3].map(async (seed) => await (await ask(api, { messages, seed })).json()));
      assert.ok(answers.some(({ usage }) => cached(usage) > 0), at);
      assert.is(sessions.size, api.service.conversations.held.count, at);
      assert.is(sessions.size, 2, at);
    }
  });
});

test("who goes away before anything is read leaves the conversation as it was", async () => {
  for (const store of [undefined, null]) { // slow, and none
    await withApi(store === null ? { store } : {}, async (api, sessions) => {
      await ask(api, { conversation: "one" });
      const gone = new AbortController();
      const body = { ...ASKED, conversation: "one", append: true };
      const left = chatCompletion(api.service, body, { owner: "", client: "", signal: gone.signal });
      gone.abort(new Error("gone"));
      assert.is(await left.then(() => "", (error) => error.message), "gone");
      assert.is((await ask(api, { conversation: "one", append: true })).status, 200);
      assert.is(sessions.size, 1);
    });
  }
});

test("numbers of tokens that are none leave the count of bytes as it is", async () => {
  await withApi({ store: null }, async (api) => {
    await ask(api, { conversation: "one" });
    const { held } = api.service.conversations;
    for (const most of ["abc", [], {}, 1.5, -5]) {
      for (
        const [path, more] of [["/chat/completions", {}], ["/completions", { prompt: "Once", messages: undefined }]]
      ) {
        const body = { ...ASKED, policy: "full", max_tokens: most, ...more as object };
        assert.is((await refusal(await api.post(path as string, body))).status, 400);
      }
      assert.equal(api.service.conversations.held, held);
    }
  });
});

test("a cache that grows stays within the bound, and what is restored counts as what it takes", async () => {
  const most = 4_000_000;
  await withApi({ limits: { memory: most } }, async (api) => {
    const statuses = [];
    for (let i = 0; i < 5; i++) {
      const body = {
        conversation: "one",
        append: i > 0,
        policy: "full",
        max_tokens: 200,
        messages: [said("word ".repeat(200))],
      };
      statuses.push((await ask(api, body)).status);
      assert.ok(api.service.conversations.held.bytes <= most, `${api.service.conversations.held.bytes}`);
    }
    assert.equal(statuses.slice(-2), [400, 400]);
    assert.is((await ask(api, { conversation: "one", append: true, policy: "full" })).status, 200); // it is still there
    api.service.conversations.clear();
    for (const id of ["a", "b", "c", "d", "e", "f"]) await ask(api, { conversation: id });
    const bytes = (id: string) => ask(api, { conversation: id, append: true }).then((answer) => answer.status);
    let largest = 0;
    const watch = setInterval(() => largest = Math.max(largest, api.service.conversations.held.bytes), 1);
    assert.equal(await Promise.all(["a", "b", "c", "d"].map(bytes)), [200, 200, 200, 200]);
    clearInterval(watch);
    assert.ok(largest > 2_000_000 && largest <= most, `${largest}`);
  });
});

test("a prompt's bound is on what is read: appended or not, and a conversation may be longer", async () => {
  await withApi({ store: null, limits: { prompt: 200 } }, async (api) => {
    await ask(api, { conversation: "one" });
    const long = { conversation: "one", append: true, messages: [said("word ".repeat(250))] };
    assert.is((await refusal(await ask(api, long))).status, 413);
    assert.is((await ask(api, { conversation: "one", append: true })).status, 200);
    const messages: object[] = [];
    let read = 0;
    for (let turn = 0; turn < 12; turn++) {
      messages.push(said("Tell me more of the dog and of the cat in the old garden, please."));
      const answer = await (await ask(api, { messages })).json();
      assert.not(answer.error, JSON.stringify(answer));
      messages.push(answer.choices[0].message);
      read = answer.usage.prompt_tokens;
    }
    assert.ok(read > 250, `${read}`);
    messages.splice(0, 1, said("Tell me of another dog."));
    assert.is((await refusal(await ask(api, { messages: [...messages, said("And?")] }))).status, 413);
  });
});

/** A store in memory that takes its time, fails now and then, and gives back what is damaged. */
function flaky(random: () => number): Store {
  const kept = new Map<string, { bytes: Uint8Array; version: string }>();
  let version = 0;
  const wait = async () => {
    if (random() < 0.5) await new Promise((resolve) => setTimeout(resolve, 6 * random()));
    if (random() < 0.06) throw new Error("the store fails");
  };
  const damaged = (bytes: Uint8Array) => {
    if (random() < 0.05) return bytes.slice(0, Math.floor(random() * bytes.length));
    const copy = bytes.slice();
    if (random() < 0.1) copy[Math.floor(random() * copy.length)] ^= 1 << Math.floor(8 * random());
    return copy;
  };
  return {
    what: "memory",
    version: (name) => wait().then(() => kept.get(name)?.version ?? null),
    read: (name) =>
      wait().then(() => {
        const one = kept.get(name);
        return one ? { ...one, bytes: damaged(one.bytes) } : null;
      }),
    write: (name, bytes) =>
      wait().then(() => {
        kept.set(name, { bytes: bytes.slice(), version: `${++version}` });
        return `${version}`;
      }),
    remove: (name) => wait().then(() => void kept.delete(name)),
    close: () => Promise.resolve(),
  };
}

test("whatever befalls conversations, nothing is left of them: six clients, who leave, and a store that fails", async () => {
  const random = randomFrom(seed), one = <T>(of: readonly T[]): T => of[Math.floor(random() * of.length)];
  const limits = { parallel: 3, waiting: 6, memory: 4_500_000 };
  await withApi({ store: flaky(random), limits }, async (api, sessions) => {
    let left = depth(120, 1_500);
    const statuses = new Map<string, number>(), histories: object[][] = [[]];
    const client = async () => {
      while (left-- > 0) {
        const gone = new AbortController();
        if (random() < 0.3) setTimeout(() => gone.abort(), 40 * random());
        const messages = [...one(histories), said(one(["Hi.", "Go on.", "word ".repeat(60)]))];
        const stream = random() < 0.5, id = one([undefined, undefined, "a", "b"]);
        const more = {
          ...(id ? { conversation: id, append: random() < 0.5 } : {}),
          ...one([{}, {}, { policy: "full" }, { budget: 32 }]),
        };
        const text = await fetch(`${api.url}/chat/completions`, {
          ...{ method: "POST", headers: { "content-type": "application/json" }, signal: gone.signal },
          body: JSON.stringify({ ...ASKED, messages, stream, max_tokens: one([1, 5, 30]), ...more }),
        }).then((answer) => answer.text()).catch(() => "gone");
        const status = /"code":"([\w-]+)"/.exec(text)?.[1] ?? (text === "gone" ? text : "answered");
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
        const message = text.startsWith("{") && JSON.parse(text).choices?.[0].message;
        if (message && !id && histories.length < 20) histories.push([...messages, message]);
      }
    };
    await Promise.all(Array.from({ length: 6 }, client));
    while (api.service.queue.running > 0) await later();
    for (const status of ["answered", "gone", "conversation_busy"]) assert.ok(statuses.get(status)! > 0, status);
    const { count, bytes } = api.service.conversations.pool; // conversations, and what they begin with
    assert.equal([api.service.queue.waiting, sessions.size], [0, count]);
    assert.ok(bytes <= limits.memory, `${bytes}`);
    const others = api.failures.map((error) => (error as Error).message).filter((message) =>
      !/store fails|Cannot restore/.test(message)
    );
    assert.equal(others, []);
    api.service.conversations.clear();
    assert.is(sessions.size, 0);
  });
});

test("where memory has no room for steps to be taken together, answers are written by themselves", async () => {
  const options = { device: "wasm", memory: 12e6 } as const, manner = { budget: 64, positions: "cache" } as const;
  using model = await load(await talkingModel(), options);
  const caller = { owner: "", client: "", signal: new AbortController().signal };
  const withService = async (ask: (service: Service) => Promise<string>) => {
    const service = new Service([{ name: "fable", model, session: manner, generate: {}, since: 1 }], LIMITS);
    return await ask(service).finally(() => service.close());
  };
  const chat = async (service: Service) =>
    (await chatCompletion(service, { ...ASKED, seed: 1 }, caller)).choices[0].message.content!;
  const more = async (service: Service) =>
    (await completion(service, { model: "fable", prompt: "Once", max_tokens: 4, seed: 1 }, caller)).choices[0].text;
  const text = async () => [await withService(chat), await withService(more)];
  const wanted = await text();
  const kept = model.session(manner);
  assert.throws(() => {
    while (true) model.batch();
  }, /^Cannot use the memory: /);
  kept.dispose();
  assert.equal(await text(), wanted);
});

test.run();
