// The engine on the processor: when it is taken, that threads change nothing, what bytes cost in exactness, and that a snapshot of
// one engine goes on on the other.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { evaluate } from "../../src/session/evaluate.ts";
import { load, type Model } from "../../src/load.ts";
import type { WasmEngine } from "../../src/wasm/engine.ts";
import { chosen, depth } from "../support/depth.ts";
import { testDevice } from "../support/device.ts";
import { inBrowser, listGolden, modelFolder, readJson, repoPath } from "../support/files.ts";
import { inside } from "../support/inside.ts";
import { say } from "../support/say.ts";
import { rejection } from "../support/spies.ts";

const FABLE = repoPath("models/fable-2m");
const TEXT =
  "Once upon a time there was a fox. The fox went to the river, and met a crow who had found a piece of cheese.";
const shares = globalThis.crossOriginIsolated ?? true;

const test = suite("engine in Wasm");

test("auto takes the processor where WebGPU offers software only, and says so", async () => {
  const { gpu } = navigator;
  const request = gpu?.requestAdapter;
  const offer = (info: object) => {
    if (gpu) gpu.requestAdapter = () => Promise.resolve({ info } as unknown as GPUAdapter);
  };
  try {
    const adapters: [object, string][] = [
      [{ description: "llvmpipe (LLVM 15.0.6, 256 bits)" }, "software only: llvmpipe (LLVM 15.0.6, 256 bits)"],
      [{ vendor: "google", architecture: "swiftshader" }, "software only: google swiftshader"],
      [{ description: "Microsoft Basic Render Driver" }, "software only: Microsoft Basic Render Driver"],
      [{ vendor: "someone", isFallbackAdapter: true }, "software only: someone"],
    ];
    for (const [info, why] of inBrowser ? chosen(adapters, () => "any") : adapters) {
      offer(info);
      const model = await load(FABLE);
      const expected = gpu ? `WebGPU offers ${why}` : "this host has no WebGPU";
      assert.equal(model.device, { name: "wasm", why: expected });
      model.dispose();
    }
  } finally {
    if (gpu) gpu.requestAdapter = request;
  }
});

test("auto takes a real GPU by the adapter it looked at, and the processor where that is too small, and says so", async () => {
  const { gpu } = navigator;
  const adapter = await gpu?.requestAdapter();
  if (!adapter) return;
  const request = gpu.requestAdapter;
  let asked = 0;
  const offer = (limits: object) => {
    const info = { vendor: "someone", architecture: "real" };
    const requestDevice = (wanted: GPUDeviceDescriptor) => request.call(gpu).then((own) => own!.requestDevice(wanted));
    gpu.requestAdapter = () => (asked++, Promise.resolve({ info, limits, requestDevice } as unknown as GPUAdapter));
  };
  try {
    offer(adapter.limits);
    const why = "WebGPU offers someone real";
    const large = await load(FABLE);
    assert.equal([large.device, large.adapter, asked], [{ name: "webgpu", why }, "someone real", 1]);
    large.dispose();
    const stages = "the adapter's maxStorageBuffersPerShaderStage must be at least 8, got 4";
    offer(
      new Proxy(adapter.limits, {
        get: (of, name) => name === "maxStorageBuffersPerShaderStage" ? 4 : Reflect.get(of, name, of),
      }),
    );
    const small = await load(FABLE);
    assert.equal(small.device, { name: "wasm", why: `${why}, but ${stages}` });
    assert.is((await say(small.session({ budget: 32 }), { maxNewTokens: 4 })).newTokens, 4);
    small.dispose();
    assert.match(await rejection(load(FABLE, { device: "webgpu" })), `Cannot open the GPU: ${stages}`);
    offer(adapter.limits);
    const told: number[] = [];
    const narrow = await load(FABLE, { maxBinding: 64, onProgress: (done, total) => void told.push(done / total) });
    assert.is(narrow.device.name, "wasm");
    assert.match(narrow.device.why, /^WebGPU offers someone real, but .* must .*, got \d+$/);
    assert.is(told.at(-1), 1);
    narrow.dispose();
    assert.match(await rejection(load(FABLE, { memory: 1e6 })), /memory must hold .* of weights/);
  } finally {
    gpu.requestAdapter = request;
  }
});

test("asked for, it says what it runs on, and is gone once it is disposed of", async () => {
  const model = await load(FABLE, { device: "wasm", threads: 1 });
  assert.equal(model.device, { name: "wasm", why: "it was asked for" });
  assert.match(model.adapter, /^WebAssembly \((relaxed )?SIMD, 1 thread\)$/);
  const session = model.session({ budget: 32 });
  assert.is((await say(session, { maxNewTokens: 4 })).adapter, model.adapter);
  model.dispose();
  assert.is(model.gpuBytes, 0);
  assert.match(await rejection(model.perplexity(TEXT)), /the model must not be disposed/);
  assert.is(await model.lost, "the engine was released");
});

test("options it cannot keep are refused", async () => {
  assert.match(await rejection(load(FABLE, { device: "wasm", memory: 1e6 })), /memory must hold 5\.\d\d MB of weights/);
  assert.match(await rejection(load(FABLE, { device: "cpu" as "wasm" })), /device must be one of auto, webgpu, wasm/);
  if (!shares) {
    assert.match(
      await rejection(load(FABLE, { device: "wasm", threads: 2 })),
      /threads must be 1 but in cross-origin isolated pages, got 2/,
    );
  }
});

// On a page the memory is a worker's: remote.test.ts.
if (!inBrowser) test("where the host refuses memory nothing is written, and what can goes on", refusesMemory);
async function refusesMemory() {
  const model = await load(FABLE, { device: "wasm", threads: 1 });
  const { heap } = (inside(model).engine as WasmEngine).model;
  const { memory } = heap;
  // The module's own, and all weights: but for where they passed through, which sessions take.
  const free = [65536, 65536 + 2 * model.config.vocab * model.config.hidden + 64];
  let before = heap.bytesOf.slice(0, free[1] + heap.bytes);
  const same = () =>
    heap.bytesOf.subarray(0, before.length).every((byte, i) => byte === before[i] || i >= free[0] && i < free[1]);
  const grow = memory.grow.bind(memory);
  let refusals = 2; // of books, which lie elsewhere then, and of K and V
  memory.grow = (pages) => {
    if (refusals-- > 0) throw new RangeError("no more");
    return grow(pages);
  };
  const warnings: string[] = [];
  const session = model.session({ budget: 8000, onWarning: (message) => void warnings.push(message) });
  assert.ok(same());
  const { ids } = await say(session, { maxNewTokens: 4 });
  assert.equal(warnings, ["the device refused memory for a budget of 8000 slots, trying 6000"]);
  const small = model.session({ budget: 64 });
  assert.equal((await say(small, { maxNewTokens: 4 })).ids, ids);
  before = heap.bytesOf.slice(0, before.length); // passes have left their jobs there
  refusals = Infinity;
  assert.match(await rejection(session.fork()), /the device must hold/);
  assert.match(await rejection(model.restore(await session.snapshot())), /the device must hold/);
  assert.match(await rejection(evaluate(inside(model), Array(2000).fill(5), 2000)), /the device must hold/);
  assert.ok(same());
  for (const one of [session, small]) one.dispose();
  model.dispose();
}

test("memory that is asked for is enough, and progress is told to its end", async () => {
  const words = await rejection(load(FABLE, { device: "wasm", memory: 1e6 }));
  const needed = Number(/memory must hold (\S+) MB/.exec(words)![1]) * 1e6;
  const told: [number, number][] = [];
  const onProgress = (done: number, total: number) => void told.push([done, total]);
  const model = await load(FABLE, { device: "wasm", threads: 1, memory: needed, onProgress });
  assert.ok(model.peakGpuBytes <= needed && model.peakGpuBytes > 0.98 * needed, `${model.peakGpuBytes} of ${needed}`);
  assert.is(told.at(-1)![0], told.at(-1)![1]);
  model.dispose();
});

/** What a session generates, and its books at the end. */
async function run(model: Model, budget: number) {
  const session = model.session({ policy: "roco", budget, stride: 8 });
  const options = { maxNewTokens: 60, temperature: 1, seed: 3, banned: model.config.eosIds };
  const { ids } = await say(session, options, TEXT);
  const [positions, sums] = [session.livePositions(), session.laneViews().map(({ sums }) => Array.from(sums))];
  session.dispose();
  return { ids, positions, sums };
}

if (shares) {
  test("any number of threads gives the same, to the last bit", async () => {
    const found = [];
    for (const threads of depth([1, 3], [1, 2, 3, 5])) {
      const model = await load(FABLE, { device: "wasm", threads, weights: "q4" });
      found.push({ ...await run(model, 40), ...await model.perplexity(TEXT, { budget: 24 }) });
      model.dispose();
    }
    for (const other of found.slice(1)) assert.equal(other, found[0]);
  });
}

test("a snapshot of one engine goes on on the other, as it would have", async () => {
  const device = await testDevice();
  if (!device) return;
  const models = [await load(FABLE, { device: "wasm" }), await load(FABLE, { device })];
  const options = { maxNewTokens: 30, banned: models[0].config.eosIds };
  const ways = [models, models.toReversed()];
  for (const [from, to] of inBrowser ? chosen(ways, () => "any") : ways) {
    const session = from.session({ policy: "roco", budget: 32, stride: 8 });
    await say(session, options, TEXT);
    const bytes = await session.snapshot();
    const { ids } = await say(session, options, "");
    const again = await to.restore(bytes);
    assert.equal((await say(again, options, "")).ids, ids);
    assert.equal(again.livePositions(), session.livePositions());
    session.dispose();
    again.dispose();
  }
  for (const model of models) model.dispose();
});

test("both engines tell a model apart by the same number, and every two models by different ones", async () => {
  const device = await testDevice();
  if (!device) return;
  const folders = ["tiny-llama3", "tiny-qwen2", "tiny-qwen3", "tiny-mha", "tiny-phi3", "tiny-fp8-blocks"];
  const files = ["tiny-qwen3-Q4_0", "tiny-qwen3-Q8_0", "tiny-kquant-Q6_K", "tiny-codes-ALL", "fable-2m-Q4_1"];
  const places = [
    ...folders.map((name) => repoPath(`tests/golden/models/${name}`)),
    ...files.map((name) => repoPath(`tests/golden/gguf/${name}.gguf`)),
  ];
  const seen = new Map<number, string>();
  const ways = [{}, { weights: "q8" }] as const;
  const asked = places.flatMap((where) => ways.map((way) => ({ where, way, name: `${where} ${JSON.stringify(way)}` })));
  for (
    const { where, way, name } of chosen(
      asked,
      ({ where }) => where.endsWith("gguf") ? "gguf" : "folder",
      inBrowser ? 1 : 2,
    )
  ) {
    const prints: number[] = [];
    for (const engine of [{ device: "wasm" } as const, { device }]) {
      const model = await load(where, { ...engine, ...way });
      prints.push(inside(model).fingerprint);
      model.dispose();
    }
    assert.is(prints[0], prints[1], name);
    const alike = seen.get(prints[0]); // a quantised file has nothing to quantise
    assert.ok(alike === undefined || alike.startsWith(where), `${name} and ${alike}`);
    seen.set(prints[0], name);
  }
});

/** Mean KL divergence of the second logits from the first, over tokens. */
function divergence(p: Float32Array, q: Float32Array, vocab: number): number {
  let sum = 0;
  for (let at = 0; at < p.length; at += vocab) {
    const [a, b] = [p, q].map((logits) => {
      const row = Array.from(logits.subarray(at, at + vocab));
      const top = Math.max(...row);
      const total = Math.log(row.reduce((sum, x) => sum + Math.exp(x - top), 0)) + top;
      return row.map((x) => x - total);
    });
    sum += a.reduce((sum, log, i) => sum + Math.exp(log) * (log - b[i]), 0);
  }
  return sum * vocab / p.length;
}

/** A recorded text of a model. */
async function textOf(name: string): Promise<number[] | null> {
  for (const { json } of await listGolden("easykv")) {
    const { case: { modelName }, promptIds } = await readJson(json);
    if (modelName === name && promptIds.length >= 60) return promptIds;
  }
  return null;
}

const QUANTISED = [["fable-2m-Q4_1", "fable-2m"], ["smollm2-135m-Q4_1", "smollm2-135m"]];
for (const [name, of] of QUANTISED.slice(0, inBrowser ? 1 : depth(1, 2))) { // a page reads 100 MB slowly
  test(`${name}: activations in bytes cost little`, async () => {
    const json = (await listGolden("gguf")).find((one) => one.name === name)?.json;
    const ids = await textOf(of);
    if (!json || !ids) return; // SmolLM2's are not everywhere
    const { file, modelFile } = await readJson<{ file?: string; modelFile?: string }>(json);
    const place = file ? json.replace(/[^/]+$/, file) : await modelFolder(modelFile!);
    if (!place) return;
    const found = [];
    for (const precision of ["exact", "fast"] as const) {
      const model = await load(place, { device: "wasm", precision });
      const { logits } = await evaluate(inside(model), ids, 16);
      const { perplexity } = await model.perplexity(ids, { policy: "full", kv: "f32" });
      found.push({ logits, perplexity, vocab: model.config.vocab });
      model.dispose();
    }
    const [exact, fast] = found;
    const kl = divergence(exact.logits, fast.logits, exact.vocab);
    const change = fast.perplexity / exact.perplexity - 1;
    console.log(`    ${name}: mean KL ${kl.toExponential(1)}, perplexity ${(100 * change).toFixed(3)} %`);
    assert.ok(kl > 0 && kl <= 1e-3, `KL ${kl}`);
    // Losses of single tokens change by √(2 · KL) or so, either way: the mean over these few by three standard errors at most.
    const chance = 3 * Math.sqrt(2 * kl / ids.length);
    assert.ok(Math.abs(change) <= 0.003 + chance, `perplexity changes by ${change}`);
  });
}
test.run();
