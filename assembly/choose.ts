// The rule at work: whose keys are asked for, how large the scope is, and who goes, lane by lane or layer by layer.

import * as abi from "./abi";
import {
  capacity,
  few,
  keys,
  lanes,
  loose,
  marks,
  position,
  scores,
  spreads,
  state,
  sumsq,
  ties,
  victims,
} from "./layout";
import { compact, endOfCandidates, sinksOf } from "./compact";
import { boundsAt, takeSharp } from "./ema";
import { fillPeaks, keysBelowPeaks, markOf } from "./peaks";
import {
  birthsOf,
  candidate,
  fillSpreads,
  NONE,
  ordered,
  plainKeys,
  setLowest,
  smallest,
  spreadOf,
  total,
} from "./score";
import { keysOf, MEMORY_WINDOW, memoryOf, ofIntegers } from "./scores";
import { cutKey, narrow, narrowAll, take } from "./select";

/** How many slots of a lane may go under the rule. */
export function countCandidates(lane: i32): i32 {
  if (!state.pinned) return max(0, state.live - state.newest - sinksOf(lane));
  const from = state.sinks;
  const to = endOfCandidates(lane);
  const places = loose + ((<usize> lane * <usize> capacity) << 2);
  let count = 0;
  for (let i = 0; i < state.extent; i++) count += i32(candidate(load<i32>(places + ((<usize> i) << 2)), from, to));
  return count;
}

/** Whether a host's scores of the live slots are finite. */
export function scoresAreGood(): bool {
  for (let lane = 0; lane < lanes; lane++) {
    const first = (<usize> lane * <usize> capacity) << 2;
    for (let i = 0; i < state.extent; i++) {
      const at = first + ((<usize> i) << 2);
      if (load<i32>(position + at) >= 0 && !isFinite(load<f32>(scores + at))) return false;
    }
  }
  return true;
}

/** What must be in order before any lane is asked. */
export function prepare(score: i32): void {
  if (state.pool != abi.POOL_NONE && memoryOf(score) == MEMORY_WINDOW) compact(); // neighbours are ranks
}

/** Fills the keys of one lane, of the slots that may go. */
function candidateKeys(lane: i32, score: i32): void {
  keysOf(lane, score, loose + ((<usize> lane * <usize> capacity) << 2), state.sinks, endOfCandidates(lane));
}

/** Whether the scope leaves anything out: then how many slots it holds, never fewer than must go; else 0. */
function roomOf(found: i32, n: i32): i32 {
  if (state.scope == abi.SCOPE_ALL || state.unsettled == 0) return 0;
  const room = max(found - state.unsettled, n);
  return room < found ? room : 0;
}

/** Writes the n victims of a lane to `victims` [lane, n], slots ascending. There are enough. */
export function chooseInLane(lane: i32, n: i32, score: i32): void {
  const found = countCandidates(lane);
  const room = roomOf(found, n);
  const out = victims + ((<usize> lane * <usize> n) << 2);
  if (room > 0 && state.scope == abi.SCOPE_PEAK) return chooseBelowPeaks(lane, out, n, room, found, score);
  boundsOf(lane, score);
  takeLeast(lane, out, n, found, score);
  if (room == 0) return;
  const means = score == abi.SCORE_MEAN;
  let worst = 0;
  for (let j = 0; j < n; j++) worst = max(worst, spreadOf(lane, load<i32>(out + ((<usize> j) << 2)), means));
  if (means && manyWider(lane, worst, found - room)) return;
  fillSpreads(lane);
  const places = loose + ((<usize> lane * <usize> capacity) << 2);
  if (narrow(places, room, worst)) takeLeast(lane, out, n, room, score);
}

/** Likewise where the largest peaks stay out of the scope, which are left out first. */
function chooseBelowPeaks(lane: i32, out: usize, n: i32, room: i32, found: i32, score: i32): void {
  const places = loose + ((<usize> lane * <usize> capacity) << 2);
  const late = score == abi.SCORE_EMA;
  if (!late) candidateKeys(lane, score);
  const worths = late ? boundsAt(lane) : keys;
  if (!keysBelowPeaks(lane, worths, places, state.sinks, endOfCandidates(lane), room)) {
    boundsOf(lane, score);
    fillPeaks(lane);
    narrowAll(places, room, found);
    store<i32>(markOf(lane), cutKey);
  }
  takeLeast(lane, out, n, room, score);
}

/** As candidateKeys; those of ema are bounds from below, which `takeLeast` knows. */
function boundsOf(lane: i32, score: i32): void {
  if (score != abi.SCORE_EMA) return candidateKeys(lane, score);
  const places = loose + ((<usize> lane * <usize> capacity) << 2);
  plainKeys(boundsAt(lane), places, state.sinks, endOfCandidates(lane));
}

/** Writes the n slots with the smallest keys, of `found` that have one. */
function takeLeast(lane: i32, out: usize, n: i32, found: i32, score: i32): void {
  const places = loose + ((<usize> lane * <usize> capacity) << 2);
  take(places, out, n, found);
  if (score == abi.SCORE_EMA) takeSharp(lane, places, out, n, found);
}

/** Fills `spreads` with what the scope goes by, of every slot of a lane that has a key. */
function fillWidths(lane: i32): void {
  if (state.scope == abi.SCOPE_PEAK) fillPeaks(lane);
  else fillSpreads(lane);
}

/**
 * Whether at least `enough` slots with a mean for a key have a spread above `spread`; false if that takes a closer look.
 * Q > n (spread + m²), by a margin that outweighs every rounding, spares the divisions of the exact spreads, and mostly the
 * first half of the slots will do. The scalar build, which this would spare little, always looks closer.
 */
function manyWider(lane: i32, spread: i32, enough: i32): bool {
  if (!ASC_FEATURE_SIMD) return false;
  const size = state.extent;
  const squares = sumsq + ((<usize> lane * <usize> capacity) << 2);
  const births = birthsOf(lane);
  const means = keys;
  const now = i32x4.splat(state.clock);
  const bound = f32x4.splat(reinterpret<f32>(spread));
  const margin = f32x4.splat(1.000004);
  const little = f32x4.splat(1e-30);
  const least = f32x4.splat(1e-18);
  const one = i32x4.splat(1);
  let counts = i32x4.splat(0);
  for (let i = 0; i + 4 <= size;) {
    const end = min(i + 128, size);
    for (; i + 4 <= end; i += 4) {
      const at = (<usize> i) << 2;
      const n = f32x4.convert_i32x4_s(i32x4.max_s(i32x4.sub(now, v128.load(births + at)), one));
      // NONE is NaN, stays NaN, and nothing is above it. A mean whose square would be subnormal is taken for larger.
      const mean = f32x4.pmax(v128.load(means + at), least);
      const most = f32x4.mul(f32x4.mul(n, f32x4.add(bound, f32x4.mul(mean, mean))), margin);
      counts = i32x4.sub(counts, f32x4.gt(v128.load(squares + at), f32x4.add(most, little)));
    }
    if (total(counts) >= enough) return true;
  }
  return false;
}

/**
 * One choice for all lanes of a layer, which hold the same tokens in the same slots: scores and spreads are averaged over
 * them, in the order of lanes; recency is the same in all; the first lane draws at random for all.
 */
export function chooseInLayer(layer: i32, n: i32, score: i32): void {
  const heads = state.kvHeads;
  const lane = layer * heads;
  const found = countCandidates(lane);
  const room = roomOf(found, n);
  const places = loose + ((<usize> lane * <usize> capacity) << 2);
  const out = victims + ((<usize> lane * <usize> n) << 2);
  averageKeys(lane, score, room > 0);
  take(places, out, n, found);
  if (room > 0) {
    let worst = 0;
    for (let j = 0; j < n; j++) {
      worst = max(worst, load<i32>(spreads + ((<usize> load<u32>(out + ((<usize> j) << 2))) << 2)));
    }
    if (narrow(places, room, worst)) take(places, out, n, room);
  }
  for (let head = 1; head < heads; head++) memory.copy(out + ((<usize> head * <usize> n) << 2), out, (<usize> n) << 2);
}

/** Fills keys, and spreads if they are asked for, with the means over a layer's lanes, the first of which is `lane`. */
function averageKeys(lane: i32, score: i32, withSpreads: bool): void {
  const heads = state.kvHeads;
  const integers = ofIntegers(score); // the first lane's will do
  const bytes = (<usize> state.extent) << 2;
  memory.fill(few, 0, bytes); // both hold sums here: the selection, which needs them otherwise, comes later
  memory.fill(ties, 0, bytes);
  for (let head = 0; head < heads; head++) {
    if (head == 0 || !integers) candidateKeys(lane + head, score);
    if (!integers) addTo(few, keys);
    if (!withSpreads) continue;
    fillWidths(lane + head);
    addTo(ties, spreads);
  }
  if (withSpreads) divideInto(spreads, ties, heads);
  if (!integers) setLowest(divideInto(keys, few, heads));
}

/** Adds one lane's numbers, in the form of keys, to f32 sums; NONE adds what nobody reads. */
function addTo(sums: usize, ranked: usize): void {
  const size = state.extent;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const most = i32x4.splat(0x7fffffff);
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      const key = v128.load(ranked + at);
      const number = v128.xor(key, v128.and(i32x4.shr_s(key, 31), most)); // `ordered`
      v128.store(sums + at, f32x4.add(v128.load(sums + at), number));
    }
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    const number = reinterpret<f32>(ordered(load<i32>(ranked + at)));
    store<f32>(sums + at, load<f32>(sums + at) + number);
  }
}

/** Turns keys that are not NONE into those of sums / heads; returns the smallest. */
function divideInto(ranked: usize, sums: usize, heads: i32): i32 {
  const size = state.extent;
  let least = NONE;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const none = i32x4.splat(NONE);
    const divisor = f32x4.splat(<f32> heads);
    let leasts = none;
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      const number = f32x4.add(f32x4.div(v128.load(sums + at), divisor), f32x4.splat(0)); // −0 becomes 0
      const key = v128.xor(number, v128.and(i32x4.shr_s(number, 31), none)); // `ordered`
      const chosen = v128.bitselect(none, key, i32x4.eq(v128.load(ranked + at), none));
      v128.store(ranked + at, chosen);
      leasts = i32x4.min_s(leasts, chosen);
    }
    least = smallest(leasts);
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    if (load<i32>(ranked + at) == NONE) continue;
    const key = ordered(reinterpret<i32>(load<f32>(sums + at) / <f32> heads + 0));
    store<i32>(ranked + at, key);
    least = min(least, key);
  }
  return least;
}
