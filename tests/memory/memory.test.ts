// Memory as a hard bound: never exceeded, used to the last slot where nothing else is asked for, refused in one sentence
// where it is too small; and a GPU that refuses what it is asked for. The quick run takes one bound for each model.
import * as assert from "uvu/assert";
import { bufferBytes } from "../../src/engine/stored.ts";
import { fits, largest } from "../../src/memory/fit.ts";
import { load, type Model } from "../../src/load.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import { sizesOf } from "../../src/memory/sizes.ts";
import { chosen } from "../support/depth.ts";
import { gpuSuite, testDevice } from "../support/device.ts";
import { repoPath } from "../support/files.ts";
import { refusal, rejection } from "../support/spies.ts";
import { inside } from "../support/inside.ts";

const FABLE = repoPath("models/fable-2m");
const TINY = repoPath("tests/golden/models/tiny-qwen3");
const PROMPT = Array.from({ length: 90 }, (_, i) => 3 + (i * 37) % 500);

const test = await gpuSuite("memory");

async function open(where: string, memory?: number, more = {}): Promise<Model> {
  return await load(where, { device: (await testDevice())!, memory, ...more });
}

async function talk(model: Model, options: SessionOptions, maxNewTokens = 8) {
  const session = model.session(options);
  for await (const _ of session.generate(PROMPT, { maxNewTokens, stopAtEnd: false }));
  return session;
}

test("what a session takes is foreseen to the byte", async () => {
  const model = await open(FABLE);
  const weights = model.gpuBytes;
  const setups: SessionOptions[] = [
    { budget: 40 },
    { budget: 33, stride: 5, kv: "q8", positions: "cache" },
    { budget: 48, stride: 8, allocation: "pyramid", kv: "f32" },
    { budget: 48, stride: 8, allocation: "adaptive", kv: "q8", positions: "cache" },
    { budget: 30, policy: "recency" },
    { budget: 200, policy: "full", stride: 16 },
  ];
  for (const setup of setups) {
    const session = model.session(setup);
    const { budget, spare, policy } = session.options;
    const { wasm: _, ...held } = session.memory();
    assert.equal(sizesOf(inside(model), session.options, policy === "full" ? budget : budget + spare).memory, held);
    assert.is(held.gpu, model.gpuBytes - weights);
    const [, slots, lanes, bytes] = /^(\d+) slots.* × (\d+) lanes.* × 2 × (\d+) bytes/.exec(held.why.kv)!.map(Number);
    assert.is(2 * slots * lanes * bytes, held.kv, held.why.kv);
    session.dispose();
  }
  model.dispose();
});

for (const [where, budgets] of [[FABLE, [5.3e6, 6.5e6, 12e6]], [TINY, [7e5, 1.2e6, 3e6]]] as const) {
  for (const memory of chosen(budgets, () => "any")) {
    test(`${where.split("/").at(-1)} in ${memory} bytes: the most slots that fit, and no byte more`, async () => {
      const model = await open(where, memory);
      const setups: SessionOptions[] = [
        {},
        { kv: "q8", positions: "cache" },
        { allocation: "adaptive", stride: 16 },
        { policy: "recency", kv: "f32" },
      ];
      for (const setup of setups) {
        const before = model.gpuBytes;
        const session = await talk(model, setup);
        const { budget } = session.options;
        assert.ok(model.peakGpuBytes <= memory, `${model.peakGpuBytes} of ${memory}`);
        await session.snapshot();
        assert.ok(model.peakGpuBytes <= memory, `${model.peakGpuBytes} of ${memory}, with a snapshot`);
        session.dispose();
        assert.is(model.gpuBytes, before);
        const trained = setup.positions !== "cache" && budget === model.config.maxPositions;
        const next = { ...setup, budget: budget + 1 };
        if (!trained) assert.match(refusal(() => model.session(next)), /slots fit in memory of .+, got \d+ \(/);
        assert.is(model.gpuBytes, before, "nothing is left of what was refused");
      }
      assert.ok((await model.perplexity(PROMPT)).budget > 0);
      assert.ok(model.peakGpuBytes <= memory);
      model.dispose();
    });
  }
}

test("what does not fit is refused in one sentence that says what would", async () => {
  const device = (await testDevice())!;
  assert.is(
    await rejection(load(FABLE, { device, memory: 2_000_000 })),
    "Cannot load model: memory must hold 4.73 MB of weights, or 2.52 MB as q8, or 1.54 MB as q4, got 2.00 MB",
  );
  const tight = 4_727_040 - 64; // below what the buffers take once rounded up, if not below the weights themselves
  assert.match(await rejection(load(FABLE, { device, memory: tight })), /^Cannot [^\n]+, got [^\n]+$/);
  const model = await open(FABLE, 4_745_000);
  assert.match(
    refusal(() => model.session()),
    /^Cannot create session: no slot fits with a stride of \d+ in memory of 4\.74 MB beside 4\.73 MB of weights, got \d+ \(\d\.\d\d MB\)$/,
  );
  model.dispose();
  const larger = await open(FABLE, 9_000_000);
  const first = larger.session({ budget: 200 });
  assert.match(
    refusal(() => larger.session({ budget: 1500 })),
    /^Cannot create session: at most \d+ slots fit in memory of 9\.00 MB beside 4\.73 MB of weights and \d\.\d\d MB of sessions, got 1500 \(\d\.\d\d MB\)$/,
  );
  first.dispose();
  assert.match(refusal(() => larger.session({ budget: { bytes: 9e6 } })), "slots fit in memory of 9.00 MB");
  // A full cache takes what it needs, and may outgrow the memory: what it holds then stays.
  const full = await talk(larger, { policy: "full" }, 8);
  const { seen } = full;
  assert.match(
    await rejection(full.generate([5, 6, 7], { maxNewTokens: 1990 }).next()),
    /^Cannot create session: at most \d+ slots fit in memory of 9\.00 MB/,
  );
  assert.is(full.seen, seen);
  for await (const _ of full.generate([5, 6, 7], { maxNewTokens: 4, stopAtEnd: false }));
  assert.is(full.seen, seen + 1 + 3 + 3);
  assert.ok(larger.peakGpuBytes <= 9_000_000);
  larger.dispose();
});

test("a session that memory has sized goes on from its snapshot", async () => {
  const model = await open(FABLE, 7_000_000);
  const session = await talk(model, { kv: "q8" });
  const { budget } = session.options;
  const bytes = await session.snapshot();
  session.dispose();
  const restored = await model.restore(bytes);
  assert.is(restored.options.budget, budget);
  model.dispose();
});

test("sessions that fill the memory are kept at the same time", async () => {
  const model = await open(FABLE, 7_000_000);
  const sessions = [model.session({ budget: 100 }), model.session()];
  const kept = await Promise.all(sessions.map((session) => session.snapshot()));
  assert.equal(kept.map(({ length }) => length > 0), [true, true]);
  assert.ok(model.peakGpuBytes <= 7_000_000);
  model.dispose();
});

/** A device with the default limits that says it has none. @param most bytes of a buffer; larger ones it refuses, for real */
async function boaster(most = Infinity): Promise<GPUDevice> {
  const device = await (await navigator.gpu.requestAdapter())!.requestDevice();
  const boast = { maxBufferSize: 2 ** 40, maxStorageBufferBindingSize: 2 ** 40 };
  const limits = new Proxy(device.limits, {
    get: (target, name) => boast[name as keyof typeof boast] ?? Reflect.get(target, name, target),
  });
  const createBuffer = ({ usage, ...descriptor }: GPUBufferDescriptor) =>
    device.createBuffer({ ...descriptor, usage: descriptor.size > most ? 0x1 | 0x2 : usage }); // MAP_READ | MAP_WRITE: never together
  return new Proxy(device, {
    get: (target, name) => {
      if (name === "limits") return limits;
      if (name === "createBuffer") return createBuffer;
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

test("buffers beyond what a device really allows lead to a smaller budget", async () => {
  const model = await load(FABLE, { device: await boaster() });
  const heard: string[] = [];
  // Scores of 6 heads · 1024 queries · 13 024 slots, 4 bytes each: 320 MB, where the default limits are 256 MiB a buffer, 128 MiB a binding.
  const setup = {
    policy: "recency",
    budget: 12_000,
    stride: 1024,
    onWarning: (message: string) => heard.push(message),
  } as const;
  const session = await talk(model, setup, 4);
  const { budget } = session.options;
  assert.ok(budget < 12_000 && 6 * 1024 * (budget + 1024) * 4 <= 2 ** 28, `${budget} slots`);
  assert.ok(heard.length > 0);
  const small = await talk(model, { policy: "recency", budget: 500, stride: 100 }, 4);
  assert.equal(session.report().ids, small.report().ids);
  assert.is(model.failure, null);
  model.dispose();
});

test("a budget that the GPU refuses becomes the next smaller one, with a warning, or an error where that is forbidden", async () => {
  const device = await boaster(1_000_000);
  const model = await load(FABLE, { device });
  const before = model.gpuBytes;
  const heard: string[] = [];
  const onWarning = (message: string) => heard.push(message);
  // Scores take heads · stride · slots · 4 bytes: 6 · 32 · (budget + 32) · 4.
  const setup = { budget: 3000, stride: 32, onWarning } as const;
  const session = await talk(model, setup, 30);
  const least = largest(3000, (slots) => 6 * 32 * (slots + 32) * 4 <= 1_000_000);
  assert.ok(session.options.budget <= least && session.options.budget > least / 2);
  assert.is(session.options.budget, 1265); // 3000, 2250, 1687, 1265
  assert.equal(heard[0], "the device refused memory for a budget of 3000 slots, trying 2250");
  const same = await talk(model, { ...setup, budget: session.options.budget }, 30);
  assert.equal(session.report().ids, same.report().ids);
  session.dispose();
  same.dispose();
  assert.is(model.gpuBytes, before);

  const words = "Cannot create session: the device must hold 3000 slots per lane, got: ";
  assert.ok((await rejection(talk(model, { ...setup, exactBudget: true }))).startsWith(words));
  const count = heard.length;
  const stuck = { ...setup, sinks: 1400, newest: 1000 };
  assert.match(await rejection(talk(model, stuck)), "the device must hold 3000 slots per lane");
  assert.is(heard.length, count, "nothing smaller holds what must stay");
  const full = model.session({ policy: "full", stride: 32 });
  assert.match(
    await rejection(full.generate(PROMPT, { maxNewTokens: 3000 }).next()),
    "Cannot generate: the device must hold",
  );
  for await (const _ of full.generate(PROMPT, { maxNewTokens: 4 }));
  assert.match(
    await rejection(model.perplexity(PROMPT, { budget: 3000 })),
    "Cannot measure perplexity: the device must hold",
  );
  assert.is(model.failure, null);
  model.dispose();
  device.destroy();
});

test("helpers", () => {
  assert.equal([0, 1, 16, 17].map(bufferBytes), [16, 16, 16, 32]);
  assert.equal([0, 3, 10].map((most) => largest(10, (n) => n <= most)), [0, 3, 10]);
  assert.type(fits, "function");
});
test.run();
