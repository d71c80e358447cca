// The best share of late: a slot's part of the most that any slot of its lane got from the rows of the window, at its best, which fades.
//
//   a row:   F = max(λᵀ·F, f / max f)      f: Σp over the window's rows, λ = 2^(−1/H); the largest f is of live slots; a new token's F is 0
//
// What lies below 2⁻¹⁰⁰ is 0, as in ema.ts.

import { LEAST, left } from "./ema";
import { capacity, last, position, state } from "./layout";
import { windowSums } from "./window";

/** Brings one lane's F up to date, when its window has the row. */
export function fade(lane: i32): void {
  const size = state.extent;
  const first = (<usize> lane * <usize> capacity) << 2;
  const sums = windowSums(lane);
  const places = position + first;
  const shares = last + first;
  let most: f32 = 0;
  for (let i = 0; i < size; i++) {
    const at = (<usize> i) << 2;
    if (load<i32>(places + at) >= 0) most = max(most, load<f32>(sums + at));
  }
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const old = f32x4.splat(left);
    const divisor = f32x4.splat(most);
    const some = f32x4.gt(divisor, f32x4.splat(0));
    const least = f32x4.splat(LEAST);
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      const share = v128.and(f32x4.div(v128.load(sums + at), divisor), some);
      const best = f32x4.pmax(f32x4.mul(old, v128.load(shares + at)), share);
      v128.store(shares + at, v128.and(best, f32x4.ge(best, least)));
    }
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    const share = most > 0 ? load<f32>(sums + at) / most : <f32> 0;
    const faded = left * load<f32>(shares + at);
    const best = faded < share ? share : faded;
    store<f32>(shares + at, best >= LEAST ? best : 0);
  }
}
