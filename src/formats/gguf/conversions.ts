/**
 * Formats of GGUF that no engine reads, and what they become while they are read: where they lose nothing by it, blocks of a format that
 * is as coarse; else f16.
 *
 * | in the file | here | what changes |
 * |---|---|---|
 * | TQ1_0, TQ2_0 | Q2_K | nothing |
 * | IQ1_S, IQ1_M, IQ3_XXS, IQ3_S | Q6_K | nothing, but that d / 8 (IQ1) or d / 2 (IQ3_XXS) is an f16: a multiple of 2⁻²⁴ |
 * | IQ2_XXS, IQ2_XS, IQ2_S | F16 | their levels 8, 25 and 43 fit no block with 16 scales: every weight is rounded |
 * | MXFP4 | BF16 | nothing: a power of two of any size times a few bits |
 * | NVFP4 | F16 | nothing |
 * | F64 | F32 | every weight is rounded |
 */
import { bytesOf, type Plain } from "../../engine/dtypes.ts";
import { narrow, narrowF16, widenF16 } from "../../engine/widen.ts";
import { type Conversion, FROM_F64 } from "../converted.ts";
import { CODED, type Coded, Parts, takeApart, WEIGHTS } from "./codes.ts";

type Bytes = Uint8Array<ArrayBuffer>;

/** Of a conversion, all but how. */
type Sizes = Omit<Conversion, "convert">;

/** A conversion of blocks one by one. */
function each({ elements, bytes, dtype }: Sizes, write: (block: Bytes, to: Bytes) => void): Conversion {
  const made = bytesOf(dtype, elements);
  const convert = (blocks: Bytes) => {
    const out = new Uint8Array(blocks.length / bytes * made);
    for (let i = 0; i * bytes < blocks.length; i++) {
      write(blocks.subarray(i * bytes, (i + 1) * bytes), out.subarray(i * made, (i + 1) * made));
    }
    return out;
  };
  return { elements, bytes, dtype, convert };
}

/** Likewise by way of float32. */
function inFloats(
  { elements, bytes, dtype }: Sizes & { dtype: Plain },
  write: (block: Bytes, to: Float32Array) => void,
): Conversion {
  const convert = (blocks: Bytes) => {
    const values = new Float32Array(blocks.length / bytes * elements);
    for (let i = 0; i * bytes < blocks.length; i++) {
      write(blocks.subarray(i * bytes, (i + 1) * bytes), values.subarray(i * elements, (i + 1) * elements));
    }
    return narrow(values, dtype);
  };
  return { elements, bytes, dtype, convert };
}

/** A block of codes as one of Q6_K: 128 low nibbles | 64 pairs of high bits | 16 scales | d. Codes there are 32 more than they mean. */
function toQ6K(coded: Coded): Conversion {
  return each({ elements: WEIGHTS, bytes: coded.bytes, dtype: "Q6_K" }, (bytes, to) => {
    const block = new Parts(bytes);
    takeApart(block, coded);
    for (let i = 0; i < WEIGHTS; i++) {
      const code = block.codes[i] + 32, half = i >> 7, quarter = i >> 5 & 3, at = i & 31;
      to[64 * half + 32 * (quarter & 1) + at] |= (code & 15) << 4 * (quarter >> 1);
      to[128 + 32 * half + at] |= code >> 4 << 2 * quarter;
    }
    to.set(new Uint8Array(block.scales.buffer), 192);
    const d = widenF16(block.d);
    const bits = Number.isFinite(d) ? narrowF16(d * coded.unit) : block.d;
    to[208] = bits & 255;
    to[209] = bits >> 8;
  });
}

/** A block of codes as f16. */
function toF16(coded: Coded): Conversion {
  return inFloats({ elements: WEIGHTS, bytes: coded.bytes, dtype: "F16" }, (bytes, to) => {
    const block = new Parts(bytes);
    takeApart(block, coded);
    const d = widenF16(block.d) * coded.unit;
    for (let i = 0; i < WEIGHTS; i++) to[i] = d * block.scales[i >> 4] * block.codes[i];
  });
}

/** Codes of two bits, one less than they mean, as Q2_K: 16 scales and minima of 4 bits, all 1 | 64 bytes of codes | d | the same as its minimum. */
function writeTernary(codes: (at: number) => number, d: Bytes, to: Bytes): void {
  to.fill(0x11, 0, 16);
  for (let i = 0; i < WEIGHTS; i++) to[16 + 32 * (i >> 7) + (i & 31)] |= codes(i) << 2 * (i >> 5 & 3);
  to.set(d, 80);
  to.set(d, 82);
}

/** 48 bytes of five digits to the base 3, and 4 of four, as fractions of 256 | d. Digits of one place lie side by side. */
function fromTq1(block: Bytes, to: Bytes): void {
  const digit = (byte: number, place: number) => (byte * POWERS[place] & 255) * 3 >> 8;
  const code = (i: number) => {
    if (i < 160) return digit(block[i & 31], i >> 5);
    return i < 240 ? digit(block[32 + (i & 15)], i - 160 >> 4) : digit(block[48 + (i & 3)], i - 240 >> 2);
  };
  writeTernary(code, block.subarray(52), to);
}
const POWERS = [1, 3, 9, 27, 81];

/** 64 bytes of four codes, as Q2_K has them | d. */
function fromTq2(block: Bytes, to: Bytes): void {
  writeTernary((i) => block[32 * (i >> 7) + (i & 31)] >> 2 * (i >> 5 & 3) & 3, block.subarray(64), to);
}

/** What codes of 4 bits mean, twice over: those of OCP's E2M1. */
const FOURS = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/** Writes the values of codes in the low halves of bytes, then of those in the high ones. */
function writeFours(bytes: Bytes, scale: number, to: Float32Array): void {
  for (let i = 0; i < bytes.length; i++) {
    to[i] = scale * FOURS[bytes[i] & 15];
    to[bytes.length + i] = scale * FOURS[bytes[i] >> 4];
  }
}

/** A power of two as its exponent | 16 bytes of codes. */
function fromMxfp4(block: Bytes, to: Float32Array): void {
  writeFours(block.subarray(1), 2 ** (block[0] - 128), to);
}

/** Four scales, E4M3 without a sign | 4 times 8 bytes of codes. */
function fromNvfp4(block: Bytes, to: Float32Array): void {
  for (let i = 0; i < 4; i++) {
    const code = block[i], part = (code & 7) / 8, exponent = code >> 3 & 15;
    const scale = code === 127 ? 0 : exponent === 0 ? part * 2 ** -6 : (1 + part) * 2 ** (exponent - 7);
    writeFours(block.subarray(4 + 8 * i, 12 + 8 * i), scale / 2, to.subarray(16 * i, 16 * i + 16));
  }
}

/** All that are turned into others, by ggml's names. */
export const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  ...Object.fromEntries(
    Object.entries<Coded>(CODED).map(([name, coded]) => [name, coded.most < 32 ? toQ6K(coded) : toF16(coded)]),
  ),
  TQ1_0: each({ elements: WEIGHTS, bytes: 54, dtype: "Q2_K" }, fromTq1),
  TQ2_0: each({ elements: WEIGHTS, bytes: 66, dtype: "Q2_K" }, fromTq2),
  MXFP4: inFloats({ elements: 32, bytes: 17, dtype: "BF16" }, fromMxfp4),
  NVFP4: inFloats({ elements: 64, bytes: 36, dtype: "F16" }, fromNvfp4),
  F64: FROM_F64,
};
