// Formats of GGUF that are turned into others while they are read: what they mean, and what they become, against gguf-py's values
// (record/codes.py), to the bit.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { crc32 } from "../../src/core/snapshot.ts";
import { bytesOf, type Dtype, formats, type Plain } from "../../src/engine/dtypes.ts";
import { widen, widenF16 } from "../../src/engine/widen.ts";
import { CODED, type Coded, Parts, takeApart } from "../../src/formats/gguf/codes.ts";
import { CONVERSIONS } from "../../src/formats/gguf/conversions.ts";
import { converted } from "../../src/formats/converted.ts";
import { openGgufModel } from "../../src/model/open.ts";
import { checkedCase, readBytes, readJson, repoPath } from "../support/files.ts";
import { folder } from "../support/memory.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** As in record/codes.py. */
function drawn(count: number): Bytes {
  let x = 1;
  return Uint8Array.from({ length: count }, () => (x = (Math.imul(1664525, x) + 1013904223) >>> 0) >>> 24);
}

const SCALE_AT: Record<string, number> = { TQ1_0: 52, TQ2_0: 64 };

/** Sets the f16 of a block to 1 + i / blocks. */
function setScale(type: string, block: Bytes, i: number, blocks: number): void {
  const bits = 0x3c00 + 1024 * i / blocks;
  if (type === "IQ1_M") {
    for (let k = 0; k < 4; k++) block[49 + 2 * k] = block[49 + 2 * k] & 15 | (bits >> 4 * k & 15) << 4;
  } else if (type === "NVFP4") block.subarray(0, 4).forEach((scale, k) => block[k] = scale & 127);
  else if (type !== "MXFP4") {
    const at = SCALE_AT[type] ?? 0;
    block.set([bits & 255, bits >> 8], at);
  }
}

function drawnBlocks(type: string, blocks: number): Bytes {
  const { bytes } = CONVERSIONS[type];
  const all = drawn(blocks * bytes);
  for (let i = 0; i < blocks; i++) setScale(type, all.subarray(i * bytes, (i + 1) * bytes), i, blocks);
  return all;
}

/** Blocks of Q6_K as numbers, by its layout: 16 · 8 low nibbles twice over, pairs of high bits, scales, d. */
function fromQ6K(block: Bytes, i: number): number {
  const half = i >> 7, at = i & 127, low = block[64 * half + (at & 63)] >> (at < 64 ? 0 : 4) & 15;
  const high = block[128 + 32 * half + (at & 31)] >> 2 * (at >> 5) & 3;
  const scale = block[192 + (i >> 4)] << 24 >> 24;
  return widenF16(block[208] | block[209] << 8) * scale * ((high << 4 | low) - 32);
}

/** Of Q2_K: scales and minima in nibbles, codes of two bits, d and that of the minima. */
function fromQ2K(block: Bytes, i: number): number {
  const code = block[16 + 32 * (i >> 7) + (i & 31)] >> 2 * (i >> 5 & 3) & 3, nibbles = block[i >> 4];
  const [d, least] = [80, 82].map((at) => widenF16(block[at] | block[at + 1] << 8));
  return d * (nibbles & 15) * code - least * (nibbles >> 4);
}

function decoded(bytes: Bytes, dtype: Dtype): Float32Array<ArrayBuffer> {
  const { elements, bytes: size } = formats[dtype];
  if (elements === 1) return widen(bytes, dtype as Plain);
  const one = dtype === "Q6_K" ? fromQ6K : fromQ2K;
  const count = bytes.length / size * elements;
  return Float32Array.from({ length: count }, (_, i) => {
    const block = Math.floor(i / elements);
    return one(bytes.subarray(block * size, (block + 1) * size), i % elements);
  });
}

/** CRC-32 of numbers, zeros as positive ones. */
const sum = (values: Float32Array<ArrayBuffer>) => crc32(new Uint8Array(values.map((value) => value + 0).buffer));

const test = suite("golden: formats of GGUF that become others");

interface Recorded {
  type: string;
  blocks: number;
  f32: number;
  f16: number;
}
const rows = await readJson<Recorded[]>(repoPath("tests/golden/gguf-codes.json"));

test("every one is recorded", () => {
  assert.equal([...rows.map(({ type }) => type), "F64"].sort(), Object.keys(CONVERSIONS).sort());
});

for (const { type, blocks, f32, f16 } of rows) {
  test(type, async () => {
    const raw = drawnBlocks(type, blocks);
    const { dtype, elements, bytes } = CONVERSIONS[type];
    const coded = (CODED as Record<string, Coded>)[type];
    if (coded) {
      const values = Float32Array.from({ length: blocks * elements });
      for (let i = 0; i < blocks; i++) {
        const block = new Parts(raw.slice(i * bytes, (i + 1) * bytes));
        takeApart(block, coded);
        const d = widenF16(block.d) * coded.unit;
        block.codes.forEach((code, k) => values[i * elements + k] = d * block.scales[k >> 4] * code);
      }
      assert.is(sum(values), f32, "taken apart");
    }
    const stored = { name: type, dtype: type, shape: [blocks, elements], bytes: raw.length };
    const read = (from = 0, to = raw.length) => Promise.resolve(raw.slice(from, to));
    const tensor = converted({ ...stored, read }, CONVERSIONS[type]);
    const whole = await tensor.read();
    assert.is(whole.length, bytesOf(dtype, blocks * elements));
    assert.is(sum(decoded(whole, dtype)), dtype === "F16" ? f16 : f32, `as ${dtype}`);
    for (let from = 0, step = 1; from < whole.length; from += step, step = 1 + step * 7 % 4099) {
      const to = Math.min(from + step, whole.length);
      assert.equal(await tensor.read(from, to), whole.slice(from, to), `${from} to ${to}`);
    }
    checkedCase(`${type}: ${blocks} blocks as ${dtype}, to the bit`);
  });
}

test("F64", () => {
  const bytes = new Uint8Array(Float64Array.from([1 / 3, -1e300, 2 ** -140]).buffer);
  const made = CONVERSIONS.F64.convert(bytes, 0);
  assert.equal(new Float32Array(made.buffer), Float32Array.from([1 / 3, -1e300, 2 ** -140]));
});

test("no number stays none", () => {
  for (const [name, { bytes }] of Object.entries<Coded>(CODED)) {
    const block = drawn(bytes);
    if (name === "IQ1_M") [49, 51, 53, 55].forEach((at) => block[at] |= 0xf0);
    else block.set([0xff, 0x7f]);
    const { dtype, convert } = CONVERSIONS[name];
    assert.ok(decoded(convert(block, 0), dtype).every(Number.isNaN), name);
  }
});

test("rows of q and k are put back in order whatever their format", async () => {
  const file = await readBytes(repoPath("tests/golden/gguf/tiny-codes-ALL.gguf"));
  const { tensors } = await openGgufModel(folder({ "model.gguf": file.slice() }), "model.gguf");
  const types = new Set([...tensors.values()].map(({ dtype }) => dtype));
  assert.equal([...types].sort(), ["BF16", "F16", "F32", "Q2_K", "Q6_K"]);
});
test.run();
