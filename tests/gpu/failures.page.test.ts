// A GPU that is absent, too small, or lost in the middle: one sentence, no hang, nothing left behind.
// The quick run takes four of the tests in a page.
import * as assert from "uvu/assert";
import { openGpu } from "../../src/gpu/device.ts";
import { load } from "../../src/load.ts";
import { fewOf } from "../support/depth.ts";
import { gpuSuite, testDevice } from "../support/device.ts";
import { inBrowser, repoPath } from "../support/files.ts";
import { refusal, rejection } from "../support/spies.ts";

const FABLE = repoPath("models/fable-2m");
/** What the host has a hand in: the tests that the quick run takes in a page. */
const HOST = ["no adapter", "an adapter below", "a device lost", "a model disposed"];
const whole = await gpuSuite("failures");
const test = inBrowser ? fewOf(whole, HOST) : whole;

async function ownDevice(): Promise<GPUDevice> {
  return await (await navigator.gpu.requestAdapter())!.requestDevice();
}

test("no adapter", async () => {
  const { gpu } = navigator;
  const request = gpu.requestAdapter;
  gpu.requestAdapter = () => Promise.resolve(null);
  try {
    const none = load(FABLE, { device: "webgpu" });
    assert.match(await rejection(none), /^Cannot open the GPU: WebGPU must offer an adapter, got none/);
    const model = await load(FABLE);
    assert.equal(model.device, { name: "wasm", why: "WebGPU offers no adapter" });
    model.dispose();
  } finally {
    gpu.requestAdapter = request;
  }
});

test("an adapter below what the kernels need", async () => {
  const device = (await testDevice())!;
  const limits = new Proxy(device.limits, {
    get: (target, name) => name === "maxStorageBuffersPerShaderStage" ? 4 : Reflect.get(target, name, target),
  });
  const small = new Proxy(device, { get: (target, name) => name === "limits" ? limits : Reflect.get(target, name) });
  const words = "Cannot open the GPU: the adapter's maxStorageBuffersPerShaderStage must be at least 8, got 4";
  assert.is(await rejection(openGpu(small)), words);
});

test("an adapter too small for a row of the weights, or for the cache", async () => {
  const device = (await testDevice())!;
  const words =
    "Cannot load model: a row of model.embed_tokens.weight must fit the adapter's largest binding of 300 bytes, got 384";
  assert.is(await rejection(load(FABLE, { device, maxBinding: 300 })), words);
  const model = await load(FABLE, { device, maxBinding: 100_000 });
  const before = model.gpuBytes;
  assert.match(
    refusal(() => model.session({ budget: 800, stride: 1 })),
    "this adapter holds at most 781 slots, got 801",
  );
  assert.match(refusal(() => model.session({ budget: 300, stride: 64 })), "or a smaller stride fit");
  assert.is(model.gpuBytes, before);
  model.dispose();
});

test("a device lost in the middle of a generation", async () => {
  const device = await ownDevice();
  const model = await load(FABLE, { device });
  const session = model.session({ budget: 64 });
  let pieces = 0;
  const talk = async () => {
    for await (const _ of session.generate("Once upon a time", { maxNewTokens: 200 })) {
      if (++pieces === 5) device.destroy();
    }
  };
  assert.match(await rejection(talk()), /^Cannot generate: the device must work, got: the GPU device was lost/);
  assert.ok(pieces >= 5 && pieces < 200);
  assert.match(
    refusal(() => session.generate("again")),
    /^Cannot generate: the device must work, got: the GPU device was lost/,
  );
  assert.match(
    refusal(() => model.session()),
    "Cannot create session: the device must work, got: the GPU device was lost",
  );
  session.dispose();
  model.dispose();
});

test("a session disposed in the middle of a generation", async () => {
  const model = await load(FABLE, { device: (await testDevice())! });
  const before = model.gpuBytes;
  const session = model.session({ budget: 64 });
  const talk = async () => {
    for await (const _ of session.generate("Once upon a time")) session.dispose();
  };
  assert.match(await rejection(talk()), "Cannot generate: the session must not be disposed");
  assert.is(model.gpuBytes, before);
  model.dispose();
  assert.match(refusal(() => model.session()), "Cannot create session: the model must not be disposed");
});

test("disposing while the prompt is read ends it at the next step", async () => {
  const model = await load(FABLE, { device: (await testDevice())! });
  const before = model.gpuBytes;
  const session = model.session({ budget: 64, stride: 1 });
  let read = 0;
  const onPrefill = (done: number) => (read = done) === 3 && session.dispose();
  const prompt = Array.from({ length: 40 }, (_, i) => i + 5);
  assert.match(await rejection(session.generate(prompt, { onPrefill }).next()), "the session must not be disposed");
  assert.is(read, 3);
  assert.is(model.gpuBytes, before);
  // A generation that its caller holds but does not go on with keeps nothing.
  const held = model.session({ budget: 64 });
  const pieces = held.generate("Once upon a time");
  await pieces.next();
  held.dispose();
  assert.is(model.gpuBytes, before);
  assert.match(await rejection(pieces.next()), "the session must not be disposed");
  model.dispose();
});

test("a model disposed of during a step says so", async () => {
  const model = await load(FABLE);
  const session = model.session({ budget: 64, stride: 1 });
  const pieces = session.generate("Once upon a time").next();
  await Promise.resolve();
  model.dispose();
  assert.match(await rejection(pieces), "Cannot generate: the session must not be disposed");
});

test("an error of the application's own after dispose is not heard, and a second model works", async () => {
  const device = await ownDevice();
  const heard = new Promise((resolve) =>
    device.addEventListener("uncapturederror", (event) => resolve(event.preventDefault()))
  );
  (await load(FABLE, { device })).dispose();
  device.createBuffer({ size: 16, usage: 0x1 | 0x80 }); // MAP_READ | STORAGE: not allowed together
  await device.queue.onSubmittedWorkDone(); // Chromium tells of errors with an answer of the GPU
  await heard;
  const model = await load(FABLE, { device });
  const pieces = model.session({ budget: 32 }).generate("Once upon a time");
  assert.not((await pieces.next()).done);
  await pieces.return();
  model.dispose();
  device.destroy();
});

test("loading refuses what is no place and no device, and leaves the caller's error scopes alone", async () => {
  assert.match(
    await rejection(load(null as never)),
    "Cannot load model: the model must be a folder or a URL, got null",
  );
  assert.match(await rejection(load(FABLE, { device: {} as never })), "device must be a GPUDevice");
  const device = await ownDevice();
  const onProgress = () => {
    throw new Error("mine");
  };
  assert.is(await rejection(load(FABLE, { device, onProgress })), "mine");
  assert.is.not(await rejection(device.popErrorScope()), "nothing was thrown");
  device.destroy();
});

test.run();
