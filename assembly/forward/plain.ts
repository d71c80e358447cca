// Products with rows of plain numbers, four rows side by side (rows.ts). Multiplications and additions are apart, so that every
// machine rounds alike.

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
  let a = f32x4.splat(0);
  let b = a;
  let c = a;
  let d = a;
  for (let k: u32 = 0; k < columns; k += 4, w += step, x += 16) {
    a = add(a, column(kind, w, 0, sign, raise), x, 0);
    b = add(b, column(kind, w, 1, sign, raise), x, 1);
    c = add(c, column(kind, w, 2, sign, raise), x, 2);
    d = add(d, column(kind, w, 3, sign, raise), x, 3);
  }
  return f32x4.add(f32x4.add(a, b), f32x4.add(c, d));
}

// A function of its own for every kind: see narrow.ts.

function oneF32(w: usize, x: usize, columns: u32): v128 {
  return one(KIND_F32, 64, w, x, columns);
}

function oneF16(w: usize, x: usize, columns: u32): v128 {
  return one(KIND_F16, 32, w, x, columns);
}

function oneBF16(w: usize, x: usize, columns: u32): v128 {
  return one(KIND_BF16, 32, w, x, columns);
}

export function plainOne(kind: i32, w: usize, x: usize, columns: u32): v128 {
  if (kind == KIND_F32) return oneF32(w, x, columns);
  return kind == KIND_F16 ? oneF16(w, x, columns) : oneBF16(w, x, columns);
}

// Of four rows and four tokens: what the last product of such left.
export let sum0: v128 = i32x4.splat(0);
export let sum1: v128 = i32x4.splat(0);
export let sum2: v128 = i32x4.splat(0);
export let sum3: v128 = i32x4.splat(0);

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
