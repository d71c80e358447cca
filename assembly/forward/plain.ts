// Products with rows of plain numbers, four rows side by side (rows.ts). Multiplications and additions are apart, so that every
// machine rounds alike; and every row is added up column by column, so that any number of tokens at once gives the same.

import { KIND_BF16, KIND_F16, KIND_F32 } from "./abi";
import { bf16At, raisedAt } from "./half";
import { keptRaise, keptSign } from "./kept";

/** Column `k` of four rows: `offset` columns beyond `at`. */
@inline
function column(kind: i32, at: usize, offset: usize, sign: v128, raise: v128): v128 {
  if (kind == KIND_F16) return raisedAt(at, offset << 3, sign, raise);
  if (kind == KIND_BF16) return bf16At(at, offset << 3);
  return v128.load(at + (offset << 4));
}

@inline
function add(sum: v128, w: v128, x: usize, offset: usize): v128 {
  return f32x4.add(sum, f32x4.mul(w, v128.load32_splat(x + (offset << 2))));
}

/** Σ w·x of four rows and one token. */
@inline
function one(kind: i32, step: usize, w: usize, x: usize, columns: u32): v128 {
  const sign = keptSign();
  const raise = keptRaise();
  let sum = f32x4.splat(0);
  for (let k: u32 = 0; k < columns; k += 2, w += step, x += 8) {
    sum = add(sum, column(kind, w, 0, sign, raise), x, 0);
    sum = add(sum, column(kind, w, 1, sign, raise), x, 1);
  }
  return sum;
}

/** Of four times four rows, `bytes` apart, and one token, to the sums: one row's additions wait for each other, those of others do not. */
@inline
function sixteen(kind: i32, step: usize, w: usize, bytes: usize, x: usize, columns: u32): void {
  const sign = keptSign();
  const raise = keptRaise();
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  let w2 = w + bytes;
  let w3 = w2 + bytes;
  let w4 = w3 + bytes;
  for (let k: u32 = 0; k < columns; k += 2, w += step, w2 += step, w3 += step, w4 += step, x += 8) {
    const even = v128.load32_splat(x);
    a = f32x4.add(a, f32x4.mul(column(kind, w, 0, sign, raise), even));
    b = f32x4.add(b, f32x4.mul(column(kind, w2, 0, sign, raise), even));
    c = f32x4.add(c, f32x4.mul(column(kind, w3, 0, sign, raise), even));
    d = f32x4.add(d, f32x4.mul(column(kind, w4, 0, sign, raise), even));
    const odd = v128.load32_splat(x, 4);
    a = f32x4.add(a, f32x4.mul(column(kind, w, 1, sign, raise), odd));
    b = f32x4.add(b, f32x4.mul(column(kind, w2, 1, sign, raise), odd));
    c = f32x4.add(c, f32x4.mul(column(kind, w3, 1, sign, raise), odd));
    d = f32x4.add(d, f32x4.mul(column(kind, w4, 1, sign, raise), odd));
  }
  setSums(a, b, c, d);
}

// A function of its own for every kind: see narrow.ts.

function oneF32(w: usize, x: usize, columns: u32): v128 {
  return one(KIND_F32, 32, w, x, columns);
}

function oneF16(w: usize, x: usize, columns: u32): v128 {
  return one(KIND_F16, 16, w, x, columns);
}

function oneBF16(w: usize, x: usize, columns: u32): v128 {
  return one(KIND_BF16, 16, w, x, columns);
}

export function plainOne(kind: i32, w: usize, x: usize, columns: u32): v128 {
  if (kind == KIND_F32) return oneF32(w, x, columns);
  return kind == KIND_F16 ? oneF16(w, x, columns) : oneBF16(w, x, columns);
}

function sixteenF32(w: usize, bytes: usize, x: usize, columns: u32): void {
  sixteen(KIND_F32, 32, w, bytes, x, columns);
}

function sixteenF16(w: usize, bytes: usize, x: usize, columns: u32): void {
  sixteen(KIND_F16, 16, w, bytes, x, columns);
}

function sixteenBF16(w: usize, bytes: usize, x: usize, columns: u32): void {
  sixteen(KIND_BF16, 16, w, bytes, x, columns);
}

/** Of four times four rows, `bytes` apart, and one token, to the sums. */
export function plainSixteen(kind: i32, w: usize, bytes: usize, x: usize, columns: u32): void {
  if (kind == KIND_F32) sixteenF32(w, bytes, x, columns);
  else if (kind == KIND_F16) sixteenF16(w, bytes, x, columns);
  else sixteenBF16(w, bytes, x, columns);
}

// Of four rows and four tokens, or of four times four rows and one: what the last product of such left.
export let sum0: v128 = i32x4.splat(0);
export let sum1: v128 = i32x4.splat(0);
export let sum2: v128 = i32x4.splat(0);
export let sum3: v128 = i32x4.splat(0);

/** The same of two tokens, to the first two. */
export function setTwo(a: v128, b: v128): void {
  sum0 = a;
  sum1 = b;
}

export function setSums(a: v128, b: v128, c: v128, d: v128): void {
  sum0 = a;
  sum1 = b;
  sum2 = c;
  sum3 = d;
}

@inline
function four(kind: i32, step: usize, w: usize, x: usize, pitch: usize, columns: u32): void {
  const sign = keptSign();
  const raise = keptRaise();
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  const y = x + pitch;
  const z = y + pitch;
  const v = z + pitch;
  const end = <usize> columns << 2;
  for (let k: usize = 0; k < end; k += 8, w += step) {
    const even = column(kind, w, 0, sign, raise);
    a = add(a, even, x + k, 0);
    b = add(b, even, y + k, 0);
    c = add(c, even, z + k, 0);
    d = add(d, even, v + k, 0);
    const odd = column(kind, w, 1, sign, raise);
    a = add(a, odd, x + k, 1);
    b = add(b, odd, y + k, 1);
    c = add(c, odd, z + k, 1);
    d = add(d, odd, v + k, 1);
  }
  setSums(a, b, c, d);
}

function fourF32(w: usize, x: usize, pitch: usize, columns: u32): void {
  four(KIND_F32, 32, w, x, pitch, columns);
}

function fourF16(w: usize, x: usize, pitch: usize, columns: u32): void {
  four(KIND_F16, 16, w, x, pitch, columns);
}

function fourBF16(w: usize, x: usize, pitch: usize, columns: u32): void {
  four(KIND_BF16, 16, w, x, pitch, columns);
}

/** Σ w·x of four rows and four tokens, `pitch` bytes apart, to the sums. */
export function plainFour(kind: i32, w: usize, x: usize, pitch: usize, columns: u32): void {
  if (kind == KIND_F32) fourF32(w, x, pitch, columns);
  else if (kind == KIND_F16) fourF16(w, x, pitch, columns);
  else fourBF16(w, x, pitch, columns);
}
