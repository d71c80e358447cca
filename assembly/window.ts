// Scores over the last `window` rows, without the drift of adding and subtracting: rows are only ever added.
//
// The ring holds a block of `window` rows. While the rows 0 … j − 1 of a new block come in and `recent` gathers their sum,
// the places j … window − 1 hold what the old block left: suffix sums, place r the sum of its rows r … window − 1. So
//
//   sum of the last `window` rows = recent + ring[j]      (recent alone once the block is full)
//
// and when a block is full it is folded, from its last row down, into the suffix sums that the next one needs. Every sum
// is of at most `window` numbers, none negative: a relative error below window × 2⁻²³, however long it runs.
//
// A row is one call of observe, of one query or of a chunk.

import { POOL_MAX, POOL_NONE } from "./abi";
import { capacity, lanes, PAD, ranked, recent, ring, rows, spreads, state, totals } from "./layout";

/** Where one lane's row `index` of the ring lies. */
function ringRow(lane: i32, index: i32): usize {
  return ring + ((<usize> (lane * state.window + index) * <usize> capacity) << 2);
}

/** Makes room for one more row in every lane's ring. */
export function openRow(): void {
  if (state.cursor == state.window) {
    for (let lane = 0; lane < lanes; lane++) fold(lane, state.extent);
    memory.fill(recent, 0, (<usize> lanes * <usize> capacity) << 2);
    state.cursor = 0;
  }
  state.cursor++;
}

/** Adds plane 0 of the row to one lane's window, after openRow: Σp itself, or, for `counts`, 1 where it is above queries / live. */
export function addToWindow(lane: i32, queries: i32, counts: bool): void {
  const size = state.extent;
  const first = (<usize> lane * <usize> capacity) << 2;
  const row = rows + first;
  const place = ringRow(lane, state.cursor - 1);
  const recents = recent + first;
  const bound = <f32> queries / <f32> state.live;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const zero = f32x4.splat(0);
    const one = f32x4.splat(1);
    const bounds = f32x4.splat(bound);
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      const p = f32x4.add(v128.load(row + at), zero);
      const x = counts ? v128.and(one, f32x4.gt(p, bounds)) : p;
      v128.store(place + at, x);
      v128.store(recents + at, f32x4.add(v128.load(recents + at), x));
    }
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    const p = load<f32>(row + at) + 0;
    const x: f32 = counts ? (p > bound ? 1 : 0) : p;
    store<f32>(place + at, x);
    store<f32>(recents + at, load<f32>(recents + at) + x);
  }
}

/** Turns the rows of one lane's full block into suffix sums. */
function fold(lane: i32, size: i32): void {
  const step = (<usize> capacity) << 2;
  for (let index = state.window - 2; index >= 0; index--) {
    const row = ringRow(lane, index);
    let i = 0;
    if (ASC_FEATURE_SIMD) {
      for (; i + 4 <= size; i += 4) {
        const at = row + ((<usize> i) << 2);
        v128.store(at, f32x4.add(v128.load(at), v128.load(at + step)));
      }
    }
    for (; i < size; i++) {
      const at = row + ((<usize> i) << 2);
      store<f32>(at, load<f32>(at) + load<f32>(at + step));
    }
  }
}

/** Makes the windows of one lane's `count` slots empty for new tokens, row by row. */
export function clearWindow(lane: i32, slots: usize, count: i32): void {
  const size = (<usize> count) << 2;
  const sums = recent + ((<usize> lane * <usize> capacity) << 2);
  for (let index = 0; index <= state.window; index++) {
    const row = index < state.window ? ringRow(lane, index) : sums;
    for (let at: usize = 0; at < size; at += 4) store<f32>(row + ((<usize> load<u32>(slots + at)) << 2), 0);
  }
}

/** The sums over the window of one lane's slots: an array by slot, valid until the next lane's. */
export function windowSums(lane: i32): usize {
  const size = state.extent;
  const first = (<usize> lane * <usize> capacity) << 2;
  const out = totals;
  const recents = recent + first;
  const old = ringRow(lane, state.cursor);
  if (state.cursor == state.window) {
    memory.copy(totals, recents, (<usize> size) << 2);
  } else {
    let i = 0;
    if (ASC_FEATURE_SIMD) {
      for (; i + 4 <= size; i += 4) {
        const at = (<usize> i) << 2;
        v128.store(out + at, f32x4.add(v128.load(recents + at), v128.load(old + at)));
      }
    }
    for (; i < size; i++) {
      const at = (<usize> i) << 2;
      store<f32>(out + at, load<f32>(recents + at) + load<f32>(old + at));
    }
  }
  return totals;
}

/** Likewise, pooled as the rule says. `slots`: the lane's live slots by ascending position; read only for pooling. */
export function windowScores(lane: i32, slots: usize): usize {
  windowSums(lane);
  if (state.pool != POOL_NONE) pool(slots);
  return totals;
}

/**
 * Replaces each live slot's score by the largest, or the mean, of the `width` scores around it in the order of positions.
 * Beyond the ends stand zeros, which count in the mean, as in SnapKV's own code.
 */
function pool(slots: usize): void {
  const live = state.live;
  const width = state.width;
  const reach = (<usize> (width >> 1)) << 2;
  const bytes = (<usize> live) << 2;
  memory.fill(ranked - ((<usize> PAD) << 2), 0, (<usize> PAD) << 2);
  memory.fill(ranked + bytes, 0, (<usize> PAD) << 2);
  const sums = totals;
  const byRank = ranked;
  for (let rank = 0; rank < live; rank++) {
    const at = (<usize> rank) << 2;
    store<f32>(byRank + at, load<f32>(sums + ((<usize> load<u32>(slots + at)) << 2)));
  }
  const largest = state.pool == POOL_MAX;
  const out = spreads; // not needed until the keys are there
  let rank = 0;
  if (ASC_FEATURE_SIMD) {
    const widths = f32x4.splat(<f32> width);
    for (; rank + 4 <= live; rank += 4) {
      const from = ranked + ((<usize> rank) << 2) - reach;
      const end = from + ((<usize> width) << 2);
      let pooled = f32x4.splat(0);
      if (largest) {
        for (let at = from; at < end; at += 4) pooled = f32x4.pmax(pooled, v128.load(at));
      } else {
        for (let at = from; at < end; at += 4) pooled = f32x4.add(pooled, v128.load(at));
        pooled = f32x4.div(pooled, widths);
      }
      v128.store(out + ((<usize> rank) << 2), pooled);
    }
  }
  for (; rank < live; rank++) {
    let at = ranked + ((<usize> rank) << 2) - reach;
    let pooled: f32 = 0;
    for (let i = 0; i < width; i++) {
      const x = load<f32>(at);
      pooled = largest ? max(pooled, x) : pooled + x;
      at += 4;
    }
    store<f32>(out + ((<usize> rank) << 2), largest ? pooled : pooled / <f32> width);
  }
  const scores = totals;
  for (rank = 0; rank < live; rank++) {
    const at = (<usize> rank) << 2;
    store<f32>(scores + ((<usize> load<u32>(slots + at)) << 2), load<f32>(out + at));
  }
}
