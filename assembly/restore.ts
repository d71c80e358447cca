// Whether books that a host wrote into the arena can be gone on with: every number that a later call follows or counts on
// lies in its range, and those that say the same thing agree. Books that pass lead no call out of bounds or round for ever.
// Not in a hurry: one slot at a time in both builds.

import {
  birth,
  capacity,
  few,
  freed,
  kvHeads,
  lanes,
  last,
  layers,
  loose,
  orderOf,
  position,
  recent,
  ring,
  state,
  sum,
  sumsq,
  VERSION,
  window,
} from "./layout";
import { ruleIsGood } from "./rule";
import { MEMORY_NUMBER, MEMORY_WINDOW, memoryOf } from "./scores";

/** Bits of 2¹¹²: no sum of good rows comes near, and none of such sums overflows. */
const TOO_LARGE: u32 = 0x77800000;

export function booksAreSound(): bool {
  if (!countsAreSound()) return false;
  for (let lane = 0; lane < lanes; lane++) {
    if (!slotsAreSound(lane) || !logIsSound(lane) || !freedIsSound(lane)) return false;
  }
  return true;
}

/** The words of the state, among themselves. */
function countsAreSound(): bool {
  const s = state;
  if (s.layers != layers || s.kvHeads != kvHeads || s.capacity != capacity || s.window != window) return false;
  if (s.version != VERSION || (s.pinned | s.skipped) >>> 1 != 0) return false;
  // Slots: every one that was ever used is live or freed.
  if (s.live < 0 || s.extent < s.live || s.extent > capacity || s.freed != s.extent - s.live) return false;
  // Tokens, one to each position; every observed one is a query.
  if (s.seen < s.extent || s.seen == i32.MAX_VALUE || s.pending < 0 || s.pending > s.live) return false;
  if (s.clock < 0 || s.clock > s.seen - s.pending || (!s.skipped && s.clock != s.seen - s.pending)) return false;
  if (s.evictions < 0 || s.evictions > s.seen - s.live) return false;
  if (s.logged < s.live || s.logged > s.seen || s.logged > capacity << 1) return false;
  if (s.cursor < 0 || s.cursor > window || s.above < 0 || s.above > s.seen || s.below < 0) return false;
  return ruleIsGood(s.score, s.scope, s.sinks, s.newest, s.unsettled, s.parameter, s.pool, s.width, s.shared) &&
    (window > 0 || memoryOf(s.score) < MEMORY_WINDOW);
}

/** Whether a sum is a number from 0 to below the bound; −0 is not. */
function good(at: usize): bool {
  return load<u32>(at) < TOO_LARGE;
}

/** Every slot of a lane: its position, whether it may go, its birth, and what it has gathered. */
function slotsAreSound(lane: i32): bool {
  const seen = state.seen;
  const born = state.clock + state.pending;
  const kept = memoryOf(state.score);
  const rows = kept >= MEMORY_WINDOW ? window : 0;
  const stride = (<usize> capacity) << 2;
  const first = <usize> lane * stride;
  let live = 0;
  let late = 0; // live tokens from `above` on: all that there ever were
  let early = 0; // live tokens before `below`: all that there ever were
  for (let i = 0; i < capacity; i++) {
    const at = first + ((<usize> i) << 2);
    const place = load<i32>(position + at);
    const may = load<i32>(loose + at);
    if (place == -1 && may == -1) continue;
    if (place < 0 || place >= seen || i >= state.extent || (may != place && (may != -1 || !state.pinned))) return false;
    const since = load<i32>(birth + at);
    if (since < 0 || since > born || since > place || (since != place && !state.skipped)) return false;
    if (!good(sum + at) || !good(sumsq + at) || ((kept & MEMORY_NUMBER) != 0 && !good(last + at))) return false;
    if (rows > 0 && !good(recent + at)) return false;
    let inRing = ring + <usize> lane * <usize> rows * stride + ((<usize> i) << 2);
    for (let row = 0; row < rows; row++) {
      if (!good(inRing)) return false;
      inRing += stride;
    }
    live++;
    late += i32(place >= state.above);
    early += i32(place < state.below);
  }
  return live == state.live && late == seen - state.above && early == min(seen, state.below);
}

/** A lane's order, read as `compact` reads it, names every live slot by descending position. That no two are equal follows. */
function logIsSound(lane: i32): bool {
  const log = orderOf(lane);
  const places = position + ((<usize> lane * <usize> capacity) << 2);
  let before = i32.MAX_VALUE;
  let left = state.live;
  for (let i = state.logged - 1; i >= 0; i--) {
    const slot = load<u32>(log + ((<usize> i) << 2));
    if (slot >= <u32> state.extent) return false;
    const place = load<i32>(places + ((<usize> slot) << 2));
    if (place < 0 || place >= before) continue;
    before = place;
    left--;
  }
  return left == 0;
}

/** A lane's stack names free slots that were used before, each once: there are as many, so it names all. */
function freedIsSound(lane: i32): bool {
  const first = <usize> lane * <usize> capacity;
  const met = few;
  memory.fill(met, 0, (<usize> state.extent) << 2);
  for (let i = 0; i < state.freed; i++) {
    const slot = load<u32>(freed + ((first + <usize> i) << 2));
    if (slot >= <u32> state.extent) return false;
    const mark = met + ((<usize> slot) << 2);
    if (load<i32>(position + ((first + <usize> slot) << 2)) >= 0 || load<i32>(mark) != 0) return false;
    store<i32>(mark, 1);
  }
  return true;
}
