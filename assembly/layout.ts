// The arena: one block of memory, laid out once by `init` and never grown. Every region begins on a multiple of 16 bytes. It begins
// at __heap_base, rounded up, or where `settle` was told.
//
//   slots = lanes × capacity, lanes = layers × kvHeads (layer-major)
//
//   ╒═ region ══════════════════╤═ type ═╤═ shape ═══════════════════╕
//   │ 0  state                  │ i32    │ [28], see State           │
//   │ 2  sum                    │ f32    │ [lanes, capacity]         │ S
//   │ 3  sumsq                  │ f32    │ [lanes, capacity]         │ Q, or what the scope remembers (scores.ts)
//   │ 4  last                   │ f32    │ [lanes, capacity]         │ what the rule's score remembers (scores.ts)
//   │ 5  birth                  │ i32    │ [lanes, capacity]         │ clock of the first query that saw the token
//   │ 6  position               │ i32    │ [lanes, capacity]         │ −1: the slot is free
//   │ 7  loose                  │ i32    │ [lanes, capacity]         │ position if the token may go; −1: free or pinned
//   │ 8  order                  │ u32    │ [lanes, 2 × capacity]     │ slots as they were claimed, see compact.ts
//   │ 9  freed                  │ u32    │ [lanes, capacity]         │ stack of slots given back
//   │ 14 ring                   │ f32    │ [lanes, window, capacity] │ see window.ts; no bytes without a window
//   │ 15 recent                 │ f32    │ [lanes, capacity]         │ see window.ts; no bytes without a window
//   ╞═ up to here: the books, all that a snapshot holds ═════════════╡
//   │ 1  rows    input          │ f32    │ [3, lanes, capacity]      │ Σp, Σp², last p
//   │ 10 claimed output         │ u32    │ [lanes, tokens]           │
//   │ 11 victims output, input  │ u32    │ [lanes, n]                │
//   │ 12 list    output         │ u32    │ [lanes, live]             │
//   │ 13 scores  input          │ f32    │ [lanes, capacity]         │ a host's own, read by chooseScored, evictScored
//   │ 16 scratch                │        │ [6, capacity + 2 × PAD]   │ one lane's keys and the like
//   │    marks                  │ i32    │ [lanes]                   │ where peaks were last cut: a guess, no more
//   ╘═══════════════════════════╧════════╧═══════════════════════════╛
//
//   The scratch is one lane's at a time, or one layer's where the choice is shared. Who needs an array takes it:
//
//   ╒═ array ═╤═ what it holds ════════════════════════════════════════════════════════════════════════════════╕
//   │ keys    │ i32 by slot: what the score makes of it, as a key (score.ts)                                   │
//   │ spreads │ i32 by slot: σ² or peak as a key · before there are keys, f32 by rank: windowed scores, pooled │
//   │ few     │ i32: what a selection has narrowed down to · f32 by slot: scores summed over a layer's lanes   │
//   │         │ · i32 by slot, in restore: whether it was met                                                  │
//   │ ties    │ i32: keys up to a guess, or by slot the positions of those at the cut                          │
//   │         │ · f32 by slot: spreads summed over a layer's lanes                                             │
//   │ totals  │ f32 by slot: windowed scores, pooled at last · u32: slots of the keys in `ties`, up to a guess │
//   │ ranked  │ f32 by rank: windowed scores before they are pooled, with zeros on either side                 │
//   ╘═════════╧════════════════════════════════════════════════════════════════════════════════════════════════╛

import * as abi from "./abi";

/** What every lane has in common. Lanes claim and evict together, so that these counts are the same in all of them. */
@unmanaged
export class State {
  layers: i32; // 0
  kvHeads: i32; // 1
  capacity: i32; // 2   slots per lane
  window: i32; // 3     rows that the ring holds
  seen: i32; // 4       tokens claimed so far: the next position
  clock: i32; // 5      queries observed so far
  pending: i32; // 6    tokens claimed whose queries are not yet observed
  live: i32; // 7       live slots per lane
  extent: i32; // 8     slots ever used per lane: they are 0 … extent − 1
  freed: i32; // 9      height of each lane's stack of freed slots
  evictions: i32; // 10 calls of evict: they number the draws of the random score
  cursor: i32; // 11    rows of the ring written since it was last folded
  pinned: i32; // 12    1: some token was pinned
  skipped: i32; // 13   1: some pass was not observed, so that births are not positions
  logged: i32; // 14    entries in each lane's order
  above: i32; // 15     no token at this position or above was ever freed
  below: i32; // 16     no token below this position was ever freed
  score: i32; // 17     the rule, as set by `rule`
  scope: i32; // 18
  sinks: i32; // 19
  newest: i32; // 20
  unsettled: i32; // 21 how many the scope leaves out
  parameter: i32; // 22 the score's own: the seed of random, the half-life of ema and fading
  pool: i32; // 23
  width: i32; // 24
  shared: i32; // 25
  version: i32; // 26   of all this: books of another are not understood
}

/** Goes up whenever the books change their form or meaning. */
export const VERSION: i32 = 1;

const STATE_BYTES: u64 = abi.STATE_WORDS << 2;
/** The words of the state that say what happened, not what the shape and the rule are: seen … below. */
const BOOKS_FROM: usize = abi.STATE_SEEN << 2;
const BOOKS_BYTES: usize = 52;

// Hosts read these words by their numbers.
if (offsetof<State>("seen") != abi.STATE_SEEN << 2) ERROR("abi.ts has seen elsewhere");
if (offsetof<State>("clock") != abi.STATE_CLOCK << 2) ERROR("abi.ts has clock elsewhere");
if (offsetof<State>("pending") != abi.STATE_PENDING << 2) ERROR("abi.ts has pending elsewhere");
if (offsetof<State>("live") != abi.STATE_LIVE << 2) ERROR("abi.ts has live elsewhere");
if (offsetof<State>("extent") != abi.STATE_EXTENT << 2) ERROR("abi.ts has extent elsewhere");
if (offsetof<State>() + 15 >> 4 != abi.STATE_WORDS >> 2) ERROR("abi.ts has another number of words");

/** Words on either side of a scratch array, so that pooling may look over the edge: half its largest width. */
export const PAD: i32 = (abi.MOST_WIDTH + 1) >> 1;

export let state: State = changetype<State>(0);
// The shape as `init` was given it: the words of the state may be a host's.
export let layers: i32 = 0;
export let kvHeads: i32 = 0;
export let window: i32 = 0;
export let lanes: i32 = 0;
export let capacity: i32 = 0;
export let rows: usize = 0;
export let sum: usize = 0;
export let sumsq: usize = 0;
export let last: usize = 0;
export let birth: usize = 0;
export let position: usize = 0;
export let loose: usize = 0;
export let order: usize = 0;
export let freed: usize = 0;
export let claimed: usize = 0;
export let victims: usize = 0;
export let list: usize = 0;
export let scores: usize = 0;
export let ring: usize = 0;
export let recent: usize = 0;
// Scratch: six arrays of [capacity], drawn above.
export let keys: usize = 0;
export let spreads: usize = 0;
export let few: usize = 0;
export let ties: usize = 0;
export let totals: usize = 0;
export let ranked: usize = 0;
export let marks: usize = 0;

function aligned(bytes: u64): u64 {
  return (bytes + 15) & ~15;
}

/** Where a host wants the arena that shares its memory with others; 0: behind what is the module's own. */
let home: usize = 0;

/** Has the arena begin elsewhere. */
export function settleAt(at: usize): void {
  home = at;
}

function base(): u64 {
  return home > 0 ? <u64> home : aligned(<u64> __heap_base);
}

/** Bytes of one scratch array. */
function scratchBytes(slots: i32): u64 {
  return aligned(<u64> slots * 4) + <u64> (PAD * 8);
}

/** Bytes from 0 to the end of the arena for this shape; 0 if the shape is refused. */
export function endOfArena(layerCount: i32, heads: i32, slots: i32, windowRows: i32): u32 {
  if (layerCount < 1 || heads < 1 || slots < 1 || layerCount > abi.MOST_SIDE || heads > abi.MOST_SIDE) return 0;
  if (windowRows < 0 || windowRows > abi.MOST_SIDE) return 0;
  const all = <u64> layerCount * <u64> heads * <u64> slots;
  if (all > <u64> abi.MOST_BYTES) return 0;
  const words = aligned(all * 4);
  const windowed = windowRows > 0 ? aligned(<u64> windowRows * all * 4) + words : 0;
  const end = base() + STATE_BYTES + aligned(all * 12) + words * 11 + aligned(all * 8) + windowed +
    scratchBytes(slots) * 6 + aligned(<u64> layerCount * <u64> heads * 4);
  return end > <u64> abi.MOST_BYTES ? 0 : <u32> end;
}

/** Places every region for a shape that `endOfArena` accepted. */
export function place(layerCount: i32, heads: i32, slots: i32, windowRows: i32): void {
  layers = layerCount;
  kvHeads = heads;
  window = windowRows;
  lanes = layerCount * heads;
  capacity = slots;
  const all = <u64> lanes * <u64> slots;
  const words = <usize> aligned(all * 4);
  const lane = <usize> scratchBytes(slots);
  state = changetype<State>(<usize> base());
  sum = changetype<usize>(state) + <usize> STATE_BYTES;
  sumsq = sum + words;
  last = sumsq + words;
  birth = last + words;
  position = birth + words;
  loose = position + words;
  order = loose + words;
  freed = order + <usize> aligned(all * 8);
  ring = freed + words;
  recent = ring + <usize> aligned(<u64> windowRows * all * 4);
  rows = recent + (windowRows > 0 ? words : 0);
  claimed = rows + <usize> aligned(all * 12);
  victims = claimed + words;
  list = victims + words;
  scores = list + words;
  keys = scores + words + ((<usize> PAD) << 2);
  spreads = keys + lane;
  few = spreads + lane;
  ties = few + lane;
  totals = ties + lane;
  ranked = totals + lane;
  marks = ranked + lane - ((<usize> PAD) << 2);
}

/** Where a lane's order begins. */
export function orderOf(lane: i32): usize {
  return order + ((<usize> lane * <usize> capacity) << 3);
}

/** Begins new books of the shape that was placed. The rule is not set. */
export function begin(): void {
  state.layers = layers;
  state.kvHeads = kvHeads;
  state.capacity = capacity;
  state.window = window;
  state.version = VERSION;
  empty();
}

/** Forgets every token; shape and rule stay. */
export function empty(): void {
  const all = <usize> lanes * <usize> capacity;
  memory.fill(changetype<usize>(state) + BOOKS_FROM, 0, BOOKS_BYTES);
  state.below = i32.MAX_VALUE;
  memory.fill(position, 0xff, all << 2);
  memory.fill(loose, 0xff, all << 2);
  emptyWindow();
}

/** Forgets the rows of the window. */
export function emptyWindow(): void {
  const words = <usize> lanes * <usize> capacity;
  if (state.window > 0) {
    memory.fill(ring, 0, (<usize> state.window * words) << 2);
    memory.fill(recent, 0, words << 2);
  }
  state.cursor = 0;
}

/** Where a region of the drawing above begins, by its number; 0 for any other number, or before there is an arena. */
export function addressOf(region: i32): usize {
  switch (region) {
    case abi.REGION_STATE:
      return changetype<usize>(state);
    case abi.REGION_ROWS:
      return rows;
    case abi.REGION_SUM:
      return sum;
    case abi.REGION_SUMSQ:
      return sumsq;
    case abi.REGION_LAST:
      return last;
    case abi.REGION_BIRTH:
      return birth;
    case abi.REGION_POSITION:
      return position;
    case abi.REGION_LOOSE:
      return loose;
    case abi.REGION_ORDER:
      return order;
    case abi.REGION_FREED:
      return freed;
    case abi.REGION_CLAIMED:
      return claimed;
    case abi.REGION_VICTIMS:
      return victims;
    case abi.REGION_LIST:
      return list;
    case abi.REGION_SCORES:
      return scores;
    case abi.REGION_RING:
      return ring;
    case abi.REGION_RECENT:
      return recent;
    case abi.REGION_SCRATCH:
      return keys - (keys > 0 ? (<usize> PAD) << 2 : 0);
    default:
      return 0;
  }
}
