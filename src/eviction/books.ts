/**
 * The eviction books of every lane of a session. Where all lanes have the same budget one core keeps them; where budgets
 * differ, one core for every group of lanes that share one: a layer, or a single lane. All of them see every token, so that
 * positions and clock are the same in all; live slots are not.
 */
import type { Home } from "../core/arena.ts";
import { type Core, type CoreRule, createIn, type LaneScore, type LaneViews, release, slotsOf } from "../core/core.ts";
import type { CheckedSession } from "../options/index.ts";
import { basisOf, presetOf } from "../policies/own.ts";
import type { Vectors } from "./vectors.ts";

/** What a group of lanes has in common. */
export interface Group {
  readonly core: Core;
  /** Its first lane, of lanes [layers · kvHeads], layer-major. */
  readonly first: number;
  /** The caller's own score, where it takes the rule's place. */
  readonly own: LaneScore | null;
  /** Whether it builds on a score of the core's. */
  readonly based: boolean;
  /** Live slots per lane after eviction; may be changed between steps. */
  budget: number;
  /** Slots freed by the last eviction, [lanes, freed], ascending within a lane; empty once tokens were claimed. */
  victims: ArrayLike<number>;
  /** How many they are per lane. */
  freed: number;
}

const NONE = new Uint32Array(0);

/** A group to be made: its lanes, which divide evenly into `layers`, its budget, and the most that this may become. */
export interface GroupShape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly budget: number;
  readonly capacity: number; // slots per lane
}

/** Has the core write the scores that a group's own builds on: before that is asked. */
export function prepare({ core, own, based }: Group): void {
  if (own && based) core.showScores();
}

/** A group's rule: random draws differ from group to group. */
const seeded = (rule: CoreRule, first: number): CoreRule => ({ ...rule, seed: (rule.seed + first * 7919) | 0 });

export class Books {
  readonly groups: readonly Group[];
  readonly lanes: number;
  /** Slots per lane of arrays over all lanes: the largest capacity of any. */
  readonly width: number;
  /** Wasm memory, in bytes. */
  readonly bytes: number;
  readonly #gathered: Float32Array<ArrayBuffer> | null; // [3, lanes, width], where there are several groups
  readonly #claimedOf: Uint32Array<ArrayBuffer>[] = []; // [lanes, tokens] each, by tokens
  readonly #rowOf: Float32Array<ArrayBuffer>[] = []; // of `rows`, the parts of each plane and lane: [3 · lanes]
  readonly #positions: Int32Array<ArrayBuffer>; // [lanes, width], gathered likewise
  readonly #parts: readonly number[]; // [groups]: budgets as at the start
  readonly #vectors: Vectors | null;
  readonly #lasting: CheckedSession["pin"]; // spans that are pinned again after a reset

  /**
   * @param shapes the groups' shapes, in order of their lanes
   * @param options the window, pins and own score of the session
   * @param ruleFor what a group of this budget chooses by; random draws differ from group to group
   * @param places where books of a single group are to lie, if anywhere; and keys and values, where an own score reads them
   */
  constructor(
    shapes: readonly GroupShape[],
    options: Pick<CheckedSession, "window" | "pin" | "policy" | "score">,
    ruleFor: (budget: number) => CoreRule,
    { home = null, vectors = null }: { home?: Home | null; vectors?: Vectors | null } = {},
  ) {
    const { window, pin, policy, score } = options;
    const based = basisOf(options) !== null;
    const kvcaps = typeof policy === "string" && presetOf(policy).score === score; // whose function writes to nothing but scores
    const viewsOf = (lane: number, books: LaneViews) =>
      vectors ? kvcaps ? vectors.viewsOf(lane, books) : vectors.copyOf(lane, books) : books;
    this.#vectors = vectors;
    let lanes = 0;
    this.groups = shapes.map(({ layers, kvHeads, budget, capacity }) => {
      const first = lanes;
      const shape = { layers, kvHeads, capacity, window };
      const core = createIn(shapes.length === 1 ? home : null, shape, seeded(ruleFor(budget), first));
      const own: LaneScore | null = typeof score === "function"
        ? (lane, views, scores) => score(first + lane, viewsOf(first + lane, views), scores, core.clock)
        : null;
      lanes += core.lanes;
      return { core, first, own, based, budget, victims: NONE, freed: 0 };
    });
    this.#parts = shapes.map(({ budget }) => budget);
    this.lanes = lanes;
    this.width = Math.max(...shapes.map(({ capacity }) => capacity));
    this.bytes = this.groups.reduce((sum, { core }) => sum + core.bytes, 0);
    const several = this.groups.length > 1;
    this.#gathered = several ? new Float32Array(3 * lanes * this.width) : null;
    this.#positions = new Int32Array(several ? lanes * this.width : 0);
    this.#lasting = pin;
    this.#pinLasting();
  }

  /** Every lane's books, for reading, [lanes], with keys and values where there are any: copies. */
  laneViews(): LaneViews[] {
    const vectors = this.#vectors;
    const whole = (lane: number, books: LaneViews): LaneViews => {
      if (!vectors) return books;
      const copy = vectors.copyOf(lane, books);
      return { ...copy, keys: copy.keys!.slice(), values: copy.values!.slice() };
    };
    return this.groups.flatMap(({ core, first }) => core.laneViews.map((books, i) => whole(first + i, books)));
  }

  /** Chooses by other rules from now on. @param ruleFor as at the start */
  setRule(ruleFor: (budget: number) => CoreRule): void {
    this.groups.forEach(({ core, first }, i) => core.setRule(seeded(ruleFor(this.#parts[i]), first)));
  }

  /** Where a pass's observations go: [3, lanes, width], Σp, Σp² and last p; of one query, plane 0 alone. Another view once a home has grown. */
  get rows(): Float32Array<ArrayBuffer> {
    return this.#gathered ?? this.groups[0].core.rows;
  }

  /** Gives back what they have of a home: they may not be used any more. */
  release(): void {
    for (const { core } of this.groups) release(core);
  }

  #pinLasting() {
    for (const [from, to] of this.#lasting) this.pin(from, to);
  }

  /** Tokens taken in so far: the next one's position. */
  get seen(): number {
    return this.groups[0].core.seen;
  }

  /** Live slots per lane, the mean over all lanes. */
  get live(): number {
    const { groups } = this;
    if (groups.length === 1) return groups[0].core.live;
    let sum = 0;
    for (let i = 0; i < groups.length; i++) sum += groups[i].core.live * groups[i].core.lanes;
    return sum / this.lanes;
  }

  // Loops, not closures: these are asked at every step, which allocates nothing.

  /** Live slots of the lane that has most. */
  get longest(): number {
    let most = 0;
    for (let i = 0; i < this.groups.length; i++) most = Math.max(most, this.groups[i].core.live);
    return most;
  }

  /** One more than the highest slot ever claimed in any lane. */
  get extent(): number {
    let most = 0;
    for (let i = 0; i < this.groups.length; i++) most = Math.max(most, this.groups[i].core.extent);
    return most;
  }

  /** How many slots every lane freed in the last eviction; −1 where lanes differ. */
  get freed(): number {
    const { groups } = this;
    const { freed } = groups[0];
    for (let i = 1; i < groups.length; i++) if (groups[i].freed !== freed) return -1;
    return freed;
  }

  /** As Core.claim: [lanes, tokens] slots, overwritten by the next claim; no view of a home, which may grow before they are used. */
  claim(tokens: number, observed: boolean): Uint32Array<ArrayBuffer> {
    for (let i = 0; i < this.groups.length; i++) this.#forgetVictims(this.groups[i]);
    const all = this.#claimedOf[tokens] ??= new Uint32Array(this.lanes * tokens);
    for (let i = 0; i < this.groups.length; i++) {
      const { core, first } = this.groups[i];
      all.set(core.claim(tokens, observed), first * tokens);
    }
    return all;
  }

  /** As Core.observe, in every group, of what is in `rows`. */
  observe(queries: number): void {
    for (let i = 0; i < this.groups.length; i++) {
      const { core, first } = this.groups[i];
      if (this.groups.length > 1) this.#copyRows(core, first, queries === 1 ? 1 : 3);
      core.observe(queries);
    }
  }

  #copyRows({ lanes, capacity, rows }: Core, first: number, planes: number): void {
    for (let plane = 0; plane < planes; plane++) {
      for (let lane = 0; lane < lanes; lane++) {
        const from = plane * this.lanes + first + lane;
        rows.set(this.#rowOf[from] ??= this.#row(from, capacity), (plane * lanes + lane) * capacity);
      }
    }
  }

  #row(index: number, capacity: number): Float32Array<ArrayBuffer> {
    return this.rows.subarray(index * this.width, index * this.width + capacity);
  }

  /** As Core.advance, in every group. */
  advance(queries: number): void {
    for (const { core } of this.groups) core.advance(queries);
  }

  /** [lanes, width]: the position of each slot's token, −1 where it is free. */
  positions(): Int32Array<ArrayBuffer> {
    const [{ core: only }] = this.groups;
    if (this.groups.length === 1) return slotsOf(only).positions as Int32Array<ArrayBuffer>;
    this.#positions.fill(-1);
    for (let i = 0; i < this.groups.length; i++) {
      const { core, first } = this.groups[i];
      for (let lane = 0; lane < core.lanes; lane++) {
        const places = (first + lane) * this.width, { positions } = slotsOf(core);
        for (let slot = 0; slot < core.capacity; slot++) {
          this.#positions[places + slot] = positions[lane * core.capacity + slot];
        }
      }
    }
    return this.#positions;
  }

  /** Writes each live slot's rank among those of its lane, the newest of all lanes alike: [lanes, width]. */
  ranks(into: Int32Array): void {
    const { longest, width } = this;
    this.forEachLane((lane, live) => {
      for (let rank = 0; rank < live.length; rank++) into[lane * width + live[rank]] = rank + longest - live.length;
    });
  }

  /** Calls back for every lane with its live slots by ascending position; the list is overwritten by the next call. */
  forEachLane(call: (lane: number, live: Uint32Array, group: Group, inGroup: number) => void): void {
    for (const group of this.groups) {
      const { core, first } = group;
      const list = core.liveList();
      for (let i = 0; i < core.lanes; i++) call(first + i, list.subarray(i * core.live, (i + 1) * core.live), group, i);
    }
  }

  /** Evicts n tokens from every lane of a group: those that its rule chooses, or those in the slots given, [lanes, n]. */
  evict(group: Group, n: number, chosen?: ArrayLike<number>): void {
    if (chosen) group.core.free(chosen);
    else if (n > 0) prepare(group);
    if (chosen) group.victims = chosen;
    else group.victims = n === 0 ? NONE : group.own ? group.core.evictBy(group.own, n) : group.core.evict(n);
    group.freed = n;
  }

  /** As Core.pin, in every group. */
  pin(from: number, to: number): void {
    for (const { core } of this.groups) core.pin(from, to);
  }

  /** As Core.reset, in every group; the options' pins stay. */
  reset(): void {
    for (const group of this.groups) {
      group.core.reset();
      this.#forgetVictims(group);
    }
    this.#pinLasting();
  }

  #forgetVictims(group: Group): void {
    group.victims = NONE;
    group.freed = 0;
  }
}
