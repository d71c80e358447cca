// Pauses between passes: now and then the host has nothing to do, which is when Deno hears of signals; it costs little.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { runtime } from "../../src/host/runtime.ts";
import { isPauseDue, pause } from "../../src/wasm/pause.ts";

const test = suite("pauses");

test("a pause in twenty lets Deno sleep, so that Ctrl-C is heard within a third of a second", async () => {
  if (runtime !== "deno") return;
  const before = globalThis.setTimeout;
  let slept = 0;
  const began = performance.now();
  globalThis.setTimeout = ((...of: Parameters<typeof before>) => (slept++, before(...of))) as typeof before;
  try {
    for (let i = 0; i < 80; i++) { // about a second
      while (!isPauseDue());
      await pause();
    }
  } finally {
    globalThis.setTimeout = before;
  }
  const most = 1 + (performance.now() - began) / 250; // on a busy machine they take longer than a second
  assert.ok(slept >= 3 && slept <= most && slept < 40, `${slept} of 80, at most ${most}`);
});

test.run();
