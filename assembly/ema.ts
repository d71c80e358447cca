// The mean attention of the recent past: an exponential mean of Σp/T over the rows of T queries, a query half as much for every
// half-life H that went by since.
//
//   a row:    e = λᵀ·e + (1 − λᵀ)/T · Σp       λ = 2^(−1/H); a new token's e is 0
//   a score:  e / (1 − 2^(−n/H))               n queries saw the token: what its first rows would have held is not missed
//
// λᵀ and 1 − 2^(−n/H) are computed in f64 and rounded to f32; the rest is f32. No e below 2⁻¹⁰⁰ is kept: what nobody looks at would
// end among the subnormal numbers, which common processors compute with ten times more slowly, and never leave them.
//
// A score is never below its e, and hardly above once n is some half-lives. So that few divisions are done, keys begin as e, a bound
// from below, and only those that may matter are sharpened.

import { birth, capacity, keys, last, rows, state } from "./layout";
import { NONE, plainKeys, setLowest } from "./score";
import { above64 } from "./select";

const LEAST: f32 = reinterpret<f32>(0x0d800000); // 2⁻¹⁰⁰

/** What of the old mean a row of so many queries leaves, λᵀ, and what each query's p weighs in the new one. */
let kept: f32 = 0;
let weight: f32 = 0;

/** Before the lanes have their row. */
export function openMean(queries: i32): void {
  const left = halved(<f64> queries / <f64> state.parameter);
  kept = <f32> left;
  weight = <f32> ((1 - left) / <f64> queries);
}

/** Adds the row to one lane's means. */
export function addToMean(lane: i32): void {
  const size = state.extent;
  const first = (<usize> lane * <usize> capacity) << 2;
  const row = rows + first;
  const means = last + first;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const old = f32x4.splat(kept);
    const each = f32x4.splat(weight);
    const least = f32x4.splat(LEAST);
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      const mean = f32x4.add(f32x4.mul(old, v128.load(means + at)), f32x4.mul(each, v128.load(row + at)));
      v128.store(means + at, v128.and(mean, f32x4.ge(mean, least)));
    }
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    const mean = kept * load<f32>(means + at) + weight * load<f32>(row + at);
    store<f32>(means + at, mean >= LEAST ? mean : 0);
  }
}

const LN2: f64 = 0.6931471805599453;

/** 2^(−x), x not negative: a series of products and sums, the same on every machine. Within 2⁻⁵⁰ of exact, relative, up to x = 8. */
function halved(x: f64): f64 {
  if (x >= 1000) return 0;
  const whole = nearest(x);
  const y = (whole - x) * LN2; // at most 0.35 from 0
  let series: f64 = 1.0 / 479001600;
  series = series * y + 1.0 / 39916800;
  series = series * y + 1.0 / 3628800;
  series = series * y + 1.0 / 362880;
  series = series * y + 1.0 / 40320;
  series = series * y + 1.0 / 5040;
  series = series * y + 1.0 / 720;
  series = series * y + 1.0 / 120;
  series = series * y + 1.0 / 24;
  series = series * y + 1.0 / 6;
  series = series * y + 0.5;
  series = series * y + 1;
  series = series * y + 1;
  return series * reinterpret<f64>((1023 - <i64> whole) << 52);
}

/** What one slot is worth, as a key. */
export function worthOf(lane: i32, slot: i32): i32 {
  const at = (<usize> lane * <usize> capacity + <usize> slot) << 2;
  const x = <f64> max(state.clock - load<i32>(birth + at), 1) / <f64> state.parameter;
  if (x >= 25) return load<i32>(last + at); // 1 − 2⁻²⁵ is 1 in f32
  return reinterpret<i32>(load<f32>(last + at) / <f32> (1 - halved(x)));
}

/**
 * Turns the keys up to `bound` from what they are at least into what they are, and tells the selection the smallest.
 * @returns whether any changed
 */
export function sharpen(lane: i32, bound: i32): bool {
  const size = state.extent;
  const ranked = keys;
  let least = NONE;
  let changes = 0;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const bounds = i32x4.splat(bound);
    for (; i + 64 <= size; i += 64) {
      const at = ranked + ((<usize> i) << 2);
      for (let bits = ~above64(at, bounds); bits != 0; bits &= bits - 1) {
        const slot = <i32> ctz(bits);
        const here = at + ((<usize> slot) << 2);
        const key = worthOf(lane, i + slot);
        changes |= key ^ load<i32>(here);
        store<i32>(here, key);
        least = min(least, key);
      }
    }
  }
  for (; i < size; i++) {
    const here = ranked + ((<usize> i) << 2);
    if (load<i32>(here) > bound) continue;
    const key = worthOf(lane, i);
    changes |= key ^ load<i32>(here);
    store<i32>(here, key);
    least = min(least, key);
  }
  setLowest(least);
  return changes != 0;
}

/** Keys from below: e itself. */
export function boundKeys(lane: i32, places: usize, from: i32, to: i32): void {
  plainKeys(last + ((<usize> lane * <usize> capacity) << 2), places, from, to);
}

/** The keys themselves, of all. */
export function lateKeys(lane: i32, places: usize, from: i32, to: i32): void {
  boundKeys(lane, places, from, to);
  sharpen(lane, NONE - 1);
}
