// The mean attention of the recent past: an exponential mean of Σp/T over the rows of T queries, a query half as much for every
// half-life H that went by since.
//
//   a row:    e = λᵀ·e + (1 − λᵀ)/T · Σp       λ = 2^(−1/H); a new token's e is 0
//   a score:  e / (1 − 2^(−n/H))               n queries saw the token: what its first rows would have held is not missed
//
// λᵀ and 1 − 2^(−n/H) are computed in f64 and rounded to f32; the rest is f32. No e below 2⁻¹⁰⁰ is kept: what nobody looks at would
// end among the subnormal numbers, which common processors compute with ten times more slowly, and never leave them.
//
// A score is never below its e, and hardly above once n is some half-lives. So that few are computed, keys begin as e, or a little more, a
// bound from below, and only for those that may matter the score itself is computed.

import { SCORE_EMA, SCORE_FADING } from "./abi";
import { birth, capacity, keys, last, ranked, rows, state, ties, totals } from "./layout";
import { kth, upTo } from "./rank";
import { NONE, plainKeys, setLowest } from "./score";
import { gatherUpTo, take, takeGathered } from "./select";

export const LEAST: f32 = reinterpret<f32>(0x0d800000); // 2⁻¹⁰⁰

/** What a row of so many queries leaves of what fades. */
export let left: f32 = 0;
/** What of the old mean a row of so many queries leaves, λᵀ, and what each query's p weighs in the new one. */
export let kept: f32 = 0;
export let weight: f32 = 0;

/** Before the lanes have their row; read by scores that have a half-life. */
export function openMean(queries: i32): void {
  const score = state.score;
  const means = score == SCORE_EMA;
  const halves = means || score == SCORE_FADING;
  const part = halves ? halved(<f64> queries / <f64> state.parameter) : 0;
  left = <f32> part;
  kept = means ? left : 1; // of what peaks.ts adds to and no score reads as a mean
  weight = means ? <f32> ((1 - part) / <f64> queries) : 0;
}

/** What one mean becomes by a row's p. What is no number, as may stand at free slots, becomes 0. */
export function joined(mean: f32, p: f32): f32 {
  const next = kept * mean + weight * p;
  return next >= LEAST ? next : 0;
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
    store<f32>(means + at, joined(load<f32>(means + at), load<f32>(row + at)));
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

/** The score, as a key, of a token that was born at this time and has this mean. */
function made(mean: f32, born: i32): i32 {
  const x = <f64> max(state.clock - born, 1) / <f64> state.parameter;
  return reinterpret<i32>(x >= 25 ? mean : mean / <f32> (1 - halved(x))); // 1 − 2⁻²⁵ is 1 in f32
}

/** What one slot is worth, as a key. */
function worthOf(lane: i32, slot: i32): i32 {
  const at = (<usize> lane * <usize> capacity + <usize> slot) << 2;
  return made(load<f32>(last + at), load<i32>(birth + at));
}

/** A key that none of the n slots in `out` is worth more than. */
function boundOf(lane: i32, out: usize, n: i32): i32 {
  let most = 0;
  for (let j = 0; j < n; j++) most = max(most, worthOf(lane, load<i32>(out + ((<usize> j) << 2))));
  return most;
}

/**
 * Takes the n victims again, which were taken by keys that are bounds from below: `out` has those with the least.
 * @param found how many slots have a key
 */
export function takeSharp(lane: i32, places: usize, out: usize, n: i32, found: i32): void {
  const bound = boundOf(lane, out, n);
  const count = gatherUpTo(bound);
  if (count == n) return; // nobody else may be worth less
  let least = NONE;
  let most = 0;
  for (let i = 0; i < count; i++) {
    const at = (<usize> i) << 2;
    const slot = load<i32>(totals + at);
    const key = worthOf(lane, slot);
    store<i32>(ties + at, key);
    store<i32>(keys + ((<usize> slot) << 2), key);
    least = min(least, key);
    most = max(most, key);
  }
  setLowest(least);
  const cut = kth(ties, count, n, least, most, count);
  if (upTo == n) takeGathered(out, count, cut);
  else take(places, out, n, found); // several at the cut: the older go
}

/** Below a lane of so many half-lives many tokens are young, and e is far below their scores. */
const YOUNG: i32 = 16;
/** What outweighs every rounding of a bound. */
const MARGIN: f32 = 1 - reinterpret<f32>(0x36000000); // 1 − 2⁻¹⁹

/**
 * Where a lane's bounds from below lie: e itself, or e·max(1, 1/y + 1/2) with y = n ln 2/H, since 1/(1 − e⁻ʸ) is never less; which
 * then lie in `ranked`.
 */
export function boundsAt(lane: i32): usize {
  const size = state.extent;
  const first = (<usize> lane * <usize> capacity) << 2;
  if (size / YOUNG > state.parameter) return last + first;
  const means = last + first;
  const births = birth + first;
  const clock = state.clock;
  const scale = <f32> (<f64> state.parameter / LN2) * MARGIN;
  const half = MARGIN / 2;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const now = i32x4.splat(clock);
    const one = i32x4.splat(1);
    const scales = f32x4.splat(scale);
    const halves = f32x4.splat(half);
    const margin = f32x4.splat(MARGIN);
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      const n = f32x4.convert_i32x4_s(i32x4.max_s(i32x4.sub(now, v128.load(births + at)), one));
      const factor = f32x4.pmax(margin, f32x4.add(f32x4.div(scales, n), halves));
      v128.store(ranked + at, f32x4.mul(v128.load(means + at), factor));
    }
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    const n = <f32> max(clock - load<i32>(births + at), 1);
    store<f32>(ranked + at, load<f32>(means + at) * max(MARGIN, scale / n + half));
  }
  return ranked;
}

/** The keys themselves. */
export function lateKeys(lane: i32, places: usize, from: i32, to: i32): void {
  plainKeys(last + ((<usize> lane * <usize> capacity) << 2), places, from, to);
  let least = NONE;
  for (let i = 0; i < state.extent; i++) {
    const at = keys + ((<usize> i) << 2);
    if (load<i32>(at) == NONE) continue;
    const key = worthOf(lane, i);
    store<i32>(at, key);
    least = min(least, key);
  }
  setLowest(least);
}
