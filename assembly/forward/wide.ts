// Products of any codes and 16 bits.

import { FORM_HALVES, FORM_MINIMA, FORM_PAIRS, KIND_BYTES, KIND_NIBBLES, UNIT } from "./abi";
import { keptNibble, keptRaise, keptSign } from "./kept";
import { setSums, setTwo, sum0, sum1 } from "./plain";
import { finish, MARKS } from "./quantised";
import { codesAt, fourAt, scalesBytes, unitBytes, valuesAt } from "./rows";

/** Bytes of two rows, four columns of each, times x: two partial sums of each row. */
@inline
function bytesTimes(w: usize, codes: usize, x: usize, offset: usize): v128 {
  return i32x4.dot_i16x8_s(v128.load_ext<i8>(w + codes), v128.load64_splat(x + offset));
}

/** Bytes of two rows times 16 columns of x, `codes` bytes from w on. */
@inline
function bytesOf(w: usize, codes: usize, x: usize, offset: usize): v128 {
  const a = i32x4.add(bytesTimes(w, codes, x, offset), bytesTimes(w, codes + 16, x, offset + 8));
  const b = i32x4.add(bytesTimes(w, codes + 32, x, offset + 16), bytesTimes(w, codes + 48, x, offset + 24));
  return i32x4.add(a, b);
}

/** Values of four columns of rows 0 and 1, or of 2 and 3, times x. */
@inline
function valuesTimes(values: v128, last: bool, x: usize, offset: usize): v128 {
  const two = last ? i16x8.extend_high_i8x16_s(values) : i16x8.extend_low_i8x16_s(values);
  return i32x4.dot_i16x8_s(two, v128.load64_splat(x + offset));
}

/** Partial sums of four rows, added up. */
@inline
function rowsOf(first: v128, last: v128): v128 {
  return i32x4.add(v128.shuffle<i32>(first, last, 0, 2, 4, 6), v128.shuffle<i32>(first, last, 1, 3, 5, 7));
}

/** Half a unit of four rows times one token. @param high whether it is the second half */
@inline
function halfOf(kind: i32, w: usize, codes: usize, high: bool, table: v128, mask: v128, x: usize): v128 {
  const offset: usize = high ? 32 : 0;
  if (kind == KIND_BYTES) {
    const at = high ? codes + 64 : codes;
    return rowsOf(bytesOf(w, at, x, offset), bytesOf(w, at + 8, x, offset));
  }
  const a = valuesAt(w + codes, high, table, mask);
  const b = valuesAt(w + codes + 16, high, table, mask);
  const c = valuesAt(w + codes + 32, high, table, mask);
  const d = valuesAt(w + codes + 48, high, table, mask);
  const first = i32x4.add(
    i32x4.add(valuesTimes(a, false, x, offset), valuesTimes(b, false, x, offset + 8)),
    i32x4.add(valuesTimes(c, false, x, offset + 16), valuesTimes(d, false, x, offset + 24)),
  );
  const last = i32x4.add(
    i32x4.add(valuesTimes(a, true, x, offset), valuesTimes(b, true, x, offset + 8)),
    i32x4.add(valuesTimes(c, true, x, offset + 16), valuesTimes(d, true, x, offset + 24)),
  );
  return rowsOf(first, last);
}

/** Any signed codes, times 16 bits. @param x i16 */
@inline
function wideOne(kind: i32, form: u32, table: v128, w: usize, x: usize, marks: usize, columns: u32): v128 {
  const mask = keptNibble();
  const sign = keptSign();
  const raise = keptRaise();
  const codes = codesAt(form);
  const minima = scalesBytes(form);
  let sum = f32x4.splat(0);
  for (let k: u32 = 0; k < columns; k += <u32> UNIT, w += unitBytes(kind, form), x += 64, marks += MARKS) {
    let low = halfOf(kind, w, codes, false, table, mask, x);
    const high = halfOf(kind, w, codes, true, table, mask, x);
    if (!(form & FORM_PAIRS)) low = i32x4.add(low, high);
    const scale = fourAt(w, form, 0, sign, raise);
    const scale2 = form & FORM_PAIRS ? fourAt(w, form, 16, sign, raise) : scale;
    const least = form & FORM_MINIMA ? fourAt(w, form, minima, sign, raise) : scale;
    const least2 = form & FORM_PAIRS && form & FORM_MINIMA ? fourAt(w, form, minima + 16, sign, raise) : least;
    sum = finish(sum, form, 0, low, high, marks, scale, scale2, least, least2);
  }
  return sum;
}

/** Codes of rows 0 and 1, or of 2 and 3, four columns of each: `at` bytes into the codes of half a unit. */
@inline
function codesOf(kind: i32, w: usize, at: usize, high: bool, last: bool, table: v128, mask: v128): v128 {
  if (kind == KIND_BYTES) return v128.load_ext<i8>(w + (high ? 64 : 0) + at + (last ? 8 : 0));
  const values = valuesAt(w + at, high, table, mask);
  return last ? i16x8.extend_high_i8x16_s(values) : i16x8.extend_low_i8x16_s(values);
}

/** Sixteen columns of two rows, four by four, times x: two partial sums of each row. */
@inline
function sixteenOf(a: v128, b: v128, c: v128, d: v128, x: usize, offset: usize): v128 {
  const first = i32x4.add(i32x4.dot_i16x8_s(a, v128.load64_splat(x + offset)), i32x4.dot_i16x8_s(b, v128.load64_splat(x + offset + 8)));
  const last = i32x4.add(i32x4.dot_i16x8_s(c, v128.load64_splat(x + offset + 16)), i32x4.dot_i16x8_s(d, v128.load64_splat(x + offset + 24)));
  return i32x4.add(first, last);
}

/** The same for two tokens, to the first two sums of plain.ts: four would need more registers than there are. */
@inline
function wideTwo(
  kind: i32,
  form: u32,
  table: v128,
  w: usize,
  x: usize,
  y: usize,
  marks: usize,
  marks2: usize,
  columns: u32,
): void {
  const mask = keptNibble();
  const sign = keptSign();
  const raise = keptRaise();
  const codes = codesAt(form);
  const minima = scalesBytes(form);
  const pairs = (form & FORM_PAIRS) != 0;
  const none = i32x4.splat(0);
  let sumA = f32x4.splat(0);
  let sumB = sumA;
  for (let k: u32 = 0; k < columns; k += <u32> UNIT) {
    let lowA = none;
    let lowB = none;
    let highA = none;
    let highB = none;
    {
      const c0 = codesOf(kind, w + codes, 0, false, false, table, mask);
      const c1 = codesOf(kind, w + codes, 16, false, false, table, mask);
      const c2 = codesOf(kind, w + codes, 32, false, false, table, mask);
      const c3 = codesOf(kind, w + codes, 48, false, false, table, mask);
      const a = sixteenOf(c0, c1, c2, c3, x, 0);
      const b = sixteenOf(c0, c1, c2, c3, y, 0);
      const d0 = codesOf(kind, w + codes, 0, false, true, table, mask);
      const d1 = codesOf(kind, w + codes, 16, false, true, table, mask);
      const d2 = codesOf(kind, w + codes, 32, false, true, table, mask);
      const d3 = codesOf(kind, w + codes, 48, false, true, table, mask);
      lowA = rowsOf(a, sixteenOf(d0, d1, d2, d3, x, 0));
      lowB = rowsOf(b, sixteenOf(d0, d1, d2, d3, y, 0));
    }
    {
      const c0 = codesOf(kind, w + codes, 0, true, false, table, mask);
      const c1 = codesOf(kind, w + codes, 16, true, false, table, mask);
      const c2 = codesOf(kind, w + codes, 32, true, false, table, mask);
      const c3 = codesOf(kind, w + codes, 48, true, false, table, mask);
      const a = sixteenOf(c0, c1, c2, c3, x, 32);
      const b = sixteenOf(c0, c1, c2, c3, y, 32);
      const d0 = codesOf(kind, w + codes, 0, true, true, table, mask);
      const d1 = codesOf(kind, w + codes, 16, true, true, table, mask);
      const d2 = codesOf(kind, w + codes, 32, true, true, table, mask);
      const d3 = codesOf(kind, w + codes, 48, true, true, table, mask);
      highA = rowsOf(a, sixteenOf(d0, d1, d2, d3, x, 32));
      highB = rowsOf(b, sixteenOf(d0, d1, d2, d3, y, 32));
    }
    if (!pairs) {
      lowA = i32x4.add(lowA, highA);
      lowB = i32x4.add(lowB, highB);
    }
    const scale = fourAt(w, form, 0, sign, raise);
    const scale2 = pairs ? fourAt(w, form, 16, sign, raise) : scale;
    const least = form & FORM_MINIMA ? fourAt(w, form, minima, sign, raise) : scale;
    const least2 = pairs && form & FORM_MINIMA ? fourAt(w, form, minima + 16, sign, raise) : least;
    sumA = finish(sumA, form, 0, lowA, highA, marks, scale, scale2, least, least2);
    sumB = finish(sumB, form, 0, lowB, highB, marks2, scale, scale2, least, least2);
    w += unitBytes(kind, form);
    x += 64;
    y += 64;
    marks += MARKS;
    marks2 += MARKS;
  }
  setTwo(sumA, sumB);
}

// A function of its own for every form that is common: see narrow.ts.

function oneQ80(table: v128, w: usize, x: usize, marks: usize, columns: u32): v128 {
  return wideOne(KIND_BYTES, FORM_HALVES, table, w, x, marks, columns);
}

function oneQ6K(table: v128, w: usize, x: usize, marks: usize, columns: u32): v128 {
  return wideOne(KIND_BYTES, FORM_PAIRS, table, w, x, marks, columns);
}

function oneQ5K(table: v128, w: usize, x: usize, marks: usize, columns: u32): v128 {
  return wideOne(KIND_BYTES, FORM_MINIMA, table, w, x, marks, columns);
}

function oneBytes(form: u32, table: v128, w: usize, x: usize, marks: usize, columns: u32): v128 {
  return wideOne(KIND_BYTES, form, table, w, x, marks, columns);
}

function oneQ41(table: v128, w: usize, x: usize, marks: usize, columns: u32): v128 {
  return wideOne(KIND_NIBBLES, FORM_HALVES | FORM_MINIMA, table, w, x, marks, columns);
}

function oneQ40(table: v128, w: usize, x: usize, marks: usize, columns: u32): v128 {
  return wideOne(KIND_NIBBLES, FORM_HALVES, table, w, x, marks, columns);
}

function oneNibbles(form: u32, table: v128, w: usize, x: usize, marks: usize, columns: u32): v128 {
  return wideOne(KIND_NIBBLES, form, table, w, x, marks, columns);
}

function twoQ80(w: usize, x: usize, y: usize, marks: usize, marks2: usize, columns: u32): void {
  wideTwo(KIND_BYTES, FORM_HALVES, i32x4.splat(0), w, x, y, marks, marks2, columns);
}

function twoBytes(form: u32, w: usize, x: usize, y: usize, marks: usize, marks2: usize, columns: u32): void {
  wideTwo(KIND_BYTES, form, i32x4.splat(0), w, x, y, marks, marks2, columns);
}

function twoNibbles(form: u32, table: v128, w: usize, x: usize, y: usize, marks: usize, marks2: usize, columns: u32): void {
  wideTwo(KIND_NIBBLES, form, table, w, x, y, marks, marks2, columns);
}

/** Of two tokens, to the first two sums of plain.ts. @param y the other's */
export function wideTwoOf(kind: i32, form: u32, table: v128, w: usize, x: usize, y: usize, marks: usize, marks2: usize, columns: u32): void {
  if (kind == KIND_NIBBLES) twoNibbles(form, table, w, x, y, marks, marks2, columns);
  else if (form == FORM_HALVES) twoQ80(w, x, y, marks, marks2, columns);
  else twoBytes(form, w, x, y, marks, marks2, columns);
}

/** Σ w·x of four rows and one token. @param x i16 */
export function wideOneOf(kind: i32, form: u32, table: v128, w: usize, x: usize, marks: usize, columns: u32): v128 {
  if (kind == KIND_BYTES) {
    if (form == FORM_HALVES) return oneQ80(table, w, x, marks, columns); // and Q5_0
    if (form == FORM_PAIRS) return oneQ6K(table, w, x, marks, columns);
    if (form == FORM_MINIMA) return oneQ5K(table, w, x, marks, columns);
    return oneBytes(form, table, w, x, marks, columns);
  }
  if (!ASC_FEATURE_RELAXED_SIMD && form == (FORM_HALVES | FORM_MINIMA)) return oneQ41(table, w, x, marks, columns);
  if (form == FORM_HALVES) return oneQ40(table, w, x, marks, columns); // and IQ4_NL
  return oneNibbles(form, table, w, x, marks, columns);
}

/** Of four tokens, to the sums of plain.ts: `pitch` bytes apart, marks `apart`. @param x i16 */
export function wideFourOf(
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
  wideTwoOf(kind, form, table, w, x, x + pitch, marks, marks + apart, columns);
  const a = sum0;
  const b = sum1;
  wideTwoOf(kind, form, table, w, x + 2 * pitch, x + 3 * pitch, marks + 2 * apart, marks + 3 * apart, columns);
  setSums(a, b, sum0, sum1);
}
