// Scores of one KV head's queries, their softmax, and what of it is observed.

import {
  CACHE_KEYS,
  CONTEXT_CAPACITY,
  CONTEXT_FLAGS,
  CONTEXT_OBSERVED,
  CONTEXT_QKV,
  CONTEXT_RANK_ANGLES,
  CONTEXT_RANKS,
  FLAG_MAXIMUM,
  FLAG_RANKED,
  LAYER_ROPE,
  LAYER_WINDOW,
  MODEL_ATTENTION_SCALE,
  MODEL_HEAD_DIM,
  MODEL_HEADS,
  MODEL_KV_HEADS,
} from "./abi";
import { moveFour, positions, row0, row1, row2, row3, takeFour } from "./four";
import { number, word } from "./rows";
import { exponential, largest, rotate, total } from "./vector";

const HIDDEN: f32 = -3.0e38; // the score of what a query does not see

/** Σ of each of four vectors' lanes. */
@inline
function totals(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/** Four rows times a query. */
function dots(a: usize, b: usize, c: usize, d: usize, query: usize, bytes: usize): v128 {
  let sumA = f32x4.splat(0);
  let sumB = sumA;
  let sumC = sumA;
  let sumD = sumA;
  for (let i: usize = 0; i < bytes; i += 16) {
    const q = v128.load(query + i);
    sumA = f32x4.add(sumA, f32x4.mul(q, v128.load(a + i)));
    sumB = f32x4.add(sumB, f32x4.mul(q, v128.load(b + i)));
    sumC = f32x4.add(sumC, f32x4.mul(q, v128.load(c + i)));
    sumD = f32x4.add(sumD, f32x4.mul(q, v128.load(d + i)));
  }
  return totals(sumA, sumB, sumC, sumD);
}

/** Rotates the four rows, to `buffer`, by their slots' ranks, i32 [4]. @param angles of all ranks */
function rotateFour(angles: usize, ranks: usize, buffer: usize, dim: u32): void {
  const bytes = <usize> dim << 2;
  const held = v128.and(v128.load(ranks), i32x4.ge_s(positions, i32x4.splat(0))); // of free slots it may be anything
  const live = i32x4.max_s(held, i32x4.splat(0));
  rotate(row0, angles + <usize> i32x4.extract_lane(live, 0) * bytes, buffer, dim);
  rotate(row1, angles + <usize> i32x4.extract_lane(live, 1) * bytes, buffer + bytes, dim);
  rotate(row2, angles + <usize> i32x4.extract_lane(live, 2) * bytes, buffer + 2 * bytes, dim);
  rotate(row3, angles + <usize> i32x4.extract_lane(live, 3) * bytes, buffer + 3 * bytes, dim);
  moveFour(buffer, buffer + bytes, buffer + 2 * bytes, buffer + 3 * bytes);
}

/** Scores of one KV head: [group, tokens, pitch], HIDDEN where a query does not see the slot. @param buffer f32 [4, headDim] */
export function scoresOf(
  model: usize,
  layer: usize,
  context: usize,
  cache: usize,
  lane: u32,
  head: u32,
  tokens: u32,
  origin: u32,
  pitch: u32,
  scores: usize,
  buffer: usize,
): void {
  const heads = word(model, MODEL_HEADS);
  const kvHeads = word(model, MODEL_KV_HEADS);
  const dim = word(model, MODEL_HEAD_DIM);
  const group = heads / kvHeads;
  const headBytes = <usize> dim << 2;
  const tokenBytes = <usize> (heads + 2 * kvHeads) * headBytes;
  const ranked = (word(context, CONTEXT_FLAGS) & FLAG_RANKED) != 0;
  const window = word(layer, LAYER_WINDOW);
  const queries = <usize> word(context, CONTEXT_QKV) + <usize> (head * group) * headBytes;
  const ranks = <usize> word(context, CONTEXT_RANKS) + (<usize> (lane * word(context, CONTEXT_CAPACITY)) << 2);
  const angles = <usize> word(context, CONTEXT_RANK_ANGLES) +
    <usize> (word(layer, LAYER_ROPE) * word(context, CONTEXT_CAPACITY)) * headBytes;
  const keys: usize = word(cache, CACHE_KEYS);
  const scale = f32x4.splat(number(model, MODEL_ATTENTION_SCALE));
  const hidden = f32x4.splat(HIDDEN);
  const none = i32x4.splat(0);
  const far = i32x4.splat(window == 0 ? i32.MAX_VALUE : <i32> window);
  for (let slot: u32 = 0; slot < pitch; slot += 4) {
    const to = scores + (<usize> slot << 2);
    if (!takeFour(keys, slot)) {
      for (let i: u32 = 0; i < group * tokens; i++) v128.store(to + (<usize> (i * pitch) << 2), hidden);
      continue;
    }
    const taken = i32x4.ge_s(positions, none);
    let places = positions;
    if (ranked) {
      places = v128.load(ranks + (<usize> slot << 2));
      rotateFour(angles, ranks + (<usize> slot << 2), buffer, dim);
    }
    for (let token: u32 = 0; token < tokens; token++) {
      const distance = i32x4.sub(i32x4.splat(<i32> (origin + token)), places);
      const near = v128.and(i32x4.ge_s(distance, none), i32x4.lt_s(distance, far));
      const seen = v128.and(taken, near);
      const any = v128.any_true(seen);
      const query = queries + <usize> token * tokenBytes;
      for (let g: u32 = 0; g < group; g++) {
        let score = hidden;
        if (any) {
          const product = f32x4.mul(dots(row0, row1, row2, row3, query + <usize> g * headBytes, headBytes), scale);
          score = v128.bitselect(product, hidden, seen);
        }
        v128.store(to + (<usize> ((g * tokens + token) * pitch) << 2), score);
      }
    }
  }
}

/** Scores become probabilities, in place. @param pitch a multiple of 4 */
export function softmax(row: usize, pitch: u32): void {
  const bytes = <usize> pitch << 2;
  const hidden = f32x4.splat(HIDDEN);
  let tops = hidden;
  for (let i: usize = 0; i < bytes; i += 16) tops = f32x4.max(tops, v128.load(row + i));
  const top = f32x4.splat(largest(tops));
  let sums = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const score = v128.load(row + i);
    const weight = v128.andnot(exponential(f32x4.sub(score, top)), f32x4.eq(score, hidden));
    sums = f32x4.add(sums, weight);
    v128.store(row + i, weight);
  }
  const sum = f32x4.splat(total(sums));
  for (let i: usize = 0; i < bytes; i += 16) v128.store(row + i, f32x4.div(v128.load(row + i), sum));
}

/** Stores the first `count` of four numbers. */
@inline
function storeSome(to: usize, four: v128, count: u32): void {
  if (count >= 4) {
    v128.store(to, four);
    return;
  }
  store<f32>(to, f32x4.extract_lane(four, 0));
  if (count > 1) store<f32>(to, f32x4.extract_lane(four, 1), 4);
  if (count > 2) store<f32>(to, f32x4.extract_lane(four, 2), 8);
}

/** Σp, Σp² and the last p of every slot of a lane, p the mean or the largest over the group's heads. @param lanes of all layers */
export function observe(
  context: usize,
  lanes: u32,
  lane: u32,
  group: u32,
  tokens: u32,
  extent: u32,
  pitch: u32,
  scores: usize,
): void {
  const capacity = word(context, CONTEXT_CAPACITY);
  const plane = <usize> (lanes * capacity) << 2;
  const apart = <usize> (tokens * pitch) << 2; // between heads
  const maximum = (word(context, CONTEXT_FLAGS) & FLAG_MAXIMUM) != 0;
  const share = f32x4.splat(<f32> group);
  for (let slot: u32 = 0; slot < extent; slot += 4) {
    let sum = f32x4.splat(0);
    let squares = sum;
    let last = sum;
    for (let token: u32 = 0; token < tokens; token++) {
      const from = scores + (<usize> (token * pitch + slot) << 2);
      last = v128.load(from);
      for (let g: u32 = 1; g < group; g++) {
        const p = v128.load(from + <usize> g * apart);
        last = maximum ? f32x4.max(last, p) : f32x4.add(last, p);
      }
      if (!maximum) last = f32x4.div(last, share);
      sum = f32x4.add(sum, last);
      squares = f32x4.add(squares, f32x4.mul(last, last));
    }
    const to = <usize> word(context, CONTEXT_OBSERVED) + (<usize> (lane * capacity + slot) << 2);
    storeSome(to, sum, extent - slot);
    if (tokens == 1) continue; // one query says all three
    storeSome(to + plane, squares, extent - slot);
    storeSome(to + 2 * plane, last, extent - slot);
  }
}
