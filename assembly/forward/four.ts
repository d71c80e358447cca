// Four neighbouring slots of a lane at a time: their rows of K or V as numbers, and where they stand.

import {
  CACHE_ROWS,
  CONTEXT_CAPACITY,
  CONTEXT_FLAGS,
  CONTEXT_KV,
  CONTEXT_POSITIONS,
  CONTEXT_ROW_BYTES,
  CONTEXT_ROWS,
  FLAG_POOLED,
} from "./abi";
import { rowOf } from "./kv";
import { word } from "./rows";

// What `takeFour` found. A free slot has the row of one that is not.
export let row0: usize = 0;
export let row1: usize = 0;
export let row2: usize = 0;
export let row3: usize = 0;
/** i32 [4]: −1 where a slot is free. */
export let positions: v128 = i32x4.splat(0);

// The lane.
let flags: u32 = 0;
let kv: u32 = 0;
let rowBytes: usize = 0;
let extent: u32 = 0;
let rowsFrom: u32 = 0; // the lane's first row, where lanes do not share rows
let places: usize = 0; // i32 [capacity]: its positions
let shared: usize = 0; // i32 [capacity]: its rows, where lanes share them
let dim: u32 = 0;
let buffer: usize = 0; // f32 [4, dim]

/** Before a lane's slots are gone through. @param within f32 [4, headDim], for rows that are not stored as f32 */
export function openLane(context: usize, cache: usize, lane: u32, head: u32, until: u32, width: u32, within: usize): void {
  const first = <usize> (lane * word(context, CONTEXT_CAPACITY)) << 2;
  flags = word(context, CONTEXT_FLAGS);
  kv = word(context, CONTEXT_KV);
  rowBytes = word(context, CONTEXT_ROW_BYTES);
  extent = until;
  rowsFrom = head * word(cache, CACHE_ROWS);
  places = <usize> word(context, CONTEXT_POSITIONS) + first;
  shared = <usize> word(context, CONTEXT_ROWS) + first;
  dim = width;
  buffer = within;
}

@inline
function positionOf(slot: u32): i32 {
  return slot < extent ? load<i32>(places + (<usize> slot << 2)) : -1;
}

@inline
function rowAt(stored: usize, slot: u32, index: usize): usize {
  const row = flags & FLAG_POOLED ? load<u32>(shared + (<usize> slot << 2)) : rowsFrom + slot;
  return rowOf(kv, stored + <usize> row * rowBytes, buffer + index * (<usize> dim << 2), dim);
}

/** Takes slots `slot` … `slot + 3`. @param stored the layer's keys, or its values @returns whether any is not free */
export function takeFour(stored: usize, slot: u32): bool {
  const a = positionOf(slot);
  const b = positionOf(slot + 1);
  const c = positionOf(slot + 2);
  const d = positionOf(slot + 3);
  positions = i32x4.replace_lane(i32x4.replace_lane(i32x4.replace_lane(i32x4.splat(a), 1, b), 2, c), 3, d);
  let some: usize = 0;
  row0 = a < 0 ? 0 : (some = rowAt(stored, slot, 0));
  row1 = b < 0 ? 0 : (some = rowAt(stored, slot + 1, 1));
  row2 = c < 0 ? 0 : (some = rowAt(stored, slot + 2, 2));
  row3 = d < 0 ? 0 : (some = rowAt(stored, slot + 3, 3));
  if (!some) return false;
  if (!row0) row0 = some;
  if (!row1) row1 = some;
  if (!row2) row2 = some;
  if (!row3) row3 = some;
  return true;
}

/** The four rows are elsewhere from now on. */
export function moveFour(a: usize, b: usize, c: usize, d: usize): void {
  row0 = a;
  row1 = b;
  row2 = c;
  row3 = d;
}
