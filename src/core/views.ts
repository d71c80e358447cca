// Views of a core's memory, each made once.

/** One lane's books, for reading: each [capacity], by slot. */
export interface LaneViews {
  /** −1 = free slot. */
  readonly positions: Int32Array;
  /** S = Σp. */
  readonly sums: Float32Array;
  /** Q = Σp². */
  readonly squares: Float32Array;
  /** The newest query's p, while the rule's score is "last". */
  readonly lasts: Float32Array;
  /** The clock at birth: n = clock − birth queries have seen the token. */
  readonly births: Int32Array;
}

/** A score of your own: fills `scores` [capacity] for one lane. */
export type LaneScore = (lane: number, views: LaneViews, scores: Float32Array) => void;

/** Gives the view [lanes, n] of an output that begins at `address`, made at the first use of each n. */
export type OutputViews = (n: number) => Uint32Array<ArrayBuffer>;

export function outputViews(buffer: ArrayBuffer, address: number, lanes: number): OutputViews {
  const made: Uint32Array<ArrayBuffer>[] = [];
  return (n) => made[n] ??= new Uint32Array(buffer, address, lanes * n);
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
