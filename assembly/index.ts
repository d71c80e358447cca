// The eviction core's ABI. Numbers only: every export takes and returns numbers, arrays lie in the arena (layout.ts draws it).
//
// Order of calls: bytes → (the host makes a memory of that size and instantiates) → init → rule → and then, step by step,
//   claim(tokens) → the host writes `rows` → observe(queries), or advance(queries) if the rule reads no attention → evict(n).
//
// Exports that can be refused return one of the codes in abi.ts; on any but OK the books are as they were.

import {
  BAD_BOOKS,
  BAD_COUNT,
  BAD_ROW,
  BAD_RULE,
  BAD_SCORE,
  BAD_SHAPE,
  BAD_SLOT,
  LANES_DIFFER,
  NO_ROOM,
  NO_WINDOW,
  NOT_OBSERVED,
  NOT_READY,
  OK,
  SCORE_GIVEN,
  SCORE_RECENCY,
  SMALL_MEMORY,
  TOO_FEW,
  WRONG_QUERIES,
} from "./abi";
import { addressOf, begin, capacity, empty, endOfArena, lanes, place, rows, settleAt, state } from "./layout";
import { addQuery, rowIsGood } from "./observe";
import { chooseInLane, chooseInLayer, countCandidates, prepare, scoresAreGood } from "./choose";
import { closeFreed, freeInLane, lanesAgree, pinPositions, takeSlots, victimsAreGood, writeList } from "./compact";
import { openMean } from "./ema";
import { booksAreSound } from "./restore";
import { ruleIsGood } from "./rule";
import { beginMemory, beginScope, MEMORY_WINDOW, memoryOf, remember } from "./scores";
import { showAll } from "./show";
import { openRow } from "./window";

/** Bytes of memory that a core of this shape needs, from address 0; 0 if the shape is refused. Needs no init. */
export function bytes(layers: i32, kvHeads: i32, slots: i32, window: i32): u32 {
  return endOfArena(layers, kvHeads, slots, window);
}

/**
 * Has the arena begin at an address that is a multiple of 16, before `bytes` and `init`: for a host whose memory holds more than a
 * core. Nothing below it is touched; `bytes` goes on answering where the arena ends. 0: as it was.
 */
export function settle(at: i32): i32 {
  if (at < 0 || at & 15) return BAD_SHAPE;
  settleAt(at);
  return OK;
}

/**
 * Lays out the arena and empties the books. `window`: rows that windowed scores look back on, 0 if no rule will have one.
 * The rule is recency over all slots until `rule` is called.
 */
export function init(layers: i32, kvHeads: i32, slots: i32, window: i32): i32 {
  const end = endOfArena(layers, kvHeads, slots, window);
  if (end == 0) return BAD_SHAPE;
  if (<u64> memory.size() << 16 < <u64> end) return SMALL_MEMORY;
  place(layers, kvHeads, slots, window);
  return beginAnew();
}

/** Empty books, and the first rule. */
function beginAnew(): i32 {
  begin();
  return rule(SCORE_RECENCY, 0, 0, 0, 0, 0, 0, 0, 0);
}

/** Address of a region of the arena, by its number in layout.ts; 0 for any other number, or before init. */
export function address(region: i32): usize {
  return addressOf(region);
}

/**
 * Sets what evict chooses by, from now on.
 * @param score, scope by their numbers in abi.ts
 * @param parameter the score's own: the seed of random, the half-life of ema and fading in queries, at least 1
 * @param unsettled how many the scope leaves out
 * @param pool by its number: none, or over `width` (odd) neighbouring positions, for the scores of the window alone
 * @param shared 1 if all lanes of a layer give up the same tokens
 * What a score remembers besides sums, and the scope of peaks, is kept from the rule that asks for it on.
 */
export function rule(
  score: i32,
  scope: i32,
  sinks: i32,
  newest: i32,
  unsettled: i32,
  parameter: i32,
  pool: i32,
  width: i32,
  shared: i32,
): i32 {
  if (lanes == 0) return NOT_READY;
  if (!ruleIsGood(score, scope, sinks, newest, unsettled, parameter, pool, width, shared)) return BAD_RULE;
  if (memoryOf(score) >= MEMORY_WINDOW && state.window == 0) return NO_WINDOW;
  beginMemory(score);
  beginScope(scope);
  state.score = score;
  state.scope = scope;
  state.sinks = sinks;
  state.newest = newest;
  state.unsettled = unsettled;
  state.parameter = parameter;
  state.pool = pool;
  state.width = width;
  state.shared = shared;
  return OK;
}

/** Forgets every token. */
export function reset(): i32 {
  if (lanes == 0) return NOT_READY;
  empty();
  return OK;
}

/**
 * Takes a slot in every lane for each of the next `tokens` positions, written to `claimed` [lanes, tokens].
 * observed = 0: this pass's rows will not be given, its tokens count from the next query that is observed.
 */
export function claim(tokens: i32, observed: i32): i32 {
  if (lanes == 0) return NOT_READY;
  if (tokens < 1) return BAD_COUNT;
  if (tokens > capacity - state.live || tokens > i32.MAX_VALUE - 1 - state.seen) return NO_ROOM;
  takeSlots(tokens, observed != 0);
  return OK;
}

/** Whether a row of so many queries may be given now, and is good. */
function rowCode(queries: i32, read: bool): i32 {
  if (lanes == 0) return NOT_READY;
  if (queries < 1) return BAD_COUNT;
  if (queries != state.pending) return WRONG_QUERIES;
  return read && !rowIsGood(queries) ? BAD_ROW : OK;
}

/** Before the lanes have their row: the clock goes on, so that the row's own queries count. */
function beginRow(queries: i32): void {
  state.clock += queries;
  state.pending = 0;
  if (memoryOf(state.score) >= MEMORY_WINDOW) openRow();
  openMean(queries);
}

/** Adds `rows` to the books; `queries` must be the number of tokens claimed (and to be observed) since the last row. */
export function observe(queries: i32): i32 {
  const code = rowCode(queries, true);
  if (code != OK) return code;
  beginRow(queries);
  for (let lane = 0; lane < lanes; lane++) remember(lane, queries);
  return OK;
}

/** Lets the queries pass without a row: n counts them, nothing else changes. For scores that need no attention. */
export function advance(queries: i32): i32 {
  const code = rowCode(queries, false);
  if (code != OK) return code;
  state.clock += queries;
  state.pending = 0;
  return OK;
}

/** How many slots may go from every lane now: the least over the lanes. */
export function evictable(): i32 {
  if (lanes == 0) return 0;
  let least = state.live;
  for (let lane = 0; lane < lanes; lane++) least = min(least, countCandidates(lane));
  return least;
}

/** Whether n slots may be asked for from every lane, now or once the row is in. */
function choiceCode(n: i32, rowIsIn: bool): i32 {
  if (lanes == 0) return NOT_READY;
  if (n < 1) return BAD_COUNT;
  if (rowIsIn && state.pending > 0) return NOT_OBSERVED;
  if (n > state.live || n > evictable()) return TOO_FEW;
  if (state.shared == 1) {
    for (let layer = 0; layer < state.layers; layer++) {
      if (!lanesAgree(layer)) return LANES_DIFFER;
    }
  }
  return OK;
}

/**
 * Writes every lane's victims, after adding the row to each if there is one, and frees them if they shall go: a lane at a
 * time, while it is in the cache.
 */
function chooseAll(n: i32, score: i32, queries: i32, freeing: bool): void {
  prepare(score);
  const step = state.shared == 1 ? state.kvHeads : 1;
  for (let first = 0; first < lanes; first += step) {
    const end = first + step;
    if (queries > 0) {
      for (let lane = first; lane < end; lane++) remember(lane, queries);
    }
    if (state.shared == 1) chooseInLayer(first / step, n, score);
    else chooseInLane(first, n, score);
    if (freeing) {
      for (let lane = first; lane < end; lane++) freeInLane(lane, n);
    }
  }
  if (!freeing) return;
  closeFreed(n);
  state.evictions++;
}

function chosen(n: i32, score: i32, freeing: bool): i32 {
  const code = choiceCode(n, true);
  if (code != OK) return code;
  if (score == SCORE_GIVEN && !scoresAreGood()) return BAD_SCORE;
  chooseAll(n, score, 0, freeing);
  return OK;
}

/** Writes to `victims` [lanes, n] the slots that evict would free, ascending within a lane, and changes no book. */
export function choose(n: i32): i32 {
  return chosen(n, state.score, false);
}

/** Chooses n victims in every lane by the rule and frees them; their slots are in `victims`, as `choose` writes them. */
export function evict(n: i32): i32 {
  return chosen(n, state.score, true);
}

/** As choose, by the host's own `scores` [lanes, capacity] in place of the rule's; scope and protection are the rule's. */
export function chooseScored(n: i32): i32 {
  return chosen(n, SCORE_GIVEN, false);
}

/** As evict, by the host's own `scores`. */
export function evictScored(n: i32): i32 {
  return chosen(n, SCORE_GIVEN, true);
}

/** observe(queries) and evict(n) in one: the same to the last bit, in less time. If either is refused, both are. */
export function step(queries: i32, n: i32): i32 {
  let code = rowCode(queries, true);
  if (code != OK) return code;
  code = choiceCode(n, false);
  if (code != OK) return code;
  beginRow(queries);
  chooseAll(n, state.score, queries, true);
  return OK;
}

/** Frees the n slots of each lane that the host wrote to `victims` [lanes, n], whatever the rule would choose. */
export function free(n: i32): i32 {
  if (lanes == 0) return NOT_READY;
  if (n < 1) return BAD_COUNT;
  if (state.pending > 0) return NOT_OBSERVED;
  if (n > state.live || !victimsAreGood(n)) return BAD_SLOT;
  for (let lane = 0; lane < lanes; lane++) freeInLane(lane, n);
  closeFreed(n);
  return OK;
}

/** Protects the tokens at positions [from, to), all claimed, in every lane that still has them. */
export function pin(from: i32, to: i32): i32 {
  if (lanes == 0) return NOT_READY;
  if (from < 0 || to < from || to > state.seen) return BAD_COUNT;
  pinPositions(from, to);
  return OK;
}

/** Writes the slots in use, by ascending position, to `list` [lanes, live]. */
export function listLive(): i32 {
  if (lanes == 0) return NOT_READY;
  writeList();
  return OK;
}

/**
 * Writes to `scores` [lanes, capacity] what the rule makes of every live slot now, each lane's own number; 0 at free slots.
 * Mean, sum, last and pooled windows as evict compares them; a position, or the draw of the next eviction, rounded to f32.
 */
export function showScores(): i32 {
  if (lanes == 0) return NOT_READY;
  showAll();
  return OK;
}

/**
 * Goes on with books that the host wrote to [address(0), address(1)), where it had read them before: from this core, or
 * from one of the same shape, whatever its build. The rule comes with them. Looks at every number first; if one is wrong,
 * the host's books are gone, and the core is as after init.
 */
export function restore(): i32 {
  if (lanes == 0) return NOT_READY;
  if (booksAreSound()) return OK;
  beginAnew();
  return BAD_BOOKS;
}

/** A yardstick for benchmarks: copies plane 0 of `rows` onto plane 1, lanes × capacity floats. */
export function copyPlane(): i32 {
  if (lanes == 0) return NOT_READY;
  const plane = (<usize> lanes * <usize> capacity) << 2;
  memory.copy(rows + plane, rows, plane);
  return OK;
}

/** Another: adds plane 0 of `rows` to S and its squares to Q, with no check and nothing else. It spoils the books. */
export function addPlane(): i32 {
  if (lanes == 0) return NOT_READY;
  for (let lane = 0; lane < lanes; lane++) addQuery(lane);
  return OK;
}
