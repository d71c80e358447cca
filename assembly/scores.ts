// Every score by its number: what it remembers beyond S and Q, how a row enters that, and the keys that it makes of a lane; and
// what the scope of peaks remembers in the place of Q, which no rule asks for beside it. score.ts has the ways to fill keys,
// window.ts the scores of the window, ema.ts the mean of the recent past.

import {
  SCOPE_PEAK,
  SCORE_EMA,
  SCORE_FADING,
  SCORE_LAST,
  SCORE_MEAN,
  SCORE_PERSISTENCE,
  SCORE_RANDOM,
  SCORE_RECENCY,
  SCORE_SUM,
  SCORE_WINDOWED,
} from "./abi";
import { addToMean, lateKeys } from "./ema";
import { fade } from "./fading";
import { birth, capacity, emptyWindow, lanes, last, orderOf, rows, scores, state, sum, sumsq } from "./layout";
import { addSums } from "./observe";
import { addPeaks } from "./peaks";
import { randomKeys, streamOf } from "./random";
import { givenKeys, meanKeys, plainKeys } from "./score";
import { addToWindow, windowScores } from "./window";

// What a score remembers. It is kept from the rule that asks for it on.
export const MEMORY_NONE: i32 = 0;
export const MEMORY_NUMBER: i32 = 1; // one for every slot, not negative, in `last`; a new token's is 0
export const MEMORY_WINDOW: i32 = 2; // rows, in the ring
export const MEMORY_BOTH: i32 = 3;

export function memoryOf(score: i32): i32 {
  if (score == SCORE_LAST || score == SCORE_EMA) return MEMORY_NUMBER;
  if (score == SCORE_FADING) return MEMORY_BOTH;
  if (score == SCORE_WINDOWED || score == SCORE_PERSISTENCE) return MEMORY_WINDOW;
  return MEMORY_NONE;
}

/** Whether the keys of a score are integers; else they are floats' bits. */
export function ofIntegers(score: i32): bool {
  return score == SCORE_RECENCY || score == SCORE_RANDOM;
}

/** Empties what a score remembers, unless the rule's is the same. */
export function beginMemory(score: i32): void {
  if (score == state.score) return;
  const kind = memoryOf(score);
  if (kind & MEMORY_NUMBER) memory.fill(last, 0, (<usize> lanes * <usize> capacity) << 2);
  if (kind & MEMORY_WINDOW) emptyWindow();
}

/** Empties what the scope remembers in the place of Q, or Q, unless it is the same. */
export function beginScope(scope: i32): void {
  if ((scope == SCOPE_PEAK) == (state.scope == SCOPE_PEAK)) return;
  memory.fill(sumsq, 0, (<usize> lanes * <usize> capacity) << 2);
}

/** Adds the row to all that one lane's books gather. */
export function remember(lane: i32, queries: i32): void {
  const score = state.score;
  if (state.scope == SCOPE_PEAK) addPeaks(lane, queries); // and to the means of late
  else addSums(lane, queries);
  if (score == SCORE_LAST) keepLast(lane, queries);
  else if (score == SCORE_EMA) { if (state.scope != SCOPE_PEAK) addToMean(lane); }
  else if (memoryOf(score) >= MEMORY_WINDOW) addToWindow(lane, queries, score == SCORE_PERSISTENCE);
  if (score == SCORE_FADING) fade(lane);
}

/**
 * Fills the keys of one lane.
 * @param places the lane's positions, or -1 where the slot may not go: only those in [from, to) have a key
 */
export function keysOf(lane: i32, score: i32, places: usize, from: i32, to: i32): void {
  const first = (<usize> lane * <usize> capacity) << 2;
  if (score == SCORE_MEAN) {
    // The clock at every token's birth: where every pass was observed that is its position, already at hand.
    meanKeys(sum + first, state.skipped ? birth + first : places, places, from, to);
  } else if (score == SCORE_SUM) plainKeys(sum + first, places, from, to);
  else if (score == SCORE_LAST || score == SCORE_FADING) plainKeys(last + first, places, from, to);
  else if (score == SCORE_EMA) lateKeys(lane, places, from, to);
  else if (score == SCORE_RECENCY) plainKeys(places, places, from, to);
  else if (score == SCORE_RANDOM) {
    // Under a shared choice the first lane of a layer draws for all.
    randomKeys(streamOf(state.shared ? lane - lane % state.kvHeads : lane), places, from, to);
  } else if (memoryOf(score) == MEMORY_WINDOW) plainKeys(windowScores(lane, orderOf(lane)), places, from, to);
  else givenKeys(scores + first, places, from, to);
}

/** last = p of the newest query: plane 0 of one query, plane 2 of more. Adding zero makes −0 the same as 0. */
function keepLast(lane: i32, queries: i32): void {
  const size = state.extent;
  const first = (<usize> lane * <usize> capacity) << 2;
  const plane = (<usize> lanes * <usize> capacity) << 2;
  const row = rows + first + (queries == 1 ? 0 : plane * 2);
  const lasts = last + first;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      v128.store(lasts + at, f32x4.add(v128.load(row + at), f32x4.splat(0)));
    }
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    store<f32>(lasts + at, load<f32>(row + at) + 0);
  }
}
