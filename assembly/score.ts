// What a slot is worth: keys for the selection.
//
// A key is an i32 that orders as the score does: positions and hashes are non-negative integers, and non-negative floats
// order as their bits do. NONE, above every key, marks a slot that may not go. Comparing integers leaves no room for NaN
// and none for rounding. Every function here fills the keys of one lane, for the slots whose place, a position, is in [from, to).

import { birth, capacity, keys, loose, spreads, state, sum, sumsq } from "./layout";
import { squareOf, squares4 } from "./observe";

/** The key of a slot that may not be evicted. */
export const NONE: i32 = i32.MAX_VALUE;

/** The smallest key that the last call left, NONE if there is none. */
export let lowest: i32 = 0;

/** Tells the selection the smallest key of a loop over keys. */
export function setLowest(key: i32): void {
  lowest = key;
}

export function smallest(v: v128): i32 {
  return min(
    min(i32x4.extract_lane(v, 0), i32x4.extract_lane(v, 1)),
    min(i32x4.extract_lane(v, 2), i32x4.extract_lane(v, 3)),
  );
}

export function total(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3);
}

/**
 * The keys of four slots: `score`, which is not negative, or NONE where the slot may not go. `begin`: the first position
 * that may, `latest`: the last one. Where a slot may not go, anything may stand in `score`.
 */
export function keys4(score: v128, places: v128, begin: v128, latest: v128): v128 {
  return v128.and(v128.or(score, stay4(places, begin, latest)), i32x4.splat(NONE));
}

/** Which of four slots may not go, as masks. */
export function stay4(places: v128, begin: v128, latest: v128): v128 {
  return v128.or(i32x4.gt_s(begin, places), i32x4.gt_s(places, latest));
}

/** Whether a slot may go: its position is in [from, to) with from ≥ 0. */
export function candidate(place: i32, from: i32, to: i32): bool {
  return place >= from && place < to;
}

/** The clock at every token's birth. Where every pass was observed that is its position, already at hand. */
export function birthsOf(lane: i32): usize {
  return (state.skipped ? birth : loose) + ((<usize> lane * <usize> capacity) << 2);
}

/** Four means m = S/n. */
function means4(sums: v128, births: v128, now: v128): v128 {
  return f32x4.div(sums, f32x4.convert_i32x4_s(i32x4.max_s(i32x4.sub(now, births), i32x4.splat(1))));
}

/** Keys m = S/n over the n queries that could see the token. A token that no query has seen counts as n = 1. */
export function meanKeys(sums: usize, births: usize, places: usize, from: i32, to: i32): void {
  const size = state.extent;
  const clock = state.clock;
  const out = keys;
  let least = NONE;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const now = i32x4.splat(clock);
    const begin = i32x4.splat(from);
    const latest = i32x4.splat(to - 1);
    let leasts = i32x4.splat(NONE);
    let others = leasts;
    for (; i + 8 <= size; i += 8) {
      const at = (<usize> i) << 2;
      const some = means4(v128.load(sums + at), v128.load(births + at), now);
      const more = means4(v128.load(sums + at, 16), v128.load(births + at, 16), now);
      const key = keys4(some, v128.load(places + at), begin, latest);
      const next = keys4(more, v128.load(places + at, 16), begin, latest);
      v128.store(out + at, key);
      v128.store(out + at, next, 16);
      leasts = i32x4.min_s(leasts, key);
      others = i32x4.min_s(others, next);
    }
    least = smallest(i32x4.min_s(leasts, others));
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    const n = <f32> max(clock - load<i32>(births + at), 1);
    const may = candidate(load<i32>(places + at), from, to);
    const key = may ? reinterpret<i32>(load<f32>(sums + at) / n) : NONE;
    store<i32>(out + at, key);
    least = min(least, key);
  }
  setLowest(least);
}

/** σ² of one loose slot: max(0, Q/n − m²), which orders as σ does. `meanIsKey`: its key is m already. */
export function spreadOf(lane: i32, slot: i32, meanIsKey: bool): i32 {
  const at = (<usize> lane * <usize> capacity + <usize> slot) << 2;
  const n = <f32> max(state.clock - load<i32>(birthsOf(lane) + ((<usize> slot) << 2)), 1);
  const mean = meanIsKey ? load<f32>(keys + ((<usize> slot) << 2)) : load<f32>(sum + at) / n;
  const variance = load<f32>(sumsq + at) / n - squareOf(mean);
  return reinterpret<i32>(variance > 0 ? variance : <f32> 0);
}

/** Fills `spreads` with σ² of every slot of a lane that has a key, NONE for the others. */
export function fillSpreads(lane: i32): void {
  const size = state.extent;
  const clock = state.clock;
  const first = (<usize> lane * <usize> capacity) << 2;
  const sums = sum + first;
  const squares = sumsq + first;
  const births = birthsOf(lane);
  const out = spreads;
  const ranked = keys;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const none = i32x4.splat(NONE);
    const now = i32x4.splat(clock);
    const one = i32x4.splat(1);
    const zero = f32x4.splat(0);
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      const n = f32x4.convert_i32x4_s(i32x4.max_s(i32x4.sub(now, v128.load(births + at)), one));
      const mean = f32x4.div(v128.load(sums + at), n);
      const spread = f32x4.pmax(zero, f32x4.sub(f32x4.div(v128.load(squares + at), n), squares4(mean)));
      const left = i32x4.eq(v128.load(ranked + at), none);
      v128.store(out + at, v128.bitselect(none, spread, left));
    }
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    const n = <f32> max(clock - load<i32>(births + at), 1);
    const variance = load<f32>(squares + at) / n - squareOf(load<f32>(sums + at) / n);
    const spread = reinterpret<i32>(variance > 0 ? variance : <f32> 0);
    store<i32>(out + at, load<i32>(ranked + at) == NONE ? NONE : spread);
  }
}

/** Keys from one lane's scores as they stand in memory: integers or floats, not negative. */
export function plainKeys(scores: usize, places: usize, from: i32, to: i32): void {
  const size = state.extent;
  const out = keys;
  let least = NONE;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const begin = i32x4.splat(from);
    const latest = i32x4.splat(to - 1);
    let leasts = i32x4.splat(NONE);
    let others = leasts;
    for (; i + 8 <= size; i += 8) {
      const at = (<usize> i) << 2;
      const key = keys4(v128.load(scores + at), v128.load(places + at), begin, latest);
      const next = keys4(v128.load(scores + at, 16), v128.load(places + at, 16), begin, latest);
      v128.store(out + at, key);
      v128.store(out + at, next, 16);
      leasts = i32x4.min_s(leasts, key);
      others = i32x4.min_s(others, next);
    }
    least = smallest(i32x4.min_s(leasts, others));
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    const key = candidate(load<i32>(places + at), from, to) ? load<i32>(scores + at) : NONE;
    store<i32>(out + at, key);
    least = min(least, key);
  }
  setLowest(least);
}

/** The integer that orders as a float does, of either sign; its own inverse. −0 must have become 0. */
export function ordered(bits: i32): i32 {
  return bits ^ ((bits >> 31) & 0x7fffffff);
}

/** Keys from a host's scores: any finite floats. */
export function givenKeys(scores: usize, places: usize, from: i32, to: i32): void {
  const size = state.extent;
  const out = keys;
  let least = NONE;
  for (let i = 0; i < size; i++) {
    const at = (<usize> i) << 2;
    const may = candidate(load<i32>(places + at), from, to);
    const key = may ? ordered(reinterpret<i32>(load<f32>(scores + at) + 0)) : NONE;
    store<i32>(out + at, key);
    least = min(least, key);
  }
  setLowest(least);
}
