// Sessions and recordings of which bytes or values of the header are others, most under a checksum that holds: they go on, or are refused in
// one sentence, in bounded time, and nothing is left behind. tests/formats/fuzz.test.ts does so with files of models.
import process from "node:process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { crc32 } from "../../src/core/snapshot.ts";
import { KvcapError } from "../../src/errors.ts";
import { load, type Model } from "../../src/load.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import { checksum } from "../../src/recording/format.ts";
import { readRecording } from "../../src/recording/read.ts";
import { replay } from "../../src/recording/replay.ts";
import { changedJson, damaged, dice, type Roll } from "../support/damage.ts";
import { depth, seed } from "../support/depth.ts";
import { modelFolder } from "../support/files.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const COPIES = depth(2000, 100_000); // of sessions, and of recordings
const MOST_SECONDS = 2; // of processor time, for one

const SETUPS: readonly SessionOptions[] = [
  { policy: "roco", budget: 12, stride: 3 },
  { policy: "crest", budget: 14, stride: 4, allocation: "adaptive" },
  { policy: "keydiff", budget: 12, stride: 3, positions: "cache", kv: "q8" },
  { policy: "snapkv", budget: 13, stride: 2, remainder: 1 },
  { policy: "full" },
];

const test = suite("damaged sessions and recordings");
let model: Model;
test.before(async () => void (model = await load((await modelFolder("tiny-qwen3"))!, { device: "wasm" })));
test.after(() => model.dispose());

const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const parsed = (bytes: Bytes) => JSON.parse(new TextDecoder().decode(bytes));
const joined = (...parts: Bytes[]): Bytes => new Uint8Array(parts.flatMap((part) => [...part]));

/** A session with another header or other bytes; its lengths and checksum hold in three of four. */
function anotherSession(bytes: Bytes, roll: Roll): Bytes {
  const end = 24 + new DataView(bytes.buffer).getUint32(12, true);
  let out = bytes.slice();
  if (roll(2) === 0) {
    const header = json(changedJson(parsed(bytes.slice(24, end)), roll));
    out = joined(bytes.slice(0, 24), header, bytes.slice(end));
    new DataView(out.buffer).setUint32(12, header.length, true);
  } else out = damaged(out, roll(2) === 0 ? end : out.length, roll);
  if (out.length < 28 || roll(4) === 0) return out;
  const view = new DataView(out.buffer);
  view.setUint32(16, out.length, true);
  view.setUint32(out.length - 4, crc32(out.subarray(0, -4)), true);
  return out;
}

/** Likewise of a recording, whose header has a checksum of its own, as has every frame. */
function anotherRecording(bytes: Bytes, roll: Roll): Bytes {
  const length = new DataView(bytes.buffer).getUint32(12, true);
  if (roll(2) === 0) return damaged(bytes, roll(2) === 0 ? 20 + length : bytes.length, roll);
  const header = json(changedJson(parsed(bytes.slice(16, 16 + length)), roll));
  const padded = new Uint8Array(Math.ceil(header.length / 4) * 4).fill(0x20);
  padded.set(header);
  const out = joined(bytes.slice(0, 16), padded, bytes.slice(16 + length));
  const words = new Uint32Array(out.buffer);
  words[3] = padded.length;
  words[4 + padded.length / 4] = checksum(words, 0, 4 + padded.length / 4);
  return out;
}

/** @param use what becomes of a copy that is taken @returns how many were */
async function batter(copyOf: (roll: Roll) => Bytes, use: (bytes: Bytes) => Promise<void>, rule: RegExp) {
  let [taken, slowest] = [0, 0];
  for (let copy = 0; copy < COPIES; copy++) {
    const begun = process.cpuUsage();
    try {
      await use(copyOf(dice(seed * 1_000_003 + copy)));
      taken++;
    } catch (error) {
      const ours = error instanceof KvcapError && rule.test(error.message) && error.message.length < 1000;
      assert.ok(ours, `copy ${copy}: ${(error as Error).stack}`);
    }
    assert.is(model.failure, null, `copy ${copy}`);
    const took = process.cpuUsage(begun).user / 1e6;
    slowest = Math.max(slowest, took);
    assert.ok(took < MOST_SECONDS, `copy ${copy} took ${took} s`);
  }
  console.log(
    `    ${COPIES} copies: ${taken} taken, ${COPIES - taken} refused, the slowest in ${(1000 * slowest).toFixed(0)} ms`,
  );
  assert.ok(taken > 0 && taken < COPIES / 2, `${taken} of ${COPIES}`);
}

const PROMPT = Array.from({ length: 20 }, (_, i) => 3 * i + 1);
const told = { maxNewTokens: 4, stopAtEnd: false };

test("sessions", async () => {
  const kept: Bytes[] = [];
  for (const options of SETUPS) {
    const session = model.session(options);
    for await (const _ of session.generate(PROMPT, told));
    kept.push(await session.snapshot());
    session.dispose();
  }
  const before = model.gpuBytes;
  await batter((roll) => anotherSession(kept[roll(kept.length)], roll), async (bytes) => {
    const session = await model.restore(bytes);
    try {
      for await (const _ of session.generate("", { maxNewTokens: 2 }));
    } finally {
      session.dispose();
    }
  }, /^Cannot (restore session|generate): [^\n]+$/);
  assert.is(model.gpuBytes, before);
});

test("recordings", async () => {
  const kept: Bytes[] = [];
  for (const options of SETUPS) {
    const pieces: number[] = [];
    const session = model.session({ ...options, record: (piece) => void pieces.push(...piece) });
    for await (const _ of session.generate(PROMPT, told));
    session.dispose();
    kept.push(new Uint8Array(pieces));
  }
  await batter((roll) => anotherRecording(kept[roll(kept.length)], roll), (bytes) => {
    replay(readRecording(bytes), { policy: "h2o", budget: 10 });
    return Promise.resolve();
  }, /^Cannot (read the recording|replay): [^\n]+$/);
});
test.run();
