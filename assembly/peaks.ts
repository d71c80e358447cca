// The scope of peaks: a token that was once looked at hard stays, however long ago that was. Its peak m is the largest self-weighted
// mean of a row, Σp²/Σp: p itself of one query, never above the largest p of several. It stands in the place of Q.

import { P_BOUND } from "./abi";
import { capacity, keys, lanes, rows, spreads, state, sum, sumsq } from "./layout";
import { NONE, total } from "./score";

/** Adds the row to one lane's S and m. */
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
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      const p = v128.load(row + at);
      v128.store(sums + at, f32x4.add(v128.load(sums + at), p));
      v128.store(peaks + at, f32x4.pmax(v128.load(peaks + at), p));
    }
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    const p = load<f32>(row + at);
    const peak = load<f32>(peaks + at);
    store<f32>(sums + at, load<f32>(sums + at) + p);
    store<f32>(peaks + at, peak < p ? p : peak);
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
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const zero = f32x4.splat(0);
    const bound = f32x4.splat(<f32> P_BOUND);
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      const p = v128.load(row + at);
      const mean = v128.and(f32x4.div(v128.load(row + plane + at), p), f32x4.gt(p, zero));
      v128.store(sums + at, f32x4.add(v128.load(sums + at), p));
      v128.store(peaks + at, f32x4.pmax(v128.load(peaks + at), f32x4.pmin(mean, bound)));
    }
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    const p = load<f32>(row + at);
    const peak = load<f32>(peaks + at);
    let mean = p > 0 ? load<f32>(row + plane + at) / p : <f32> 0;
    if (<f32> P_BOUND < mean) mean = <f32> P_BOUND;
    store<f32>(sums + at, load<f32>(sums + at) + p);
    store<f32>(peaks + at, peak < mean ? mean : peak);
  }
}

/** The peak of one slot, whose bits order as it does. */
export function peakOf(lane: i32, slot: i32): i32 {
  return load<i32>(sumsq + ((<usize> lane * <usize> capacity + <usize> slot) << 2));
}

/** Whether at least `enough` slots with a key have a peak above `peak`: mostly the first of them will do. */
export function manyHigher(lane: i32, peak: i32, enough: i32): bool {
  const size = state.extent;
  const peaks = sumsq + ((<usize> lane * <usize> capacity) << 2);
  const ranked = keys;
  let count = 0;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const none = i32x4.splat(NONE);
    const bound = i32x4.splat(peak);
    let counts = i32x4.splat(0);
    while (i + 4 <= size) {
      const end = min(i + 128, size);
      for (; i + 4 <= end; i += 4) {
        const at = (<usize> i) << 2;
        const higher = i32x4.gt_s(v128.load(peaks + at), bound);
        counts = i32x4.sub(counts, v128.and(higher, i32x4.lt_s(v128.load(ranked + at), none)));
      }
      count = total(counts);
      if (count >= enough) return true;
    }
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    count += i32(load<i32>(peaks + at) > peak && load<i32>(ranked + at) < NONE);
  }
  return count >= enough;
}

/** Fills `spreads` with the peak of every slot of a lane that has a key, NONE for the others. */
export function fillPeaks(lane: i32): void {
  const size = state.extent;
  const peaks = sumsq + ((<usize> lane * <usize> capacity) << 2);
  const out = spreads;
  const ranked = keys;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const none = i32x4.splat(NONE);
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      const left = i32x4.eq(v128.load(ranked + at), none);
      v128.store(out + at, v128.bitselect(none, v128.load(peaks + at), left));
    }
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    store<i32>(out + at, load<i32>(ranked + at) == NONE ? NONE : load<i32>(peaks + at));
  }
}
