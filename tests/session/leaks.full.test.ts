// Sessions made and disposed, models loaded and disposed, many times: memory, bytes on the device and open files stay what they are.
import v8 from "node:v8";
import { runInNewContext } from "node:vm";
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { engine, engineSuite, onEngine } from "../support/engine.ts";
import { repoPath } from "../support/files.ts";

const SESSIONS = engine() === "wasm" ? 100_000 : 2000;
const LOADS = engine() === "wasm" ? 500 : 30;
const MOST_GROWN = 1.03; // of what JavaScript holds, from the tenth part on
const MOST_RESIDENT = 1.25; // of the process, whose allocators keep what was given back to them, Wasm's memories among it

const test = await engineSuite("made and disposed");

v8.setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

const openFiles = () => [...Deno.readDirSync("/proc/self/fd")].length;

/** Bytes that JavaScript holds, and the process, once workers that were told to end have ended and all is collected. */
async function held(): Promise<{ heap: number; rss: number }> {
  const found = { heap: Infinity, rss: Infinity };
  for (let times = 0; times < 5; times++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    collect();
    const { heapUsed, external, rss } = Deno.memoryUsage();
    found.heap = Math.min(found.heap, heapUsed + external);
    found.rss = Math.min(found.rss, rss);
  }
  return found;
}

/** Does something so many times; memory may not grow, and no file stay open, from the tenth part of them on. */
async function flat(times: number, act: (i: number) => Promise<void>): Promise<string> {
  const found: { heap: number; rss: number; files: number }[] = [];
  for (let i = 0; i < times; i++) {
    await act(i);
    if ((i + 1) % (times / 10) === 0) found.push({ ...await held(), files: openFiles() });
  }
  const grown = (of: "heap" | "rss") => Math.max(...found.slice(1).map((one) => one[of])) / found[0][of];
  const list = (of: "heap" | "rss") => found.map((one) => (one[of] / 2 ** 20).toFixed(1)).join(" ");
  assert.ok(grown("heap") < MOST_GROWN, `${grown("heap")}: ${list("heap")} MiB held`);
  assert.ok(grown("rss") < MOST_RESIDENT, `${grown("rss")}: ${list("rss")} MiB resident`);
  assert.equal(new Set(found.map(({ files }) => files)).size, 1, `${found.map(({ files }) => files)} open files`);
  return `${list("heap")} MiB held, ${list("rss")} resident, ${found[0].files} open files`;
}

test(`${SESSIONS} sessions`, async () => {
  const model = await load(repoPath("models/fable-2m"), await onEngine());
  const bytes: number[] = [];
  const said = await flat(SESSIONS, async (i) => {
    const session = model.session({ budget: 12 + i % 20, stride: 4, policy: i % 2 === 0 ? "roco" : "recency" });
    if (i % 10 === 0) { for await (const _ of session.generate([1, 2, 3], { maxNewTokens: 2 })); }
    session.dispose();
    if (i % (SESSIONS / 10) === SESSIONS / 10 - 1) bytes.push(model.gpuBytes);
  });
  assert.equal(new Set(bytes).size, 1, `${bytes} bytes`);
  console.log(`    ${said}`);
  model.dispose();
});

test(`${LOADS} models`, async () => {
  const options = await onEngine();
  const said = await flat(LOADS, async () => {
    const model = await load(repoPath("models/fable-2m"), options);
    const session = model.session({ budget: 16 });
    for await (const _ of session.generate([1, 2, 3], { maxNewTokens: 2 }));
    model.dispose();
  });
  console.log(`    ${said}`);
});
test.run();
