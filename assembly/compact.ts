// Slots changing hands: taken by new tokens, given back by evicted ones, and the dense list of those in use.
//
// A lane's order is a log: claiming a slot appends it, freeing one leaves the log alone. Read from its end, an entry still
// stands if the position of its slot lies below all that stood after it: a freed slot has position −1, and one that was
// taken again stands once more, further on. The log is compacted when it is full, or when the dense list is asked for.

import {
  birth,
  capacity,
  claimed,
  freed,
  lanes,
  last,
  list,
  loose,
  orderOf,
  position,
  state,
  sum,
  sumsq,
  victims,
} from "./layout";
import { MEMORY_NUMBER, MEMORY_WINDOW, memoryOf } from "./scores";
import { clearWindow } from "./window";

/**
 * Gives every lane slots for the next `tokens` positions: the slots freed last first, then unused ones in ascending order.
 * An observed token's first query is its own, so the j-th of a chunk is born j queries later; one whose pass is not
 * observed counts from the next query that is.
 */
export function takeSlots(tokens: i32, observed: bool): void {
  if (state.logged + tokens > capacity << 1) compact();
  const reused = min(tokens, state.freed);
  const born = state.clock + state.pending;
  const kept = memoryOf(state.score);
  for (let lane = 0; lane < lanes; lane++) {
    const first = <usize> lane * <usize> capacity;
    const log = orderOf(lane) + ((<usize> state.logged) << 2);
    for (let j = 0; j < tokens; j++) {
      const slot = j < reused
        ? load<u32>(freed + ((first + <usize> (state.freed - 1 - j)) << 2))
        : <u32> (state.extent + j - reused);
      const at = (first + <usize> slot) << 2;
      store<f32>(sum + at, 0);
      store<f32>(sumsq + at, 0);
      if (kept & MEMORY_NUMBER) store<f32>(last + at, 0);
      store<i32>(birth + at, observed ? born + j : born);
      store<i32>(position + at, state.seen + j);
      store<i32>(loose + at, state.seen + j);
      store<u32>(log + ((<usize> j) << 2), slot);
      store<u32>(claimed + ((<usize> lane * <usize> tokens + <usize> j) << 2), slot);
    }
    if (kept >= MEMORY_WINDOW) clearWindow(lane, log, tokens);
  }
  state.freed -= reused;
  state.extent += tokens - reused;
  state.live += tokens;
  state.seen += tokens;
  state.logged += tokens;
  if (observed) state.pending += tokens;
  else state.skipped = 1;
}

/** Whether the n slots of each lane in `victims` are live, unpinned and all different. Leaves the books as they were. */
export function victimsAreGood(n: i32): bool {
  const all = lanes * n;
  let met = 0; // slots found good so far; each is marked as not loose, so that its repeat is not
  for (; met < all; met++) {
    const slot = load<u32>(victims + ((<usize> met) << 2));
    if (slot >= <u32> capacity) break;
    const at = loose + ((<usize> (met / n) * <usize> capacity + <usize> slot) << 2);
    if (load<i32>(at) < 0) break;
    store<i32>(at, -1);
  }
  for (let i = 0; i < met; i++) {
    const slot = load<u32>(victims + ((<usize> i) << 2));
    const at = (<usize> (i / n) * <usize> capacity + <usize> slot) << 2;
    store<i32>(loose + at, load<i32>(position + at));
  }
  return met == all;
}

// The span of positions that the lanes freed so far: the state learns of it, as of the counts, once all have.
let highest: i32 = -1;
let lowest: i32 = i32.MAX_VALUE;

/** Frees the n slots of one lane that stand in `victims`; `closeFreed` follows when every lane has. */
export function freeInLane(lane: i32, n: i32): void {
  const first = <usize> lane * <usize> capacity;
  const mine = victims + ((<usize> lane * <usize> n) << 2);
  let high = highest;
  let low = lowest;
  for (let j = 0; j < n; j++) {
    const slot = load<u32>(mine + ((<usize> j) << 2));
    const at = (first + <usize> slot) << 2;
    const place = load<i32>(loose + at); // as position, and at hand
    high = max(high, place);
    low = min(low, place);
    store<i32>(position + at, -1);
    store<i32>(loose + at, -1);
    store<u32>(freed + ((first + <usize> (state.freed + j)) << 2), slot);
  }
  highest = high;
  lowest = low;
}

/** After n slots of every lane were freed. */
export function closeFreed(n: i32): void {
  state.above = max(state.above, highest + 1);
  state.below = min(state.below, lowest);
  highest = -1;
  lowest = i32.MAX_VALUE;
  state.freed += n;
  state.live -= n;
}

/** How many live tokens of a lane stand at positions from `from` on. */
function countFrom(lane: i32, from: i32): i32 {
  const places = position + ((<usize> lane * <usize> capacity) << 2);
  let count = 0;
  for (let i = 0; i < state.extent; i++) count += i32(load<i32>(places + ((<usize> i) << 2)) >= from);
  return count;
}

/** How many live tokens of a lane are sinks. */
export function sinksOf(lane: i32): i32 {
  const sinks = state.sinks;
  return sinks <= state.below ? min(sinks, state.seen) : state.live - countFrom(lane, sinks);
}

/** The first position of a lane that its newest tokens protect: candidates lie before it. */
export function endOfCandidates(lane: i32): i32 {
  const newest = state.newest;
  if (newest == 0) return i32.MAX_VALUE;
  if (newest >= state.live) return 0;
  const end = state.seen - newest;
  if (state.above <= end) return end; // every token from there on is live
  let from = 0;
  let to = end; // the newest live tokens begin here or before
  while (from < to) {
    const middle = (from + to + 1) >> 1;
    if (countFrom(lane, middle) >= newest) from = middle;
    else to = middle - 1;
  }
  return from;
}

/** Protects the live tokens at positions [from, to) of every lane for good. */
export function pinPositions(from: i32, to: i32): void {
  if (from == to) return;
  state.pinned = 1;
  for (let lane = 0; lane < lanes; lane++) {
    const first = (<usize> lane * <usize> capacity) << 2;
    for (let i = 0; i < state.extent; i++) {
      const at = first + ((<usize> i) << 2);
      const place = load<i32>(position + at);
      if (place >= from && place < to) store<i32>(loose + at, -1);
    }
  }
}

/** Drops what no longer stands from every lane's order, which then is its live slots by ascending position. */
export function compact(): void {
  const live = state.live;
  if (state.logged == live) return;
  for (let lane = 0; lane < lanes; lane++) {
    const log = orderOf(lane);
    const places = position + ((<usize> lane * <usize> capacity) << 2);
    const out = list + ((<usize> lane * <usize> live) << 2);
    let before = i32.MAX_VALUE;
    let left = live;
    for (let i = state.logged - 1; left > 0; i--) {
      const slot = load<u32>(log + ((<usize> i) << 2));
      const place = load<i32>(places + ((<usize> slot) << 2));
      const stands = place >= 0 && place < before;
      store<u32>(out + ((<usize> (left - 1)) << 2), slot);
      left -= i32(stands);
      before = stands ? place : before;
    }
    memory.copy(log, out, (<usize> live) << 2);
  }
  state.logged = live;
}

/** Writes each lane's live slots by ascending position to `list` [lanes, live], without gaps. */
export function writeList(): void {
  const bytes = (<usize> state.live) << 2;
  compact();
  for (let lane = 0; lane < lanes; lane++) memory.copy(list + <usize> lane * bytes, orderOf(lane), bytes);
}

/** Whether the lanes of a layer hold the same tokens, pinned alike, in the same slots. */
export function lanesAgree(layer: i32): bool {
  const bytes = (<usize> capacity) << 2;
  const size = (<usize> state.extent) << 2;
  for (let head = 1; head < state.kvHeads; head++) {
    const first = <usize> (layer * state.kvHeads) * bytes;
    const other = first + <usize> head * bytes;
    if (memory.compare(position + first, position + other, size) != 0) return false;
    if (state.pinned && memory.compare(loose + first, loose + other, size) != 0) return false;
  }
  return true;
}
