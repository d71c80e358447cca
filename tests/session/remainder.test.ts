// The remainder: what a session keeps of evicted tokens. Where one mean can say it all, a capped cache is the full one; the twin
// (twin.page.test.ts) makes every mean anew of all its tokens and has the rest.
import * as assert from "uvu/assert";
import type { ModelConfig } from "../../src/engine/config.ts";
import type { Engine, EngineContext, Pass } from "../../src/engine/engine.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { openGpuEngine } from "../../src/gpu/engine.ts";
import { load, type Model } from "../../src/load.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import { readRecording } from "../../src/recording/read.ts";
import { replay } from "../../src/recording/replay.ts";
import { moduleFor } from "../../src/wasm/compiled.ts";
import { openWasmEngine } from "../../src/wasm/engine.ts";
import { chosen } from "../support/depth.ts";
import { testDevice } from "../support/device.ts";
import { engine, engineSuite, onEngine } from "../support/engine.ts";
import { modelFolder, repoPath } from "../support/files.ts";
import { say } from "../support/say.ts";
import { refusal } from "../support/spies.ts";
import { randomFrom } from "../support/trio.ts";

const test = await engineSuite("remainder");
const TEXT = Array.from({ length: 60 }, (_, i) => 3 + (i * i * 31 + i * 7) % 500);
let model: Model;

test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

/** Logits that each of the new tokens is chosen from. */
async function logitsOf(options: SessionOptions, prompt: number[], of: Model = model): Promise<Float32Array[]> {
  const all: Float32Array[] = [];
  const onLogits = (logits: Float32Array) => void all.push(logits.slice());
  const session = of.session({ kv: "f32", ...options });
  await say(session, { maxNewTokens: 2, stopAtEnd: false, onLogits }, prompt);
  session.dispose();
  return all;
}

function farthest(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

test("one token that was evicted is seen as by the full cache", async () => {
  const prompt = TEXT.slice(0, 24);
  const [, full] = await logitsOf({ policy: "full", stride: 8 }, prompt);
  const size = full.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  for (const remainder of [1, 4]) {
    // Of 24 tokens one goes; the query behind them sees the others, and what is left of it.
    const [, capped] = await logitsOf({ policy: "recency", budget: 23, stride: 8, sinks: 2, remainder }, prompt);
    assert.ok(farthest(capped, full) <= 2e-6 * size, `${remainder}: ${farthest(capped, full)} of ${size}`);
  }
  const [, lost] = await logitsOf({ policy: "recency", budget: 23, stride: 8, sinks: 2 }, prompt);
  assert.ok(farthest(lost, full) > 1e-3 * size, "without it the token is missed");
});

/** A model of one layer, which does not tell positions apart, and whose keys are made of half of the hidden state. */
const CONFIG: ModelConfig = {
  ...{ architecture: "llama", layers: 1, hidden: 32, intermediate: 32, heads: 4, kvHeads: 2, headDim: 8, vocab: 40 },
  experts: null,
  ...{
    rmsEps: 1e-5,
    ropes: [{ frequencies: new Float32Array(4), scale: 1 }],
    layerRopes: [0],
    ...{
      embeddingScale: 1,
      residualScale: 1,
      attentionScale: 1 / Math.sqrt(8),
      logitScale: 1,
      scoreCap: 0,
      logitCap: 0,
    },
    rotaryDim: 8,
    tied: true,
    qkNorm: "none",
    norms: "before",
    activation: "silu",
    qkvBias: false,
    oBias: false,
  },
  ...{ mlpBias: false, windows: [0], maxPositions: 64, bosId: null, eosIds: [] },
};

function tensors(): Map<string, Tensor> {
  const random = randomFrom(5);
  const { hidden, intermediate, heads, kvHeads, headDim, vocab } = CONFIG;
  const at = "model.layers.0";
  const sizes: Record<string, number[]> = {
    "model.embed_tokens.weight": [vocab, hidden],
    "model.norm.weight": [hidden],
    [`${at}.input_layernorm.weight`]: [hidden],
    [`${at}.post_attention_layernorm.weight`]: [hidden],
    [`${at}.self_attn.q_proj.weight`]: [heads * headDim, hidden],
    [`${at}.self_attn.k_proj.weight`]: [kvHeads * headDim, hidden],
    [`${at}.self_attn.v_proj.weight`]: [kvHeads * headDim, hidden],
    [`${at}.self_attn.o_proj.weight`]: [hidden, heads * headDim],
    [`${at}.mlp.gate_proj.weight`]: [intermediate, hidden],
    [`${at}.mlp.up_proj.weight`]: [intermediate, hidden],
    [`${at}.mlp.down_proj.weight`]: [hidden, intermediate],
  };
  return new Map(
    Object.entries(sizes).map(([name, shape]) => {
      const numbers = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => 2 * random() - 1);
      if (name.includes("k_proj")) numbers.forEach((_, i) => numbers[i] *= i % hidden < hidden / 2 ? 1 : 0);
      // Tokens 1 to 7 differ in signs that keys do not read: their keys are equal, their values are not.
      if (name.includes("embed")) {
        for (let i = 2 * hidden; i < 8 * hidden; i++) {
          const sign = i % hidden >= hidden / 2 && (i >> 5 ^ i) & 3 ? -1 : 1;
          numbers[i] = sign * numbers[hidden + i % hidden];
        }
      }
      const bytes = new Uint8Array(numbers.buffer);
      const read = (from = 0, to = bytes.length) => Promise.resolve(bytes.slice(from, to));
      return [name, { name, dtype: "F32", shape, bytes: bytes.length, read }];
    }),
  );
}

async function openEngine(): Promise<Engine> {
  const options = { config: CONFIG, tensors: tensors(), type: null, memory: Infinity, onBytes: () => {} };
  if (engine() === "wasm") return await openWasmEngine({ ...options, exact: true, threads: 1 }, moduleFor);
  return await openGpuEngine({ ...options, device: (await testDevice())!, maxBinding: Infinity });
}

/** Takes tokens into slots from `first` on. */
async function take(context: EngineContext, ids: number[], first: number): Promise<Float32Array> {
  const slots = Uint32Array.from([...ids, ...ids], (_, i) => first + i % ids.length);
  const pass: Pass = {
    ...{ ids, begin: 0, count: ids.length, slots, rows: null, first, firstRank: 0, extent: first + ids.length },
    ...{ reused: false, wanted: "logits", observations: null, told: null, queries: null },
  };
  await context.pass(pass);
  return context.logits.slice();
}

test("tokens of equal keys are seen as by the full cache, however many and whatever their values", async () => {
  const made = await openEngine();
  for (const [remainders, gone] of [[1, [1, 2, 4, 5]], [1, [0, 1, 2, 3, 4, 5, 6]], [2, [2, 6, 1]]] as const) {
    const shape = { rows: [12], capacity: 12, stride: 8, kv: "f32", ranked: false, pooled: false } as const;
    const context = made.context({
      ...shape,
      tells: false,
      asks: false,
      observe: null,
      remainders,
      foldRank: 0,
      foldMost: 100,
      every: false,
      hidden: false,
    });
    const twice: Float32Array[] = [];
    for (const evicts of [false, true]) {
      context.place(new Int32Array(24).fill(-1), null);
      await take(context, [1, 2, 3, 4, 5, 6, 7, 20], 0);
      if (evicts) { // one after the other, as steps do
        const positions = Int32Array.from({ length: 24 }, (_, i) => i % 12 < 8 ? i % 12 : -1);
        for (const slot of gone) {
          context.fold(Uint32Array.of(0, 1, 2, slot, slot));
          positions[slot] = positions[12 + slot] = -1;
        }
        context.place(positions, null);
      }
      twice.push(await take(context, [30], 8));
    }
    const [full, capped] = twice;
    const size = full.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    assert.ok(farthest(full, capped) <= 2e-6 * size, `${gone}: ${farthest(full, capped)} of ${size}`);
    context.forget();
    assert.ok(farthest(full, await take(context, [30], 8)) > 1e-3 * size, "what is forgotten is missed");
    context.release();
  }
  made.release();
});

const SETUPS: SessionOptions[] = [
  { remainder: 1 },
  { remainder: 3, positions: "cache", kv: "q8" },
  { remainder: 2, allocation: "adaptive", kv: "f32" },
  { remainder: 1, allocation: "pyramid", policy: "h2o" },
];
for (const options of chosen(SETUPS, ({ allocation }) => [`${allocation}`])) {
  test(`${JSON.stringify(options)}: forks, snapshots and what is said after a reset`, async () => {
    const asked: SessionOptions = { policy: "roco", budget: 24, stride: 4, sinks: 2, newest: 2, ...options };
    const generate = { maxNewTokens: 16, banned: model.config.eosIds };
    const prompt = TEXT.slice(0, 40);
    const whole = model.session(asked);
    const { ids } = await say(whole, { ...generate, maxNewTokens: 32 }, prompt);
    const session = model.session(asked);
    const first = await say(session, generate, prompt);
    const bytes = await session.snapshot();
    const [restored, forked] = [await model.restore(bytes), await session.fork()];
    for (const each of [session, restored, forked]) {
      const { ids: more } = await say(each, generate, "");
      assert.equal([...first.ids, ...more], ids);
    }
    session.reset();
    assert.equal((await say(session, { ...generate, maxNewTokens: 32 }, prompt)).ids, ids, "after a reset");
    const { ids: others } = await say(
      model.session({ ...asked, remainder: 0 }),
      { ...generate, maxNewTokens: 32 },
      prompt,
    );
    assert.not.equal(others, ids, "it makes a difference");
    for (const each of [whole, restored, forked]) each.dispose();
  });
}

test("a recording says it, and is replayed to the same victims", async () => {
  const pieces: Uint8Array[] = [];
  const record = (piece: Uint8Array) => void pieces.push(piece.slice());
  const session = model.session({ budget: 24, stride: 4, remainder: 2, record });
  const { policy } = await say(session, { maxNewTokens: 16 }, TEXT.slice(0, 40));
  session.dispose();
  assert.is(policy, "crest, remainder 2");
  const recording = readRecording(new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer()));
  assert.is(recording.options.remainder, 2);
  assert.is(replay(recording).reproduced, true);
});

test("its bytes are counted, in the session's memory and in a budget of bytes", () => {
  const { layers, kvHeads, headDim } = model.config;
  const each = layers * kvHeads * (8 * headDim + 4);
  const [plain, summed] = [0, 4].map((remainder) => model.session({ budget: 32, kv: "f16", remainder }));
  const more = summed.memory().kv - plain.memory().kv;
  assert.ok(more >= 4 * each && more < 4 * each + 16, `${more} bytes for 4 of ${each}`);
  assert.match(summed.memory().why.kv, `and 4 × 2 × ${headDim} numbers in f32`);
  const bytes = 2 * plain.memory().kv;
  const [many, fewer] = [0, 4].map((remainder) =>
    model.session({ budget: { bytes }, stride: 8, kv: "f16", remainder })
  );
  assert.ok(fewer.memory().kv <= bytes, `${fewer.memory().kv} of ${bytes}`);
  assert.is(many.options.budget - fewer.options.budget, 9); // two slots each, and a part of another for what they count
  for (const session of [plain, summed, many, fewer]) session.dispose();
});

test("a full cache has none, and models with windows refuse it", async () => {
  const full = model.session({ policy: "full", budget: 64, remainder: 8 });
  assert.not.match(full.memory().why.kv, "evicted");
  full.dispose();
  const windowed = await load((await modelFolder("tiny-mistral-window"))!, await onEngine());
  assert.match(
    refusal(() => windowed.session({ remainder: 1 })),
    "Cannot create session: remainder must be 0 in models with a sliding window, got 1 and a window of",
  );
  windowed.session({ remainder: 1, policy: "full", budget: 8 }).dispose();
  windowed.dispose();
});
test.run();
