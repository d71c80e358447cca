// Damaged model files, of every reader: each is loaded or refused with one sentence, in bounded time and memory.
// The quick run opens 9 000 of the 480 000 of the first three kinds, and a few hundred of each other. With sessions, recordings
// (tests/snapshot), templates (tests/chat) and requests (tests/build) the full run takes over a million.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { batter, outcome } from "../support/damage.ts";
import { depth, seed } from "../support/depth.ts";
import { FUZZERS } from "../support/fuzzers.ts";

const COUNTS: Record<string, [quick: number, full: number]> = {
  "gguf, llama": [3000, 160_000],
  "gguf, qwen2": [3000, 160_000],
  safetensors: [3000, 160_000],
};
const OTHERS: [quick: number, full: number] = [300, 30_000];

const fuzz = suite("damaged files");

for (const { name, open } of FUZZERS) {
  fuzz(name, async () => {
    const count = depth(...COUNTS[name] ?? OTHERS);
    const found = await batter(open, count, seed * 1_000_003);
    assert.ok(found.loaded > 0 && found.refused > count / 10, outcome(found));
    console.log(`    ${name}: ${outcome(found)}`);
  });
}
fuzz.run();
