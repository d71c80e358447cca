// What may not be meant is told: once a session, and never where it was asked for.
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import { runUnit } from "../../src/eval/run.ts";
import { engineSuite, fewOnGpu, onEngine } from "../support/engine.ts";
import { repoPath } from "../support/files.ts";
import { say } from "../support/say.ts";
import { type Bytes, modelFiles } from "../support/model-files.ts";

const LET_GO = "more than half of a prompt of 600 tokens is let go: budget is the default, 256";
const STREAMING = 'the policy streaming goes with positions: "cache"; under absolute ones it is recency';
const CLAMPED = 'keys or values beyond 65504 are stored as that in f16; kv: "f32" holds them';
const BEYOND = "positions may go beyond the 4096 that the model was made for";

const test = await engineSuite("warnings");
let model: Model;
test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

const ids = (count: number) => Array.from({ length: count }, (_, i) => 10 + i % 90);

/** What is told while prompts of so many tokens are read, one token each behind them. */
async function toldBy(options: SessionOptions, prompts: readonly number[], maxNewTokens = 1): Promise<string[]> {
  const told: string[] = [];
  const session = model.session({
    ...options,
    onWarning: (line, about) => {
      assert.is(about, "use");
      told.push(line);
    },
  });
  for (const count of prompts) {
    for await (const _ of session.generate(ids(count), { maxNewTokens, stopAtEnd: false })) break;
  }
  session.dispose();
  return told;
}

const OTHERWISE: SessionOptions[] = [{ budget: 256 }, { budget: { share: 0.1 } }, { policy: "full" }];
test("a prompt more than half of which is let go under the default budget, once", async () => {
  assert.equal(await toldBy({}, [600, 600]), [LET_GO]);
  assert.equal(await toldBy({ positions: "cache" }, [600]), [LET_GO]);
  for (const asked of fewOnGpu(OTHERWISE, () => "any", 1)) {
    assert.equal(await toldBy(asked, [600]), []);
  }
  assert.equal(await toldBy({}, [500]), []);
});

test("a restored session tells who is given again", async () => {
  const first = model.session({ policy: "streaming", budget: 20, onWarning: () => {} });
  const told: string[] = [];
  const restored = await model.restore(await first.snapshot(), { onWarning: (line) => told.push(line) });
  for await (const _ of restored.generate(ids(9), { maxNewTokens: 1 }));
  assert.equal(told, [STREAMING]);
  for (const session of [first, restored]) session.dispose();
});

test("streaming whose positions are absolute", async () => {
  assert.equal(await toldBy({ policy: "streaming", budget: 20 }, [9, 9]), [STREAMING]);
  assert.equal(await toldBy({ policy: "streaming", budget: 20, positions: "cache" }, [9]), []);
});

test("positions beyond those that the model was made for", async () => {
  const way = '; positions: "cache" stays below';
  assert.equal(await toldBy({ budget: 20 }, [9], Infinity), [BEYOND + way]);
  assert.equal(await toldBy({ budget: 20 }, [2060, 2060]), [BEYOND + way]); // at the second
  assert.equal(await toldBy({ policy: "full" }, [9], 4088), [BEYOND]);
  assert.equal(await toldBy({ budget: 20 }, [9], 4087), []);
  assert.equal(await toldBy({ budget: 20, positions: "cache" }, [9], Infinity), []);
});

/** A bias of the first layer's keys or values, one number of which is more than f16 holds. */
const large = (part: "k" | "v") => (bytes: Bytes): Bytes => {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const { dtype, data_offsets: [from] } = header[`model.layers.0.self_attn.${part}_proj.bias`];
  assert.is(dtype, "BF16");
  new DataView(bytes.buffer).setUint16(8 + length + from, 0xc789, true); // -70 144
  return bytes;
};

test("keys or values that f16 does not hold, where they are stored so", async () => {
  const fine = model;
  for (const part of ["k", "v"] as const) {
    const files = await modelFiles("tests/golden/models/tiny-qwen2", { "model.safetensors": large(part) });
    model = await load(files, await onEngine());
    for (const positions of ["absolute", "cache"] as const) {
      assert.equal(await toldBy({ budget: 20, kv: "f16", positions }, [9, 30], 3), [CLAMPED]);
      assert.equal(await toldBy({ budget: 20, kv: "f32", positions }, [9], 3), []);
      assert.equal(await toldBy({ budget: 20, kv: "q8", positions }, [9], 3), []);
    }
    model.dispose();
  }
  model = fine;
  assert.equal(await toldBy({ budget: 20, kv: "f16" }, [9], 3), []);
});

test("who throws at it ends the generation when all have heard of its step, and the session goes on as if nothing was", async () => {
  const fine = model;
  model = await load(
    await modelFiles("tests/golden/models/tiny-qwen2", { "model.safetensors": large("v") }),
    await onEngine(),
  );
  const heard = async (onWarning: () => void) => {
    const steps: number[] = [], thrown: unknown[] = [];
    const session = model.session({ budget: 20, onWarning, onStep: ({ ids }) => void steps.push(...ids) });
    const written: number[] = [];
    for (let prompt: number[] | string = ids(9), rounds = 0; written.length < 8 && rounds < 3; prompt = "", rounds++) {
      const seed = prompt === "" ? undefined : 1;
      const how = { seed, temperature: 1, repetitionPenalty: 2, stopAtEnd: false, maxNewTokens: 8 - written.length };
      await say(session, how, prompt).catch((error) => thrown.push(error));
      written.push(...session.report().ids);
    }
    const seen = { steps, written, positions: session.livePositions() };
    session.dispose();
    return { seen, thrown };
  };
  const fault = new Error("mine");
  const sound = await heard(() => {});
  const torn = await heard(() => {
    throw fault;
  });
  model.dispose();
  model = fine;
  assert.equal([sound.thrown, torn.thrown], [[], [fault]]);
  assert.equal(torn.seen, sound.seen);
});

test("perplexity tells it, too; a unit of an evaluation means what it says", async () => {
  const told: string[] = [];
  const onWarning = (line: string) => void told.push(line);
  await model.perplexity(ids(30), { policy: "streaming", budget: 16, onWarning });
  assert.equal(told, [STREAMING]);
  const { warn } = console;
  console.warn = onWarning;
  try {
    await runUnit({
      ...{ model: "fable-2m", task: "passkey", settings: { documents: 1, length: 240 }, policy: "streaming", seed: 0 },
      ...{ budget: 40, mode: "both", session: {}, load: {} },
    }, { model, text: "", policy: "streaming", once: (_, make) => make() });
  } finally {
    console.warn = warn;
  }
  assert.equal(told, [STREAMING]);
});
test.run();
