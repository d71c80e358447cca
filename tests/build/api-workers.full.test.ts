// kvcap/openai, kvcap/worker and kvcap/service-worker as the package has them, in Chromium: one program asks models in its own page, in each
// kind of worker, and at a path of its origin, and hears the same.
import * as esbuild from "esbuild";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Installed } from "../support/installed.ts";
import { printed } from "../support/printed.ts";
import { startServer } from "../support/server.ts";

const installed = await Installed.make();
const { folder } = installed;
const chromium = Boolean(Deno.env.get("KVCAP_CHROMIUM"));

await installed.write(
  "model.js",
  `import { load } from "kvcap";
import { openai } from "kvcap/openai";
const where = "/node_modules/kvcap/models/fable-2m";
export const make = () => load(where, { device: "wasm" }).then((model) => openai({ fable: model }, { session: { budget: 64 } }));
`,
);
/** A program that asks a client whatever it may be asked, and prints what it heard. */
await installed.write(
  "asks.js",
  `export async function asks(client) {
  const chat_template = "{{ bos_token }}{% for m in messages %}{{ m.role + ': ' + m.content + eos_token }}{% endfor %}assistant: ";
  const asked = { messages: [{ role: "user", content: "Tell me of a dog." }], chat_template, max_tokens: 80, temperature: 0.8, seed: 4 };
  const heard = { models: (await client.models.list()).data.map(({ id }) => id) };
  const { choices, usage } = await client.chat.completions.create(asked);
  heard.whole = choices[0].message.content;
  heard.evicted = usage.kvcap.evicted;
  heard.streamed = "";
  for await (const { choices } of await client.chat.completions.create({ ...asked, stream: true })) {
    heard.streamed += choices[0]?.delta.content ?? "";
  }
  const long = { prompt: "Once", max_tokens: 4000, ignore_eos: true };
  heard.some = 0;
  for await (const _ of await client.completions.create({ ...long, stream: true })) if (++heard.some === 5) break;
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Error("enough")), 100);
  heard.stopped = await client.completions.create(long, { signal: stop.signal }).catch((error) => error.message);
  heard.refused = await client.completions.create({ prompt: "Once", budgt: 3 }).catch(({ name, status, message }) => [name, status, message]);
  heard.vector = (await client.embeddings.create({ input: "Once" })).data[0].embedding.length;
  return JSON.stringify(heard);
}
export const print = (client) => asks(client).then(console.log, (error) => console.log(error.stack));
`,
);
const WORKER = `import { host } from "kvcap/worker";\nimport { make } from "./model.js";\nhost(self, make());\n`;
const SERVICE = `import { answerFetches } from "kvcap/service-worker";
import { host } from "kvcap/worker";
import { make } from "./model.js";
let client;
const once = () => client ??= make();
self.oninstall = () => self.skipWaiting();
self.onactivate = (event) => event.waitUntil(self.clients.claim());
answerFetches(self, once);
host(self, once());
`;
const connecting = (target: string) =>
  `import { connect } from "kvcap/worker";\nimport { print } from "./asks.js";\n${target}\nprint(connect(worker));\n`;
const REGISTER = `await navigator.serviceWorker.register("/service.js");
const { active: worker } = await navigator.serviceWorker.ready;
while (!navigator.serviceWorker.controller) await new Promise((resolve) => setTimeout(resolve, 10));`;

const PAGES: Readonly<Record<string, string>> = {
  "the page itself": `import { print } from "./asks.js";\nimport { make } from "./model.js";\nmake().then(print);\n`,
  "a worker": connecting(`const worker = new Worker("/worker.js");`),
  "a shared worker": connecting(`const worker = new SharedWorker("/worker.js").port;`),
  "a service worker": connecting(REGISTER),
  "a service worker, at a path of the page's origin":
    `import { clientOver } from "./over.js";\nimport { print } from "./asks.js";
${REGISTER}\nprint(clientOver());\n`,
};
/** What asks by plain fetch, as any client with a base URL does: only what the program above needs. */
await installed.write(
  "over.js",
  `const ask = async (path, body, { signal } = {}) => {
  const init = body ? { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" }, signal } : {};
  const answer = await fetch("/v1" + path, init).catch((error) => { throw signal?.reason ?? error; });
  if (answer.ok) return answer;
  const { error: { message } } = await answer.json();
  throw Object.assign(new Error(message), { name: "RequestError", status: answer.status });
};
async function* chunks(answer) {
  const text = answer.body.pipeThrough(new TextDecoderStream());
  let rest = "";
  for await (const piece of text) {
    const events = (rest + piece).split("\\n\\n");
    rest = events.pop();
    for (const event of events) if (!event.endsWith("[DONE]")) yield JSON.parse(event.slice(6));
  }
}
const create = (path) => ({
  create: async (body, options) => {
    const answer = await ask(path, body, options);
    return body.stream ? chunks(answer) : await answer.json().catch((error) => { throw options?.signal?.reason ?? error; });
  },
});
export const clientOver = () => ({
  chat: { completions: create("/chat/completions") },
  completions: create("/completions"),
  embeddings: create("/embeddings"),
  models: { list: async () => await (await ask("/models")).json() },
});
`,
);

async function built(name: string, code: string, format: "esm" | "iife"): Promise<string> {
  await installed.write(name, code);
  const { outputFiles } = await esbuild.build({
    ...{ absWorkingDir: folder, entryPoints: [name], bundle: true, write: false, format, logLevel: "silent" },
  });
  return outputFiles[0].text;
}

const html = `<!doctype html><link rel="icon" href="data:,"><script type="module" src="/main.js"></script>`;
const test = suite("the API in pages and workers");
const run = chromium ? test : test.skip;
let first: string | null = null;

for (const [where, code] of Object.entries(PAGES)) {
  run(`models in ${where}`, async () => {
    const scripts = new Map([
      ["/", html],
      ["/main.js", await built("main.js", code, "esm")],
      ["/worker.js", await built("worker.js", WORKER, "iife")],
      ["/service.js", await built("service.js", SERVICE, "iife")],
    ]);
    const server = startServer(scripts, folder);
    try {
      const { text } = await printed(server.url);
      first ??= text;
      assert.is(text, first);
      const heard = JSON.parse(text);
      assert.equal([heard.models, heard.some, heard.stopped], [["fable"], 5, "enough"]);
      assert.is(heard.streamed, heard.whole);
      assert.ok(heard.whole.length > 100 && heard.evicted > 0, heard.whole);
      assert.equal(heard.refused.slice(0, 2), ["RequestError", 400]);
      assert.match(heard.refused[2], "did you mean budget?");
    } finally {
      await server.stop();
    }
  });
}

run("a worker whose model cannot be had says so to whom asks", async () => {
  const wrong = WORKER.replace("make()", `import("./model.js").then(() => { throw new Error("no such model"); })`);
  const asks = `import { connect } from "kvcap/worker";
connect(new Worker("/worker.js")).models.list().catch(({ message }) => console.log(message));`;
  const scripts = new Map([
    ["/", html],
    ["/main.js", await built("main.js", asks, "esm")],
    ["/worker.js", await built("worker.js", wrong, "iife")],
  ]);
  const server = startServer(scripts, folder);
  try {
    assert.is((await printed(server.url)).text, "Cannot ask the worker: it must answer, got: no such model");
  } finally {
    await server.stop();
  }
});

test.after(() => installed.remove());
run("a page that goes away in the middle of its answers keeps no turn of a shared worker's", async () => {
  const leaving = `import { connect } from "kvcap/worker";
const client = connect(new SharedWorker("/worker.js").port);
const long = { prompt: "Once", max_tokens: 4000, ignore_eos: true, stream: true };
for (let i = 0; i < 4; i++) { // as many as are answered at once
  const { value } = await (await client.completions.create(long))[Symbol.asyncIterator]().next();
  if (!value) throw new Error("nothing came");
}
parent.postMessage("begun");
`;
  const staying = `import { connect } from "kvcap/worker";
const client = connect(new SharedWorker("/worker.js").port);
await client.models.list();
const frame = document.createElement("iframe");
const begun = new Promise((resolve) => onmessage = resolve);
frame.src = "/leaving.html";
document.body.append(frame);
await begun;
frame.remove();
const late = new Promise((resolve) => setTimeout(() => resolve("no turn"), 10_000));
const answered = client.completions.create({ prompt: "Once", max_tokens: 1 }).then(({ usage }) => usage.completion_tokens);
console.log(await Promise.race([answered, late]));
`;
  const server = startServer(
    new Map([
      ["/", html.replace("<!doctype html>", "<!doctype html><body>")],
      ["/leaving.html", html.replace("/main.js", "/leaving.js")],
      ["/main.js", await built("main.js", staying, "esm")],
      ["/leaving.js", await built("leaving.js", leaving, "esm")],
      ["/worker.js", await built("worker.js", WORKER, "iife")],
    ]),
    folder,
  );
  try {
    assert.is((await printed(server.url)).text, "1");
  } finally {
    await server.stop();
  }
});

test.run();
