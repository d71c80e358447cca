// The scope of peaks: a token that was once looked at hard stays, however long ago that was. Its peak m is the largest self-weighted
// mean of a row, Σp²/Σp: p itself of one query, never above the largest p of several. It stands in the place of Q.
//
// What was once looked at hard is mostly worth least of late, so peaks are left out first. How many a lane's scope holds hardly changes
// from step to step, nor do most peaks: where the last cut through them was noted, one pass finds the next among a handful near it.

import { P_BOUND } from "./abi";
import { joined, kept, LEAST, weight } from "./ema";
import { capacity, keys, lanes, last, marks, rows, spreads, state, sum, sumsq, ties, totals } from "./layout";
import { above64, kth, upTo } from "./rank";
import { candidate, NONE, setLowest, smallest, stay4, total } from "./score";

/** Adds the row to one lane's S and m, and to e: one pass, whether the score reads e or not. */
export function addPeaks(lane: i32, queries: i32): void {
  if (queries == 1) addQuery(lane);
  else addChunk(lane);
}

/** S += p, m = max(m, p). Where p is −0, or a free slot's row holds what is no number, m is as it was. */
function addQuery(lane: i32): void {
  const size = state.extent;
  const first = (<usize> lane * <usize> capacity) << 2;
  const row = rows + first;
  const sums = sum + first;
  const peaks = sumsq + first;
  const means = last + first;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const old = f32x4.splat(kept);
    const each = f32x4.splat(weight);
    const least = f32x4.splat(LEAST);
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      const p = v128.load(row + at);
      const mean = f32x4.add(f32x4.mul(old, v128.load(means + at)), f32x4.mul(each, p));
      v128.store(sums + at, f32x4.add(v128.load(sums + at), p));
      v128.store(peaks + at, f32x4.pmax(v128.load(peaks + at), p));
      v128.store(means + at, v128.and(mean, f32x4.ge(mean, least)));
    }
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    const p = load<f32>(row + at);
    const peak = load<f32>(peaks + at);
    store<f32>(sums + at, load<f32>(sums + at) + p);
    store<f32>(peaks + at, peak < p ? p : peak);
    store<f32>(means + at, joined(load<f32>(means + at), p));
  }
}

/** S += Σp, m = max(m, Σp²/Σp) of a row of several queries; 0 where Σp is. No p is above the bound, and so is no mean of them. */
function addChunk(lane: i32): void {
  const size = state.extent;
  const first = (<usize> lane * <usize> capacity) << 2;
  const plane = (<usize> lanes * <usize> capacity) << 2;
  const row = rows + first;
  const sums = sum + first;
  const peaks = sumsq + first;
  const means = last + first;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const zero = f32x4.splat(0);
    const bound = f32x4.splat(<f32> P_BOUND);
    const old = f32x4.splat(kept);
    const each = f32x4.splat(weight);
    const least = f32x4.splat(LEAST);
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      const p = v128.load(row + at);
      const high = v128.and(f32x4.div(v128.load(row + plane + at), p), f32x4.gt(p, zero));
      const mean = f32x4.add(f32x4.mul(old, v128.load(means + at)), f32x4.mul(each, p));
      v128.store(sums + at, f32x4.add(v128.load(sums + at), p));
      v128.store(peaks + at, f32x4.pmax(v128.load(peaks + at), f32x4.pmin(high, bound)));
      v128.store(means + at, v128.and(mean, f32x4.ge(mean, least)));
    }
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    const p = load<f32>(row + at);
    const peak = load<f32>(peaks + at);
    let high = p > 0 ? load<f32>(row + plane + at) / p : <f32> 0;
    if (<f32> P_BOUND < high) high = <f32> P_BOUND;
    store<f32>(sums + at, load<f32>(sums + at) + p);
    store<f32>(peaks + at, peak < high ? high : peak);
    store<f32>(means + at, joined(load<f32>(means + at), p));
  }
}

/** How far from the last cut the next is looked for: a float's bits differ by so much where it differs by 2 %, or a little more. */
const NEAR: i32 = 1 << 17;

/** Where a lane's mark is. */
export function markOf(lane: i32): usize {
  return marks + ((<usize> lane) << 2);
}

/**
 * Fills the keys of the `room` smallest peaks of a lane, where the cut is near the lane's mark, and notes it there.
 * @param worths what the score makes of every slot: keys, or floats that are not negative
 * @param places the lane's positions, or -1 where the slot may not go: only those in [from, to) have a key
 * @returns false where the cut is elsewhere, or peaks at it are tied: then keys are spoiled
 */
export function keysBelowPeaks(lane: i32, worths: usize, places: usize, from: i32, to: i32, room: i32): bool {
  const size = state.extent;
  const peaks = sumsq + ((<usize> lane * <usize> capacity) << 2);
  const ranked = keys;
  const mark = markOf(lane);
  const guessed = max(0, min(load<i32>(mark), NONE - 1 - NEAR));
  const low = guessed - NEAR;
  const high = guessed + NEAR;
  const slots = totals - spreads;
  const theirs = ties - spreads;
  let near = spreads; // peaks in (low, high], of slots that may go; beside them slots and keys
  let within = 0; // how many are up to `low`
  let least = NONE;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const lows = i32x4.splat(low);
    const highs = i32x4.splat(high);
    const none = i32x4.splat(NONE);
    const begin = i32x4.splat(from);
    const latest = i32x4.splat(to - 1);
    let inside = i32x4.splat(0);
    let leasts = none;
    for (; i + 64 <= size; i += 64) {
      const block = (<usize> i) << 2;
      for (let bits = above64(peaks + block, lows) & ~above64(peaks + block, highs); bits != 0; bits &= bits - 1) {
        const here = block + (<usize> ctz(bits) << 2);
        if (!candidate(load<i32>(places + here), from, to)) continue;
        const key = load<i32>(worths + here);
        if (key == NONE) continue;
        store<i32>(near, load<i32>(peaks + here));
        store<i32>(near + slots, <i32> (here >> 2));
        store<i32>(near + theirs, key);
        near += 4;
      }
      for (let at = block; at < block + 256; at += 16) {
        const out = v128.or(stay4(v128.load(places + at), begin, latest), i32x4.gt_s(v128.load(peaks + at), lows));
        const key = v128.bitselect(none, v128.load(worths + at), out);
        v128.store(ranked + at, key);
        leasts = i32x4.min_s(leasts, key);
        inside = i32x4.sub(inside, i32x4.lt_s(key, none));
      }
    }
    within = total(inside);
    least = smallest(leasts);
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    const key = candidate(load<i32>(places + at), from, to) ? load<i32>(worths + at) : NONE;
    const peak = load<i32>(peaks + at);
    const lower = peak <= low;
    store<i32>(ranked + at, lower ? key : NONE);
    if (key == NONE || peak > high) continue;
    if (lower) {
      within++;
      least = min(least, key);
      continue;
    }
    store<i32>(near, peak);
    store<i32>(near + slots, i);
    store<i32>(near + theirs, key);
    near += 4;
  }
  const count = <i32> ((near - spreads) >> 2);
  if (within >= room || room > within + count) return false;
  const cut = kth(spreads, count, room - within, low + 1, high, count);
  if (upTo != room - within) return false;
  store<i32>(mark, cut);
  for (let at = spreads; at < near; at += 4) {
    if (load<i32>(at) > cut) continue;
    const key = load<i32>(at + theirs);
    store<i32>(ranked + ((<usize> load<i32>(at + slots)) << 2), key);
    least = min(least, key);
  }
  setLowest(least);
  return true;
}

/** Fills `spreads` with the peak of every slot of a lane that has a key, NONE for the others. */
export function fillPeaks(lane: i32): void {
  const peaks = sumsq + ((<usize> lane * <usize> capacity) << 2);
  for (let i = 0; i < state.extent; i++) {
    const at = (<usize> i) << 2;
    store<i32>(spreads + at, load<i32>(keys + at) == NONE ? NONE : load<i32>(peaks + at));
  }
}
