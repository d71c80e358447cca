// Activations as integers, in units of 32 with a scale each: bytes for narrow.ts, 16 bits for wide.ts, which round 256 times less.
// Sums of integers are exact: any number of tokens at once gives the same to the last bit.

import { FORM_MINIMA, FORM_PAIRS, UNIT } from "./abi";
import { fourAt, scalesBytes } from "./rows";
import { largest } from "./vector";

// What there is of a unit besides its integers. Of bytes: scale f32, Σ of the first 16 i32, of the others i32, scale · Σ of all
// f32; of 16 bits: scale, scale · Σ of the first 16, of the others, of all, f32.
export const MARKS: usize = 32; // bytes
export const WIDE: usize = 16; // where those of 16 bits begin

@inline
function total(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}

/** The nearest integers of x · inverse. */
@inline
function rounded(x: v128, inverse: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(x, inverse)));
}

let sum16: i32 = 0; // of the integers that `sixteen` wrote last

/** Writes 16 numbers as integers of 8 or 16 bits. */
@inline
function sixteen(bytes: bool, x: usize, inverse: v128, to: usize): void {
  const a = rounded(v128.load(x), inverse);
  const b = rounded(v128.load(x, 16), inverse);
  const c = rounded(v128.load(x, 32), inverse);
  const d = rounded(v128.load(x, 48), inverse);
  sum16 = total(i32x4.add(i32x4.add(a, b), i32x4.add(c, d)));
  const low = i16x8.narrow_i32x4_s(a, b);
  const high = i16x8.narrow_i32x4_s(c, d);
  if (bytes) v128.store(to, i8x16.narrow_i16x8_s(low, high));
  else {
    v128.store(to, low);
    v128.store(to, high, 16);
  }
}

/**
 * Quantises `n` numbers, a multiple of 32, to 16 bits, and to bytes where these are asked for.
 * @param codes i8 [n] @param wide i16 [n] @param marks [n / 32] of MARKS bytes
 */
export function quantiseRow(narrow: bool, x: usize, n: u32, codes: usize, marks: usize, wide: usize): void {
  for (let i: u32 = 0; i < n; i += <u32> UNIT, x += 128, codes += 32, marks += MARKS, wide += 64) {
    let most = f32x4.abs(v128.load(x));
    for (let at: usize = 16; at < 128; at += 16) most = f32x4.max(most, f32x4.abs(v128.load(x + at)));
    const top = largest(most);
    if (narrow) {
      const inverse = f32x4.splat(top > 0 ? <f32> 127 / top : 0);
      const scale = top / 127;
      sixteen(true, x, inverse, codes);
      const low = sum16;
      sixteen(true, x + 64, inverse, codes + 16);
      store<f32>(marks, scale);
      store<i32>(marks, low, 4);
      store<i32>(marks, sum16, 8);
      store<f32>(marks, scale * <f32> (low + sum16), 12);
    }
    const inverse = f32x4.splat(top > 0 ? <f32> 32767 / top : 0);
    const scale = top / 32767;
    sixteen(false, x, inverse, wide);
    const low = sum16;
    sixteen(false, x + 64, inverse, wide + 32);
    store<f32>(marks + WIDE, scale);
    store<f32>(marks + WIDE, scale * <f32> low, 4);
    store<f32>(marks + WIDE, scale * <f32> sum16, 8);
    store<f32>(marks + WIDE, scale * <f32> (low + sum16), 12);
  }
}

/**
 * Adds a unit to four rows' sums.
 * @param bytes whether x were those @param low, high Σ code · x over the unit's halves, i32; without pairs `low` is of all
 */
@inline
export function finish(bytes: bool, sum: v128, w: usize, form: u32, low: v128, high: v128, marks: usize): v128 {
  const scale = v128.load32_splat(marks);
  const least = w + scalesBytes(form);
  sum = f32x4.add(sum, f32x4.mul(fourAt(w, form, 0), f32x4.mul(f32x4.convert_i32x4_s(low), scale)));
  if (form & FORM_PAIRS) {
    sum = f32x4.add(sum, f32x4.mul(fourAt(w, form, 16), f32x4.mul(f32x4.convert_i32x4_s(high), scale)));
  }
  if (!(form & FORM_MINIMA)) return sum;
  if (!(form & FORM_PAIRS)) return f32x4.add(sum, f32x4.mul(fourAt(least, form, 0), v128.load32_splat(marks, 12)));
  let sumLow = v128.load32_splat(marks, 4);
  let sumHigh = v128.load32_splat(marks, 8);
  if (bytes) {
    sumLow = f32x4.mul(f32x4.convert_i32x4_s(sumLow), scale);
    sumHigh = f32x4.mul(f32x4.convert_i32x4_s(sumHigh), scale);
  }
  sum = f32x4.add(sum, f32x4.mul(fourAt(least, form, 0), sumLow));
  return f32x4.add(sum, f32x4.mul(fourAt(least, form, 16), sumHigh));
}
