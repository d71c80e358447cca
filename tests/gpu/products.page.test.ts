// W·x in every format that is not quantised, and in one that is, against sums in f64: rows and tokens that do not fill a
// workgroup, parts of a matrix, bias and residual; nothing but the product is written, and what lies behind x is not heard.
// The quick run takes two numbers of rows, and of what is added to the product as few as have each; in a page of the
// kernels, too, and of the formats.
import * as assert from "uvu/assert";
import { createBuffer, openGpu, releaseBuffer, STORAGE, uploadFloats } from "../../src/gpu/device.ts";
import { dispatch, Pipelines } from "../../src/gpu/dispatch.ts";
import { createReadback, mapped } from "../../src/gpu/readback.ts";
import { formats } from "../../src/engine/dtypes.ts";
import { chosen, depth } from "../support/depth.ts";
import { gpuSuite, testDevice } from "../support/device.ts";
import { inBrowser } from "../support/files.ts";
import { randomFrom } from "../support/trio.ts";

const COLUMNS = 64;
const MOST_TOKENS = 20; // that x has room for: those behind the step's are no numbers
const [FIRST, BEHIND] = [5, 3]; // rows of other parts in y, before and after
const UNTOUCHED = 12345;

const WAYS = [
  ...[["F32", "matmul"], ["F16", "matmul"], ["BF16", "matmul"], ["Q8_0", "blockMat"]] as const,
  ...[["F32", "matvec"], ["F16", "matvec"], ["BF16", "matvec"], ["Q8_0", "blockVec"]] as const,
] as const;
const ADDED = [[0, 0], [1, 0], [0, 1], [1, 1]];
type Type = typeof WAYS[number][0];

/** Whole numbers of −8 to 8, which every format holds as they are, as the bytes of a row-major matrix. */
function encoded(type: Type, rows: number, values: Int8Array): Uint8Array<ArrayBuffer> {
  if (type === "F32") return new Uint8Array(Float32Array.from(values).buffer);
  if (type === "F16") return new Uint8Array(new Uint16Array(Array.from(values, half)).buffer);
  if (type === "BF16") {
    const words = new Uint32Array(Float32Array.from(values).buffer);
    return new Uint8Array(Uint16Array.from(words, (bits) => bits >>> 16).buffer);
  }
  const blocks = rows * COLUMNS / 32;
  const bytes = new Uint8Array(blocks * 34); // a scale of 1, then 32 signed bytes; two blocks a row are whole words
  for (let block = 0; block < blocks; block++) {
    bytes.set([0, 0x3c], block * 34);
    bytes.set(new Uint8Array(values.buffer, block * 32, 32), block * 34 + 2);
  }
  return bytes;
}

/** A whole number as the bits of an f16. */
function half(value: number): number {
  if (value === 0) return 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  return (value < 0 ? 0x8000 : 0) | exponent + 15 << 10 | (Math.abs(value) / 2 ** exponent - 1) * 1024;
}

const test = await gpuSuite("products");
for (const [type, kernel] of inBrowser ? chosen(WAYS, ([type, kernel]) => [type, kernel]) : WAYS) {
  test(`${type}, ${kernel}`, async () => {
    const [groupRows, groupTokens] = /vec$/i.test(kernel) ? [32, 1] : [128, 8];
    const gpu = await openGpu((await testDevice())!);
    const pipelines = new Pipelines(gpu);
    const random = randomFrom(7);
    const whole = () => Math.floor(random() * 17) - 8;
    for (const rows of depth([33, 129], [1, 33, 128, 129, 300])) {
      const values = Int8Array.from({ length: rows * COLUMNS }, whole);
      const bytes = encoded(type, rows, values);
      const w = createBuffer(gpu, "w", bytes.length, STORAGE);
      gpu.device.queue.writeBuffer(w, 0, bytes);
      const pitch = FIRST + rows + BEHIND;
      const bias = Float32Array.from({ length: pitch }, whole);
      const biases = uploadFloats(gpu, "bias", bias);
      for (const tokens of [2, 5, 8, 17]) {
        for (const [ADD, BIAS] of chosen(ADDED, ([add, bias]) => [`add ${add}`, `bias ${bias}`])) {
          const room = tokens === 17 ? tokens : MOST_TOKENS;
          const x = new Float32Array(room * COLUMNS).fill(NaN);
          for (let i = 0; i < tokens * COLUMNS; i++) x[i] = whole();
          const size = MOST_TOKENS * pitch * 4;
          const y = uploadFloats(gpu, "y", new Float32Array(MOST_TOKENS * pitch).fill(UNTOUCHED));
          const [input, feed] = [uploadFloats(gpu, "x", x), createBuffer(gpu, "feed", 32, STORAGE)];
          gpu.device.queue.writeBuffer(feed, 0, Uint32Array.of(tokens));
          const constants = {
            DTYPE: formats[type].code,
            BLOCKS: COLUMNS / 8,
            ROWS: rows,
            FIRST,
            PITCH: pitch,
            ADD,
            BIAS,
          };
          const op = pipelines.op(kernel, constants, [w, input, biases, y, feed]);
          const readback = createReadback(gpu, size);
          const encoder = gpu.device.createCommandEncoder();
          const pass = encoder.beginComputePass();
          const groups = Math.ceil(rows / groupRows);
          dispatch(pass, op, Math.ceil(groups / 2), 2, Math.ceil(tokens / groupTokens)); // in two rows, and perhaps one too many
          pass.end();
          encoder.copyBufferToBuffer(y, 0, readback, 0, size);
          gpu.device.queue.submit([encoder.finish()]);
          const found = new Float32Array((await mapped("read", gpu, readback, { offset: 0, bytes: size })).slice(0));
          const expected = new Float32Array(MOST_TOKENS * pitch).fill(UNTOUCHED);
          for (let t = 0; t < tokens; t++) {
            for (let row = 0; row < rows; row++) {
              let sum = ADD * UNTOUCHED + BIAS * bias[FIRST + row];
              for (let i = 0; i < COLUMNS; i++) sum += values[row * COLUMNS + i] * x[t * COLUMNS + i];
              expected[t * pitch + FIRST + row] = sum;
            }
          }
          const wrong = found.findIndex((value, i) => value !== expected[i]);
          const at = `row ${wrong % pitch - FIRST} of ${rows}, token ${Math.floor(wrong / pitch)} of ${tokens}`;
          assert.ok(wrong < 0, `${at}: ${found[wrong]}, not ${expected[wrong]}`);
          for (const buffer of [y, input, feed, readback]) releaseBuffer(gpu, buffer);
        }
      }
      for (const buffer of [w, biases]) releaseBuffer(gpu, buffer);
    }
    gpu.unwatch();
  });
}
test.run();
