// Attention of one layer: rotated queries against the slots of each lane, softmax, what was observed, and the mixed values.
// Everything of a KV head is done before the next begins; its rows are read once for all heads of its group and all tokens.

import {
  CACHE_KEYS,
  CACHE_ROWS,
  CACHE_VALUES,
  CONTEXT_ANGLES,
  CONTEXT_CAPACITY,
  CONTEXT_EXTENT,
  CONTEXT_FIRST,
  CONTEXT_FIRST_RANK,
  CONTEXT_FLAGS,
  CONTEXT_KV,
  CONTEXT_MIXED,
  CONTEXT_NEW_ROWS,
  CONTEXT_OBSERVED,
  CONTEXT_POSITIONS,
  CONTEXT_QKV,
  CONTEXT_RANK_ANGLES,
  CONTEXT_RANKS,
  CONTEXT_ROW,
  CONTEXT_ROW_BYTES,
  CONTEXT_ROWS,
  CONTEXT_SCORES,
  CONTEXT_SLOTS,
  CONTEXT_STRIDE,
  CONTEXT_TOKENS,
  FLAG_MAXIMUM,
  FLAG_OBSERVED,
  FLAG_POOLED,
  FLAG_RANKED,
  LAYER_HEAD_NORMS,
  LAYER_WINDOW,
  MODEL_EPS,
  MODEL_HEAD_DIM,
  MODEL_HEADS,
  MODEL_KV_HEADS,
  MODEL_LAYERS,
} from "./abi";
import { rowOf, storeRow } from "./kv";
import { padded, word } from "./rows";
import { exponential, largest, normalise, total } from "./vector";

const HIDDEN: f32 = -3.0e38; // the score of what a query does not see

// The pass, as the context has it.
let tokens: u32 = 0;
let extent: u32 = 0;
let first: u32 = 0; // position of the first token
let firstRank: u32 = 0;
// This thread's.
let scores: usize = 0; // f32 [heads of a group, tokens, padded extent]
let buffer: usize = 0; // f32 [4, headDim]

/** to = a head rotated: pairs i and i + dim / 2. @param angles cos [dim / 2], sin [dim / 2] */
function rotate(from: usize, angles: usize, to: usize, dim: u32): void {
  const half = <usize> dim << 1; // bytes
  let i: usize = 0;
  for (; i + 16 <= half; i += 16) {
    const a = v128.load(from + i);
    const b = v128.load(from + half + i);
    const cosine = v128.load(angles + i);
    const sine = v128.load(angles + half + i);
    v128.store(to + i, f32x4.sub(f32x4.mul(a, cosine), f32x4.mul(b, sine)));
    v128.store(to + half + i, f32x4.add(f32x4.mul(b, cosine), f32x4.mul(a, sine)));
  }
  for (; i < half; i += 4) {
    const a = load<f32>(from + i);
    const b = load<f32>(from + half + i);
    const cosine = load<f32>(angles + i);
    const sine = load<f32>(angles + half + i);
    store<f32>(to + i, a * cosine - b * sine);
    store<f32>(to + half + i, b * cosine + a * sine);
  }
}

/** Normalises and rotates a KV head and its queries in place, and writes K and V into their slots, with the slots' positions. */
function enter(model: usize, layer: usize, context: usize, cache: usize, lane: u32, head: u32): void {
  const heads = word(model, MODEL_HEADS);
  const kvHeads = word(model, MODEL_KV_HEADS);
  const dim = word(model, MODEL_HEAD_DIM);
  const group = heads / kvHeads;
  const eps = load<f32>(model + (MODEL_EPS << 2));
  const norms: usize = word(layer, LAYER_HEAD_NORMS);
  const flags = word(context, CONTEXT_FLAGS);
  const kv = word(context, CONTEXT_KV);
  const rowBytes: usize = word(context, CONTEXT_ROW_BYTES);
  const headBytes = <usize> dim << 2;
  for (let token: u32 = 0; token < tokens; token++) {
    const angles = <usize> word(context, CONTEXT_ANGLES) + <usize> token * headBytes;
    const qkv = <usize> word(context, CONTEXT_QKV) + <usize> (token * (heads + 2 * kvHeads)) * headBytes;
    for (let g: u32 = 0; g < group; g++) {
      const at = qkv + <usize> (head * group + g) * headBytes;
      if (norms) normalise(at, norms, at, dim, eps);
      rotate(at, angles, at, dim);
    }
    const key = qkv + <usize> (heads + head) * headBytes;
    if (norms) normalise(key, norms + headBytes, key, dim, eps);
    if (!(flags & FLAG_RANKED)) rotate(key, angles, key, dim);

    const told = <usize> ((lane * tokens + token) << 2);
    const slot = load<u32>(<usize> word(context, CONTEXT_SLOTS) + told);
    const here = <usize> ((lane * word(context, CONTEXT_CAPACITY) + slot) << 2);
    let row = head * word(cache, CACHE_ROWS) + slot;
    if (flags & FLAG_POOLED) {
      row = load<u32>(<usize> word(context, CONTEXT_NEW_ROWS) + told);
      store<u32>(<usize> word(context, CONTEXT_ROWS) + here, row);
    }
    storeRow(kv, key, <usize> word(cache, CACHE_KEYS) + <usize> row * rowBytes, dim);
    const value = key + <usize> kvHeads * headBytes;
    storeRow(kv, value, <usize> word(cache, CACHE_VALUES) + <usize> row * rowBytes, dim);
    store<u32>(<usize> word(context, CONTEXT_POSITIONS) + here, first + token);
    if (flags & FLAG_RANKED) store<u32>(<usize> word(context, CONTEXT_RANKS) + here, firstRank + token);
  }
}

/** Σ a·b of `dim` numbers. */
@inline
function dot(a: usize, b: usize, bytes: usize): f32 {
  let some = f32x4.splat(0);
  let more = some;
  let i: usize = 0;
  for (; i + 32 <= bytes; i += 32) {
    some = f32x4.add(some, f32x4.mul(v128.load(a + i), v128.load(b + i)));
    more = f32x4.add(more, f32x4.mul(v128.load(a + i, 16), v128.load(b + i, 16)));
  }
  if (i < bytes) some = f32x4.add(some, f32x4.mul(v128.load(a + i), v128.load(b + i)));
  return total(f32x4.add(some, more));
}

/** The row of K and V that a slot has. */
@inline
function rowAt(context: usize, cache: usize, head: u32, slot: u32, here: usize): usize {
  if (word(context, CONTEXT_FLAGS) & FLAG_POOLED) return load<u32>(<usize> word(context, CONTEXT_ROWS) + here);
  return <usize> (head * word(cache, CACHE_ROWS) + slot);
}

/** Scores of one KV head: [group, tokens, pitch], HIDDEN where a query does not see the slot. */
function scoresOf(model: usize, layer: usize, context: usize, cache: usize, lane: u32, head: u32, pitch: u32): void {
  const heads = word(model, MODEL_HEADS);
  const kvHeads = word(model, MODEL_KV_HEADS);
  const dim = word(model, MODEL_HEAD_DIM);
  const group = heads / kvHeads;
  const headBytes = <usize> dim << 2;
  const tokenBytes = <usize> (heads + 2 * kvHeads) * headBytes;
  const ranked = (word(context, CONTEXT_FLAGS) & FLAG_RANKED) != 0;
  const window = word(layer, LAYER_WINDOW);
  const queries = <usize> word(context, CONTEXT_QKV) + <usize> (head * group) * headBytes;
  const keys: usize = word(cache, CACHE_KEYS);
  const rowBytes: usize = word(context, CONTEXT_ROW_BYTES);
  const scale: f32 = 1 / sqrt<f32>(<f32> dim);
  const origin = <i32> (ranked ? firstRank : first);
  for (let slot: u32 = 0; slot < pitch; slot++) {
    const here = <usize> ((lane * word(context, CONTEXT_CAPACITY) + slot) << 2);
    const position = slot < extent ? load<i32>(<usize> word(context, CONTEXT_POSITIONS) + here) : -1;
    const to = scores + (<usize> slot << 2);
    if (position < 0) {
      for (let i: u32 = 0; i < group * tokens; i++) store<f32>(to + (<usize> (i * pitch) << 2), HIDDEN);
      continue;
    }
    const place = ranked ? load<i32>(<usize> word(context, CONTEXT_RANKS) + here) : position;
    const stored = keys + rowAt(context, cache, head, slot, here) * rowBytes;
    let key = rowOf(word(context, CONTEXT_KV), stored, buffer, dim);
    if (ranked) {
      const angles = <usize> word(context, CONTEXT_RANK_ANGLES) + <usize> max(place, 0) * headBytes;
      rotate(key, angles, buffer + headBytes, dim);
      key = buffer + headBytes;
    }
    for (let token: u32 = 0; token < tokens; token++) {
      const distance = origin + <i32> token - place;
      const seen = distance >= 0 && (window == 0 || distance < <i32> window);
      for (let g: u32 = 0; g < group; g++) {
        const query = queries + <usize> token * tokenBytes + <usize> g * headBytes;
        const score = seen ? dot(key, query, headBytes) * scale : HIDDEN;
        store<f32>(to + (<usize> ((g * tokens + token) * pitch) << 2), score);
      }
    }
  }
}

/** Scores become probabilities, in place. @param pitch a multiple of 4 */
function softmax(row: usize, pitch: u32): void {
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

/** Σp, Σp² and the last p of every slot of a lane, p the mean or the largest over the group's heads. */
function observe(context: usize, lanes: u32, lane: u32, group: u32, pitch: u32): void {
  const capacity = word(context, CONTEXT_CAPACITY);
  const plane = <usize> (lanes * capacity) << 2;
  const to = <usize> word(context, CONTEXT_OBSERVED) + (<usize> (lane * capacity) << 2);
  const apart = <usize> (tokens * pitch) << 2; // between heads
  const maximum = (word(context, CONTEXT_FLAGS) & FLAG_MAXIMUM) != 0;
  for (let slot: u32 = 0; slot < extent; slot++) {
    const at = <usize> slot << 2;
    let sum: f32 = 0;
    let squares: f32 = 0;
    let last: f32 = 0;
    for (let token: u32 = 0; token < tokens; token++) {
      const from = scores + (<usize> (token * pitch) << 2) + at;
      last = load<f32>(from);
      for (let g: u32 = 1; g < group; g++) {
        const p = load<f32>(from + <usize> g * apart);
        last = maximum ? max(last, p) : last + p;
      }
      if (!maximum) last /= <f32> group;
      sum += last;
      squares += last * last;
    }
    store<f32>(to + at, sum);
    if (tokens == 1) continue; // one query says all three
    store<f32>(to + plane + at, squares);
    store<f32>(to + 2 * plane + at, last);
  }
}

/** mixed = Σ p·v of one KV head's queries, four slots at a time. */
function mix(model: usize, context: usize, cache: usize, lane: u32, head: u32, pitch: u32, width: u32): void {
  const dim = word(model, MODEL_HEAD_DIM);
  const group = word(model, MODEL_HEADS) / word(model, MODEL_KV_HEADS);
  const headBytes = <usize> dim << 2;
  const mixed = <usize> word(context, CONTEXT_MIXED) + <usize> (head * group) * headBytes;
  const tokenBytes = <usize> width << 2;
  const values: usize = word(cache, CACHE_VALUES);
  const rowBytes: usize = word(context, CONTEXT_ROW_BYTES);
  const positions: usize = word(context, CONTEXT_POSITIONS);
  for (let token: u32 = 0; token < tokens; token++) {
    memory.fill(mixed + <usize> token * tokenBytes, 0, <usize> group * headBytes);
  }
  let slot: u32 = 0;
  while (slot < extent) {
    // The next four slots that are not free; none: the first again, with no weight.
    let found = 0;
    let slot0: usize = 0;
    let slot1: usize = 0;
    let slot2: usize = 0;
    let slot3: usize = 0;
    let row0: usize = 0;
    let row1: usize = 0;
    let row2: usize = 0;
    let row3: usize = 0;
    for (; slot < extent && found < 4; slot++) {
      const here = <usize> ((lane * word(context, CONTEXT_CAPACITY) + slot) << 2);
      if (load<i32>(positions + here) < 0) continue;
      const stored = values + rowAt(context, cache, head, slot, here) * rowBytes;
      const row = rowOf(word(context, CONTEXT_KV), stored, buffer + <usize> found * headBytes, dim);
      const at = <usize> slot << 2;
      if (found == 0) {
        row0 = row;
        row1 = row;
        row2 = row;
        row3 = row;
        slot0 = at;
      } else if (found == 1) {
        row1 = row;
        slot1 = at;
      } else if (found == 2) {
        row2 = row;
        slot2 = at;
      } else {
        row3 = row;
        slot3 = at;
      }
      found++;
    }
    if (found == 0) return;
    for (let token: u32 = 0; token < tokens; token++) {
      for (let g: u32 = 0; g < group; g++) {
        const from = scores + (<usize> ((g * tokens + token) * pitch) << 2);
        const zero = f32x4.splat(0);
        const p0 = v128.load32_splat(from + slot0);
        const p1 = found > 1 ? v128.load32_splat(from + slot1) : zero;
        const p2 = found > 2 ? v128.load32_splat(from + slot2) : zero;
        const p3 = found > 3 ? v128.load32_splat(from + slot3) : zero;
        const to = mixed + <usize> token * tokenBytes + <usize> g * headBytes;
        for (let i: usize = 0; i < headBytes; i += 16) {
          const some = f32x4.add(f32x4.mul(p0, v128.load(row0 + i)), f32x4.mul(p1, v128.load(row1 + i)));
          const more = f32x4.add(f32x4.mul(p2, v128.load(row2 + i)), f32x4.mul(p3, v128.load(row3 + i)));
          v128.store(to + i, f32x4.add(v128.load(to + i), f32x4.add(some, more)));
        }
      }
    }
  }
}

/** The attention of one KV head of a layer, from projected queries, keys and values to what its queries mixed. */
export function attend(
  model: usize,
  layer: usize,
  context: usize,
  cache: usize,
  index: u32,
  thread: u32,
  head: u32,
): void {
  const kvHeads = word(model, MODEL_KV_HEADS);
  const dim = word(model, MODEL_HEAD_DIM);
  const group = word(model, MODEL_HEADS) / kvHeads;
  tokens = word(context, CONTEXT_TOKENS);
  extent = word(context, CONTEXT_EXTENT);
  first = word(context, CONTEXT_FIRST);
  firstRank = word(context, CONTEXT_FIRST_RANK);
  const pitch = (extent + 3) & ~3;
  const most = (word(context, CONTEXT_CAPACITY) + 3) & ~3;
  scores = <usize> word(context, CONTEXT_SCORES) +
    (<usize> (thread * group * word(context, CONTEXT_STRIDE) * most) << 2);
  buffer = <usize> word(context, CONTEXT_ROW) + (<usize> (thread * dim) << 4);
  const lane = index * kvHeads + head;
  enter(model, layer, context, cache, lane, head);
  scoresOf(model, layer, context, cache, lane, head, pitch);
  for (let i: u32 = 0; i < group * tokens; i++) softmax(scores + (<usize> (i * pitch) << 2), pitch);
  if (word(context, CONTEXT_FLAGS) & FLAG_OBSERVED) {
    observe(context, word(model, MODEL_LAYERS) * kvHeads, lane, group, pitch);
  }
  mix(model, context, cache, lane, head, pitch, padded(word(model, MODEL_HEADS) * dim));
}
