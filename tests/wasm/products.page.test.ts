// Rows of every format in the memory of the pass: what is read of them against recorded values, their products against sums in
// f64; and that both builds give the same to the last bit, whatever share of the rows a thread does and whatever tokens come together.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import * as abi from "../../assembly/forward/abi.ts";
import { bytesOf, type Dtype, formats, isQuantised, type Quantised } from "../../src/engine/dtypes.ts";
import { narrowF16, widen } from "../../src/engine/widen.ts";
import { Heap } from "../../src/wasm/heap.ts";
import { moduleFor } from "../../src/wasm/compiled.ts";
import { type Build, buildHere, type Exports, instantiate } from "../../src/wasm/module.ts";
import { STORED } from "../../src/wasm/weights.ts";
import { listGolden, readBytes, readFloats, readJson } from "../support/files.ts";
import { randomFrom } from "../support/trio.ts";

/** A matrix in the memory of a build, and room for inputs and outputs. */
class Bench {
  readonly heap: Heap;
  readonly wasm: Exports;
  readonly matrix: number;
  readonly columns: number; // as stored

  constructor(heap: Heap, wasm: Exports, { dtype, rows, columns, raw, bias }: Matrix) {
    this.heap = heap;
    this.wasm = wasm;
    const { kind, form, table } = STORED[dtype];
    this.columns = isQuantised(dtype) ? columns : Math.ceil(columns / 4) * 4;
    const count = abi.MATRIX_HEADER + abi.PART_WORDS;
    this.matrix = heap.take("matrix", 4 * count);
    const at = heap.take("rows", Math.ceil(rows / 4) * wasm.fourBytes(kind, form, this.columns));
    const biases = bias ? heap.take("bias", 4 * rows) : 0;
    if (bias) heap.floats.set(bias, biases / 4);
    heap.words.set([count, 0, 1, biases, 0, kind, at, rows, this.columns, 0, form, table], this.matrix / 4);
    wasm.seal(this.matrix, 0);
    const staging = heap.take("staging", raw.length);
    heap.bytesOf.set(raw, staging);
    const some = Math.ceil(rows / 2); // in two slices
    for (const [first, end] of [[0, some], [some, rows]]) {
      const from = staging + bytesOf(dtype, first * columns);
      assert.is(wasm.repack(this.matrix, 0, formats[dtype].code, from, columns, first, end - first), abi.OK);
    }
    heap.give(staging);
  }

  row(index: number): Float32Array {
    const to = this.heap.take("row", 4 * this.columns);
    assert.is(this.wasm.readRow(this.matrix, index, to), abi.OK);
    return this.heap.floats.slice(to / 4, to / 4 + this.columns);
  }

  /** y [tokens, rows] of x [tokens, width]; `y` is added to where it is given. */
  product(
    x: Float32Array,
    width: number,
    rows: number,
    exact: boolean,
    shares: number,
    y?: Float32Array,
  ): Float32Array {
    const { heap, wasm } = this;
    const tokens = x.length / width;
    const words = 4 * Math.ceil(abi.CONTEXT_HEADER / 16) * 16;
    const length = words + 5 * x.length;
    const context = heap.take("context", length);
    heap.words[context / 4 + abi.COUNT] = abi.CONTEXT_HEADER;
    heap.words[context / 4 + abi.CONTEXT_LENGTH] = length;
    const inputs = [context + words, context + words + 2 * x.length, context + words + 4 * x.length];
    heap.words.set(inputs, context / 4 + abi.CONTEXT_BYTES); // wide and marks behind it
    wasm.seal(context, abi.CONTEXT_OPEN);
    heap.words[this.matrix / 4 + abi.MATRIX_EXACT] = exact ? 1 : 0;
    wasm.seal(this.matrix, 0);
    const [from, to] = [heap.take("input", 4 * x.length), heap.take("output", 4 * tokens * rows + 16)];
    heap.floats.set(x, from / 4);
    if (y) heap.floats.set(y, to / 4);
    assert.is(wasm.prepare(context, this.matrix, from, width, 0, tokens), abi.OK);
    for (let i = 0; i < shares; i++) {
      const code = wasm.multiply(context, this.matrix, from, width, to, rows, tokens, y ? 1 : 0, i, shares);
      assert.is(code, abi.OK);
    }
    const out = heap.floats.slice(to / 4, to / 4 + tokens * rows);
    return out;
  }
}

interface Matrix {
  readonly dtype: Dtype;
  readonly rows: number;
  readonly columns: number;
  readonly raw: Uint8Array<ArrayBuffer>;
  readonly values: Float32Array;
  readonly bias?: Float32Array;
}

const BUILDS: Build[] = buildHere() === "SIMD" ? ["SIMD"] : ["SIMD", "relaxed SIMD"];

async function benches(matrix: Matrix): Promise<Bench[]> {
  return await Promise.all(BUILDS.map(async (build) => {
    const heap = new Heap(Infinity, false);
    return new Bench(heap, await instantiate(await moduleFor(false, build), heap.memory), matrix);
  }));
}

/** Recorded blocks of every format, as matrices of three rows. */
async function recorded(): Promise<Matrix[]> {
  const { json, floats } = (await listGolden("gguf")).find(({ name }) => name === "blocks")!;
  const list = await readJson<
    { type: Quantised; blocks: number; rawOffset: number; rawBytes: number; valueOffset: number; values: number }[]
  >(json);
  const [raws, all] = [await readBytes(json.replace(/json$/, "bin")), await readFloats(floats)];
  return list.map(({ type, blocks, rawOffset, rawBytes, valueOffset, values: count }) => {
    const used = Math.floor(blocks / 3) * 3;
    const raw = raws.slice(rawOffset, rawOffset + rawBytes / blocks * used);
    const values = all.slice(valueOffset, valueOffset + count / blocks * used);
    return { dtype: type, rows: 3, columns: values.length / 3, raw, values };
  });
}

/** Plain numbers, some of them subnormal in f16, in rows that fill no vector. */
function plainMatrices(): Matrix[] {
  const random = randomFrom(11);
  const [rows, columns] = [39, 37];
  const numbers = Float32Array.from({ length: rows * columns }, (_, i) => (random() - 0.5) * (i % 5 ? 1 : 1e-5));
  const f32 = new Uint8Array(numbers.slice().buffer);
  const f16 = new Uint8Array(Uint16Array.from(numbers, narrowF16).buffer);
  const bf16 = new Uint8Array(Uint16Array.from(new Uint32Array(numbers.buffer), (bits) => bits >>> 16).buffer);
  const bias = Float32Array.from({ length: rows }, random);
  return ([["F32", f32], ["F16", f16], ["BF16", bf16]] as const).map(([dtype, raw]) => {
    return { dtype, rows, columns, raw, values: widen(raw, dtype), bias };
  });
}

/** Inputs whose units are alike, which nibbles meet as bytes; others with one large number each, which they meet in 16 bits. */
const INPUTS = {
  even: (random: () => number) => random() - 0.5,
  spiked: (random: () => number, k: number) => k % 32 === 9 ? 1 : (random() - 0.5) / 100,
  mixed: (random: () => number, k: number) => k % 64 === 9 ? 1 : (random() - 0.5) / 4,
};

// Of Σ|w·x|: f32 sums in another order; and activations rounded to 1/65024 and 1/254 of the largest of 32.
const EXACT = 5e-7;
const WAYS = [
  [true, "even", EXACT],
  [true, "spiked", EXACT],
  [false, "even", 4e-3],
  [false, "spiked", 1.5e-4],
  [false, "mixed", 4e-3],
] as const;

const test = suite("products in Wasm");
for (const matrix of [...plainMatrices(), ...await recorded()]) {
  const { dtype, rows, columns, values, bias } = matrix;
  test(dtype, async () => {
    const all = await benches(matrix);
    for (const bench of all) {
      for (let row = 0; row < rows; row++) {
        const read = bench.row(row);
        for (let k = 0; k < columns; k++) {
          const expected = values[row * columns + k]; // minima round once more
          assert.ok(Math.abs(read[k] - expected) <= 2 ** -23 * Math.abs(expected), `${read[k]}, not ${expected}`);
        }
      }
    }
    const width = Math.ceil(columns / 32) * 32;
    const random = randomFrom(5);
    for (const tokens of [1, 4, 6]) {
      const before = Float32Array.from({ length: tokens * rows }, random);
      for (const [exact, name, bound] of WAYS) {
        const x = new Float32Array(tokens * width);
        for (let t = 0; t < tokens; t++) {
          for (let k = 0; k < columns; k++) x[t * width + k] = INPUTS[name](random, k + 11 * t);
        }
        const outs = all.map((bench) => bench.product(x, width, rows, exact, 1, before));
        for (const [i, bench] of all.entries()) {
          assert.equal(bench.product(x, width, rows, exact, 2, before), outs[i], "in two shares");
          assert.equal(outs[i], outs[0], "both builds");
          for (let t = 0; t < tokens; t++) {
            const one = (of: Float32Array, pitch: number) => of.slice(t * pitch, (t + 1) * pitch);
            const alone = bench.product(one(x, width), width, rows, exact, 1, one(before, rows));
            assert.equal(alone, one(outs[i], rows), "a token alone");
          }
        }
        let most = 0;
        for (let t = 0; t < tokens; t++) {
          for (let row = 0; row < rows; row++) {
            let [sum, size] = [0, 0];
            for (let k = 0; k < columns; k++) {
              const product = values[row * columns + k] * x[t * width + k];
              sum += product;
              size += Math.abs(product);
            }
            const expected = before[t * rows + row] + sum + (bias?.[row] ?? 0);
            most = Math.max(most, Math.abs(outs.at(-1)![t * rows + row] - expected) / (size + Math.abs(expected)));
          }
        }
        assert.ok(
          most <= (isQuantised(dtype) ? bound : EXACT),
          `${tokens} tokens, ${exact ? "exact" : "fast"}, ${name}: ${most}`,
        );
        if (tokens === 6) {
          console.log(`    ${dtype} ${exact ? "exact" : "fast"}, ${name}: within ${most.toExponential(1)}`);
        }
      }
    }
  });
}
test.run();
