// The TypeScript face of the Wasm eviction core (assembly/): the only place that makes views of its memory.
//
// A core keeps the books of `lanes` caches (one per KV head of every layer) that hold the same number of tokens each but
// choose for themselves which to keep. One step:
//
//   claim(1) → slots to write K and V into → (attention) → rows.set(p) → observe(1) → evict(live − budget) → freed slots
//
// Nothing is allocated after `create` but small views of outputs, once per length, and copies for readers, once.
import * as abi from "../../assembly/abi.ts";
import type { Exports } from "./abi.ts";
import { type Arena, type Home, openArena, openArenaIn } from "./arena.ts";
import { checkCode } from "./errors.ts";
import { compile, moduleFor } from "./module.ts";
import { checkCount, checkRule, checkSlots, type CoreRule, type CoreShape } from "./rule.ts";
import type { Pooling, Scope, Score } from "./rule.ts";
import { checkRestored, type Pin, pinsAfter, readSnapshot, type SnapshotShape, writeSnapshot } from "./snapshot.ts";
import { type Books, coreViews, Shown, shownBy } from "./views.ts";
import type { LaneScore, LaneViews, OwnViews, QueryViews } from "./views.ts";

export type { CoreRule, CoreShape, LaneScore, LaneViews, Pooling, QueryViews, Scope, Score };

// For this package's own use, which the public class says nothing of.
/** The exports of a core's module. */
export let exportsOf: (core: Core) => Exports;
/** A core's books as they lie in its memory, which is not to be written to. */
export let slotsOf: (core: Core) => Books;
/** As Core.create, in a home where that has room; its views end when the home grows, and are to be asked for anew. */
export let createIn: (home: Home | null, shape: CoreShape, rule: CoreRule) => Core;
/** Gives back what a core has of a home: it may not be used any more. */
export let release: (core: Core) => void;

/** The eviction books of one cache: who is in which slot, what attention each token got, and who goes next. */
export class Core {
  static {
    exportsOf = (core) => core.#wasm;
    slotsOf = (core) => core.#views.slots;
    shownBy(this.prototype, (core) => (core.#shown ??= new Shown(core)).follow(core.#views.slots));
    release = (core) => core.#arena.release();
    createIn = (home, shape, rule) => {
      checkRule(rule, shape.window ?? 0); // before anything is lent
      const core = new Core(shape, moduleFor(false), home);
      core.setRule(rule);
      return core;
    };
  }

  /** layers × kvHeads, layer-major. */
  readonly lanes: number;
  /** Slots per lane. */
  readonly capacity: number;
  /** Rows that windowed scores look back on; 0 = none. */
  readonly window: number;
  /** Wasm memory held, books and scratch, in bytes. */
  readonly bytes: number;
  /** Input of `observe`, [3, lanes, capacity]: Σp, Σp² and last p of every slot. What stands at free slots is ignored. */
  readonly rows!: Float32Array<ArrayBuffer>;
  /**
   * [lanes, capacity], the position of each slot's token; −1 = free slot. A copy, for reading, as the next four are: made when one is
   * asked for behind a call that changed the books.
   */
  declare readonly positions: Int32Array<ArrayBuffer>;
  /** [lanes, capacity], S = Σp over the observed queries; meaningful at live slots only. */
  declare readonly sums: Float32Array<ArrayBuffer>;
  /** [lanes, capacity], Q = Σp²; while the rule's scope is "peak" the peaks, in its place (from zeros when it is set). */
  declare readonly squares: Float32Array<ArrayBuffer>;
  /** [lanes, capacity], p of the newest observed query, while the rule's score is "last" (from zeros when it is set). */
  declare readonly lasts: Float32Array<ArrayBuffer>;
  /** [lanes, capacity], the clock at each token's birth: it was seen by n = clock − birth queries. */
  declare readonly births: Int32Array<ArrayBuffer>;
  /** [lanes, capacity], where `evictBy` and `showScores` put their scores. */
  readonly scores!: Float32Array<ArrayBuffer>;
  #module: WebAssembly.Module;
  #shape: SnapshotShape;
  #arena: Arena;
  #wasm: Exports;
  #views!: OwnViews;
  #shown: Shown | undefined; // to who asks
  #given: Shown | undefined; // to scores of the caller's own
  #pins: Pin[] = []; // spans of positions to pin that reach beyond `seen`

  private constructor(shape: CoreShape, module: WebAssembly.Module, home: Home | null = null) {
    const { layers, kvHeads, capacity, window = 0 } = shape;
    const housed = home && openArenaIn(home, moduleFor, shape, () => this.#look());
    this.#arena = housed ?? openArena(module, shape);
    this.bytes = this.#arena.bytes;
    this.#module = module;
    this.#shape = [layers, kvHeads, capacity, window];
    this.#wasm = this.#arena.wasm;
    this.lanes = layers * kvHeads;
    this.capacity = capacity;
    this.window = window;
    this.#look();
  }

  #look(): void {
    const { memory } = this.#arena;
    const { shown, own } = coreViews(this.#wasm, memory.buffer as ArrayBuffer, this.lanes, this.lanes * this.capacity);
    Object.assign(this, shown);
    this.#views = own;
  }

  /** Compiles the built-in module without blocking; some pages need it before `create`. @throws where a policy forbids it */
  static async ready(): Promise<void> {
    await compile();
  }

  /**
   * Makes a core with empty books.
   * @param wasm another build of the same module, as bytes (tests run the scalar one); the built-in SIMD build if left out
   * @throws RangeError if the shape or the rule is refused
   */
  static create(shape: CoreShape, rule: CoreRule, wasm?: BufferSource): Core {
    const core = new Core(shape, wasm ? new WebAssembly.Module(wasm) : moduleFor(false));
    core.setRule(rule);
    return core;
  }

  /** Live slots per lane, the same in all lanes. */
  get live(): number {
    return this.#views.state[abi.STATE_LIVE];
  }

  /** Tokens claimed so far: the next token's position. */
  get seen(): number {
    return this.#views.state[abi.STATE_SEEN];
  }

  /** Queries observed so far. */
  get clock(): number {
    return this.#views.state[abi.STATE_CLOCK];
  }

  /** Tokens claimed whose row has not been given yet. */
  get pending(): number {
    return this.#views.state[abi.STATE_PENDING];
  }

  /** The highest slot index ever claimed, plus one. */
  get extent(): number {
    return this.#views.state[abi.STATE_EXTENT];
  }

  /** How many slots may go from each lane now (live − protected, the least over the lanes). Costs about as much as evict. */
  get evictable(): number {
    return this.#wasm.evictable();
  }

  /**
   * Changes what `evict` chooses by, from its next call on; the books stay.
   * @throws RangeError if score or scope is unknown, or a count is not a non-negative integer
   */
  setRule(rule: CoreRule): void {
    this.#wasm.rule(...checkRule(rule, this.window));
    this.#shown?.forget(); // what its scores remember
  }

  /**
   * Takes a slot in every lane for each of the next `tokens` positions: seen, seen + 1, … The slots freed last are taken
   * first, then unused ones in ascending order.
   * @param observed false where this pass's rows will not be given: its tokens count from the next query observed
   * @returns [lanes, tokens] slots, overwritten by the next claim
   * @throws RangeError if `tokens` is not a positive integer or exceeds the free slots
   */
  claim(tokens: number, observed = true): Uint32Array<ArrayBuffer> {
    checkCount("claim", "tokens must be a positive integer", tokens, 1);
    this.#check(this.#wasm.claim(tokens, observed ? 1 : 0), "claim", tokens, 0);
    if (this.#pins.length > 0) {
      for (const { from, to } of this.#pins) this.#pinClaimed(Math.max(from, this.seen - tokens), to);
      this.#pins = pinsAfter(this.#pins, this.seen);
    }
    return this.#views.claimedOf(tokens);
  }

  /**
   * Adds `rows` to the books: S += Σp, Q += Σp², last = p. With one query only plane 0 is read, which then says all three.
   * @param queries tokens claimed since the last row: they are the queries of this one
   * @throws RangeError if `queries` is another number, or a live slot's value is NaN, infinite, negative or above 2⁴⁰;
   * the books are then as they were
   */
  observe(queries: number): void {
    this.#passed("observe", queries, this.#wasm.observe);
  }

  /**
   * As `observe` with a row of zeros, but reads no row: for scores that need no attention (recency, random).
   * @throws RangeError if `queries` is not the number of tokens claimed since the last row
   */
  advance(queries: number): void {
    this.#passed("advance", queries, this.#wasm.advance);
  }

  #passed(action: string, queries: number, call: (queries: number) => number): void {
    checkCount(action, "queries must be a positive integer", queries, 1);
    this.#check(call(queries), action, queries, 0);
  }

  #check(code: number, action: string, queries: number, n: number): void {
    if (code !== abi.OK) checkCode(code, this, this.#views.slots.positions, { action, queries, n });
  }

  /**
   * Chooses `n` victims in every lane by the rule and frees their slots. Smallest score first, ties to the older position.
   * @returns [lanes, n] slots, ascending within a lane, overwritten by the next choose, evict or free; n = 0 does nothing
   * @throws RangeError if `n` is not a non-negative integer or exceeds `evictable`; Error if claimed tokens were not yet
   * observed. The books are then as they were
   */
  evict(n: number): Uint32Array<ArrayBuffer> {
    return this.#selected("evict", n, this.#wasm.evict);
  }

  /** What `evict(n)` would free, without freeing it. @throws as evict does */
  choose(n: number): Uint32Array<ArrayBuffer> {
    return this.#selected("choose", n, this.#wasm.choose);
  }

  #selected(action: string, n: number, call: (n: number) => number): Uint32Array<ArrayBuffer> {
    checkCount(action, "n must be a non-negative integer", n, 0);
    if (n > 0) this.#check(call(n), action, 0, n);
    return this.#views.victimsOf(n);
  }

  /**
   * `observe(queries)` and `evict(n)` in one: the same to the last bit, in less time, as every lane is gone through once.
   * @returns as evict does
   * @throws as either does; the books are then as they were before both
   */
  step(queries: number, n: number): Uint32Array<ArrayBuffer> {
    checkCount("step", "queries must be a positive integer", queries, 1);
    checkCount("step", "n must be a non-negative integer", n, 0);
    this.#check(n > 0 ? this.#wasm.step(queries, n) : this.#wasm.observe(queries), "step", queries, n);
    return this.#views.victimsOf(n);
  }

  /**
   * As `evict`, by your own score in place of the rule's; scope, protection, sharing and ties are the rule's. What the
   * books remember is the rule's choice too: `lasts` needs the rule's score to be "last".
   * @param score fills one lane's scores [capacity], one for each slot: finite, bigger is more worth keeping; those of free
   * slots (position −1) are not read. Called once per lane; must not call this core
   * @throws as evict does, and RangeError if a live slot's score is not finite
   */
  evictBy(score: LaneScore, n: number): Uint32Array<ArrayBuffer> {
    return this.#selected("evict", n, (n) => (this.showScoresBy(score), this.#wasm.evictScored(n)));
  }

  /** What `evictBy` would free, without freeing it. @throws as evictBy does */
  chooseBy(score: LaneScore, n: number): Uint32Array<ArrayBuffer> {
    return this.#selected("choose", n, (n) => (this.showScoresBy(score), this.#wasm.chooseScored(n)));
  }

  /** What your own score makes of every slot now: as `showScores`, but for free slots, whose values mean nothing. */
  showScoresBy(score: LaneScore): Float32Array<ArrayBuffer> {
    (this.#given ??= new Shown(this)).copy(this.#views.slots).score(score, this.scores);
    return this.scores;
  }

  /** Every lane's books, for reading, [lanes]: copies, as those of all lanes. */
  get laneViews(): LaneViews[] {
    return (this.#shown ??= new Shown(this)).copy(this.#views.slots).lanes.map(({ views }) => views);
  }

  /**
   * Frees the given slots instead of asking the rule: a caller's own choice. Only pinned tokens are refused.
   * @param slots [lanes, n]
   * @throws RangeError if the length is no multiple of `lanes` or a slot is out of range, free, pinned or repeated; Error
   * if claimed tokens were not yet observed. The books are then as they were
   */
  free(slots: ArrayLike<number>): void {
    const n = checkSlots(slots, this.lanes, this.live);
    if (n === 0) return;
    this.#views.victims.set(slots);
    this.#check(this.#wasm.free(n), "free", 0, n);
  }

  /**
   * Protects the tokens at positions [from, to) for good: those that lanes still have, and those yet to be claimed.
   * @throws RangeError unless 0 ≤ from ≤ to, in integers
   */
  pin(from: number, to: number): void {
    checkCount("pin", "from must be a non-negative integer", from, 0);
    checkCount("pin", "to must be an integer not below from", to, from);
    this.#pinClaimed(from, to);
    if (to > this.seen) this.#pins.push({ from, to });
  }

  #pinClaimed(from: number, to: number): void {
    const end = Math.min(to, this.seen);
    if (from < end) this.#wasm.pin(from, end);
  }

  /** [lanes, live], each lane's slots in use by ascending position; overwritten by the next call. */
  liveList(): Uint32Array<ArrayBuffer> {
    this.#wasm.listLive();
    return this.#views.listOf(this.live);
  }

  /**
   * What the rule makes of every live slot now: [lanes, capacity] by slot, bigger is more worth keeping, 0 at free slots.
   * Each lane's own number, even where the rule's choice is shared and compares the means over a layer's lanes. Positions
   * (recency) and draws of the next eviction (random) are rounded to f32. Written to `scores`, so that `evictBy` may go on
   * from there; overwritten by the next call.
   */
  showScores(): Float32Array<ArrayBuffer> {
    this.#wasm.showScores();
    return this.scores;
  }

  /** Forgets every token and pin and restarts the random draws; the rule stays. */
  reset(): void {
    this.#pins = [];
    this.#wasm.reset();
    this.#shown?.forget(); // who asks next may find as many tokens as before
  }

  /**
   * All that is needed to go on exactly from here, books, rule, pins and draws, as bytes: 36 for every slot, 4 more for every
   * row of window, and a head. What stands in `rows` is not part of it. snapshot.ts draws its form.
   */
  snapshot(): Uint8Array<ArrayBuffer> {
    return writeSnapshot(this.#shape, this.#views.books, this.#pins);
  }

  /**
   * Goes on from a snapshot of a core of this shape, of whatever build: every later answer equals the one that its core
   * would have given. The rule comes with it.
   * @throws TypeError if `bytes` is no Uint8Array; RangeError if it is of another shape or version, not whole, damaged, or
   * holds books that contradict themselves. The books are then as they were
   */
  restore(bytes: Uint8Array): void {
    const { books, pins } = readSnapshot(bytes, this.#shape, this.#views.books.length);
    const before = this.#views.books.slice();
    this.#views.books.set(books);
    try {
      checkRestored(this.#wasm.restore() === abi.OK, pins, this.seen);
    } catch (error) {
      this.#views.books.set(before);
      throw error;
    }
    this.#pins = pins;
    this.#shown?.forget();
  }

  /** A core of its own with the same books, rule and pins: the two answer alike until their calls differ. */
  fork(): Core {
    const shape = this.#shape;
    const core = new Core({ layers: shape[0], kvHeads: shape[1], capacity: shape[2], window: shape[3] }, this.#module);
    core.#views.books.set(this.#views.books);
    core.#pins = [...this.#pins];
    return core;
  }
}
