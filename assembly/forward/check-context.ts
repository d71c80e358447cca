// Likewise of a context, and of what a pass is told: check.ts has what both need.

import {
  CACHE_KEYS,
  CACHE_ROWS,
  CACHE_VALUES,
  CACHE_WORDS,
  CONTEXT_ACTIVATED,
  CONTEXT_ANGLES,
  CONTEXT_ASKED,
  CONTEXT_BANNED,
  CONTEXT_BYTES,
  CONTEXT_CAPACITY,
  CONTEXT_EXPERT_ACTIVATED,
  CONTEXT_EXPERT_GATE_UP,
  CONTEXT_EXTENT,
  CONTEXT_FIRST,
  CONTEXT_FIRST_RANK,
  CONTEXT_FLAGS,
  CONTEXT_FOLD_MOST,
  CONTEXT_FOLD_RANK,
  CONTEXT_GONE,
  CONTEXT_GATE_UP,
  CONTEXT_GATHERED,
  CONTEXT_HEADER,
  CONTEXT_IDS,
  CONTEXT_KV,
  CONTEXT_LENGTH,
  CONTEXT_LOGITS,
  CONTEXT_LOSSES,
  CONTEXT_MARKS,
  CONTEXT_MIXED,
  CONTEXT_NEW_ROWS,
  CONTEXT_NORMED,
  CONTEXT_OBSERVED,
  CONTEXT_OPEN,
  CONTEXT_POSITIONS,
  CONTEXT_QKV,
  CONTEXT_QUERIES,
  CONTEXT_RANK_ANGLES,
  CONTEXT_RANKS,
  CONTEXT_REMAINDER,
  CONTEXT_REMAINDERS,
  CONTEXT_ROW,
  CONTEXT_ROUTED,
  CONTEXT_ROUTES,
  CONTEXT_ROW_BYTES,
  CONTEXT_ROWS,
  CONTEXT_SCORES,
  CONTEXT_SLOTS,
  CONTEXT_STAGES,
  CONTEXT_STRIDE,
  CONTEXT_TOKENS,
  CONTEXT_WIDE,
  CONTEXT_X,
  COUNT,
  FLAG_EVERY,
  FLAG_OBSERVED,
  FLAG_POOLED,
  FLAG_RANKED,
  MODEL_EXPERT_WIDTH,
  MODEL_EXPERTS,
  MODEL_EXPERTS_USED,
  MODEL_HEAD_DIM,
  MODEL_HEADS,
  MODEL_HIDDEN,
  MODEL_INTERMEDIATE,
  MODEL_KV_HEADS,
  MODEL_LAYERS,
  MODEL_ROPES,
  MODEL_THREADS,
  MODEL_VOCAB,
  MOST_REMAINDERS,
  PASS_OUTPUT,
  PASS_REUSED,
} from "./abi";
import { apart, behind, inArena, isSealed, rowBytes, structureBytes, within } from "./check";
import { routedPitch, routeWords } from "./experts";
import { padded, word } from "./rows";

const MOST_CAPACITY: u32 = 1 << 24; // slots
/** Tokens of a pass. */
export const MOST_STRIDE: u32 = 1 << 16;
const MOST_LANES: u32 = 1 << 16; // of a layer, or layers
const MOST_SUMMED: u32 = 1 << 24; // tokens of a remainder: f32 counts no further
const ALL_FLAGS: u32 = 31;

// Where the next part of a block may begin, and whether all so far lie behind each other.
let free: u64 = 0;
let ordered = true;

/** Goes on to a part of a context. */
function part(context: usize, index: i32, bytes: u64): void {
  const at: u64 = word(context, index);
  if (at < free) ordered = false;
  free = at + bytes;
}

/** A context's block lies in the arena, and what its words say does not leave it. */
function blockIsThere(context: usize): bool {
  const length: u64 = word(context, CONTEXT_LENGTH);
  return inArena(context, length) && structureBytes(context) <= length;
}

/** Whether the parts of a context that prepared rows of products go to are those of so many numbers, for `prepare` alone. */
export function inputIsSound(context: usize, numbers: u64): bool {
  if (!isSealed(context, CONTEXT_HEADER, CONTEXT_OPEN) || !blockIsThere(context)) return false;
  free = behind(context);
  ordered = true;
  part(context, CONTEXT_BYTES, 2 * numbers);
  part(context, CONTEXT_WIDE, 2 * numbers);
  part(context, CONTEXT_MARKS, numbers);
  return ordered && free <= <u64> context + <u64> word(context, CONTEXT_LENGTH);
}

/** Whether a context's observations go to books that lie elsewhere. */
function isObservedElsewhere(context: usize): bool {
  const at: u64 = word(context, CONTEXT_OBSERVED);
  return (word(context, CONTEXT_FLAGS) & FLAG_OBSERVED) != 0 && apart(at, 1, context, word(context, CONTEXT_LENGTH));
}

/** Bytes of observations that go elsewhere: of sizes that are yet to be looked at. */
export function bytesElsewhere(model: usize, context: usize): u64 {
  if (!isObservedElsewhere(context)) return 0;
  const lanes = <u64> min(word(model, MODEL_LAYERS), MOST_LANES) * <u64> min(word(model, MODEL_KV_HEADS), MOST_LANES);
  return 12 * lanes * <u64> min(word(context, CONTEXT_CAPACITY), MOST_CAPACITY);
}

/** Goes on over all parts that every context has. */
function walk(model: usize, context: usize): void {
  const lanes: u64 = word(model, MODEL_LAYERS) * word(model, MODEL_KV_HEADS);
  const heads: u64 = word(model, MODEL_HEADS);
  const kvHeads: u64 = word(model, MODEL_KV_HEADS);
  const dim: u64 = word(model, MODEL_HEAD_DIM);
  const hidden: u64 = padded(word(model, MODEL_HIDDEN));
  const inner: u64 = padded(word(model, MODEL_INTERMEDIATE));
  const mixed: u64 = padded(word(model, MODEL_HEADS) * word(model, MODEL_HEAD_DIM));
  const vocab: u64 = word(model, MODEL_VOCAB);
  const capacity: u64 = word(context, CONTEXT_CAPACITY);
  const stride: u64 = word(context, CONTEXT_STRIDE);
  const flags = word(context, CONTEXT_FLAGS);
  const slots = 4 * lanes * capacity;
  const experts = word(model, MODEL_EXPERTS);
  const rows = experts ? stride * <u64> word(model, MODEL_EXPERTS_USED) : 0;
  const expert: u64 = padded(word(model, MODEL_EXPERT_WIDTH));
  const widest = max(stride * max(hidden, max(inner, mixed)), rows * max(hidden, expert));
  const told = flags & FLAG_EVERY ? stride : 1;
  const remainders: u64 = word(context, CONTEXT_REMAINDERS);
  const ropes: u64 = word(model, MODEL_ROPES);
  const columns = ((capacity + 3) & ~3) + ((remainders + 3) & ~3);

  part(context, CONTEXT_POSITIONS, slots);
  if (flags & FLAG_RANKED) part(context, CONTEXT_RANKS, slots);
  if (flags & FLAG_POOLED) part(context, CONTEXT_ROWS, slots);
  if (flags & FLAG_RANKED) part(context, CONTEXT_RANK_ANGLES, 4 * ropes * capacity * dim);
  part(context, CONTEXT_IDS, 4 * (stride + 1));
  part(context, CONTEXT_SLOTS, 4 * lanes * stride);
  if (flags & FLAG_POOLED) part(context, CONTEXT_NEW_ROWS, 4 * lanes * stride);
  part(context, CONTEXT_ANGLES, 4 * ropes * stride * dim);
  part(context, CONTEXT_X, 4 * stride * hidden);
  part(context, CONTEXT_NORMED, 4 * stride * hidden);
  part(context, CONTEXT_QKV, 4 * stride * (heads + 2 * kvHeads) * dim);
  part(context, CONTEXT_MIXED, 4 * stride * mixed);
  if (inner) {
    part(context, CONTEXT_GATE_UP, 8 * stride * <u64> word(model, MODEL_INTERMEDIATE));
    part(context, CONTEXT_ACTIVATED, 4 * stride * inner);
  }
  part(context, CONTEXT_BYTES, 2 * widest);
  part(context, CONTEXT_WIDE, 2 * widest);
  part(context, CONTEXT_MARKS, widest);
  part(context, CONTEXT_SCORES, 4 * <u64> word(model, MODEL_THREADS) * (heads / kvHeads) * stride * columns);
  part(context, CONTEXT_ROW, 16 * <u64> word(model, MODEL_THREADS) * dim);
  if (flags & FLAG_OBSERVED && !isObservedElsewhere(context)) part(context, CONTEXT_OBSERVED, 3 * slots);
  part(context, CONTEXT_LOGITS, 4 * told * vocab);
  part(context, CONTEXT_LOSSES, 4 * told);
  part(context, CONTEXT_BANNED, (vocab + 31) >> 5 << 2);
  if (word(context, CONTEXT_STAGES)) {
    part(context, CONTEXT_STAGES, 4 * (<u64> word(model, MODEL_LAYERS) + 1) * stride * hidden);
  }
  if (remainders) {
    part(context, CONTEXT_REMAINDER, 4 * lanes * remainders * (2 * dim + 1));
    part(context, CONTEXT_GONE, 4 * (lanes + 1) + slots);
  }
  if (word(context, CONTEXT_QUERIES)) part(context, CONTEXT_QUERIES, 6 * <u64> word(model, MODEL_LAYERS) * heads * dim);
  if (!experts) return;
  part(context, CONTEXT_ROUTED, 4 * stride * <u64> routedPitch(experts));
  part(context, CONTEXT_ROUTES, 4 * routeWords(experts, word(model, MODEL_EXPERTS_USED), stride));
  part(context, CONTEXT_GATHERED, 4 * rows * hidden);
  part(context, CONTEXT_EXPERT_GATE_UP, 8 * rows * <u64> word(model, MODEL_EXPERT_WIDTH));
  part(context, CONTEXT_EXPERT_ACTIVATED, 4 * rows * expert);
}

/** Where the keys and values of a layer are told. */
@inline
function cacheOf(context: usize, layer: u32): usize {
  return context + <usize> ((CONTEXT_HEADER + layer * CACHE_WORDS) << 2);
}

/** Whether a context is sealed, is one of a sound model, and all its parts lie behind each other in its block. */
export function contextIsSound(model: usize, context: usize): bool {
  const layers = word(model, MODEL_LAYERS);
  if (!isSealed(context, CONTEXT_HEADER + CACHE_WORDS, CONTEXT_OPEN) || !blockIsThere(context)) return false;
  if (word(context, COUNT) != <u32> CONTEXT_HEADER + layers * <u32> CACHE_WORDS) return false;
  if (!within(word(context, CONTEXT_CAPACITY), MOST_CAPACITY) || !within(word(context, CONTEXT_STRIDE), MOST_STRIDE)) return false;
  if (word(context, CONTEXT_REMAINDERS) > <u32> MOST_REMAINDERS) return false;
  if (!within(word(context, CONTEXT_FOLD_MOST), MOST_SUMMED)) return false;
  if (word(context, CONTEXT_FOLD_RANK) >= word(context, CONTEXT_CAPACITY)) return false;
  const bytes = rowBytes(word(context, CONTEXT_KV), word(model, MODEL_HEAD_DIM));
  if (bytes == 0 || bytes != word(context, CONTEXT_ROW_BYTES) || word(context, CONTEXT_FLAGS) > ALL_FLAGS) return false;
  const elsewhere = bytesElsewhere(model, context);
  const observed: u64 = word(context, CONTEXT_OBSERVED);
  if (elsewhere && !(inArena(observed, elsewhere) && apart(observed, elsewhere, context, word(context, CONTEXT_LENGTH)))) return false;
  free = behind(context);
  ordered = true;
  walk(model, context);
  for (let side = CACHE_KEYS; side <= CACHE_VALUES; side++) {
    for (let i: u32 = 0; i < layers; i++) {
      const cache = cacheOf(context, i);
      const rows = word(cache, CACHE_ROWS);
      if (!within(rows, MOST_CAPACITY)) return false;
      part(cache, side, <u64> word(model, MODEL_KV_HEADS) * <u64> rows * <u64> bytes);
    }
  }
  return ordered && free <= <u64> context + <u64> word(context, CONTEXT_LENGTH);
}

/** Whether `count` words, each and `more`, are below a bound: 1 for words that may be −1, too. */
function allBelow(at: usize, count: u32, bound: u32, more: u32 = 0): bool {
  const step = i32x4.splat(more);
  let most = i32x4.splat(0);
  let i: u32 = 0;
  for (; i + 4 <= count; i += 4) most = i32x4.max_u(most, i32x4.add(v128.load(at + (<usize> i << 2)), step));
  let top = max(
    max(<u32> i32x4.extract_lane(most, 0), <u32> i32x4.extract_lane(most, 1)),
    max(<u32> i32x4.extract_lane(most, 2), <u32> i32x4.extract_lane(most, 3)),
  );
  for (; i < count; i++) top = max(top, load<u32>(at + (<usize> i << 2)) + more);
  return top < bound || count == 0;
}

/** Whether `count` words are below a bound, or −1. */
@inline
function allBelowOrNone(at: usize, count: u32, bound: u32): bool {
  return allBelow(at, count, bound + 1, 1);
}

/**
 * Whether what the slots of a lane hold is in range, and the slots that the pass fills are there.
 * @param slots that the lane has; what is beyond must be free @param rows that its layer has
 */
function laneIsSound(context: usize, lane: u32, slots: u32, rows: u32): bool {
  const tokens = word(context, CONTEXT_TOKENS);
  const flags = word(context, CONTEXT_FLAGS);
  const extent = word(context, CONTEXT_EXTENT);
  const capacity = word(context, CONTEXT_CAPACITY);
  const here = <usize> (lane * capacity) << 2;
  const told = <usize> (lane * tokens) << 2;
  const own = min(extent, slots);
  const positions = <usize> word(context, CONTEXT_POSITIONS) + here;
  if (!allBelowOrNone(positions, own, word(context, CONTEXT_FIRST) + tokens)) return false; // its own may be told already
  if (!allBelowOrNone(positions + (<usize> own << 2), extent - own, 0)) return false;
  if (!allBelow(<usize> word(context, CONTEXT_SLOTS) + told, tokens, own)) return false;
  if (flags & FLAG_RANKED && !allBelowOrNone(<usize> word(context, CONTEXT_RANKS) + here, extent, capacity)) return false;
  if (!(flags & FLAG_POOLED)) return true;
  return allBelow(<usize> word(context, CONTEXT_ROWS) + here, extent, rows) &&
    allBelow(<usize> word(context, CONTEXT_NEW_ROWS) + told, tokens, rows);
}

/** Whether what a pass of a sound context is told is in range, and so is what the slots hold. */
export function passIsSound(model: usize, context: usize): bool {
  const tokens = word(context, CONTEXT_TOKENS);
  const flags = word(context, CONTEXT_FLAGS);
  const capacity = word(context, CONTEXT_CAPACITY);
  const pooled = (flags & FLAG_POOLED) != 0;
  if (!within(tokens, word(context, CONTEXT_STRIDE)) || !within(word(context, CONTEXT_EXTENT), capacity)) return false;
  if (word(context, CONTEXT_ASKED) > <u32> (PASS_OUTPUT | PASS_REUSED)) return false;
  if (word(context, CONTEXT_FIRST) > 0x7fffffff - tokens) return false;
  const rank = word(context, CONTEXT_FIRST_RANK);
  if (flags & FLAG_RANKED && (rank > capacity || rank + tokens > capacity)) return false;
  const known = flags & FLAG_EVERY ? tokens + 1 : tokens;
  if (!allBelow(word(context, CONTEXT_IDS), known, word(model, MODEL_VOCAB))) return false;
  const kvHeads = word(model, MODEL_KV_HEADS);
  for (let i: u32 = 0; i < word(model, MODEL_LAYERS); i++) {
    const rows = word(cacheOf(context, i), CACHE_ROWS);
    for (let head: u32 = 0; head < kvHeads; head++) {
      if (!laneIsSound(context, i * kvHeads + head, pooled ? capacity : rows, rows * kvHeads)) return false;
    }
  }
  return true;
}

/** Whether what a sound context says is gone are slots of its lanes, and these say rows that there are. */
export function goneIsSound(model: usize, context: usize): bool {
  if (!word(context, CONTEXT_REMAINDERS)) return false;
  const kvHeads = word(model, MODEL_KV_HEADS);
  const lanes = word(model, MODEL_LAYERS) * kvHeads;
  const flags = word(context, CONTEXT_FLAGS);
  const capacity = word(context, CONTEXT_CAPACITY);
  const begins: usize = word(context, CONTEXT_GONE);
  const slots = begins + (<usize> (lanes + 1) << 2);
  const most = lanes * capacity;
  let begin = load<u32>(begins);
  if (begin != 0) return false;
  for (let lane: u32 = 0; lane < lanes; lane++) {
    const rows = word(cacheOf(context, lane / kvHeads), CACHE_ROWS);
    const end = load<u32>(begins + (<usize> (lane + 1) << 2));
    if (end < begin || end > most) return false;
    for (; begin < end; begin++) {
      const slot = load<u32>(slots + (<usize> begin << 2));
      if (slot >= (flags & FLAG_POOLED ? capacity : min(rows, capacity))) return false;
      const here = <usize> (lane * capacity + slot) << 2;
      if (flags & FLAG_POOLED && load<u32>(<usize> word(context, CONTEXT_ROWS) + here) >= rows * kvHeads) return false;
    }
  }
  return true;
}
