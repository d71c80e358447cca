// Attention of one layer: rotated queries against the slots of each lane, softmax, what was observed, and the mixed values.
// Everything of a KV head is done before the next begins; its rows are read once for all heads of its group and all tokens.

import {
  CACHE_KEYS,
  CACHE_ROWS,
  CACHE_VALUES,
  CONTEXT_ANGLES,
  CONTEXT_ASKED,
  CONTEXT_CAPACITY,
  CONTEXT_EXTENT,
  CONTEXT_FIRST,
  CONTEXT_FIRST_RANK,
  CONTEXT_FLAGS,
  CONTEXT_KV,
  CONTEXT_NEW_ROWS,
  CONTEXT_POSITIONS,
  CONTEXT_QKV,
  CONTEXT_QUERIES,
  CONTEXT_RANKS,
  CONTEXT_REMAINDERS,
  CONTEXT_ROW,
  CONTEXT_ROW_BYTES,
  CONTEXT_ROWS,
  CONTEXT_SCORES,
  CONTEXT_SLOTS,
  CONTEXT_STRIDE,
  CONTEXT_TOKENS,
  FLAG_OBSERVED,
  FLAG_POOLED,
  FLAG_RANKED,
  LAYER_HEAD_NORMS,
  LAYER_ROPE,
  MODEL_EPS,
  MODEL_HEAD_DIM,
  MODEL_HEADS,
  MODEL_KV_HEADS,
  MODEL_LAYERS,
  MODEL_SCORE_CAP,
  PASS_CLAMPED,
} from "./abi";
import { openLane } from "./four";
import { storeRow } from "./kv";
import { mix } from "./mix";
import { mixRemainders, scoreRemainders } from "./remainder";
import { number, word } from "./rows";
import { observe, scoresOf, softmax } from "./scores";
import { capBy, normalise, rotate } from "./vector";

// The pass, as the context has it.
let tokens: u32 = 0;
let extent: u32 = 0;
let first: u32 = 0; // position of the first token
let firstRank: u32 = 0;

/** Adds a query that is not rotated yet to the sums of its head; the first of a pass begins them. */
function sumUp(query: usize, sums: usize, dim: u32, begins: bool): void {
  const half = <usize> dim << 1; // bytes
  for (let i: usize = 0; i < half; i += 4) {
    const a = load<f32>(query + i);
    const b = load<f32>(query + i + half);
    const length = sqrt<f32>(a * a + b * b);
    store<f32>(sums + i, begins ? a : load<f32>(sums + i) + a);
    store<f32>(sums + i + half, begins ? b : load<f32>(sums + i + half) + b);
    store<f32>(sums + i + 2 * half, begins ? length : load<f32>(sums + i + 2 * half) + length);
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
  const queries: usize = word(context, CONTEXT_QUERIES);
  const turns = <usize> word(context, CONTEXT_ANGLES) + <usize> (word(layer, LAYER_ROPE) * word(context, CONTEXT_STRIDE)) * headBytes;
  for (let token: u32 = 0; token < tokens; token++) {
    const angles = turns + <usize> token * headBytes;
    const qkv = <usize> word(context, CONTEXT_QKV) + <usize> (token * (heads + 2 * kvHeads)) * headBytes;
    for (let g: u32 = 0; g < group; g++) {
      const at = qkv + <usize> (head * group + g) * headBytes;
      if (norms) normalise(at, norms, at, dim, eps);
      if (queries) sumUp(at, queries + <usize> ((lane * group + g) * 6 * dim), dim, token == 0);
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
    const value = key + <usize> kvHeads * headBytes;
    let clamped = storeRow(kv, key, <usize> word(cache, CACHE_KEYS) + <usize> row * rowBytes, dim);
    if (storeRow(kv, value, <usize> word(cache, CACHE_VALUES) + <usize> row * rowBytes, dim)) clamped = true;
    if (clamped) store<u32>(context + (CONTEXT_ASKED << 2), word(context, CONTEXT_ASKED) | PASS_CLAMPED);
    store<u32>(<usize> word(context, CONTEXT_POSITIONS) + here, first + token);
    if (flags & FLAG_RANKED) store<u32>(<usize> word(context, CONTEXT_RANKS) + here, firstRank + token);
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
  const remainders = word(context, CONTEXT_REMAINDERS);
  const slots = (extent + 3) & ~3;
  const pitch = slots + ((remainders + 3) & ~3); // remainders are columns behind the slots, which no slot's row is read for
  const most = ((word(context, CONTEXT_CAPACITY) + 3) & ~3) + ((remainders + 3) & ~3);
  const scores = <usize> word(context, CONTEXT_SCORES) +
    (<usize> (thread * group * word(context, CONTEXT_STRIDE) * most) << 2);
  const buffer = <usize> word(context, CONTEXT_ROW) + (<usize> (thread * dim) << 4);
  const lane = index * kvHeads + head;
  enter(model, layer, context, cache, lane, head);
  openLane(context, cache, lane, head, extent, dim, buffer);
  const origin = word(context, CONTEXT_FLAGS) & FLAG_RANKED ? firstRank : first;
  scoresOf(model, layer, context, cache, lane, head, tokens, origin, pitch, scores, buffer);
  const cap = number(model, MODEL_SCORE_CAP);
  if (cap != 0) capBy(scores, cap, group * tokens * pitch);
  if (remainders) scoreRemainders(model, context, lane, head, tokens, slots, pitch, scores);
  for (let i: u32 = 0; i < group * tokens; i++) softmax(scores + (<usize> (i * pitch) << 2), pitch);
  if (word(context, CONTEXT_FLAGS) & FLAG_OBSERVED) {
    observe(context, word(model, MODEL_LAYERS) * kvHeads, lane, group, tokens, extent, pitch, scores);
  }
  mix(model, context, cache, head, tokens, extent, pitch, scores);
  if (remainders) mixRemainders(model, context, lane, head, tokens, slots, pitch, scores);
}
