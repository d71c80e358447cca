// The n slots with the smallest keys. No sort: a few streaming passes over the lane's keys, which lie in the first-level
// cache, narrow them down to a handful.
//
// A ranking is ascending with ties to the older position first. So a cut through a ranking is a pair (key, position), and
// "the k first" are those at or before the k-th pair.

import { few, keys, spreads, state, ties, totals } from "./layout";
import { lowest, NONE, setLowest, smallest, total } from "./score";

/** The cut that `cutAfter` found: the k first are those before it and the one at it. */
let cutKey: i32 = 0;
let cutPosition: i32 = 0;

/** How many of `size` keys are at most `bound`. */
function countUpTo(ranked: usize, size: i32, bound: i32): i32 {
  let count = 0;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const bounds = i32x4.splat(bound);
    let above = i32x4.splat(0); // four sums, each minus the number of keys above the bound
    let others = above;
    for (; i + 16 <= size; i += 16) {
      const at = ranked + ((<usize> i) << 2);
      above = i32x4.add(above, i32x4.gt_s(v128.load(at), bounds));
      others = i32x4.add(others, i32x4.gt_s(v128.load(at, 16), bounds));
      above = i32x4.add(above, i32x4.gt_s(v128.load(at, 32), bounds));
      others = i32x4.add(others, i32x4.gt_s(v128.load(at, 48), bounds));
    }
    count = i + total(i32x4.add(above, others));
  }
  for (; i < size; i++) count += i32(load<i32>(ranked + ((<usize> i) << 2)) <= bound);
  return count;
}

/** Sixteen bits, one for each key that is above the bound. */
function above16(at: usize, bound: v128): u64 {
  const some = i16x8.narrow_i32x4_s(i32x4.gt_s(v128.load(at), bound), i32x4.gt_s(v128.load(at, 16), bound));
  const more = i16x8.narrow_i32x4_s(i32x4.gt_s(v128.load(at, 32), bound), i32x4.gt_s(v128.load(at, 48), bound));
  return <u64> i8x16.bitmask(i8x16.narrow_i16x8_s(some, more));
}

/** Sixty-four bits: a processor that guesses the end of a loop over them is seldom wrong. */
export function above64(at: usize, bound: v128): u64 {
  return above16(at, bound) | above16(at + 64, bound) << 16 | above16(at + 128, bound) << 32 |
    above16(at + 192, bound) << 48;
}

/** Copies the keys in (low, high] to `few`. Returns how many they are. */
function gather(ranked: usize, size: i32, low: i32, high: i32): i32 {
  let out = few;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const lows = i32x4.splat(low);
    const highs = i32x4.splat(high);
    for (; i + 64 <= size; i += 64) {
      const at = ranked + ((<usize> i) << 2);
      for (let bits = above64(at, lows) & ~above64(at, highs); bits != 0; bits &= bits - 1) {
        store<i32>(out, load<i32>(at + (<usize> ctz(bits) << 2)));
        out += 4;
      }
    }
  }
  for (; i < size; i++) {
    const key = load<i32>(ranked + ((<usize> i) << 2));
    if (key <= low || key > high) continue;
    store<i32>(out, key);
    out += 4;
  }
  return <i32> ((out - few) >> 2);
}

/** What `kth` found besides: how many keys lie below the one it returned, where there are ties, and how many up to it. */
let under: i32 = 0;
let upTo: i32 = 0;

/** Up to this many keys are gathered and searched apart. */
const HANDFUL: i32 = 128;

/** So many keys are looked at to guess where a rank lies. */
const SAMPLE: i32 = 64;

/** A key that probably, and narrowly, has k of `size` keys up to it; NONE if no guess is worth its while. */
function guess(ranked: usize, size: i32, k: i32): i32 {
  const stride = size / SAMPLE;
  if (stride < 4) return NONE;
  const rank = k / stride;
  const wanted = rank + (<i32> sqrt(<f32> rank) << 1) + 2;
  if (wanted > SAMPLE >> 1) return NONE;
  const out = few;
  for (let i = 0; i < SAMPLE; i++) {
    store<i32>(out + ((<usize> i) << 2), load<i32>(ranked + ((<usize> (i * stride)) << 2)));
  }
  const valid = countUpTo(out, SAMPLE, NONE - 1);
  return wanted < valid ? kth(out, SAMPLE, wanted, lowest, NONE - 1, valid) : NONE;
}

/**
 * A bound up to which exactly k keys lie, or, where ties leave none, the k-th smallest key itself. 1 ≤ k ≤ count, where
 * `count` of the `size` keys lie in [low, high] and none below.
 */
function kth(ranked: usize, size: i32, k: i32, low: i32, high: i32, count: i32): i32 {
  let before = 0; // keys up to `low`
  low--;
  // Invariant: before = keys up to `low` < k ≤ keys up to `high` = count. First among all keys, then among a handful.
  let base = 0; // keys below the handful
  let middle = low + <i32> (<u32> (high - low) >> 1);
  for (let enough = HANDFUL;; enough = 0) {
    while (count != k && count - before > enough && <u32> (high - low) > 1) {
      const found = base + countUpTo(ranked, size, middle);
      if (found < k) {
        low = middle;
        before = found;
      } else {
        high = middle;
        count = found;
      }
      middle = low + <i32> (<u32> (high - low) >> 1);
    }
    if (enough == 0 || count == k || <u32> (high - low) == 1) break;
    size = gather(ranked, size, low, high);
    ranked = few;
    base = before;
  }
  under = before;
  upTo = count;
  return high;
}

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
function gatherUpTo(bound: i32): i32 {
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
  const slots = totals;
  const ranked = ties;
  for (let i = 0; i < count; i++) {
    const at = (<usize> i) << 2;
    store<u32>(out, load<u32>(slots + at)); // of one past the cut it is overwritten, or lies beyond the n
    out += (<usize> (load<i32>(ranked + at) <= cut)) << 2;
  }
  return true;
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
