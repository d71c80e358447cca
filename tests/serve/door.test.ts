// Who may ask, and for how much.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { FolderStore } from "../../src/serve/folder-store.ts";
import { Keys } from "../../src/serve/keys.ts";
import { sha256 } from "../../src/engine/sha256.ts";
import { hex } from "../../src/engine/sha256.ts";
import { type Api, openApi, refusal } from "../support/api.ts";

const test = suite("serve: door");
const KEY = "sk-a-key-of-the-first-client", OTHER = "sk-a-key-of-the-second-client";
const sumOf = (key: string) => hex(sha256(new TextEncoder().encode(key)));
const BODY = { prompt: "Once", max_tokens: 2 };
let api: Api;
test.before(async () => {
  const keys = new Keys(`# two\n${KEY}\n\nsha256:${sumOf(OTHER)}\n`);
  api = await openApi({ door: { keys, body: 2000, origins: ["https://a.page"] } });
});
test.after(() => api.stop());
const by = (key: string) => ({ authorization: `Bearer ${key}` });

test("a key that is known may ask, as it is or by its sum; no other, and no sum", async () => {
  for (const key of [KEY, OTHER]) assert.is((await api.post("/completions", BODY, by(key))).status, 200);
  for (
    const headers of [{}, by("sk-another-key-altogether"), by(sumOf(OTHER)), by(`sha256:${sumOf(OTHER)}`), {
      authorization: KEY,
    }]
  ) {
    const answer = await api.post("/completions", BODY, headers as Record<string, string>);
    assert.is(answer.headers.get("www-authenticate"), "Bearer");
    const { status, message } = await refusal(answer);
    assert.is(status, 401);
    assert.not.ok(/sk-|sha256:/.test(message), message);
  }
  for (const path of ["/v1/models", "/metrics"]) assert.is((await fetch(new URL(path, api.url))).status, 401);
  for (const path of ["/healthz", "/readyz"]) assert.is((await fetch(new URL(path, api.url))).status, 200);
});

test("files of keys that are none are refused, and no key is shown", () => {
  assert.throws(() => new Keys("\n# none\n"), /Cannot read the API keys: there must be one at least, got none/);
  assert.throws(() => new Keys(`${KEY}\nshort`), /16 characters at least.*, got 5 in key 2/);
});

test("conversations are their owner's alone", async () => {
  const body = { messages: [{ role: "user", content: "Hello." }], max_tokens: 2, conversation: "one" };
  assert.is((await api.post("/chat/completions", body, by(KEY))).status, 200);
  const theirs = await api.post("/chat/completions", { ...body, append: true }, by(OTHER));
  assert.is((await refusal(theirs)).code, "conversation_not_found");
  assert.is((await api.post("/chat/completions", { ...body, append: true }, by(KEY))).status, 200);
});

test("pages may ask where they are allowed to", async () => {
  const allowed = await api.post("/completions", BODY, { ...by(KEY), origin: "https://a.page" });
  assert.is(allowed.headers.get("access-control-allow-origin"), "https://a.page");
  const sent = "authorization,content-type,x-stainless-lang,x-stainless-retry-count"; // as the package openai does
  const headers = {
    ...{ origin: "https://a.page", "access-control-request-method": "POST", "access-control-request-headers": sent },
  };
  const asked = await fetch(`${api.url}/completions`, { method: "OPTIONS", headers });
  assert.is(asked.headers.get("access-control-allow-origin"), "https://a.page");
  assert.is(asked.headers.get("access-control-allow-headers"), sent);
  const other = await api.post("/completions", BODY, { ...by(KEY), origin: "https://another.page" });
  assert.is(other.headers.get("access-control-allow-origin"), null);
  assert.is((await refusal(other)).status, 403);
});

test("bodies have a type, a form and a size", async () => {
  const post = (body: string, headers = {}) => api.post("/completions", body, { ...by(KEY), ...headers });
  assert.is((await refusal(await post("{}", { "content-type": "text/plain" }))).status, 415);
  assert.is((await refusal(await post("{"))).status, 400);
  assert.is((await refusal(await post(JSON.stringify({ prompt: "x".repeat(3000) })))).status, 413);
  assert.is((await refusal(await post("[]"))).status, 400);
});

test("a body that comes in chunks is one like another, and has the same bound", async () => {
  const post = (text: string) =>
    fetch(`${api.url}/completions`, {
      ...{ method: "POST", headers: { ...by(KEY), "content-type": "application/json" } },
      body: ReadableStream.from([text.slice(0, 10), text.slice(10)]).pipeThrough(new TextEncoderStream()),
    });
  assert.is((await post(JSON.stringify({ ...BODY, prompt: "“Once”" }))).status, 200);
  assert.is((await refusal(await post("{"))).status, 400);
  assert.is((await refusal(await post(JSON.stringify({ ...BODY, prompt: "x".repeat(3000) })))).status, 413);
});

test("what a request's template breaks is the request's; what a store breaks is told to who runs it, and no client where", async () => {
  const messages = [{ role: "user", content: "Hello." }];
  for (const template of ["{% for %}", "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "{{ 'a' * 100000000 }}"]) {
    const answer = await api.post("/chat/completions", { messages, chat_template: template }, by(KEY));
    assert.is((await refusal(answer)).status, 400, template);
  }
  const folder = await Deno.makeTempDir();
  const store = await FolderStore.open(`${folder}/secret`, 1e9);
  const kept = await openApi({ store });
  try {
    await Deno.remove(`${folder}/secret`, { recursive: true });
    for (const stream of [false, true]) {
      const text = await (await kept.post("/chat/completions", { messages, max_tokens: 2, stream })).text();
      assert.match(text, "Cannot keep conversations: their store must answer");
      assert.not.match(text, "secret");
    }
    assert.is(kept.failures.length, 2);
    assert.match(String(kept.failures[0]), "secret");
  } finally {
    await kept.stop();
    await Deno.remove(folder, { recursive: true });
  }
});

test("names that the server does not have are another's", async () => {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port: Number(new URL(api.url).port) });
  await connection.write(
    new TextEncoder().encode("GET /healthz HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n"),
  );
  const answer = await new Response(connection.readable).text();
  assert.match(answer, /^HTTP\/1.1 421/);
});

test("models by their names, and what is not there", async () => {
  const get = (path: string) => fetch(`${api.url}${path}`, { headers: by(KEY) });
  assert.equal(await (await get("/models")).json(), {
    object: "list",
    data: [{ id: "fable", object: "model", created: 1, owned_by: "kvcap" }],
  });
  assert.is((await (await get("/models/fable")).json()).id, "fable");
  const wrong = await refusal(await get("/models/fabel"));
  assert.equal([wrong.status, wrong.code], [404, "model_not_found"]);
  assert.match(wrong.message, "did you mean fable?");
  assert.is((await refusal(await get("/nothing"))).status, 404);
});

test("what is counted is told", async () => {
  const text = await (await fetch(new URL("/metrics", api.url), { headers: by(KEY) })).text();
  const value = (name: string) => Number(new RegExp(`^${name.replace(/[{}"/]/g, "\\$&")} (.+)$`, "m").exec(text)?.[1]);
  assert.ok(value('kvcap_requests_total{route="POST /v1/completions",status="200"}') >= 3);
  assert.ok(value('kvcap_requests_total{route="POST /v1/completions",status="401"}') >= 5);
  assert.is(value("kvcap_requests_running"), 0);
  assert.ok(value("kvcap_generated_tokens_total") >= 8);
  assert.is(value("kvcap_first_token_seconds_count"), api.service.numbers.firstToken.count);
  assert.not.ok(/sk-/.test(text));
});

test.run();
