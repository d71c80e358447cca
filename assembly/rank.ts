// Where a rank lies among keys. No sort: a few streaming passes over the lane's keys, which lie in the first-level cache, narrow them
// down to a handful.

import { few } from "./layout";
import { lowest, NONE, total } from "./score";

/** How many of `size` keys are at most `bound`. */
export function countUpTo(ranked: usize, size: i32, bound: i32): i32 {
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
export let under: i32 = 0;
export let upTo: i32 = 0;

/** Up to this many keys are gathered and searched apart. */
const HANDFUL: i32 = 128;

/** So many keys are looked at to guess where a rank lies. */
const SAMPLE: i32 = 64;

/** A key that probably, and narrowly, has k of `size` keys up to it; NONE if no guess is worth its while. */
export function guess(ranked: usize, size: i32, k: i32): i32 {
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
export function kth(ranked: usize, size: i32, k: i32, low: i32, high: i32, count: i32): i32 {
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
