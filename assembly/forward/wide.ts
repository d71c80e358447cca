// Products of any codes and 16 bits.

import { FORM_HALVES, FORM_MINIMA, FORM_PAIRS, KIND_BYTES, KIND_NIBBLES, UNIT } from "./abi";
import { setSums } from "./plain";
import { finish, MARKS, WIDE } from "./quantised";
import { codesAt, highCodes, lowCodes, unitBytes } from "./rows";

/** Codes of four columns and four rows times x: of rows 0 and 1, two partial sums each. */
@inline
function firstTwo(codes: v128, x: v128): v128 {
  return i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(codes), x);
}

@inline
function lastTwo(codes: v128, x: v128): v128 {
  return i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(codes), x);
}

/** Partial sums of four rows, added up. */
@inline
function rowsOf(first: v128, last: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(first, last, 0, 2, 4, 6), v128.shuffle<i32>(first, last, 1, 3, 5, 7));
}

/** Any signed codes, times 16 bits. @param x i16 */
@inline
function wideOne(kind: i32, form: u32, table: v128, w: usize, x: usize, marks: usize, columns: u32): v128 {
  const codes = codesAt(form);
  let sum = f32x4.splat(0);
  for (let k: u32 = 0; k < columns; k += <u32> UNIT, w += unitBytes(kind, form), x += 64, marks += MARKS) {
    let low = i32x4.splat(0);
    let low2 = low;
    let high = low;
    let high2 = low;
    for (let i: usize = 0; i < 4; i++) {
      const at = w + codes + (i << 4);
      const first = lowCodes(kind, table, at);
      const other = highCodes(kind, table, at);
      const a = v128.load64_splat(x + (i << 3));
      const b = v128.load64_splat(x + (i << 3), 32);
      low = i32x4.add(low, firstTwo(first, a));
      low2 = i32x4.add(low2, lastTwo(first, a));
      high = i32x4.add(high, firstTwo(other, b));
      high2 = i32x4.add(high2, lastTwo(other, b));
    }
    sum = finishWide(sum, w, form, low, low2, high, high2, marks);
  }
  return sum;
}

/** A unit's end: partial sums of rows 0 and 1, and of rows 2 and 3, over its halves. */
@inline
function finishWide(sum: v128, w: usize, form: u32, low: v128, low2: v128, high: v128, high2: v128, marks: usize): v128 {
  if (form & FORM_PAIRS) return finish(false, sum, w, form, rowsOf(low, low2), rowsOf(high, high2), marks + WIDE);
  const all = rowsOf(i32x4.add(low, high), i32x4.add(low2, high2));
  return finish(false, sum, w, form, all, all, marks + WIDE);
}

/** The same for four tokens: `pitch` bytes apart, marks `apart`. */
@inline
function wideFour(
  kind: i32,
  form: u32,
  table: v128,
  w: usize,
  x: usize,
  pitch: usize,
  marks: usize,
  apart: usize,
  columns: u32,
): void {
  const codes = codesAt(form);
  let sumA = f32x4.splat(0);
  let sumB = sumA;
  let sumC = sumA;
  let sumD = sumA;
  const none = i32x4.splat(0);
  for (let k: u32 = 0; k < columns; k += <u32> UNIT, w += unitBytes(kind, form), x += 64, marks += MARKS) {
    for (let token: usize = 0; token < 4; token += 2) {
      const from = x + token * pitch;
      let lowA = none;
      let lowA2 = none;
      let highA = none;
      let highA2 = none;
      let lowB = none;
      let lowB2 = none;
      let highB = none;
      let highB2 = none;
      for (let i: usize = 0; i < 4; i++) {
        const at = w + codes + (i << 4);
        const first = lowCodes(kind, table, at);
        const other = highCodes(kind, table, at);
        const a = i16x8.extend_low_i8x16_s(first);
        const b = i16x8.extend_high_i8x16_s(first);
        const c = i16x8.extend_low_i8x16_s(other);
        const d = i16x8.extend_high_i8x16_s(other);
        const x0 = v128.load64_splat(from + (i << 3));
        const x1 = v128.load64_splat(from + (i << 3), 32);
        lowA = i32x4.add(lowA, i32x4.dot_i16x8_s(a, x0));
        lowA2 = i32x4.add(lowA2, i32x4.dot_i16x8_s(b, x0));
        highA = i32x4.add(highA, i32x4.dot_i16x8_s(c, x1));
        highA2 = i32x4.add(highA2, i32x4.dot_i16x8_s(d, x1));
        const y0 = v128.load64_splat(from + pitch + (i << 3));
        const y1 = v128.load64_splat(from + pitch + (i << 3), 32);
        lowB = i32x4.add(lowB, i32x4.dot_i16x8_s(a, y0));
        lowB2 = i32x4.add(lowB2, i32x4.dot_i16x8_s(b, y0));
        highB = i32x4.add(highB, i32x4.dot_i16x8_s(c, y1));
        highB2 = i32x4.add(highB2, i32x4.dot_i16x8_s(d, y1));
      }
      const own = marks + token * apart;
      if (token == 0) {
        sumA = finishWide(sumA, w, form, lowA, lowA2, highA, highA2, own);
        sumB = finishWide(sumB, w, form, lowB, lowB2, highB, highB2, own + apart);
      } else {
        sumC = finishWide(sumC, w, form, lowA, lowA2, highA, highA2, own);
        sumD = finishWide(sumD, w, form, lowB, lowB2, highB, highB2, own + apart);
      }
    }
  }
  setSums(sumA, sumB, sumC, sumD);
}


/** Σ w·x of four rows and one token. @param x i16 */
export function wideOneOf(kind: i32, form: u32, values: v128, w: usize, x: usize, marks: usize, columns: u32): v128 {
  if (kind == KIND_BYTES) {
    if (form == FORM_HALVES) return wideOne(KIND_BYTES, FORM_HALVES, values, w, x, marks, columns); // Q8_0, Q5_0
    return wideOne(KIND_BYTES, form, values, w, x, marks, columns);
  }
  if (form == (FORM_HALVES | FORM_MINIMA)) return wideOne(KIND_NIBBLES, FORM_HALVES | FORM_MINIMA, values, w, x, marks, columns); // Q4_1
  return wideOne(KIND_NIBBLES, form, values, w, x, marks, columns);
}

/** Of four tokens, to the sums of plain.ts: `pitch` bytes apart, marks `apart`. @param x i16 */
export function wideFourOf(
  kind: i32,
  form: u32,
  values: v128,
  w: usize,
  x: usize,
  pitch: usize,
  marks: usize,
  apart: usize,
  columns: u32,
): void {
  if (kind == KIND_BYTES) wideFour(KIND_BYTES, form, values, w, x, pitch, marks, apart, columns);
  else wideFour(KIND_NIBBLES, form, values, w, x, pitch, marks, apart, columns);
}
