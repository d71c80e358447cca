// Activations as integers, in units of 32 with a scale each. Sums of integers are exact: any number of tokens at once, and either
// build, gives the same to the last bit.
//
// A unit is rounded to 16 bits, as 256 · high + low, two signed bytes. Where nibbles meet it, and it is no larger than most of its
// row, to its high byte alone, as in llama.cpp: low is 0, and what rounding costs is small beside the row. narrow.ts meets the bytes
// (and leaves out those that are 0), wide.ts the 16 bits.

import { FORM_MINIMA, FORM_PAIRS, UNIT } from "./abi";
import { keptAbsolute, keptMagic } from "./kept";
import { largest, total } from "./vector";

// What there is of a unit besides its integers.
export const MARKS: usize = 32; // bytes
export const SCALE: usize = 0; // f32
export const LOW: usize = 4; // i32: Σ of the first 16
export const HIGH: usize = 8; // of the others
export const FINE: usize = 12; // u32: whether any low byte is not 0
export const SCALED: usize = 16; // f32: scale · Σ of all
export const SCALED_LOW: usize = 20;
export const SCALED_HIGH: usize = 24;

/** A unit whose largest number is below this many times the root mean square of its row is rounded to bytes. */
export const ROUGH: f32 = 5;

const MOST: f32 = 32512; // 127 · 256

@inline
function sumOf(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}

/** The nearest integers of x · inverse: anything where that is no number. */
@inline
function rounded(x: v128, inverse: v128): v128 {
  const magic = keptMagic();
  return i32x4.sub(f32x4.add(f32x4.mul(x, inverse), magic), magic);
}

let sum16: i32 = 0; // of the integers that `sixteen` wrote last

/** Writes 16 numbers as integers, moved left by `bits`. @param codes high bytes [16], 32 further low ones */
@inline
function sixteen(x: usize, inverse: v128, bits: i32, codes: usize, wide: usize): void {
  const a = i32x4.shl(rounded(v128.load(x), inverse), bits);
  const b = i32x4.shl(rounded(v128.load(x, 16), inverse), bits);
  const c = i32x4.shl(rounded(v128.load(x, 32), inverse), bits);
  const d = i32x4.shl(rounded(v128.load(x, 48), inverse), bits);
  sum16 = sumOf(i32x4.add(i32x4.add(a, b), i32x4.add(c, d)));
  const first = i16x8.narrow_i32x4_s(a, b);
  const other = i16x8.narrow_i32x4_s(c, d);
  v128.store(wide, first);
  v128.store(wide, other, 16);
  if (!ASC_FEATURE_RELAXED_SIMD) return;
  const low = i16x8.shr_s(i16x8.shl(first, 8), 8);
  const low2 = i16x8.shr_s(i16x8.shl(other, 8), 8);
  v128.store(codes, i8x16.narrow_i16x8_s(low, low2), 32);
  const high = i16x8.shr_s(i16x8.sub(first, low), 8);
  v128.store(codes, i8x16.narrow_i16x8_s(high, i16x8.shr_s(i16x8.sub(other, low2), 8)));
}

/** The largest absolute value of a unit. */
@inline
function topOf(x: usize): f32 {
  const size = keptAbsolute();
  const a = f32x4.max(v128.and(v128.load(x), size), v128.and(v128.load(x, 16), size));
  const b = f32x4.max(v128.and(v128.load(x, 32), size), v128.and(v128.load(x, 48), size));
  const c = f32x4.max(v128.and(v128.load(x, 64), size), v128.and(v128.load(x, 80), size));
  const d = f32x4.max(v128.and(v128.load(x, 96), size), v128.and(v128.load(x, 112), size));
  return largest(f32x4.max(f32x4.max(a, b), f32x4.max(c, d)));
}

/** The number below which units are rounded to bytes. */
function roughOf(x: usize, n: u32): f32 {
  let squares = f32x4.splat(0);
  for (let i: u32 = 0; i < n; i += 4) {
    const v = v128.load(x + (<usize> i << 2));
    squares = f32x4.add(squares, f32x4.mul(v, v));
  }
  return ROUGH * sqrt<f32>(total(squares) / <f32> n);
}

/**
 * Quantises `n` numbers, a multiple of 32. @param nibbles whether nibbles meet them
 * @param codes [n / 32] of 32 high and 32 low bytes @param marks [n / 32] of MARKS bytes @param wide i16 [n]
 */
export function quantiseRow(nibbles: bool, x: usize, n: u32, codes: usize, marks: usize, wide: usize): void {
  const rough = nibbles ? roughOf(x, n) : -1;
  for (let i: u32 = 0; i < n; i += <u32> UNIT, x += 128, codes += 64, marks += MARKS, wide += 64) {
    const top = topOf(x);
    const fine = !(top < rough); // NaN, too
    const bits = fine ? 0 : 8;
    const inverse = f32x4.splat(top > 0 ? (fine ? MOST : <f32> 127) / top : 0);
    const scale = top / MOST;
    sixteen(x, inverse, bits, codes, wide);
    const low = sum16;
    sixteen(x + 64, inverse, bits, codes + 16, wide + 32);
    store<f32>(marks, scale, SCALE);
    store<i32>(marks, low, LOW);
    store<i32>(marks, sum16, HIGH);
    store<u32>(marks, fine ? 1 : 0, FINE);
    store<f32>(marks, scale * <f32> (low + sum16), SCALED);
    store<f32>(marks, scale * <f32> low, SCALED_LOW);
    store<f32>(marks, scale * <f32> sum16, SCALED_HIGH);
  }
}

/**
 * Adds a unit to four rows' sums.
 * @param less what every code is below the one that was multiplied
 * @param low, high Σ code · x over the unit's halves, i32; without pairs `low` is of all
 * @param scale, least of all or of the first half, and of the other: as fourAt gives them
 */
@inline
export function finish(
  sum: v128,
  form: u32,
  less: i32,
  low: v128,
  high: v128,
  marks: usize,
  scale: v128,
  scale2: v128,
  least: v128,
  least2: v128,
): v128 {
  const own = v128.load32_splat(marks, SCALE);
  const pairs = (form & FORM_PAIRS) != 0;
  if (less > 0) {
    if (pairs) {
      low = i32x4.sub(low, i32x4.splat(less * load<i32>(marks, LOW)));
      high = i32x4.sub(high, i32x4.splat(less * load<i32>(marks, HIGH)));
    } else low = i32x4.sub(low, i32x4.splat(less * (load<i32>(marks, LOW) + load<i32>(marks, HIGH))));
  }
  sum = f32x4.add(sum, f32x4.mul(scale, f32x4.mul(f32x4.convert_i32x4_s(low), own)));
  if (pairs) sum = f32x4.add(sum, f32x4.mul(scale2, f32x4.mul(f32x4.convert_i32x4_s(high), own)));
  if (!(form & FORM_MINIMA)) return sum;
  if (!pairs) return f32x4.add(sum, f32x4.mul(least, v128.load32_splat(marks, SCALED)));
  sum = f32x4.add(sum, f32x4.mul(least, v128.load32_splat(marks, SCALED_LOW)));
  return f32x4.add(sum, f32x4.mul(least2, v128.load32_splat(marks, SCALED_HIGH)));
}
