// Every quantised block format: what the shaders make of recorded random blocks, against the recorded values. The quick run takes
// two of each kind, in a page one.
import * as assert from "uvu/assert";
import { createBuffer, openGpu, STORAGE, uploadFloats } from "../../src/gpu/device.ts";
import { dispatch, type Op, Pipelines } from "../../src/gpu/dispatch.ts";
import { createReadback, mapped } from "../../src/gpu/readback.ts";
import { type Dtype, formats, isQuantised, type Quantised } from "../../src/engine/dtypes.ts";
import { chosen } from "../support/depth.ts";
import { gpuSuite, testDevice } from "../support/device.ts";
import { checkedCase, inBrowser, listGolden, readBytes, readFloats, readJson } from "../support/files.ts";

interface Blocks {
  type: Quantised;
  blocks: number;
  rawOffset: number;
  rawBytes: number;
  valueOffset: number;
  values: number;
}

/** How many float32 numbers lie between two, zeros of either sign being one. */
function ulps(a: Float32Array, b: Float32Array): number {
  const order = (floats: Float32Array) =>
    Array.from(new Int32Array(floats.slice().buffer), (bits) => bits < 0 ? -(bits & 0x7fffffff) : bits);
  const [one, two] = [order(a), order(b)];
  return one.reduce((most, bits, i) => Math.max(most, Math.abs(bits - two[i])), Number.isNaN(a[0]) ? Infinity : 0);
}

/** The matrix [rows, columns] that `raw` holds, by three routes: embedding rows, and W·I for one column at a time or all. */
async function decode(type: Quantised, raw: Uint8Array, rows: number): Promise<Float32Array[]> {
  const gpu = await openGpu((await testDevice())!);
  const pipelines = new Pipelines(gpu);
  const { elements, bytes, code } = formats[type];
  const columns = raw.length / bytes * elements / rows;
  const rowBytes = raw.length / rows, pitch = Math.ceil(rowBytes / 4) * 4;
  const padded = new Uint8Array(rows * pitch);
  for (let row = 0; row < rows; row++) padded.set(raw.subarray(row * rowBytes, (row + 1) * rowBytes), row * pitch);
  const w = createBuffer(gpu, "w", padded.length, STORAGE);
  gpu.device.queue.writeBuffer(w, 0, padded);
  const identity = new Float32Array(columns * columns);
  for (let i = 0; i < columns; i++) identity[i * columns + i] = 1;
  const x = uploadFloats(gpu, "x", identity);
  const nothing = createBuffer(gpu, "nothing", 4, STORAGE);
  const feed = createBuffer(gpu, "feed", (8 + rows) * 4, STORAGE);
  gpu.device.queue.writeBuffer(feed, 0, Uint32Array.from([columns, ...Array(7).fill(0), ...Array(rows).keys()]));
  const y = createBuffer(gpu, "y", columns * rows * 4, STORAGE);
  const readback = createReadback(gpu, columns * rows * 4);
  const run = async (
    name: "blockEmbed" | "blockVec" | "blockMat",
    outPitch: number,
    grid: [number, number, number],
  ) => {
    const constants = { DTYPE: code, BLOCKS: columns / 8, ROWS: rows, FIRST: 0, PITCH: outPitch, ADD: 0, BIAS: 0 };
    const op: Op = pipelines.op(name, constants, [w, x, nothing, y, feed]);
    const encoder = gpu.device.createCommandEncoder();
    encoder.clearBuffer(y);
    const pass = encoder.beginComputePass();
    dispatch(pass, op, ...grid);
    pass.end();
    encoder.copyBufferToBuffer(y, 0, readback, 0, columns * rows * 4);
    gpu.device.queue.submit([encoder.finish()]);
    const out = new Float32Array((await mapped("read", gpu, readback, { offset: 0, bytes: columns * rows * 4 })).slice(0));
    readback.unmap();
    return out;
  };
  const turned = (columnsFirst: Float32Array) =>
    Float32Array.from({ length: rows * columns }, (_, i) => columnsFirst[i % columns * rows + Math.floor(i / columns)]);
  const found = [
    await run("blockEmbed", columns, [Math.ceil(columns / 64), rows, 1]),
    turned(await run("blockVec", rows, [Math.ceil(rows / 32), 1, columns])),
    turned(await run("blockMat", rows, [Math.ceil(rows / 128), 1, Math.ceil(columns / 8)])),
  ];
  for (const buffer of [w, x, nothing, feed, y, readback]) buffer.destroy();
  gpu.unwatch();
  return found;
}

const test = await gpuSuite("golden gguf blocks");
const golden = (await listGolden("gguf")).find(({ name }) => name === "blocks")!;
const [list, raw, values] = await Promise.all([
  readJson<Blocks[]>(golden.json),
  readBytes(golden.json.replace(/\.json$/, ".bin")),
  readFloats(golden.floats),
]);
test("every quantised format is recorded", () => {
  const quantised = (Object.keys(formats) as Dtype[]).filter(isQuantised);
  assert.equal(list.map(({ type }) => type).sort(), quantised.sort());
});
/** Four and eight bits with a scale, blocks in blocks, and levels of a table. */
const kindOf = ({ type }: Blocks) => /_K$/.test(type) ? "K" : type.slice(0, 1);
for (const { type, blocks, rawOffset, rawBytes, valueOffset, values: count } of chosen(list, kindOf, inBrowser ? 1 : 2)) {
  test(type, async () => {
    let most = 0;
    // Rows of one block, and of three: odd, so that rows are padded and blocks begin within a word.
    for (const wide of [1, 3]) {
      const rows = Math.floor(blocks / wide), used = rows * wide;
      const bytes = raw.slice(rawOffset, rawOffset + rawBytes / blocks * used);
      const expected = values.subarray(valueOffset, valueOffset + count / blocks * used);
      for (const found of await decode(type, bytes, rows)) {
        assert.is(found.length, expected.length);
        most = Math.max(most, ulps(found, expected));
      }
    }
    assert.ok(most <= 1, `${type} differs by ${most} units in the last place`);
    checkedCase(`gguf blocks ${type}: ${blocks} blocks by three routes, within ${most} ulp`);
  });
}
test.run();
