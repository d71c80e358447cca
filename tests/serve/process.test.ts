// `kvcap serve` as a process: ended with an answer under way, killed and started again, and many of them behind one Redis.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { fewOf } from "../support/depth.ts";
import { Redis, redisServer } from "../support/redis.ts";
import { type Serving, startServing, stopServing } from "../support/serving.ts";

const test = fewOf(suite("serve: processes"), 2);
const QUESTIONS = ["Tell me of a dog.", "And of a cat?", "What did they find?", "And then?"];
const FLAGS = ["--budget", "48", "--max-new-tokens", "4000"];
const ASKED = { model: undefined, max_tokens: 30, temperature: 0.9, ignore_eos: true, conversation: "one" };

/** What is said to a question. */
async function turn(serving: Serving, i: number): Promise<string> {
  const messages = [{ role: "user", content: QUESTIONS[i] }];
  const answer = await serving.ask({ ...ASKED, messages, append: i > 0, seed: i });
  assert.ok(answer.choices, JSON.stringify(answer));
  return answer.choices[0].message.content;
}

function hasIpv6(): boolean {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
}

/** All answers of one process that nobody ends. */
let uninterrupted: Promise<string[]> | null = null;
function wanted(): Promise<string[]> {
  return uninterrupted ??= (async () => {
    const serving = await startServing(FLAGS);
    const answers = [];
    for (let i = 0; i < QUESTIONS.length; i++) answers.push(await turn(serving, i));
    await stopServing(serving, "SIGKILL");
    return answers;
  })();
}

test("SIGTERM: what is under way is finished, nothing new begun, and it ends with 0", async () => {
  const serving = await startServing(FLAGS);
  const body = JSON.stringify({ prompt: "Once upon a time", max_tokens: 4000, ignore_eos: true, stream: true });
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${serving.url}/completions`, { method: "POST", headers, body });
  serving.child.kill("SIGTERM");
  serving.child.kill("SIGTERM"); // as npm does, which passes on what its child has heard already
  const root = new URL("/", serving.url);
  let ready = 200;
  while (ready === 200) {
    const asked = await fetch(`${root}readyz`);
    await asked.body?.cancel();
    ready = asked.status;
  }
  assert.is(ready, 503);
  const late = await fetch(`${serving.url}/completions`, { method: "POST", headers, body });
  assert.equal([late.status, (await late.json()).error.code], [503, "ending"]);
  const text = await answer.text();
  assert.ok(text.endsWith("data: [DONE]\n\n"), text.slice(-200));
  assert.is([...text.matchAll(/"finish_reason":"length"/g)].length, 1);
  await serving.child.stdout.cancel();
  assert.is((await serving.child.status).code, 0);
  assert.is(await fetch(serving.url).then(() => "answered", () => "gone"), "gone");
});

test("kill -9 and a new start with --store: a conversation goes on, byte for byte", async () => {
  const folder = await Deno.makeTempDir();
  for (const [i, answer] of (await wanted()).entries()) {
    const serving = await startServing([...FLAGS, "--store", `${folder}/kept`]);
    assert.is(await turn(serving, i), answer);
    await stopServing(serving, "SIGKILL");
  }
  await Deno.remove(folder, { recursive: true });
});

const online = redisServer ? test : test.skip;

online(
  "replicas behind one Redis: whoever is asked goes on, byte for byte; without Redis an answer says so, and is refused",
  async () => {
    const folder = await Deno.makeTempDir();
    const redis = await Redis.open(folder);
    const [one, other] = await Promise.all([0, 1].map(() => startServing([...FLAGS, "--store", redis.url])));
    for (const [i, answer] of (await wanted()).entries()) {
      assert.is(await turn(i % 2 === 0 ? one : other, i), answer);
    }
    await redis.close();
    const refused = await one.ask({ ...ASKED, messages: [{ role: "user", content: "?" }], append: true });
    assert.match(refused.error.message, "Cannot keep conversations: their store must answer");
    await Promise.all([one, other].map((serving) => stopServing(serving, "SIGKILL")));
    await Deno.remove(folder, { recursive: true });
  },
);

const six = hasIpv6() ? test : test.skip;

six("an address of IPv6, with brackets or without, is this machine's alone, too", async () => {
  for (const host of ["[::1]", "::1"]) {
    const serving = await startServing([...FLAGS, "--host", host]);
    assert.match(serving.url, /^http:\/\/\[::1\]:\d+\/v1$/);
    const connection = await Deno.connect({ hostname: "::1", port: Number(new URL(serving.url).port) });
    const request = "GET /v1/models HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
    await connection.write(new TextEncoder().encode(request));
    assert.match(await new Response(connection.readable).text(), /^HTTP\/1.1 421/);
    assert.is((await fetch(`${serving.url}/models`)).status, 200);
    await stopServing(serving, "SIGKILL");
  }
});

test("a store that is none ends it before a model is loaded", async () => {
  for (
    const [where, words] of [["redis://127.0.0.1:1", "a Redis server must answer"], ["ftp://x/y", "--store must be"], [
      "redis://:%zz@127.0.0.1:1/abc",
      "--store must be a folder, or redis://HOST",
    ]]
  ) {
    const failed = await startServing(["--store", where]).then(() => "", (error) => String(error));
    assert.match(failed, words);
  }
});

test.run();
