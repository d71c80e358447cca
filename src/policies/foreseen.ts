/** What queries to come will ask, as far as the mean of those gone by tells: scores of triattention and expected. */
import type { LaneViews } from "../core/core.ts";
import { dot, type order } from "./rows.ts";

/** The lane that is looked at: its books, its live tokens in order, and where to work: [2, headDim] numbers from `at` on are overwritten. */
export interface Asked {
  books: LaneViews;
  live: typeof order;
  work: Float64Array;
  at: number;
}

/** The turns of these offsets by frequencies: made once for each of these. */
export function turning(offsets: readonly number[]): (rope: Float32Array) => Float64Array {
  const made = new WeakMap<Float32Array, Float64Array>();
  return (rope) => {
    const turns = made.get(rope) ?? turnsOf(rope, offsets);
    made.set(rope, turns);
    return turns;
  };
}

/** Mean of e^{iωδ} over offsets δ, positions, for each pair: [2, headDim / 2]. */
function turnsOf(rope: Float32Array, offsets: readonly number[]): Float64Array {
  const turns = new Float64Array(2 * rope.length);
  for (let i = 0; i < rope.length; i++) {
    for (const offset of offsets) {
      turns[i] += Math.cos(rope[i] * offset) / offsets.length;
      turns[rope.length + i] += Math.sin(rope[i] * offset) / offsets.length;
    }
  }
  return turns;
}

/**
 * Writes, for every live token in order, the product of its key and a head's mean query, as it will be `offsets` behind the next position, on
 * average over them: from `to` on.
 * @param turns of these offsets
 */
export function foresee({ books, live, work, at }: Asked, head: number, turns: Float64Array, to: number): void {
  const { positions, keys } = books;
  const { means, rope, ranked, scale } = books.queries!;
  const { slots, count } = live;
  const half = rope.length;
  const query = head * 3 * half;
  const ahead = ranked ? 1 : positions[slots[count - 1]] + 1; // of the newest token; or of position 0, as keys are turned already
  const longer = ranked ? scale * scale : scale; // keys that are turned already are so much longer
  for (let i = 0; i < half; i++) {
    const by = rope[i] === 0 ? 1 : longer;
    const first = by * means[query + i];
    const second = by * means[query + half + i];
    const real = first * turns[i] - second * turns[half + i];
    const imaginary = first * turns[half + i] + second * turns[i];
    const cosine = Math.cos(ahead * rope[i]);
    const sine = Math.sin(ahead * rope[i]);
    work[at + i] = real * cosine - imaginary * sine;
    work[at + half + i] = real * sine + imaginary * cosine;
    work[at + 2 * half + i] = Math.cos(rope[i]);
    work[at + 3 * half + i] = Math.sin(rope[i]);
  }
  for (let j = count - 1; j >= 0; j--) {
    work[to + j] = dot(keys!, slots[j] * 2 * half, work, at, 2 * half);
    if (ranked) turnOn(work, at, half);
  }
}

/** Turns a query on by a position: the next older token is so much farther away. */
function turnOn(work: Float64Array, at: number, half: number): void {
  for (let i = at; i < at + half; i++) {
    const real = work[i];
    const imaginary = work[i + half];
    work[i] = real * work[i + 2 * half] - imaginary * work[i + 3 * half];
    work[i + half] = real * work[i + 3 * half] + imaginary * work[i + 2 * half];
  }
}
