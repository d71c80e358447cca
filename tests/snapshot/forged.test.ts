// Snapshots whose header says anything at all under a right checksum: a session, or one sentence that begins with "Cannot restore".
import * as assert from "uvu/assert";
import { KvcapError } from "../../src/errors.ts";
import { load, type Model } from "../../src/load.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import { SESSION } from "../../src/options/session.ts";
import type { Session } from "../../src/session/session.ts";
import { repoPath } from "../support/files.ts";
import { forgeries, SNAPSHOT } from "../support/forge.ts";
import { suite } from "uvu";

const SMALL: SessionOptions = { budget: 24, stride: 4, sinks: 2, newest: 2 };
const SETUPS: readonly SessionOptions[] = [
  ...[SMALL, { ...SMALL, allocation: "adaptive" }, { ...SMALL, policy: "snapkv" }, {
    ...SMALL,
    evict: "prompt",
  }] as const,
  ...[{ policy: "full", budget: 100 }, { policy: "full" }, { budget: { share: 0.5 } }, {
    budget: { generated: 20 },
  }] as const,
  { ...SMALL, onEvict: () => {} },
];
const GENERATE = { template: "{{ messages[0].content }}", stopAtEnd: false };

const test = suite("forged snapshots");
let model: Model;
test.before(async () => void (model = await load(repoPath("models/fable-2m"), { device: "wasm" })));
test.after(() => model.dispose());

async function use(session: Session, maxNewTokens = 6): Promise<void> {
  for await (const _ of session.chat("Where is Lily?", { ...GENERATE, maxNewTokens }));
}

test("any field may say anything", async () => {
  let refused = 0, restored = 0;
  for (const options of SETUPS) {
    for (const used of [true, false]) {
      const session = model.session(options);
      if (used) await use(session, 20);
      const bytes = await session.snapshot(), held = model.gpuBytes;
      const more = Object.keys(SESSION).map((name) => ["asked", name]);
      for (const { what, bytes: forged } of forgeries(bytes, SNAPSHOT, [...more, ["asked", "other"]])) {
        let other: Session;
        try {
          other = await model.restore(forged);
        } catch (error) {
          assert.ok(error instanceof KvcapError, `${what}: ${error}`);
          assert.match(error.message, /^Cannot restore session: [^\n]*$/, what);
          assert.is(model.gpuBytes, held, what);
          refused++;
          continue;
        }
        try {
          await use(other);
          await other.snapshot();
        } catch (error) { // of an honest session of such options, too
          assert.ok(error instanceof KvcapError, `${what}: ${(error as Error).stack}`);
          assert.match(error.message, /^Cannot (generate|chat|create session): [^\n]*$/, what);
        }
        other.dispose();
        restored++;
      }
      session.dispose();
    }
  }
  console.log(`    ${refused} refused, ${restored} restored`);
  assert.ok(refused > 4 * restored && restored > 0, `${refused}, ${restored}`);
});
test.run();
