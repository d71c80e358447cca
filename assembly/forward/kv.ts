// A row of K or V, as numbers and as it is stored: src/engine/kv.ts says what the kinds are.

import { KV_F16, KV_F32 } from "./abi";
import { halvesAt, narrowHalves } from "./half";
import { keptFactor, keptSign } from "./kept";

const NO_NUMBER: u32 = 0x7fc00000; // NaN in f32

/** Bytes where the scales of q8 begin: codes are padded to 8. */
@inline
function scalesAt(dim: u32): usize {
  return <usize> ((dim + 7) & ~7);
}

/** Bytes of a stored row. */
export function storedBytes(kv: u32, dim: u32): u32 {
  return kv == KV_F32 ? dim << 2 : kv == KV_F16 ? dim << 1 : <u32> scalesAt(dim) + 8;
}

/** Where the second half of a row of q8 begins: whole quads. */
@inline
function middleOf(dim: u32): u32 {
  return ((dim + 4) >> 3) << 2;
}

/** The largest absolute value of numbers [begin, end), as bits; NO_NUMBER or above where one is none. */
function mostOf(row: usize, begin: u32, end: u32): u32 {
  let most: u32 = 0;
  for (let i = begin; i < end; i++) most = max(most, load<u32>(row + <usize> (i << 2)) & 0x7fffffff);
  return most;
}

/** 127 · number / scale, rounded, halves up. */
function codesOf(row: usize, begin: u32, end: u32, scale: f32, to: usize): void {
  for (let i = begin; i < end; i++) {
    const part = load<f32>(row + <usize> (i << 2)) / scale;
    store<i8>(to + <usize> i, <i8> floor<f32>(<f32> 0.5 + <f32> 127 * part));
  }
}

/** Stores a row of `dim` numbers. @returns whether one of them was more than f16 holds, and is now the largest that it does */
export function storeRow(kv: u32, row: usize, to: usize, dim: u32): bool {
  const bytes = <usize> dim << 2;
  if (kv == KV_F32) {
    memory.copy(to, row, bytes);
    return false;
  }
  if (kv == KV_F16) {
    let most = f32x4.splat(0);
    for (let i: usize = 0; i < bytes; i += 16) {
      const numbers = v128.load(row + i);
      const half = narrowHalves(numbers);
      most = f32x4.pmax(most, f32x4.abs(numbers));
      v128.store64_lane(to + (i >> 1), i16x8.narrow_i32x4_u(half, half), 0);
    }
    return v128.any_true(f32x4.gt(most, f32x4.splat(65504)));
  }
  const middle = middleOf(dim);
  const low = mostOf(row, 0, middle);
  const high = mostOf(row, middle, dim);
  const scales = to + scalesAt(dim);
  memory.fill(to, 0, scalesAt(dim));
  if (max(low, high) >= 0x7f800000) {
    store<u32>(scales, NO_NUMBER);
    store<u32>(scales, NO_NUMBER, 4);
    return false;
  }
  store<u32>(scales, low);
  store<u32>(scales, high, 4);
  if (reinterpret<f32>(low) >= 1e-30) codesOf(row, 0, middle, reinterpret<f32>(low), to); // else too small to divide by
  if (reinterpret<f32>(high) >= 1e-30) codesOf(row, middle, dim, reinterpret<f32>(high), to);
  return false;
}

/** A stored row's numbers: where they lie already, or where `to` now has them. */
export function rowOf(kv: u32, from: usize, to: usize, dim: u32): usize {
  if (kv == KV_F32) return from;
  if (kv == KV_F16) halvesOf(from, to, <usize> dim << 2);
  else bytesOf(from, to, dim);
  return to;
}

/** Four f16 in f32's places: 2⁻¹¹² of what they are; exact but for what is no number. */
@inline
function moved(at: usize, places: v128): v128 {
  return v128.and(i32x4.shl(v128.load_ext<i16>(at), 13), places);
}

/** Widens a row of f16. Few operations, right for all numbers; a row with anything else, which is stored positive, again. */
function halvesOf(from: usize, to: usize, bytes: usize): void {
  const places = keptSign();
  const factor = keptFactor();
  let most = i32x4.splat(0);
  let i: usize = 0;
  for (; i + 64 <= bytes; i += 64) {
    const at = from + (i >> 1);
    const a = moved(at, places);
    const b = moved(at + 8, places);
    const c = moved(at + 16, places);
    const d = moved(at + 24, places);
    v128.store(to + i, f32x4.mul(a, factor));
    v128.store(to + i, f32x4.mul(b, factor), 16);
    v128.store(to + i, f32x4.mul(c, factor), 32);
    v128.store(to + i, f32x4.mul(d, factor), 48);
    most = i32x4.max_s(most, i32x4.max_s(i32x4.max_s(a, b), i32x4.max_s(c, d)));
  }
  for (; i < bytes; i += 16) {
    const a = moved(from + (i >> 1), places);
    v128.store(to + i, f32x4.mul(a, factor));
    most = i32x4.max_s(most, a);
  }
  if (!v128.any_true(i32x4.gt_s(most, i32x4.splat(0x0f7fffff)))) return;
  for (i = 0; i < bytes; i += 16) v128.store(to + i, halvesAt(from, i >> 1));
}

/** Widens a row of q8. */
function bytesOf(from: usize, to: usize, dim: u32): void {
  const bytes = <usize> dim << 2;
  const middle = <usize> middleOf(dim) << 2;
  const scales = from + scalesAt(dim);
  const first = f32x4.splat(load<f32>(scales) / 127);
  const other = f32x4.splat(load<f32>(scales, 4) / 127);
  const least = f32x4.splat(-127);
  for (let i: usize = 0; i < bytes; i += 16) {
    const codes = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(from + (i >> 2))));
    const code = f32x4.pmax(f32x4.convert_i32x4_s(codes), least);
    v128.store(to + i, f32x4.mul(code, i < middle ? first : other));
  }
}
