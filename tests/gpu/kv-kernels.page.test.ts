// The kernels that write and read K and V, against the naive twin of every way of storing them: sizes of heads that leave
// half a row's word over, zeros, numbers beyond what f16 holds, and what is no number.
// The quick run takes one size of heads in a page.
import * as assert from "uvu/assert";
import { createBuffer, openGpu, releaseBuffer, STORAGE, uploadFloats } from "../../src/gpu/device.ts";
import { dispatch, Pipelines } from "../../src/gpu/dispatch.ts";
import { createReadback, mapped } from "../../src/gpu/readback.ts";
import { KV_TYPES, kvRowBytes, type KvType } from "../../src/engine/kv.ts";
import { depth } from "../support/depth.ts";
import { gpuSuite, testDevice } from "../support/device.ts";
import { inBrowser } from "../support/files.ts";
import { stored } from "../reference/kv.ts";
import { randomFrom } from "../support/trio.ts";

const HEADS = 4;
const KV_HEADS = 2;
const GROUP = HEADS / KV_HEADS;
const SLOTS = 7; // per lane, of which TOKENS are filled
const TOKENS = 5;

/** Where the twin's lanes put a step's tokens. */
const slotOf = (lane: number, token: number) => (3 * token + 2 + lane) % SLOTS;

/** The GPU, and the kernels of all tests, which compile but once. */
let opened: ReturnType<typeof open> | undefined;
async function open() {
  const gpu = await openGpu((await testDevice())!);
  return { gpu, pipelines: new Pipelines(gpu) };
}

/** Writes `qkv` [TOKENS, HEADS + 2 · KV_HEADS, headDim] into a cache; reads scores and, one slot at a time, values. */
async function through(kv: KvType, headDim: number, qkv: Float32Array<ArrayBuffer>) {
  const { gpu, pipelines } = await (opened ??= open());
  const buffers: GPUBuffer[] = [];
  const keep = (buffer: GPUBuffer) => (buffers.push(buffer), buffer);
  const create = (words: number) => keep(createBuffer(gpu, "test", words * 4, STORAGE));
  const row = kvRowBytes(headDim, kv);

  const feed = new Float32Array(8 + TOKENS * (1 + KV_HEADS + headDim));
  const words = new Uint32Array(feed.buffer);
  words.set([TOKENS, SLOTS]);
  for (let lane = 0; lane < KV_HEADS; lane++) {
    for (let t = 0; t < TOKENS; t++) words[8 + TOKENS * (1 + lane) + t] = slotOf(lane, t);
  }
  for (let t = 0; t < TOKENS; t++) { // cos 1, sin 0: nothing is rotated
    feed.fill(1, 8 + TOKENS * (1 + KV_HEADS) + t * headDim, 8 + TOKENS * (1 + KV_HEADS) + t * headDim + headDim / 2);
  }
  const feedBuffer = keep(uploadFloats(gpu, "feed", feed));
  const layer = keep(createBuffer(gpu, "layer", 32, 0x40 | 0x8)); // UNIFORM | COPY_DST
  gpu.device.queue.writeBuffer(layer, 0, new Uint32Array([0, 0, SLOTS, KV_HEADS, SLOTS, 0, 0, 0]));
  const positions = create(KV_HEADS * SLOTS);
  gpu.device.queue.writeBuffer(positions, 0, new Int32Array(KV_HEADS * SLOTS).fill(-1));
  const [keys, values] = [create(KV_HEADS * SLOTS * row / 4), create(KV_HEADS * SLOTS * row / 4)];
  const [q, scores, out] = [
    create(TOKENS * HEADS * headDim),
    create(HEADS * TOKENS * SLOTS),
    create(SLOTS * HEADS * headDim),
  ];
  const [nothing, nowhere] = [create(1), create(1)];
  // As many queries as slots, of which each attends to its own.
  const onehot = new Float32Array(HEADS * SLOTS * SLOTS).map((_, i) =>
    i % SLOTS === Math.floor(i / SLOTS) % SLOTS ? 1 : 0
  );
  const probabilities = keep(uploadFloats(gpu, "p", onehot));
  const slotFeed = keep(uploadFloats(gpu, "feed", new Float32Array(new Uint32Array([SLOTS, SLOTS]).buffer)));

  const how = { KV: KV_TYPES.indexOf(kv), ROW: row / 8, POOLED: 0 };
  const REMAINDERS = 0;
  const [quads, pitch] = [headDim / 4, HEADS * headDim];
  const rope = pipelines.op(
    "rope",
    {
      HEADS,
      KV_HEADS,
      HEAD_DIM: headDim,
      QKV_PITCH: (HEADS + 2 * KV_HEADS) * headDim,
      Q_PITCH: pitch,
      QK_NORM: 0,
      EPS: 1,
      RANKED: 0,
      ...how,
    },
    [feedBuffer, layer, keep(uploadFloats(gpu, "qkv", qkv)), nothing, q, keys, values, positions, nowhere],
  );
  const score = pipelines.op(
    "scores",
    {
      HEADS,
      GROUP,
      QUADS: quads,
      Q_QUADS: pitch / 4,
      RANKED: 0,
      REMAINDERS,
      SCALE: 1 / Math.sqrt(headDim),
      CAP: 0,
      ...how,
    },
    [feedBuffer, layer, q, keys, positions, scores, nowhere, nothing, nothing],
  );
  const attend = pipelines.op(
    "attend",
    { GROUP, QUADS: quads, OUT_QUADS: pitch / 4, REMAINDERS, ...how },
    [slotFeed, layer, probabilities, values, out, nowhere, nothing],
  );
  const encoder = gpu.device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  dispatch(pass, rope, HEADS + 2 * KV_HEADS, TOKENS);
  dispatch(pass, score, 1, HEADS, Math.ceil(TOKENS / 4));
  dispatch(pass, attend, HEADS, Math.ceil(SLOTS / 4));
  pass.end();
  const readback = keep(createReadback(gpu, scores.size + out.size));
  encoder.copyBufferToBuffer(scores, 0, readback, 0, scores.size);
  encoder.copyBufferToBuffer(out, 0, readback, scores.size, out.size);
  gpu.device.queue.submit([encoder.finish()]);
  const floats = new Float32Array((await mapped("read", gpu, readback, { offset: 0, bytes: readback.size })).slice(0));
  readback.unmap();
  const from = scores.size / 4;
  buffers.forEach((buffer) => releaseBuffer(gpu, buffer));
  assert.is(gpu.failure, null);
  return {
    /** [HEADS, TOKENS, SLOTS] */
    scores: floats.subarray(0, HEADS * TOKENS * SLOTS),
    /** [SLOTS, HEADS, headDim] */
    values: floats.subarray(from, from + SLOTS * HEADS * headDim),
  };
}

/** A step's q, k and v: [TOKENS, HEADS + 2 · KV_HEADS, headDim]. */
function numbers(headDim: number, make: (random: () => number) => number): Float32Array<ArrayBuffer> {
  const random = randomFrom(headDim);
  return new Float32Array(TOKENS * (HEADS + 2 * KV_HEADS) * headDim).map(() => make(random));
}

function rowOf(qkv: Float32Array, headDim: number, token: number, head: number): number[] {
  const from = (token * (HEADS + 2 * KV_HEADS) + head) * headDim;
  return Array.from(qkv.subarray(from, from + headDim));
}

/** Compares what the kernels read with what the twin says that a row is, once it was stored. */
async function check(kv: KvType, headDim: number, qkv: Float32Array<ArrayBuffer>) {
  const { scores, values } = await through(kv, headDim, qkv);
  const alike = (got: number, expected: number, size: number, what: string) => {
    const close = Number.isNaN(expected) ? Number.isNaN(got) : Math.abs(got - expected) <= 1e-5 * size;
    assert.ok(close, `${kv}, ${headDim} a head, ${what}: ${got} instead of ${expected}`);
  };
  for (let head = 0; head < HEADS; head++) {
    const lane = Math.floor(head / GROUP);
    for (let token = 0; token < TOKENS; token++) {
      const slot = slotOf(lane, token);
      const value = stored(rowOf(qkv, headDim, token, HEADS + KV_HEADS + lane), kv);
      const size = Math.max(1e-30, ...value.map(Math.abs).filter(Number.isFinite));
      value.forEach((expected, i) => alike(values[(slot * HEADS + head) * headDim + i], expected, size, `value ${i}`));
      const key = stored(rowOf(qkv, headDim, token, HEADS + lane), kv);
      for (let asking = token; asking < TOKENS; asking++) {
        const q = rowOf(qkv, headDim, asking, head);
        const expected = q.reduce((sum, number, i) => sum + number * key[i], 0) / Math.sqrt(headDim);
        const most = q.reduce((sum, number, i) => sum + Math.abs(number * key[i]), 0) / Math.sqrt(headDim);
        alike(scores[(head * TOKENS + asking) * SLOTS + slot], expected, Math.max(1e-30, most), "score");
      }
    }
  }
}

const SIZES = [4, 12, 16, 36, 64, 128, 256]; // floats a head
const test = await gpuSuite("kv kernels");
test.after(async () => (await opened)?.gpu.unwatch());
for (const kv of KV_TYPES) {
  test(`${kv}: rows of every size`, async () => {
    for (const headDim of inBrowser ? depth([12], SIZES) : SIZES) {
      await check(kv, headDim, numbers(headDim, (random) => (random() - 0.5) * 2 ** (random() * 12 - 6)));
    }
  });
  test(`${kv}: zeros, one number that outdoes the others, and numbers beyond f16`, async () => {
    await check(kv, 16, numbers(16, () => 0));
    await check(kv, 16, numbers(16, (random) => random() < 0.1 ? 100 * random() : 0.1 * random()));
    await check(kv, 12, numbers(12, (random) => (random() - 0.5) * 4e5));
    await check(kv, 12, numbers(12, (random) => (random() - 0.5) * 1e-35));
    const { values } = await through(kv, 32, numbers(32, (random) => (random() - 0.5) * 1e30));
    assert.ok(values.every(Number.isFinite), "all are numbers");
    if (kv === "f16") assert.is(Math.max(...values), 65504);
  });
}
for (const kv of KV_TYPES) {
  test(`${kv}: what is no number is none when it is read`, async () => {
    const headDim = 16;
    for (const strange of [NaN, Infinity, -Infinity]) {
      const qkv = numbers(headDim, (random) => random() + 0.1);
      const at = (token: number, head: number) => (token * (HEADS + 2 * KV_HEADS) + head) * headDim;
      qkv[at(2, HEADS) + 5] = strange; // a key of lane 0
      qkv[at(3, HEADS + KV_HEADS + 1) + 7] = strange; // a value of lane 1
      const { scores, values } = await through(kv, headDim, qkv);
      const score = (head: number, token: number) => scores[(head * TOKENS + 4) * SLOTS + slotOf(0, token)];
      assert.not(Number.isFinite(score(0, 2)));
      assert.ok(Number.isFinite(score(0, 1)) && score(0, 1) > 0);
      const value = (head: number, i: number) => values[(slotOf(1, 3) * HEADS + head) * headDim + i];
      assert.not(Number.isFinite(value(HEADS - 1, 7)));
      assert.ok(Number.isFinite(value(0, 7)));
    }
  });
}
test.run();
