// Products of any codes and f32: codes become f32. A unit's scales come in once, behind the
// sum of its 16 or 32 products; minima meet the sums of the activations alone, which `neighbours` has.

import { FORM_HALVES, FORM_MINIMA, FORM_PAIRS, KIND_BYTES, KIND_NIBBLES, UNIT } from "./abi";
import { keptRaise, keptSign } from "./kept";
import { setSums } from "./plain";
import { codesAt, fourAt, highCodes, lowCodes, scalesBytes, unitBytes } from "./rows";
import { total } from "./vector";

/** The sums of every 16 neighbours of x, which minima are multiplied by. @param n a multiple of 32 */
export function neighbours(x: usize, sums: usize, n: u32): void {
  for (let i: u32 = 0; i < n; i += 16, x += 64, sums += 4) {
    const some = f32x4.add(v128.load(x), v128.load(x, 16));
    store<f32>(sums, total(f32x4.add(some, f32x4.add(v128.load(x, 32), v128.load(x, 48)))));
  }
}

/** Byte `j` of every lane, signed, as f32. */
@inline
function byteOf(four: v128, j: i32): v128 {
  return f32x4.convert_i32x4_s(i32x4.shr_s(i32x4.shl(four, 24 - (j << 3)), 24));
}

/** Four columns of codes times x, added. */
@inline
function addFour(sum: v128, codes: v128, x: usize): v128 {
  sum = f32x4.add(sum, f32x4.mul(byteOf(codes, 0), v128.load32_splat(x)));
  sum = f32x4.add(sum, f32x4.mul(byteOf(codes, 1), v128.load32_splat(x, 4)));
  sum = f32x4.add(sum, f32x4.mul(byteOf(codes, 2), v128.load32_splat(x, 8)));
  return f32x4.add(sum, f32x4.mul(byteOf(codes, 3), v128.load32_splat(x, 12)));
}

/** Adds a unit's halves, scaled, and its minima. @param sums of x: f32 of the first 16, of the other 16 */
@inline
function finish(sum: v128, w: usize, form: u32, low: v128, high: v128, sums: usize, sign: v128, raise: v128): v128 {
  const minima = scalesBytes(form);
  if (form & FORM_PAIRS) {
    sum = f32x4.add(sum, f32x4.mul(fourAt(w, form, 0, sign, raise), low));
    sum = f32x4.add(sum, f32x4.mul(fourAt(w, form, 16, sign, raise), high));
    if (form & FORM_MINIMA) {
      sum = f32x4.add(sum, f32x4.mul(fourAt(w, form, minima, sign, raise), v128.load32_splat(sums)));
      sum = f32x4.add(sum, f32x4.mul(fourAt(w, form, minima + 16, sign, raise), v128.load32_splat(sums, 4)));
    }
    return sum;
  }
  sum = f32x4.add(sum, f32x4.mul(fourAt(w, form, 0, sign, raise), f32x4.add(low, high)));
  if (form & FORM_MINIMA) {
    const both = f32x4.add(v128.load32_splat(sums), v128.load32_splat(sums, 4));
    sum = f32x4.add(sum, f32x4.mul(fourAt(w, form, minima, sign, raise), both));
  }
  return sum;
}

/** Σ w·x of four rows and one token. @param sums [columns / 16] of x */
@inline
function one(kind: i32, form: u32, table: v128, w: usize, x: usize, sums: usize, columns: u32): v128 {
  const sign = keptSign();
  const raise = keptRaise();
  const codes = codesAt(form);
  const bytes = unitBytes(kind, form);
  let sum = f32x4.splat(0);
  for (let k: u32 = 0; k < columns; k += <u32> UNIT, w += bytes, x += 128, sums += 8) {
    let low = f32x4.splat(0);
    let high = low;
    const at = w + codes;
    for (let i: usize = 0; i < 64; i += 16) {
      const first = lowCodes(kind, table, at + i);
      const other = highCodes(kind, table, at + i);
      low = addFour(low, first, x + i);
      high = addFour(high, other, x + i + 64);
    }
    sum = finish(sum, w, form, low, high, sums, sign, raise);
  }
  return sum;
}

/** Σ w·x of four rows and four tokens, `pitch` bytes apart (their sums `apart`), to the sums. */
@inline
function four(
  kind: i32,
  form: u32,
  table: v128,
  w: usize,
  x: usize,
  pitch: usize,
  sums: usize,
  apart: usize,
  columns: u32,
): void {
  const sign = keptSign();
  const raise = keptRaise();
  const codes = codesAt(form);
  const bytes = unitBytes(kind, form);
  let sumA = f32x4.splat(0);
  let sumB = sumA;
  let sumC = sumA;
  let sumD = sumA;
  for (let k: u32 = 0; k < columns; k += <u32> UNIT, w += bytes, x += 128, sums += 8) {
    const at = w + codes;
    let lowA = f32x4.splat(0);
    let lowB = lowA;
    let lowC = lowA;
    let lowD = lowA;
    let highA = lowA;
    let highB = lowA;
    let highC = lowA;
    let highD = lowA;
    for (let i: usize = 0; i < 64; i += 16) {
      const first = lowCodes(kind, table, at + i);
      const other = highCodes(kind, table, at + i);
      for (let j = 0; j < 4; j++) {
        const a = byteOf(first, j);
        const b = byteOf(other, j);
        const to = x + i + <usize> (j << 2);
        lowA = f32x4.add(lowA, f32x4.mul(a, v128.load32_splat(to)));
        highA = f32x4.add(highA, f32x4.mul(b, v128.load32_splat(to, 64)));
        lowB = f32x4.add(lowB, f32x4.mul(a, v128.load32_splat(to + pitch)));
        highB = f32x4.add(highB, f32x4.mul(b, v128.load32_splat(to + pitch, 64)));
        lowC = f32x4.add(lowC, f32x4.mul(a, v128.load32_splat(to + 2 * pitch)));
        highC = f32x4.add(highC, f32x4.mul(b, v128.load32_splat(to + 2 * pitch, 64)));
        lowD = f32x4.add(lowD, f32x4.mul(a, v128.load32_splat(to + 3 * pitch)));
        highD = f32x4.add(highD, f32x4.mul(b, v128.load32_splat(to + 3 * pitch, 64)));
      }
    }
    sumA = finish(sumA, w, form, lowA, highA, sums, sign, raise);
    sumB = finish(sumB, w, form, lowB, highB, sums + apart, sign, raise);
    sumC = finish(sumC, w, form, lowC, highC, sums + 2 * apart, sign, raise);
    sumD = finish(sumD, w, form, lowD, highD, sums + 3 * apart, sign, raise);
  }
  setSums(sumA, sumB, sumC, sumD);
}

// A function of its own for each kind, and for the form of Q4_1: see narrow.ts.

function oneBytes(form: u32, table: v128, w: usize, x: usize, sums: usize, columns: u32): v128 {
  return one(KIND_BYTES, form, table, w, x, sums, columns);
}

function oneNibbles(form: u32, table: v128, w: usize, x: usize, sums: usize, columns: u32): v128 {
  return one(KIND_NIBBLES, form, table, w, x, sums, columns);
}

function oneQ41(table: v128, w: usize, x: usize, sums: usize, columns: u32): v128 {
  return one(KIND_NIBBLES, FORM_HALVES | FORM_MINIMA, table, w, x, sums, columns);
}

function fourBytes(
  form: u32,
  table: v128,
  w: usize,
  x: usize,
  pitch: usize,
  sums: usize,
  apart: usize,
  columns: u32,
): void {
  four(KIND_BYTES, form, table, w, x, pitch, sums, apart, columns);
}

function fourNibbles(
  form: u32,
  table: v128,
  w: usize,
  x: usize,
  pitch: usize,
  sums: usize,
  apart: usize,
  columns: u32,
): void {
  four(KIND_NIBBLES, form, table, w, x, pitch, sums, apart, columns);
}

/** Σ w·x of four rows and one token. @param sums [columns / 16] of x */
export function exactOne(kind: i32, form: u32, table: v128, w: usize, x: usize, sums: usize, columns: u32): v128 {
  if (kind == KIND_BYTES) return oneBytes(form, table, w, x, sums, columns);
  if (form == (FORM_HALVES | FORM_MINIMA)) return oneQ41(table, w, x, sums, columns);
  return oneNibbles(form, table, w, x, sums, columns);
}

/** Of four tokens, `pitch` bytes apart (their sums `apart`), to the sums of plain.ts. */
export function exactFour(
  kind: i32,
  form: u32,
  table: v128,
  w: usize,
  x: usize,
  pitch: usize,
  sums: usize,
  apart: usize,
  columns: u32,
): void {
  if (kind == KIND_BYTES) fourBytes(form, table, w, x, pitch, sums, apart, columns);
  else fourNibbles(form, table, w, x, pitch, sums, apart, columns);
}
