// What may be believed of structures in memory, before a pass reads or writes where their words say. A structure is sealed once it
// is filled in: a sum over its words tells whether any was changed since. What the sum cannot tell, that the words were right when
// they were sealed, is looked at every time: sizes, and that all parts lie where they are said to be. Numbers that
// are multiplied here are bounded, so that no product leaves 64 bits.

import {
  ALIGN,
  ARENA,
  COUNT,
  KIND_BYTES,
  KIND_NIBBLES,
  KV_F32,
  KV_Q8,
  LAYER_ATTENTION_END,
  LAYER_ATTENTION_NORM,
  LAYER_DOWN,
  LAYER_EXPERTS,
  LAYER_GATE_UP,
  LAYER_HEAD_NORMS,
  LAYER_MLP_END,
  LAYER_MLP_NORM,
  LAYER_OUTPUT,
  LAYER_QKV,
  LAYER_ROUTER,
  LAYER_ROPE,
  LAYER_WHOLE_NORMS,
  LAYER_WORDS,
  MATRIX_BIAS,
  MATRIX_HEADER,
  MATRIX_PARTS,
  MATRIX_EXACT,
  MODEL_EMBEDDING,
  MODEL_EXPERT_WIDTH,
  MODEL_EXPERTS,
  MODEL_EXPERTS_USED,
  MODEL_HEAD,
  MODEL_HEAD_DIM,
  MODEL_HEADER,
  MODEL_HEADS,
  MODEL_HIDDEN,
  MODEL_INTERMEDIATE,
  MODEL_KV_HEADS,
  MODEL_LAYERS,
  MODEL_NORM,
  MODEL_ROPES,
  MODEL_TEAM,
  MODEL_THREADS,
  MODEL_VOCAB,
  MOST_ROPES,
  PART_AT,
  PART_COLUMNS,
  PART_FIRST,
  PART_FORM,
  PART_KIND,
  PART_ROWS,
  PART_TABLE,
  PART_WORDS,
  PROLOGUE,
  SEAL,
  TABLE_LEVELS,
  TEAM_WORDS,
  UNIT,
} from "./abi";
import { expertAt } from "./experts";
import { storedBytes } from "./kv";
import { partOf } from "./product";
import { fourBytes, padded, word } from "./rows";

const MOST_WORDS: u32 = 1 << 18; // of a structure
const MOST_LAYERS: u32 = 1 << 12;
const MOST_HEADS: u32 = 1 << 10;
const MOST_DIM: u32 = 1 << 10;
const MOST_THREADS: u32 = 1 << 7;
const MOST_EXPERTS: u32 = 1 << 10;
/** Numbers of a row. */
export const MOST_COLUMNS: u32 = 1 << 18;
/** Rows of a matrix. */
export const MOST_ROWS: u32 = 1 << 22;

/** Whether bytes lie in the arena. */
export function inArena(at: u64, bytes: u64): bool {
  return at >= <u64> ARENA && at + bytes <= <u64> memory.size() << 16;
}

/** Whether two spans of bytes do not meet. */
export function apart(a: u64, bytes: u64, b: u64, others: u64): bool {
  return a + bytes <= b || b + others <= a;
}

/** Whether a number is from 1 to `most`. */
@inline
export function within(value: u32, most: u32): bool {
  return value - 1 < most;
}

/** Bytes of a structure's words. */
export function structureBytes(at: usize): u64 {
  return <u64> word(at, COUNT) << 2;
}

/** Where what belongs to a structure goes on behind its words. */
export function behind(at: usize): u64 {
  return (<u64> at + structureBytes(at) + (ALIGN - 1)) & ~(<u64> ALIGN - 1);
}

/** Whether a structure's words lie in the arena. */
export function isThere(at: usize, least: u32): bool {
  if (at & (ALIGN - 1) || !inArena(at, PROLOGUE << 2)) return false;
  const count = word(at, COUNT);
  return count >= least && count <= MOST_WORDS && inArena(at, <u64> count << 2);
}

/** What a structure is sealed with: another number wherever one word differs. @param open words behind the prologue left out */
export function sealOf(at: usize, open: u32): u32 {
  const count = word(at, COUNT);
  let sum = <u32> at ^ count;
  for (let i = <u32> PROLOGUE + open; i < count; i++) {
    sum = (sum ^ word(at, i)) * 0x9e3779b1;
    sum ^= sum >> 15;
  }
  return sum;
}

/** Whether a structure is as it was when it was sealed. */
export function isSealed(at: usize, least: u32, open: u32): bool {
  return isThere(at, least) && sealOf(at, open) == word(at, SEAL);
}

/** Bytes of a stored row of K or V; 0: there is no such kind, or width. */
export function rowBytes(kv: u32, dim: u32): u32 {
  if (!within(dim, MOST_DIM) || dim & 3 || kv > <u32> KV_Q8) return 0;
  return storedBytes(kv, dim);
}

/** Whether a matrix is sealed, and has as many parts as words for them. */
export function isMatrix(matrix: usize): bool {
  if (!isSealed(matrix, MATRIX_HEADER + PART_WORDS, 0)) return false;
  const parts = word(matrix, MATRIX_PARTS);
  return within(parts, MOST_WORDS) && word(matrix, COUNT) == <u32> MATRIX_HEADER + parts * <u32> PART_WORDS &&
    word(matrix, MATRIX_EXACT) <= 1;
}

/** Bytes of a part's rows; 0: its words contradict themselves, or the rows leave the arena. */
export function partBytes(part: usize): u64 {
  const kind = word(part, PART_KIND);
  const form = word(part, PART_FORM);
  const rows = word(part, PART_ROWS);
  const columns = word(part, PART_COLUMNS);
  if (kind > <u32> KIND_BYTES || form > 7 || word(part, PART_TABLE) > <u32> TABLE_LEVELS) return 0;
  if (!within(rows, MOST_ROWS) || !within(columns, MOST_COLUMNS)) return 0;
  if (kind < <u32> KIND_NIBBLES ? form | (columns & 3) : columns & (UNIT - 1)) return 0;
  const bytes = <u64> ((rows + 3) >> 2) * <u64> fourBytes(kind, form, columns);
  return inArena(word(part, PART_AT), bytes) ? bytes : 0;
}

/** Rows of a matrix that can be multiplied by rows of `width` numbers; 0: it is not sound. */
export function rowsOf(matrix: usize, width: u32): u32 {
  if (!isMatrix(matrix)) return 0;
  let rows: u32 = 0;
  for (let i: u32 = 0; i < word(matrix, MATRIX_PARTS); i++) {
    const part = partOf(matrix, i);
    if (partBytes(part) == 0 || word(part, PART_COLUMNS) > width || word(part, PART_FIRST) != rows) return 0;
    rows += word(part, PART_ROWS);
    if (rows > MOST_ROWS) return 0;
  }
  const bias = word(matrix, MATRIX_BIAS);
  return bias && !inArena(bias, <u64> rows << 2) ? 0 : rows;
}

/** Whether a vector of so many f32, filled up to whole vectors, lies in the arena. */
function isVector(at: u32, length: u32): bool {
  return inArena(at, <u64> (length + 3 & ~3) << 2);
}

/** Likewise, or 0, which says that there is none. */
function isVectorOrNone(at: u32, length: u32): bool {
  return at == 0 || isVector(at, length);
}

/** Whether what a model says of its feed-forward parts has meaning: 0 is no width but where there are experts. */
function expertsAreSound(model: usize): bool {
  const experts = word(model, MODEL_EXPERTS);
  const intermediate = word(model, MODEL_INTERMEDIATE);
  if (experts == 0) return within(intermediate, MOST_COLUMNS);
  return within(experts, MOST_EXPERTS) && within(word(model, MODEL_EXPERTS_USED), experts) &&
    within(word(model, MODEL_EXPERT_WIDTH), MOST_COLUMNS) && intermediate <= MOST_COLUMNS;
}

/** Whether the sizes of a model have meaning. */
function sizesAreSound(model: usize): bool {
  const layers = word(model, MODEL_LAYERS);
  const heads = word(model, MODEL_HEADS);
  const kvHeads = word(model, MODEL_KV_HEADS);
  return within(layers, MOST_LAYERS) && within(heads, MOST_HEADS) && within(kvHeads, heads) && heads % kvHeads == 0 &&
    within(word(model, MODEL_HIDDEN), MOST_COLUMNS) && expertsAreSound(model) &&
    rowBytes(KV_F32, word(model, MODEL_HEAD_DIM)) > 0 && heads * word(model, MODEL_HEAD_DIM) <= MOST_COLUMNS &&
    within(word(model, MODEL_VOCAB), MOST_ROWS) && within(word(model, MODEL_THREADS), MOST_THREADS) &&
    within(word(model, MODEL_ROPES), MOST_ROPES) &&
    word(model, COUNT) == <u32> MODEL_HEADER + layers * (<u32> LAYER_WORDS + 2 * word(model, MODEL_EXPERTS));
}

// What the pass that is being looked at writes to besides a model's team: no words of models and matrices may lie there.
let block: u64 = 0;
let blockBytes: u64 = 0;
let books: u64 = 0;
let bookBytes: u64 = 0;

/** Says that a context is written to, and observations elsewhere, if there are any: before `modelIsSound`. */
export function willWrite(at: u64, bytes: u64, observations: u64, observed: u64): void {
  block = at;
  blockBytes = bytes;
  books = observations;
  bookBytes = observed;
}

/** Whether words are not written to. */
function isKept(at: u64, bytes: u64): bool {
  return apart(at, bytes, block, blockBytes) && apart(at, bytes, books, bookBytes);
}

/** Whether a matrix has so many rows of `input` numbers. */
function fits(model: usize, matrix: u32, rows: u32, input: u32): bool {
  if (rowsOf(matrix, padded(input)) != rows) return false;
  const bytes = structureBytes(matrix);
  return isKept(matrix, bytes) && apart(matrix, bytes, word(model, MODEL_TEAM), TEAM_WORDS << 2);
}

/** Whether the feed-forward part of a layer is sound: a router and its experts, or two matrices. @param index its number */
function innerIsSound(model: usize, layer: usize, index: u32): bool {
  const hidden = word(model, MODEL_HIDDEN);
  const router = word(layer, LAYER_ROUTER);
  if (!router) {
    const intermediate = word(model, MODEL_INTERMEDIATE);
    return intermediate > 0 && fits(model, word(layer, LAYER_GATE_UP), 2 * intermediate, hidden) &&
      fits(model, word(layer, LAYER_DOWN), hidden, intermediate);
  }
  const experts = word(model, MODEL_EXPERTS);
  const width = word(model, MODEL_EXPERT_WIDTH);
  if (experts == 0 || !fits(model, router, experts, hidden)) return false;
  const before = <u32> MODEL_HEADER + word(model, MODEL_LAYERS) * <u32> LAYER_WORDS + 2 * index * experts;
  if (word(layer, LAYER_EXPERTS) != <u32> model + (before << 2)) return false;
  for (let e: u32 = 0; e < experts; e++) {
    if (!fits(model, <u32> expertAt(layer, e, 0), 2 * width, hidden)) return false;
    if (!fits(model, <u32> expertAt(layer, e, 1), hidden, width)) return false;
  }
  return true;
}

/** Whether a model's words are sound, and all weights lie in the arena. */
export function modelIsSound(model: usize): bool {
  if (!isSealed(model, MODEL_HEADER + LAYER_WORDS, 0) || !sizesAreSound(model)) return false;
  const team: u64 = word(model, MODEL_TEAM);
  if (team != behind(model) || !inArena(team, TEAM_WORDS << 2)) return false;
  if (!isKept(model, team - model + (TEAM_WORDS << 2))) return false;
  const hidden = word(model, MODEL_HIDDEN);
  const dim = word(model, MODEL_HEAD_DIM);
  const mixed = word(model, MODEL_HEADS) * dim;
  const vocab = word(model, MODEL_VOCAB);
  const kv = word(model, MODEL_KV_HEADS) * dim;
  const qkv = mixed + 2 * kv;
  if (!fits(model, word(model, MODEL_EMBEDDING), vocab, hidden) || !isVector(word(model, MODEL_NORM), hidden)) return false;
  if (!fits(model, word(model, MODEL_HEAD), vocab, hidden)) return false;
  for (let i: u32 = 0; i < word(model, MODEL_LAYERS); i++) {
    const layer = model + <usize> ((MODEL_HEADER + i * LAYER_WORDS) << 2);
    if (!isVectorOrNone(word(layer, LAYER_HEAD_NORMS), 2 * dim) || !isVectorOrNone(word(layer, LAYER_WHOLE_NORMS), qkv - kv)) return false;
    if (word(layer, LAYER_ROPE) >= word(model, MODEL_ROPES)) return false;
    if (!isVectorOrNone(word(layer, LAYER_ATTENTION_NORM), hidden) || !isVectorOrNone(word(layer, LAYER_MLP_NORM), hidden)) return false;
    if (!isVectorOrNone(word(layer, LAYER_ATTENTION_END), hidden) || !isVectorOrNone(word(layer, LAYER_MLP_END), hidden)) return false;
    if (!fits(model, word(layer, LAYER_QKV), qkv, hidden) || !fits(model, word(layer, LAYER_OUTPUT), hidden, mixed)) return false;
    if (!innerIsSound(model, layer, i)) return false;
  }
  return true;
}
