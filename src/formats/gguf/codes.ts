/**
 * llama.cpp's IQ formats taken apart: 256 weights as one f16 d, 16 small scales, and small codes. Weight i is
 * d · unit · scales[i / 16] · codes[i], in whole numbers but for d and unit, a power of two. Layouts: ggml-common.h.
 */
import { type GridName, gridOf } from "./grids.ts";

/** Weights of a block. */
export const WEIGHTS = 256;

/** What a block is taken apart into. */
export class Parts {
  /** The bits of an f16. */
  d = 0;
  readonly scales = new Int8Array(WEIGHTS / 16);
  readonly codes = new Int8Array(WEIGHTS);
  /** The block, and its words. */
  readonly bytes: Uint8Array;
  readonly #view: DataView;

  constructor(block: Uint8Array<ArrayBuffer>) {
    this.bytes = block;
    this.#view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  }

  u16(at: number): number {
    return this.#view.getUint16(at, true);
  }

  u32(at: number): number {
    return this.#view.getUint32(at, true);
  }
}

/** One of the formats. */
export interface Coded {
  /** Bytes of a block. */
  readonly bytes: number;
  readonly unit: number;
  /** The largest code by size. */
  readonly most: number;
  /** Fills in all but the bytes. @param grid the points of `grid`, [points, sides] */
  readonly take: (block: Parts, grid: Int8Array) => void;
  readonly grid: readonly [name: GridName, levels: readonly number[], sides: number];
}

/** Seven signs, and an eighth that makes the number of negative ones even. */
function evenSigns(seven: number): number {
  let parity = seven ^ seven >> 4;
  parity ^= parity >> 2;
  parity ^= parity >> 1;
  return seven | (parity & 1) << 7;
}

/** Copies a point of a grid to the weights from `at`, negative where its bit of `signs` is set. */
function put({ codes }: Parts, at: number, point: Int8Array, signs: number): void {
  for (let i = 0; i < point.length; i++) codes[at + i] = signs >> i & 1 ? -point[i] : point[i];
}

/** A nibble of a list of bytes. */
const nibble = (bytes: Uint8Array, at: number, index: number) => bytes[at + (index >> 1)] >> 4 * (index & 1) & 15;

const point = (grid: Int8Array, index: number, sides: number) => grid.subarray(index * sides, (index + 1) * sides);

/** d | 8 words for 32 weights each: four places in the grid, 7 signs for each, and a scale of 4 bits. */
function takeIq2Xxs(block: Parts, grid: Int8Array): void {
  block.d = block.u16(0);
  for (let group = 0; group < 8; group++) {
    const word = block.u32(2 + 8 * group + 4);
    block.scales.fill(2 * (word >>> 28) + 1, 2 * group, 2 * group + 2);
    for (let i = 0; i < 4; i++) {
      const place = block.bytes[2 + 8 * group + i];
      put(block, 32 * group + 8 * i, point(grid, place, 8), evenSigns(word >> 7 * i & 127));
    }
  }
}

/** d | 32 places of 9 bits with 7 signs | 16 scales of 4 bits. */
function takeIq2Xs(block: Parts, grid: Int8Array): void {
  block.d = block.u16(0);
  for (let i = 0; i < 16; i++) block.scales[i] = 2 * nibble(block.bytes, 66, i) + 1;
  for (let i = 0; i < 32; i++) {
    const word = block.u16(2 + 2 * i);
    put(block, 8 * i, point(grid, word & 511, 8), evenSigns(word >> 9));
  }
}

/** d | 32 low bytes of places | 32 bytes of signs | two high bits of each place | 16 scales of 4 bits. */
function takeIq2S(block: Parts, grid: Int8Array): void {
  const { bytes } = block;
  block.d = block.u16(0);
  for (let i = 0; i < 16; i++) block.scales[i] = 2 * nibble(bytes, 74, i) + 1;
  for (let i = 0; i < 32; i++) {
    const place = bytes[2 + i] | (bytes[66 + (i >> 2)] >> 2 * (i & 3) & 3) << 8;
    put(block, 8 * i, point(grid, place, 8), bytes[34 + i]);
  }
}

/** d | 64 places, of four weights each | 8 words: 7 signs for each eight weights, and a scale of 4 bits. */
function takeIq3Xxs(block: Parts, grid: Int8Array): void {
  block.d = block.u16(0);
  for (let i = 0; i < 64; i++) {
    const word = block.u32(66 + 4 * (i >> 3));
    const signs = evenSigns(word >> 7 * (i >> 1 & 3) & 127);
    block.scales[i >> 2] = 2 * (word >>> 28) + 1;
    put(block, 4 * i, point(grid, block.bytes[2 + i], 4), signs >> 4 * (i & 1));
  }
}

/** d | 64 low bytes of places | their high bits | 32 bytes of signs | 8 scales of 4 bits. */
function takeIq3S(block: Parts, grid: Int8Array): void {
  const { bytes } = block;
  block.d = block.u16(0);
  for (let i = 0; i < 64; i++) {
    const place = bytes[2 + i] | (bytes[66 + (i >> 3)] >> (i & 7) & 1) << 8;
    block.scales[i >> 2] = 2 * nibble(bytes, 106, i >> 3) + 1;
    put(block, 4 * i, point(grid, place, 4), bytes[74 + (i >> 1)] >> 4 * (i & 1));
  }
}

/** Eight codes of ±1 or 0 and an eighth more or less, in eighths. */
function putEighths({ codes }: Parts, at: number, point: Int8Array, less: boolean): void {
  for (let i = 0; i < 8; i++) codes[at + i] = 8 * point[i] + (less ? -1 : 1);
}

/** d | 32 low bytes of places | 8 words: three high bits of each of four places, a scale of 3 bits, and which eighth. */
function takeIq1S(block: Parts, grid: Int8Array): void {
  block.d = block.u16(0);
  for (let i = 0; i < 32; i++) {
    const word = block.u16(34 + 2 * (i >> 2));
    const place = block.bytes[2 + i] | (word >> 3 * (i & 3) & 7) << 8;
    block.scales[i >> 1] = 2 * (word >> 12 & 7) + 1;
    putEighths(block, 8 * i, point(grid, place, 8), word >> 15 === 1);
  }
}

/** 32 low bytes of places | a nibble for each: three high bits, and which eighth | 4 words: four scales of 3 bits, and a nibble of d. */
function takeIq1M(block: Parts, grid: Int8Array): void {
  block.d = 0;
  for (let i = 0; i < 16; i++) {
    const word = block.u16(48 + 2 * (i >> 2));
    block.scales[i] = 2 * (word >> 3 * (i & 3) & 7) + 1;
    if (i % 4 === 0) block.d |= word >> 12 << i;
  }
  for (let i = 0; i < 32; i++) {
    const more = nibble(block.bytes, 32, i);
    putEighths(block, 8 * i, point(grid, block.bytes[i] | (more & 7) << 8, 8), more >> 3 === 1);
  }
}

const [ONES, TWOS] = [[-1, 0, 1], [8, 25, 43]];
const THREES = [4, 12, 20, 28, 36, 44, 52, 62].map((level) => level / 2);

/** All of them. */
export const CODED = {
  IQ1_S: { bytes: 50, unit: 1 / 8, most: 9, take: takeIq1S, grid: ["IQ1", ONES, 8] },
  IQ1_M: { bytes: 56, unit: 1 / 8, most: 9, take: takeIq1M, grid: ["IQ1", ONES, 8] },
  IQ2_XXS: { bytes: 66, unit: 1 / 8, most: 43, take: takeIq2Xxs, grid: ["IQ2_XXS", TWOS, 8] },
  IQ2_XS: { bytes: 74, unit: 1 / 8, most: 43, take: takeIq2Xs, grid: ["IQ2_XS", TWOS, 8] },
  IQ2_S: { bytes: 82, unit: 1 / 8, most: 43, take: takeIq2S, grid: ["IQ2_S", TWOS, 8] },
  IQ3_XXS: { bytes: 98, unit: 1 / 2, most: 31, take: takeIq3Xxs, grid: ["IQ3_XXS", THREES, 4] },
  IQ3_S: { bytes: 110, unit: 1, most: 15, take: takeIq3S, grid: ["IQ3_S", [1, 3, 5, 7, 9, 11, 13, 15], 4] },
} as const satisfies Record<string, Coded>;

/** The points of a format's grid, made when they are first asked for. */
const grids = new Map<GridName, Int8Array>();

/** Takes a block apart. */
export function takeApart(block: Parts, { take, grid: [name, levels, sides] }: Coded): void {
  if (!grids.has(name)) grids.set(name, gridOf(name, levels, sides));
  take(block, grids.get(name)!);
}
