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

/** Views that Core keeps to itself. */
export interface OwnViews {
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

/** All of a core's views: those that it shows, by Core's names, and its own. */
export function coreViews(wasm: Exports, buffer: ArrayBuffer, lanes: number, slots: number) {
  const at = (region: number) => wasm.address(region) >>> 0;
  const shown = {
    rows: new Float32Array(buffer, at(abi.REGION_ROWS), 3 * slots),
    positions: new Int32Array(buffer, at(abi.REGION_POSITION), slots),
    sums: new Float32Array(buffer, at(abi.REGION_SUM), slots),
    squares: new Float32Array(buffer, at(abi.REGION_SUMSQ), slots),
    lasts: new Float32Array(buffer, at(abi.REGION_LAST), slots),
    births: new Int32Array(buffer, at(abi.REGION_BIRTH), slots),
    scores: new Float32Array(buffer, at(abi.REGION_SCORES), slots),
  };
  const own: OwnViews = {
    books: new Uint8Array(buffer, at(abi.REGION_STATE), at(abi.REGION_ROWS) - at(abi.REGION_STATE)),
    state: new Int32Array(buffer, at(abi.REGION_STATE), abi.STATE_WORDS),
    victims: new Uint32Array(buffer, at(abi.REGION_VICTIMS), slots),
    claimedOf: outputViews(buffer, at(abi.REGION_CLAIMED), lanes),
    victimsOf: outputViews(buffer, at(abi.REGION_VICTIMS), lanes),
    listOf: outputViews(buffer, at(abi.REGION_LIST), lanes),
  };
  return { shown, own };
}

/** Every lane's part of books over all lanes. */
export function laneViews(
  { lanes, capacity, positions, sums, squares, lasts, births }: LaneViews & { lanes: number; capacity: number },
  scores: Float32Array<ArrayBuffer>,
) {
  return Array.from({ length: lanes }, (_, lane) => {
    const from = lane * capacity;
    const to = from + capacity;
    const views: LaneViews = {
      positions: positions.subarray(from, to),
      sums: sums.subarray(from, to),
      squares: squares.subarray(from, to),
      lasts: lasts.subarray(from, to),
      births: births.subarray(from, to),
    };
    return { views, scores: scores.subarray(from, to) };
  });
}
