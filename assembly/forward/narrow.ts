// Products of nibbles and bytes, as in llama.cpp, with relaxed SIMD: exact, because nibbles fit seven bits.

import {
  FORM_HALVES,
  FORM_MINIMA,
  FORM_PAIRS,
  KIND_NIBBLES,
  TABLE_LESS_4,
  TABLE_LESS_8,
  TABLE_PLAIN,
  UNIT,
} from "./abi";
import { setSums } from "./plain";
import { finish, MARKS } from "./quantised";
import { codesAt, unitBytes } from "./rows";

@inline
function dot(x: usize, offset: usize, codes: v128): v128 {
  return i16x8.relaxed_dot_i8x16_i7x16_s(v128.load32_splat(x + offset), codes);
}

@inline
function pairs(sums: v128): v128 {
  return i32x4.dot_i16x8_s(sums, i16x8.splat(1));
}

/** Adds a unit of nibbles: Σ nibble · byte of its halves, i16; every code is `less` below its nibble. */
@inline
function finishNibbles(sum: v128, w: usize, form: u32, low: v128, high: v128, less: i32, marks: usize): v128 {
  if (form & FORM_PAIRS) {
    let first = pairs(low);
    let other = pairs(high);
    if (less > 0) {
      first = i32x4.sub(first, i32x4.splat(less * load<i32>(marks, 4)));
      other = i32x4.sub(other, i32x4.splat(less * load<i32>(marks, 8)));
    }
    return finish(true, sum, w, form, first, other, marks);
  }
  let all = pairs(i16x8.add(low, high));
  if (less > 0) all = i32x4.sub(all, i32x4.splat(less * (load<i32>(marks, 4) + load<i32>(marks, 8))));
  return finish(true, sum, w, form, all, all, marks);
}

/** Σ w·x of four rows and one token; every code is `less` below its nibble. */
@inline
function narrowOne(form: u32, less: i32, w: usize, x: usize, marks: usize, columns: u32): v128 {
  const mask = i8x16.splat(15);
  const codes = codesAt(form);
  let sum = f32x4.splat(0);
  for (let k: u32 = 0; k < columns; k += <u32> UNIT, w += unitBytes(KIND_NIBBLES, form), x += 32, marks += MARKS) {
    const at = w + codes;
    const a = v128.load(at);
    const b = v128.load(at, 16);
    const c = v128.load(at, 32);
    const d = v128.load(at, 48);
    let low = i16x8.add(dot(x, 0, v128.and(a, mask)), dot(x, 4, v128.and(b, mask)));
    let high = i16x8.add(dot(x, 16, i8x16.shr_u(a, 4)), dot(x, 20, i8x16.shr_u(b, 4)));
    low = i16x8.add(low, i16x8.add(dot(x, 8, v128.and(c, mask)), dot(x, 12, v128.and(d, mask))));
    high = i16x8.add(high, i16x8.add(dot(x, 24, i8x16.shr_u(c, 4)), dot(x, 28, i8x16.shr_u(d, 4))));
    sum = finishNibbles(sum, w, form, low, high, less, marks);
  }
  return sum;
}

/** The same for four tokens: bytes `pitch` apart, marks `apart`. */
@inline
function narrowFour(
  form: u32,
  less: i32,
  w: usize,
  x: usize,
  pitch: usize,
  marks: usize,
  apart: usize,
  columns: u32,
): void {
  const mask = i8x16.splat(15);
  const codes = codesAt(form);
  let sumA = f32x4.splat(0);
  let sumB = sumA;
  let sumC = sumA;
  let sumD = sumA;
  for (let k: u32 = 0; k < columns; k += <u32> UNIT, w += unitBytes(KIND_NIBBLES, form), x += 32, marks += MARKS) {
    let lowA = i16x8.splat(0);
    let lowB = lowA;
    let lowC = lowA;
    let lowD = lowA;
    let highA = lowA;
    let highB = lowA;
    let highC = lowA;
    let highD = lowA;
    for (let i: usize = 0; i < 4; i++) {
      const q = v128.load(w + codes + (i << 4));
      const low = v128.and(q, mask);
      const high = i8x16.shr_u(q, 4);
      const at = x + (i << 2);
      lowA = i16x8.add(lowA, dot(at, 0, low));
      highA = i16x8.add(highA, dot(at, 16, high));
      lowB = i16x8.add(lowB, dot(at + pitch, 0, low));
      highB = i16x8.add(highB, dot(at + pitch, 16, high));
      lowC = i16x8.add(lowC, dot(at + 2 * pitch, 0, low));
      highC = i16x8.add(highC, dot(at + 2 * pitch, 16, high));
      lowD = i16x8.add(lowD, dot(at + 3 * pitch, 0, low));
      highD = i16x8.add(highD, dot(at + 3 * pitch, 16, high));
    }
    sumA = finishNibbles(sumA, w, form, lowA, highA, less, marks);
    sumB = finishNibbles(sumB, w, form, lowB, highB, less, marks + apart);
    sumC = finishNibbles(sumC, w, form, lowC, highC, less, marks + 2 * apart);
    sumD = finishNibbles(sumD, w, form, lowD, highD, less, marks + 3 * apart);
  }
  setSums(sumA, sumB, sumC, sumD);
}

/** What a table of nibbles takes off them; −1: it does more than that. */
@inline
function lessOf(table: i32): i32 {
  return table == TABLE_PLAIN ? 0 : table == TABLE_LESS_8 ? 8 : table == TABLE_LESS_4 ? 4 : -1;
}

/** Whether relaxed SIMD multiplies codes of this kind. */
@inline
export function isNarrow(kind: i32, table: i32): bool {
  return kind == KIND_NIBBLES && lessOf(table) >= 0;
}

const MOST_OF: i32 = FORM_HALVES | FORM_MINIMA;

/** Σ w·x of four rows and one token. @param x bytes */
export function narrowOneOf(form: u32, table: i32, w: usize, x: usize, marks: usize, columns: u32): v128 {
  if (!ASC_FEATURE_RELAXED_SIMD) return i32x4.splat(0);
  if (form == MOST_OF && table == TABLE_PLAIN) return narrowOne(MOST_OF, 0, w, x, marks, columns); // Q4_1
  return narrowOne(form, lessOf(table), w, x, marks, columns);
}

/** Of four tokens, to the sums of plain.ts: bytes `pitch` apart, marks `apart`. */
export function narrowFourOf(
  form: u32,
  table: i32,
  w: usize,
  x: usize,
  pitch: usize,
  marks: usize,
  apart: usize,
  columns: u32,
): void {
  if (!ASC_FEATURE_RELAXED_SIMD) return;
  if (form == MOST_OF && table == TABLE_PLAIN) narrowFour(MOST_OF, 0, w, x, pitch, marks, apart, columns);
  else narrowFour(form, lessOf(table), w, x, pitch, marks, apart, columns);
}
