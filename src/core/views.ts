// Views of a core's memory, each made once, and again where the memory is another's and has grown.
import * as abi from "../../assembly/abi.ts";
import type { Exports } from "./abi.ts";

/** One lane's books, for reading: each [capacity], by slot. */
export interface LaneViews {
  /** −1 = free slot. */
  readonly positions: Int32Array;
  /** S = Σp. */
  readonly sums: Float32Array;
  /** Q = Σp²; while the rule's scope is "peak" each token's peak: the largest self-weighted mean of a row, Σp²/Σp. */
  readonly squares: Float32Array;
  /** The newest query's p, while the rule's score is "last". */
  readonly lasts: Float32Array;
  /** The clock at birth: n = clock − birth queries have seen the token. */
  readonly births: Int32Array;
  /**
   * [capacity, headDim], in sessions whose policy reads vectors, else undefined: the token's key as the cache stores it, in f32: rotated by its position, or
   * not yet where positions count live slots. What stands at free slots means nothing.
   */
  readonly keys?: Float32Array;
  /** Its value, likewise. */
  readonly values?: Float32Array;
  /** What the queries of the lane's group were like, in sessions whose policy reads it, else undefined. */
  readonly queries?: QueryViews;
}

/** Means over all queries so far, of every head of a group, and what positions do to them. */
export interface QueryViews {
  /**
   * [heads of the group, 3, headDim / 2], before they are rotated: of a query's first half, of its second, and of the lengths of the pairs that
   * these make. Zeros before there is any.
   */
  readonly means: Float64Array;
  /** By how many radians a position turns each pair, [headDim / 2]. */
  readonly rope: Float32Array;
  /** By how much turning lengthens a query, and a key. */
  readonly scale: number;
  /** What products of queries and keys are multiplied by before their softmax. */
  readonly factor: number;
  /** Whether `keys` are not turned yet, as positions count live slots. */
  readonly ranked: boolean;
}

/** A score of your own: fills `scores` [capacity] for one lane. */
export type LaneScore = (lane: number, views: LaneViews, scores: Float32Array) => void;

/** Gives the view [lanes, n] of an output that begins at `address`, made at the first use of each n. */
export type OutputViews = (n: number) => Uint32Array<ArrayBuffer>;

export function outputViews(buffer: ArrayBuffer, address: number, lanes: number): OutputViews {
  const made: Uint32Array<ArrayBuffer>[] = [];
  return (n) => made[n] ??= new Uint32Array(buffer, address, lanes * n);
}

/** Books by slot: one lane's, or those of all, [lanes, capacity]. */
export type Books = Omit<LaneViews, "keys" | "values" | "queries">;

/** Views that Core keeps to itself. */
export interface OwnViews {
  /** [lanes, capacity] each. */
  readonly slots: Books;
  /** All that a snapshot holds of the memory: the span from the state to the rows. */
  readonly books: Uint8Array;
  /** [abi.STATE_WORDS] */
  readonly state: Int32Array;
  /** [lanes, capacity] at most; outputs use the start of it. */
  readonly victims: Uint32Array;
  readonly claimedOf: OutputViews;
  readonly victimsOf: OutputViews;
  readonly listOf: OutputViews;
}

/** All of a core's views: those that its caller writes to, by Core's names, and its own. */
export function coreViews(wasm: Exports, buffer: ArrayBuffer, lanes: number, slots: number) {
  const at = (region: number) => wasm.address(region) >>> 0;
  const shown = {
    rows: new Float32Array(buffer, at(abi.REGION_ROWS), 3 * slots),
    scores: new Float32Array(buffer, at(abi.REGION_SCORES), slots),
  };
  const own: OwnViews = {
    slots: {
      positions: new Int32Array(buffer, at(abi.REGION_POSITION), slots),
      sums: new Float32Array(buffer, at(abi.REGION_SUM), slots),
      squares: new Float32Array(buffer, at(abi.REGION_SUMSQ), slots),
      lasts: new Float32Array(buffer, at(abi.REGION_LAST), slots),
      births: new Int32Array(buffer, at(abi.REGION_BIRTH), slots),
    },
    books: new Uint8Array(buffer, at(abi.REGION_STATE), at(abi.REGION_ROWS) - at(abi.REGION_STATE)),
    state: new Int32Array(buffer, at(abi.REGION_STATE), abi.STATE_WORDS),
    victims: new Uint32Array(buffer, at(abi.REGION_VICTIMS), slots),
    claimedOf: outputViews(buffer, at(abi.REGION_CLAIMED), lanes),
    victimsOf: outputViews(buffer, at(abi.REGION_VICTIMS), lanes),
    listOf: outputViews(buffer, at(abi.REGION_LIST), lanes),
  };
  return { shown, own };
}

const SLOTS = ["positions", "sums", "squares", "lasts", "births"] as const satisfies readonly (keyof Books)[];

/** Which core's, and where its books stand. */
type Of = Readonly<Record<"lanes" | "capacity" | "seen" | "clock" | "live", number>>;

/** What readers are given: copies of the books, so that nothing that is written into them changes anything. Made at the first use. */
export class Shown {
  readonly #of: Of;
  #made: ReturnType<typeof shownOf> | undefined;
  #seen = -1; // where the books stood that it is a copy of
  #clock = -1;
  #live = -1;

  constructor(of: Of) {
    this.#of = of;
  }

  get #all() {
    return this.#made ??= shownOf(this.#of);
  }

  /** Each lane's part, [lanes]. */
  get lanes() {
    return this.#all.lanes;
  }

  /** The arrays over all lanes, copied where the books have changed. */
  follow(books: Books): Books {
    const { seen, clock, live } = this.#of;
    if (seen !== this.#seen || clock !== this.#clock || live !== this.#live) {
      this.copy(books);
      [this.#seen, this.#clock, this.#live] = [seen, clock, live];
    }
    return this.#all.slots;
  }

  /** Copies books, whether they have changed or not. */
  copy(books: Books): this {
    const { slots } = this.#all;
    for (let i = 0; i < SLOTS.length; i++) slots[SLOTS[i]].set(books[SLOTS[i]]);
    return this;
  }

  /** Forgets which books it is a copy of. */
  forget(): void {
    this.#seen = -1;
  }

  /** Has a score fill `scores`, [lanes, capacity], which it may build on. */
  score(score: LaneScore, scores: Float32Array): void {
    const { lanes, scores: given } = this.#all;
    given.set(scores);
    for (let lane = 0; lane < lanes.length; lane++) score(lane, lanes[lane].views, lanes[lane].scores);
    scores.set(given);
  }
}

/** Gives what a prototype makes the arrays over all lanes, by their names. */
export function shownBy<T extends object>(prototype: T, books: (of: T) => Books): void {
  for (const name of SLOTS) {
    Object.defineProperty(prototype, name, {
      get(this: T) {
        return books(this)[name];
      },
    });
  }
}

/** Arrays for all lanes, [lanes, capacity], and each lane's part of them. */
function shownOf({ lanes, capacity }: Of) {
  const ints = () => new Int32Array(lanes * capacity), floats = () => new Float32Array(lanes * capacity);
  const slots: Books = { positions: ints(), sums: floats(), squares: floats(), lasts: floats(), births: ints() };
  const scores = floats();
  const parts = Array.from({ length: lanes }, (_, lane) => {
    const [from, to] = [lane * capacity, (lane + 1) * capacity];
    const views = Object.fromEntries(SLOTS.map((name) => [name, slots[name].subarray(from, to)]));
    return { views: Object.freeze(views) as unknown as LaneViews, scores: scores.subarray(from, to) };
  });
  return { slots, scores, lanes: parts };
}
