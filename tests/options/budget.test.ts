// Budgets in slots, bytes and shares become slots exactly, and what is held is what was asked for.
import * as assert from "uvu/assert";
import { budgetSlots } from "../../src/options/budget.ts";
import { parseBudget } from "../../src/options/text.ts";
import { KV_TYPES, type KvType } from "../../src/engine/kv.ts";
import { load } from "../../src/load.ts";
import { checkSession, type SessionOptions } from "../../src/options/index.ts";
import { repoPath } from "../support/files.ts";
import { refusal } from "../support/spies.ts";
import { PROMPT } from "../support/say.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

/** Bytes of one slot of fable-2m's ten lanes, and per lane. */
const SLOTS = { f32: 10 * 2 * 32 * 4, f16: 10 * 2 * 32 * 2, q8: 10 * 2 * (32 + 8) };
const SLOT = SLOTS.f32;

const test = await engineSuite("budget");

test("bytes hold budget and spare slots, and not one slot more would fit", () => {
  for (let bytes = 2 * SLOT; bytes < 300 * SLOT; bytes += 997) {
    for (const asked of [undefined, 1, 16]) {
      if (asked && bytes < (asked + 1) * SLOT) continue;
      const { budget, spare } = budgetSlots({ budget: { bytes }, spare: asked }, SLOT, null)!;
      assert.ok((budget + spare!) * SLOT <= bytes && (budget + spare! + 1) * SLOT > bytes);
      assert.ok(budget >= 1 && spare! >= 1 && spare === (asked ?? spare));
    }
  }
});

test("a share waits for the prompt", () => {
  assert.is(budgetSlots({ budget: { share: 0.25 }, spare: 8 }, SLOT, null), null);
  assert.equal(budgetSlots({ budget: { share: 0.25 }, spare: 8 }, SLOT, 487), { budget: 121, free: 121 });
  assert.equal(budgetSlots({ budget: { share: 0.001 }, spare: 8 }, SLOT, 100), { budget: 1, free: 1 });
});

test("what is generated counts beside the prompt, and shares of the budget are of it", () => {
  const asked = { budget: { generated: 40 }, spare: undefined };
  assert.is(budgetSlots(asked, SLOT, null), null);
  assert.equal(budgetSlots(asked, SLOT, 487), { budget: 527, free: 40 });
  const { budget, newest, peaks, pinPrompt } = checkSession({ budget: { generated: 40 } }, undefined, 487);
  assert.equal([budget, newest, peaks, pinPrompt], [527, 4, 8, true]);
});

test("refusals", () => {
  const refused = (budget: unknown, words: string) =>
    assert.match(refusal(() => budgetSlots({ budget: budget as never, spare: undefined }, SLOT, null)), words);
  refused({ share: 0 }, "Cannot create session: budget.share must be above 0 and at most 1, got 0");
  refused({ share: 1.5 }, "got 1.5");
  refused({ share: NaN }, "budget.share must be");
  refused(
    { bytes: SLOT },
    `Cannot create session: budget.bytes must be at least ${2 * SLOT} for this model, got ${SLOT}`,
  );
  refused({ bytes: NaN }, "budget.bytes must be");
  refused(
    { bytes: 1e9, share: 0.5 },
    "Cannot create session: budget must be slots, { share }, { bytes } or { generated }",
  );
  refused({ generated: 0 }, "Cannot create session: budget.generated must be a whole number from 1");
  refused({ generated: 1, share: 0.5 }, "budget must be slots");
  refused({}, "budget must be slots");
  refused(null, "budget must be slots");
  refused("25%", "budget must be slots");
});

test("on a command line", () => {
  assert.is(parseBudget("128"), 128);
  assert.is(parseBudget("-3"), -3);
  assert.equal(parseBudget("25%"), { share: 0.25 });
  assert.equal(parseBudget("512KB"), { bytes: 512_000 });
  assert.equal(parseBudget("1.5 MiB"), { bytes: 1.5 * 2 ** 20 });
  assert.equal(parseBudget(" +48 "), { generated: 48 });
  for (const text of ["", "many", "+", "+4%", "+-3", "12 slots", "%", "1e3", "5 Kb/s"]) {
    assert.is(parseBudget(text), null, text);
  }
});

test("a session holds what was asked for, and says so", async () => {
  const model = await load(repoPath("models/fable-2m"), await onEngine());
  const weights = model.gpuBytes;
  const prompt = model.tokenizer.encode(PROMPT, { bos: true });
  const cases = KV_TYPES.flatMap((kv): [SessionOptions, slots: number, KvType][] => [
    [{ budget: 20, stride: 4 }, 24, kv],
    [{ budget: { share: 0.5 }, stride: 3 }, Math.floor(prompt.length / 2) + 3, kv],
    [{ budget: { bytes: 30 * SLOTS[kv] + 5 } }, 30, kv],
    [{ budget: { bytes: 30 * SLOTS[kv] }, allocation: "pyramid" }, 30, kv],
    [{ budget: { bytes: 60 * SLOTS[kv] }, stride: 4, allocation: "adaptive" }, 60, kv],
    [{ policy: "full" }, prompt.length + 10, kv],
    [{ policy: "full", budget: { bytes: 60 * SLOTS[kv] } }, 60 - 12, kv], // the stride is not needed, but counted all the same
  ]);
  for (const [options, slots, kv] of cases) {
    const session = model.session({ sinks: 1, newest: 1, ...options, kv });
    for await (const _ of session.generate(prompt, { maxNewTokens: 10 }));
    const memory = session.memory();
    assert.is(memory.kv, slots * SLOTS[kv], JSON.stringify(options));
    assert.is(session.report().kvBytes, memory.kv);
    assert.is(memory.gpu, model.gpuBytes - weights);
    assert.is(memory.gpu, memory.kv + memory.slots + memory.scratch + memory.readback);
    assert.ok(session.report().liveSlots <= session.options.budget || options.policy === "full");
    session.dispose();
    assert.is(model.gpuBytes, weights);
  }
  model.dispose();
});
test.run();
