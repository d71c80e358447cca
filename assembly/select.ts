// The n slots with the smallest keys: rank.ts finds where they end, and here they are taken.
//
// A ranking is ascending with ties to the older position first. So a cut through a ranking is a pair (key, position), and
// "the k first" are those at or before the k-th pair.

import { few, keys, spreads, state, ties, totals } from "./layout";
import { above64, countUpTo, guess, kth, under, upTo } from "./rank";
import { lowest, NONE, setLowest, smallest } from "./score";

/** The cut that `cutAfter` found: the k first are those before it and the one at it. */
export let cutKey: i32 = 0;
let cutPosition: i32 = 0;

/** Sets the cut after the k first slots, of `count` with keys in [low, high] and none below. */
function cutAfter(ranked: usize, places: usize, k: i32, low: i32, high: i32, count: i32): void {
  cutKey = kth(ranked, state.extent, k, low, high, count);
  cutPosition = NONE;
  if (upTo == k) return;
  // More ties at the cut than may pass: the older ones do.
  const size = state.extent;
  const tied = upTo - under;
  const older = k - under;
  const out = ties;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const cuts = i32x4.splat(cutKey);
    const none = i32x4.splat(NONE);
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      const tie = i32x4.eq(v128.load(ranked + at), cuts);
      v128.store(out + at, v128.bitselect(v128.load(places + at), none, tie));
    }
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    store<i32>(out + at, load<i32>(ranked + at) == cutKey ? load<i32>(places + at) : NONE);
  }
  cutPosition = kth(out, size, older, 0, state.seen - 1, tied);
}

/** Writes the slots up to the cut, in ascending order. */
function takeUpToCut(places: usize, out: usize): void {
  const size = state.extent;
  const key = cutKey;
  const place = cutPosition;
  const ranked = keys;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const cuts = i32x4.splat(key);
    for (; i + 64 <= size; i += 64) {
      const at = ranked + ((<usize> i) << 2);
      for (let bits = ~above64(at, cuts); bits != 0; bits &= bits - 1) {
        const slot = i + <i32> ctz(bits);
        const here = (<usize> slot) << 2;
        if (load<i32>(ranked + here) == key && load<i32>(places + here) > place) continue;
        store<u32>(out, slot);
        out += 4;
      }
    }
  }
  for (; i < size; i++) {
    const here = (<usize> i) << 2;
    const k = load<i32>(ranked + here);
    if (k > key || (k == key && load<i32>(places + here) > place)) continue;
    store<u32>(out, i);
    out += 4;
  }
}

/** Writes the slot of the oldest among those with the smallest key: what the cut after one comes to, in a single pass. */
function takeFirst(places: usize, out: usize, key: i32): void {
  const size = state.extent;
  const ranked = keys;
  let oldest = NONE;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const wanted = i32x4.splat(key);
    const none = i32x4.splat(NONE);
    let oldests = none;
    for (; i + 16 <= size; i += 16) {
      const at = (<usize> i) << 2;
      const a = i32x4.eq(v128.load(ranked + at), wanted);
      const b = i32x4.eq(v128.load(ranked + at, 16), wanted);
      const c = i32x4.eq(v128.load(ranked + at, 32), wanted);
      const d = i32x4.eq(v128.load(ranked + at, 48), wanted);
      if (!v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) continue;
      oldests = i32x4.min_s(oldests, v128.bitselect(v128.load(places + at), none, a));
      oldests = i32x4.min_s(oldests, v128.bitselect(v128.load(places + at, 16), none, b));
      oldests = i32x4.min_s(oldests, v128.bitselect(v128.load(places + at, 32), none, c));
      oldests = i32x4.min_s(oldests, v128.bitselect(v128.load(places + at, 48), none, d));
    }
    oldest = smallest(oldests);
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    if (load<i32>(ranked + at) == key) oldest = min(oldest, load<i32>(places + at));
  }
  store<u32>(out, slotAt(places, oldest));
}

/** The slot of a lane that holds this position; there is one. */
function slotAt(places: usize, place: i32): i32 {
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const wanted = i32x4.splat(place);
    for (const size = state.extent; i + 16 <= size; i += 16) {
      const at = places + ((<usize> i) << 2);
      const some = v128.or(i32x4.eq(v128.load(at), wanted), i32x4.eq(v128.load(at, 16), wanted));
      const more = v128.or(i32x4.eq(v128.load(at, 32), wanted), i32x4.eq(v128.load(at, 48), wanted));
      if (v128.any_true(v128.or(some, more))) break;
    }
  }
  while (load<i32>(places + ((<usize> i) << 2)) != place) i++;
  return i;
}

/** Copies the keys up to `bound` to `ties`, and their slots to `totals`, in the order of slots. Returns how many they are. */
export function gatherUpTo(bound: i32): i32 {
  const size = state.extent;
  const ranked = keys;
  const slots = totals - ties;
  let out = ties;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const bounds = i32x4.splat(bound);
    for (; i + 64 <= size; i += 64) {
      const at = ranked + ((<usize> i) << 2);
      for (let bits = ~above64(at, bounds); bits != 0; bits &= bits - 1) {
        const slot = <i32> ctz(bits);
        store<i32>(out, load<i32>(at + ((<usize> slot) << 2)));
        store<u32>(out + slots, i + slot);
        out += 4;
      }
    }
  }
  for (; i < size; i++) {
    const key = load<i32>(ranked + ((<usize> i) << 2));
    if (key > bound) continue;
    store<i32>(out, key);
    store<u32>(out + slots, i);
    out += 4;
  }
  return <i32> ((out - ties) >> 2);
}

/** Takes the n smallest of those up to a guess; false if it was too low, or ties at the cut want a closer look. */
function takeFromHandful(out: usize, n: i32): bool {
  const bound = guess(keys, state.extent, n);
  if (bound == NONE) return false;
  const count = gatherUpTo(bound);
  if (count < n) return false;
  const cut = kth(ties, count, n, lowest, bound, count);
  if (upTo != n) return false;
  takeGathered(out, count, cut);
  return true;
}

/** Writes those of the slots in `totals` whose keys in `ties` are up to a cut. */
export function takeGathered(out: usize, count: i32, cut: i32): void {
  const slots = totals;
  const ranked = ties;
  for (let i = 0; i < count; i++) {
    const at = (<usize> i) << 2;
    store<u32>(out, load<u32>(slots + at)); // of one past the cut it is overwritten, or lies beyond the n
    out += (<usize> (load<i32>(ranked + at) <= cut)) << 2;
  }
}

/** Writes to `out` the n slots with the smallest keys, ascending, of `found` that have one: n ≤ found. */
export function take(places: usize, out: usize, n: i32, found: i32): void {
  if (n == 1) return takeFirst(places, out, lowest);
  if (takeFromHandful(out, n)) return;
  cutAfter(keys, places, n, lowest, NONE - 1, found);
  takeUpToCut(places, out);
}

/**
 * Narrows the keys to the `room` smallest spreads, if any of the victims, of which the widest has the spread `worst`, may lie
 * outside.
 * @returns whether it did: then victims are to be taken again
 */
export function narrow(places: usize, room: i32, worst: i32): bool {
  // A small score mostly comes with a small spread: if no more than `room` slots have one up to `worst`, all are inside.
  const count = countUpTo(spreads, state.extent, worst);
  if (count <= room) return false;
  cutAfter(spreads, places, room, 0, worst, count);
  setLowest(leaveOutUnsettled(places));
  return true;
}

/** Narrows the keys to the `room` smallest of `found` spreads. */
export function narrowAll(places: usize, room: i32, found: i32): void {
  cutAfter(spreads, places, room, 0, NONE - 1, found);
  setLowest(leaveOutUnsettled(places));
}

/** Takes every slot whose spread lies past the cut out of the keys, and returns the smallest key that is left. */
function leaveOutUnsettled(places: usize): i32 {
  const size = state.extent;
  const spread = cutKey;
  const place = cutPosition;
  let least = NONE;
  const ranked = keys;
  const widths = spreads;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const none = i32x4.splat(NONE);
    const spreadCut = i32x4.splat(spread);
    const placeCut = i32x4.splat(place);
    let leasts = none;
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      const s = v128.load(widths + at);
      const tie = v128.and(i32x4.eq(s, spreadCut), i32x4.le_s(v128.load(places + at), placeCut));
      const inside = v128.or(i32x4.lt_s(s, spreadCut), tie);
      const key = v128.bitselect(v128.load(ranked + at), none, inside);
      v128.store(ranked + at, key);
      leasts = i32x4.min_s(leasts, key);
    }
    least = smallest(leasts);
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    const s = load<i32>(widths + at);
    if (s < spread || (s == spread && load<i32>(places + at) <= place)) least = min(least, load<i32>(ranked + at));
    else store<i32>(ranked + at, NONE);
  }
  return least;
}
