// The best share of late: a slot's part of the most that any slot of its lane got from the rows of the window, at its best, which fades.
//
//   a row:   F = max(λᵀ·F, f / max f)      f: Σp over the window's rows, λ = 2^(−1/H); the largest f is of live slots; a new token's F is 0
//
// What lies below 2⁻¹⁰⁰ is 0, as in ema.ts. One slot at a time in both builds: the window's sums take longer.

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
  for (let i = 0; i < size; i++) {
    const at = (<usize> i) << 2;
    const share = most > 0 ? load<f32>(sums + at) / most : <f32> 0;
    const faded = left * load<f32>(shares + at);
    const best = faded < share ? share : faded;
    store<f32>(shares + at, best >= LEAST ? best : 0);
  }
}
