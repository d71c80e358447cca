// Recordings whose header says anything at all under a right checksum: a replay, or one sentence of the recording.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { recordingPage } from "../../src/eval/report/recording.ts";
import { KvcapError } from "../../src/errors.ts";
import { load } from "../../src/load.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import { SESSION } from "../../src/options/session.ts";
import { overlapOf, spreadOf } from "../../src/recording/figures.ts";
import { readRecording } from "../../src/recording/read.ts";
import { replay } from "../../src/recording/replay.ts";
import { repoPath } from "../support/files.ts";
import { forgeries, RECORDING } from "../support/forge.ts";

const SETUPS: readonly SessionOptions[] = [
  { policy: "roco", budget: 22, pin: [[1, 3]] },
  { policy: "full" },
  { policy: "crest", budget: 22, allocation: "adaptive" },
  { policy: "snapkv", budget: 22 },
  { policy: "keydiff", budget: 22 },
];

const test = suite("forged recordings");

test("any field may say anything", async () => {
  const model = await load(repoPath("models/fable-2m"), { device: "wasm" });
  let refused = 0, replayed = 0;
  for (const options of SETUPS) {
    const pieces: number[] = [];
    const session = model.session({ stride: 4, ...options, record: (piece) => void pieces.push(...piece) });
    for await (const _ of session.generate("Where is Lily? She", { maxNewTokens: 20, stopAtEnd: false }));
    session.dispose();
    const more = [...Object.keys(SESSION), "ownPolicy", "other"].map((name) => ["options", name]);
    for (const { what, bytes } of forgeries(new Uint8Array(pieces), RECORDING, more)) {
      try {
        const recording = readRecording(bytes), asked = { policy: "h2o", budget: 10 } as const;
        replay(recording, asked);
        recordingPage(recording, [overlapOf(recording, asked)], spreadOf(recording));
        replayed++;
      } catch (error) {
        assert.ok(error instanceof KvcapError, `${what}: ${(error as Error).stack}`);
        assert.match(error.message, /^Cannot read the recording: [^\n]*$/, what);
        refused++;
      }
    }
  }
  model.dispose();
  console.log(`    ${refused} refused, ${replayed} replayed`);
  assert.ok(refused > 0 && replayed > 0, `${refused}, ${replayed}`);
});
test.run();
