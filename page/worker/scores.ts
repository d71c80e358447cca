/** What every live token is worth, read from a session's books, and the memory of it for steps gone by. */
import type { Session } from "../../src/session/session.ts";
import type { Scores } from "../protocol.ts";

/** Reads the books between two steps. */
export function readScores(session: Session, step: number): Scores {
  const books = session.laneViews();
  const outlook = session.outlook();
  const { seen } = session;
  const peaks = session.options.scope === "peak"; // the books have them in place of squares
  const begins = new Int32Array(books.length + 1);
  books.forEach(({ positions }, lane) => {
    let live = 0;
    for (let slot = 0; slot < positions.length; slot++) if (positions[slot] >= 0) live++;
    begins[lane + 1] = begins[lane] + live;
  });
  const total = begins[books.length];
  const scores: Scores = {
    step,
    begins,
    positions: new Int32Array(total),
    score: new Float32Array(total),
    mean: new Float32Array(total),
    spread: new Float32Array(total),
  };
  let at = 0;
  books.forEach(({ positions, sums, squares, births }, lane) => {
    for (let slot = 0; slot < positions.length; slot++) {
      if (positions[slot] < 0) continue;
      const queries = Math.max(1, seen - births[slot]); // a session observes every query
      const mean = sums[slot] / queries;
      scores.positions[at] = positions[slot];
      scores.score[at] = outlook[lane].scores[slot];
      scores.mean[at] = mean;
      scores.spread[at] = peaks ? squares[slot] : Math.sqrt(Math.max(0, squares[slot] / queries - mean * mean));
      at++;
    }
  });
  return scores;
}

/** A copy that may be given away. */
export function copyOf({ step, begins, positions, score, mean, spread }: Scores): Scores {
  const [a, b] = [begins.slice(), positions.slice()];
  return { step, begins: a, positions: b, score: score.slice(), mean: mean.slice(), spread: spread.slice() };
}

/** The buffers of one, to be given away. */
export const buffersOf = ({ begins, positions, score, mean, spread }: Scores) =>
  [begins, positions, score, mean, spread].map(({ buffer }) => buffer);

/** Recorded scores, in order of their steps. Where they would take too much memory every second one goes. */
export class ScoreMemory {
  readonly #most: number; // bytes
  #kept: Scores[] = [];
  #bytes = 0;

  constructor(most = 64 << 20) {
    this.#most = most;
  }

  add(scores: Scores): void {
    this.#kept.push(scores);
    this.#bytes += bytesOf(scores);
    while (this.#bytes > this.#most && this.#kept.length > 2) {
      const last = this.#kept.length - 1;
      this.#kept = this.#kept.filter((_, i) => i % 2 === 0 || i === last);
      this.#bytes = this.#kept.reduce((sum, one) => sum + bytesOf(one), 0);
    }
  }

  /** The last that was recorded at a step or before it. */
  at(step: number): Scores | null {
    let [low, high] = [0, this.#kept.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#kept[middle].step <= step) low = middle + 1;
      else high = middle;
    }
    return this.#kept[low - 1] ?? null;
  }

  clear(): void {
    this.#kept = [];
    this.#bytes = 0;
  }
}

function bytesOf(scores: Scores): number {
  return buffersOf(scores).reduce((sum, { byteLength }) => sum + byteLength, 0);
}
