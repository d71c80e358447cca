// What is normalised or weighed on its way besides rmsnorm's rows, against sums in f64: sizes that fill no workgroup, rows with gaps
// between them; nothing but the rows is written.
import * as assert from "uvu/assert";
import { type Gpu, openGpu, releaseBuffer, uploadFloats } from "../../src/gpu/device.ts";
import { type Constants, dispatch, Pipelines } from "../../src/gpu/dispatch.ts";
import type { KernelName } from "../../src/gpu/kernels.ts";
import { createReadback, mapped } from "../../src/gpu/readback.ts";
import { gpuSuite, testDevice } from "../support/device.ts";
import { randomFrom } from "../support/trio.ts";

const TOKENS = 3;
const TOLERANCE = 1e-6; // a few roundings of f32
const EPS = 0.01;

const random = randomFrom(11);
const numbers = (length: number) => Float32Array.from({ length }, () => 4 * random() - 2);

/** A kernel's last buffer after it has run. */
async function run(name: KernelName, constants: Constants, given: Float32Array<ArrayBuffer>[], grid: [number, number]) {
  const gpu: Gpu = await openGpu((await testDevice())!);
  const buffers = given.map((floats) => uploadFloats(gpu, "test", floats));
  const written = buffers.at(-1)!;
  const op = new Pipelines(gpu).op(name, constants, buffers);
  const encoder = gpu.device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  dispatch(pass, op, ...grid);
  pass.end();
  const readback = createReadback(gpu, written.size);
  encoder.copyBufferToBuffer(written, 0, readback, 0, written.size);
  gpu.device.queue.submit([encoder.finish()]);
  const bytes = (await mapped("read", gpu, readback, { offset: 0, bytes: readback.size })).slice(0);
  readback.unmap();
  [...buffers, readback].forEach((buffer) => releaseBuffer(gpu, buffer));
  return new Float32Array(bytes);
}

function close(got: Float32Array, wanted: ArrayLike<number>) {
  for (let i = 0; i < wanted.length; i++) {
    assert.ok(
      Math.abs(got[i] - wanted[i]) <= TOLERANCE * Math.max(1, Math.abs(wanted[i])),
      `${i}: ${got[i]}, ${wanted[i]}`,
    );
  }
}
/** RMSNorm of a row. */
function normed(row: ArrayLike<number>, weight: ArrayLike<number>): number[] {
  const values = Array.from(row);
  const scale = 1 / Math.sqrt(values.reduce((sum, one) => sum + one * one, 0) / values.length + EPS);
  return values.map((one, i) => one * scale * weight[i]);
}

const test = await gpuSuite("norms");

for (const NORM of [0, 1]) {
  test(`what joins the residual, ${NORM ? "normalised" : "as it is"}`, async () => {
    const [WIDTH, PITCH, SCALE] = [70, 72, 0.25];
    const [y, x, weight] = [numbers(TOKENS * PITCH), numbers(TOKENS * PITCH), numbers(WIDTH)];
    const wanted = x.slice() as Float32Array | number[];
    for (let t = 0; t < TOKENS; t++) {
      const row = y.subarray(t * PITCH, t * PITCH + WIDTH);
      const own = NORM ? normed(row, weight) : [...row];
      own.forEach((one, i) => wanted[t * PITCH + i] += SCALE * one);
    }
    close(await run("join", { WIDTH, PITCH, SCALE, NORM, EPS }, [y, weight, x], [TOKENS, 1]), wanted);
  });
}

test("all heads of q, and of k, have one norm each, v none", async () => {
  const [QUERIES, KEYS, PITCH] = [72, 24, 120];
  const [qkv, weight] = [numbers(TOKENS * PITCH), numbers(QUERIES + KEYS)];
  const wanted = qkv.slice();
  for (let t = 0; t < TOKENS; t++) {
    for (const [begin, width] of [[0, QUERIES], [QUERIES, KEYS]]) {
      const row = qkv.subarray(t * PITCH + begin, t * PITCH + begin + width);
      wanted.set(normed(row, weight.subarray(begin)), t * PITCH + begin);
    }
  }
  close(await run("whole", { QUERIES, KEYS, PITCH, EPS }, [weight, qkv], [2, TOKENS]), wanted);
});

test("logits are weighed, and capped", async () => {
  const VOCAB = 70;
  const logits = numbers(2 * VOCAB);
  const got = await run("settle", { VOCAB, SCALE: 0.125, CAP: 0 }, [logits], [2, 2]);
  close(got, logits.map((logit) => logit / 8));
  const capped = await run("settle", { VOCAB, SCALE: 40, CAP: 30 }, [logits], [2, 2]);
  const shares = capped.map((logit) => logit / 30); // of the cap, beside which tanh is as exact as f32
  close(shares, logits.map((logit) => Math.tanh(40 * logit / 30)));
});

test.run();
