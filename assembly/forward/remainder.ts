// What was evicted from a lane, summed up: the mean of the keys, the mean of the values, and of how many tokens they are. A query
// meets it as one more slot: its score is that of the mean key, and ln n for the n tokens that it stands for.

import {
  CACHE_KEYS,
  CACHE_ROWS,
  CACHE_VALUES,
  CACHE_WORDS,
  CONTEXT_CAPACITY,
  CONTEXT_FLAGS,
  CONTEXT_FOLD_MOST,
  CONTEXT_FOLD_RANK,
  CONTEXT_GONE,
  CONTEXT_HEADER,
  CONTEXT_KV,
  CONTEXT_MIXED,
  CONTEXT_QKV,
  CONTEXT_RANK_ANGLES,
  CONTEXT_REMAINDER,
  CONTEXT_REMAINDERS,
  CONTEXT_ROW,
  CONTEXT_ROW_BYTES,
  CONTEXT_ROWS,
  FLAG_POOLED,
  FLAG_RANKED,
  LAYER_ROPE,
  LAYER_WORDS,
  MODEL_ATTENTION_SCALE,
  MODEL_HEAD_DIM,
  MODEL_HEADER,
  MODEL_HEADS,
  MODEL_KV_HEADS,
  MODEL_LAYERS,
  MODEL_SCORE_CAP,
} from "./abi";
import { rowOf } from "./kv";
import { number, padded, word } from "./rows";
import { capped, rotate, total } from "./vector";

/** Where the mean key of a remainder lies; its mean value is behind it. @param index of lane · remainders */
@inline
function meansAt(context: usize, index: u32, dim: u32): usize {
  return <usize> word(context, CONTEXT_REMAINDER) + (<usize> index * <usize> dim << 3);
}

/** Where it stands how many tokens a remainder is of, as f32. @param lanes of all layers */
@inline
function countAt(context: usize, index: u32, lanes: u32, dim: u32): usize {
  return meansAt(context, lanes * word(context, CONTEXT_REMAINDERS), dim) + (<usize> index << 2);
}

/** The square of how far a key is from a mean. */
function distance(key: usize, mean: usize, bytes: usize): f32 {
  let sum = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const far = f32x4.sub(v128.load(key + i), v128.load(mean + i));
    sum = f32x4.add(sum, f32x4.mul(far, far));
  }
  return total(sum);
}

/** mean += (row − mean) / n */
function blend(mean: usize, row: usize, n: f32, bytes: usize): void {
  const count = f32x4.splat(n);
  for (let i: usize = 0; i < bytes; i += 16) {
    const old = v128.load(mean + i);
    v128.store(mean + i, f32x4.add(old, f32x4.div(f32x4.sub(v128.load(row + i), old), count)));
  }
}

/** So many tokens, or the most that a remainder stands for: what it is of then fades as more come. */
@inline
function atMost(context: usize, n: f32): f32 {
  return min<f32>(n, <f32> word(context, CONTEXT_FOLD_MOST));
}

/** Takes a token into a remainder. */
function put(context: usize, index: u32, lanes: u32, key: usize, value: usize, dim: u32): void {
  const bytes = <usize> dim << 2;
  const count = countAt(context, index, lanes, dim);
  const means = meansAt(context, index, dim);
  const n = atMost(context, load<f32>(count) + 1);
  store<f32>(count, n);
  blend(means, key, n, bytes);
  blend(means + bytes, value, n, bytes);
}

/**
 * Takes a token into a lane's remainders: into one that is empty, or else two of all that there are then, itself among them, become
 * one: those whose keys it moves least, m · n / (m + n) times the square of how far their means are apart (Ward's criterion).
 */
function takeIn(context: usize, lane: u32, lanes: u32, key: usize, value: usize, dim: u32): void {
  const remainders = word(context, CONTEXT_REMAINDERS);
  const first = lane * remainders;
  const bytes = <usize> dim << 2;
  let least: f32 = f32.MAX_VALUE;
  let a = first;
  let b = first + remainders; // the token
  for (let i: u32 = 0; i <= remainders; i++) {
    const isToken = i == remainders;
    const n: f32 = isToken ? 1 : load<f32>(countAt(context, first + i, lanes, dim));
    if (n == 0) {
      put(context, first + i, lanes, key, value, dim);
      return;
    }
    if (remainders == 1) continue;
    const mean = isToken ? key : meansAt(context, first + i, dim);
    for (let j: u32 = 0; j < i; j++) {
      const m = load<f32>(countAt(context, first + j, lanes, dim));
      const moves = m * n / (m + n) * distance(mean, meansAt(context, first + j, dim), bytes);
      if (moves < least) {
        least = moves;
        a = first + j;
        b = first + i;
      }
    }
  }
  if (b == first + remainders) {
    put(context, a, lanes, key, value, dim);
    return;
  }
  const count = countAt(context, a, lanes, dim);
  const others = countAt(context, b, lanes, dim);
  const n = load<f32>(count) + load<f32>(others);
  const from = meansAt(context, b, dim);
  blend(meansAt(context, a, dim), from, n / load<f32>(others), 2 * bytes);
  store<f32>(count, atMost(context, n));
  store<f32>(others, 0);
  memory.fill(from, 0, 2 * bytes);
  put(context, b, lanes, key, value, dim);
}

/** Sums up what the slots hold that the context says are gone, in their order: before anything else is written into them. */
export function fold(model: usize, context: usize): void {
  const kvHeads = word(model, MODEL_KV_HEADS);
  const lanes = word(model, MODEL_LAYERS) * kvHeads;
  const dim = word(model, MODEL_HEAD_DIM);
  const bytes = <usize> dim << 2;
  const flags = word(context, CONTEXT_FLAGS);
  const kv = word(context, CONTEXT_KV);
  const rowBytes: usize = word(context, CONTEXT_ROW_BYTES);
  const capacity = word(context, CONTEXT_CAPACITY);
  const begins: usize = word(context, CONTEXT_GONE);
  const slots = begins + (<usize> (lanes + 1) << 2);
  const buffer: usize = word(context, CONTEXT_ROW);
  for (let lane: u32 = 0; lane < lanes; lane++) {
    const cache = context + <usize> ((CONTEXT_HEADER + lane / kvHeads * CACHE_WORDS) << 2);
    const layer = model + <usize> ((MODEL_HEADER + lane / kvHeads * LAYER_WORDS) << 2);
    const turn = word(layer, LAYER_ROPE) * capacity + word(context, CONTEXT_FOLD_RANK);
    const angles = <usize> word(context, CONTEXT_RANK_ANGLES) + <usize> turn * bytes;
    const first = <usize> (lane * capacity) << 2;
    const end = load<u32>(begins + (<usize> (lane + 1) << 2));
    for (let i = load<u32>(begins + (<usize> lane << 2)); i < end; i++) {
      const slot = load<u32>(slots + (<usize> i << 2));
      const here = first + (<usize> slot << 2);
      const row: usize = flags & FLAG_POOLED
        ? load<u32>(<usize> word(context, CONTEXT_ROWS) + here)
        : lane % kvHeads * word(cache, CACHE_ROWS) + slot;
      let key = rowOf(kv, <usize> word(cache, CACHE_KEYS) + row * rowBytes, buffer, dim);
      const value = rowOf(kv, <usize> word(cache, CACHE_VALUES) + row * rowBytes, buffer + bytes, dim);
      if (flags & FLAG_RANKED) {
        rotate(key, angles, buffer + 2 * bytes, dim);
        key = buffer + 2 * bytes;
      }
      takeIn(context, lane, lanes, key, value, dim);
    }
  }
}

/** Scores of a lane's remainders, behind those of its slots. @param scores [group, tokens, pitch] @param from the first one's column */
export function scoreRemainders(
  model: usize,
  context: usize,
  lane: u32,
  head: u32,
  tokens: u32,
  from: u32,
  pitch: u32,
  scores: usize,
): void {
  const heads = word(model, MODEL_HEADS);
  const kvHeads = word(model, MODEL_KV_HEADS);
  const dim = word(model, MODEL_HEAD_DIM);
  const group = heads / kvHeads;
  const bytes = <usize> dim << 2;
  const tokenBytes = <usize> (heads + 2 * kvHeads) * bytes;
  const queries = <usize> word(context, CONTEXT_QKV) + <usize> (head * group) * bytes;
  const remainders = word(context, CONTEXT_REMAINDERS);
  const scale = number(model, MODEL_ATTENTION_SCALE);
  const cap = number(model, MODEL_SCORE_CAP);
  for (let r: u32 = 0; r < remainders; r++) {
    const index = lane * remainders + r;
    const n = load<f32>(countAt(context, index, word(model, MODEL_LAYERS) * kvHeads, dim));
    if (n == 0) continue; // its score is that of a free slot
    const mean = meansAt(context, index, dim);
    const share = <f32> Math.log(n);
    for (let i: u32 = 0; i < group * tokens; i++) {
      const query = queries + <usize> (i % tokens) * tokenBytes + <usize> (i / tokens) * bytes;
      let sum = f32x4.splat(0);
      for (let at: usize = 0; at < bytes; at += 16) sum = f32x4.add(sum, f32x4.mul(v128.load(query + at), v128.load(mean + at)));
      let score = total(sum) * scale;
      if (cap != 0) score = f32x4.extract_lane(capped(f32x4.splat(score), f32x4.splat(cap)), 0);
      store<f32>(scores + (<usize> (i * pitch + from + r) << 2), score + share);
    }
  }
}

/** Adds the mean values of a lane's remainders to what its slots mixed. @param scores p, as above */
export function mixRemainders(
  model: usize,
  context: usize,
  lane: u32,
  head: u32,
  tokens: u32,
  from: u32,
  pitch: u32,
  scores: usize,
): void {
  const heads = word(model, MODEL_HEADS);
  const dim = word(model, MODEL_HEAD_DIM);
  const group = heads / word(model, MODEL_KV_HEADS);
  const bytes = <usize> dim << 2;
  const mixed = <usize> word(context, CONTEXT_MIXED) + <usize> (head * group) * bytes;
  const tokenBytes = <usize> padded(heads * dim) << 2;
  const remainders = word(context, CONTEXT_REMAINDERS);
  for (let r: u32 = 0; r < remainders; r++) {
    const value = meansAt(context, lane * remainders + r, dim) + bytes;
    for (let i: u32 = 0; i < group * tokens; i++) {
      const p = v128.load32_splat(scores + (<usize> (i * pitch + from + r) << 2));
      const to = mixed + <usize> (i % tokens) * tokenBytes + <usize> (i / tokens) * bytes;
      for (let at: usize = 0; at < bytes; at += 16) {
        v128.store(to + at, f32x4.add(v128.load(to + at), f32x4.mul(p, v128.load(value + at))));
      }
    }
  }
}
