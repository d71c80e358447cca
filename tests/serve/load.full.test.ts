// A server under load, as a process of its own: 32 clients, and clients that go away. What is timed here is in bench/serve.bench.ts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { meet, residentBytes } from "../support/load.ts";
import { type Serving, startServing, stopServing } from "../support/serving.ts";

const test = suite("serve: load");
const FLAGS = ["--budget", "48", "--max-new-tokens", "4000"];
const GONE = 1000; // clients that go away

async function value(serving: Serving, name: string): Promise<number> {
  const text = await (await fetch(new URL("/metrics", serving.url))).text();
  return Number(new RegExp(`^${name} (.+)$`, "m").exec(text)![1]);
}

test("32 clients hear what each would alone, and nobody is refused", async () => {
  const serving = await startServing(FLAGS);
  try {
    const { answers, refused, wrong } = await meet({ url: serving.url, clients: 32, seconds: 20, tokens: 60 });
    assert.ok(answers > 32, `${answers} answers`);
    assert.equal([...refused], []);
    assert.equal(wrong, []);
    for (const name of ["running", "waiting"]) assert.is(await value(serving, `kvcap_requests_${name}`), 0);
    assert.is(await value(serving, "kvcap_session_bytes"), 0);
  } finally {
    await stopServing(serving, "SIGKILL");
  }
});

test(`${GONE} clients that go away leave nothing behind`, async () => {
  const serving = await startServing(FLAGS);
  try {
    const headers = { "content-type": "application/json" };
    const leave = async (i: number) => {
      const body = JSON.stringify({ prompt: "Once", max_tokens: 4000, ignore_eos: true, stream: i % 2 === 0 });
      const stop = new AbortController();
      const asked = fetch(`${serving.url}/completions`, { method: "POST", headers, body, signal: stop.signal });
      if (i % 4 === 0) await (await asked).body!.getReader().read();
      else await new Promise((resolve) => setTimeout(resolve, i % 20));
      stop.abort();
      await asked.then((answer) => answer.body?.cancel(), () => {}).catch(() => {});
    };
    const some = async (count: number) => {
      for (let i = 0; i < count; i += 8) await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map((k) => leave(i + k)));
    };
    await some(GONE); // allocators keep what they were given back, up to here
    const before = residentBytes(serving.child.pid);
    await some(GONE);
    const until = performance.now() + 20_000;
    while (await value(serving, "kvcap_requests_running") > 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    for (const name of ["running", "waiting"]) assert.is(await value(serving, `kvcap_requests_${name}`), 0);
    assert.is(await value(serving, "kvcap_session_bytes"), 0);
    const after = residentBytes(serving.child.pid);
    assert.ok(after < 1.25 * before, `${before} bytes before, ${after} after`);
  } finally {
    await stopServing(serving, "SIGKILL");
  }
});

test.run();
