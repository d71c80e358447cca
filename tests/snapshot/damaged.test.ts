// Sessions and recordings of which bytes or values of the header are others, most under a checksum that holds: they go on, or are refused in
// one sentence, in bounded time, and nothing is left behind. tests/formats/fuzz.test.ts does so with files of models.
import process from "node:process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { KvcapError } from "../../src/errors.ts";
import { load, type Model } from "../../src/load.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import { readRecording } from "../../src/recording/read.ts";
import { replay } from "../../src/recording/replay.ts";
import { changedJson, damaged, dice, type Roll } from "../support/damage.ts";
import { depth, seed } from "../support/depth.ts";
import { modelFolder } from "../support/files.ts";
import { endOfHeader, RECORDING, sealed, SNAPSHOT } from "../support/forge.ts";

type Bytes = Uint8Array<ArrayBuffer>;

const COPIES = depth(1200, 100_000); // of sessions, and of recordings
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

/** A session with another header or other bytes; its lengths and checksum hold in most. */
function anotherSession(bytes: Bytes, roll: Roll): Bytes {
  if (roll(2) === 0) return SNAPSHOT.write(bytes, changedJson(SNAPSHOT.read(bytes), roll));
  const out = damaged(bytes, roll(2) === 0 ? endOfHeader(bytes) : bytes.length, roll);
  return out.length < 28 || roll(4) === 0 ? out : sealed(out);
}

/** Likewise of a recording. */
function anotherRecording(bytes: Bytes, roll: Roll): Bytes {
  if (roll(2) === 0) return RECORDING.write(bytes, changedJson(RECORDING.read(bytes), roll));
  return damaged(bytes, roll(2) === 0 ? 20 + new DataView(bytes.buffer).getUint32(12, true) : bytes.length, roll);
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
