import type { LaneViews } from "../core/core.ts";
import { type Asked, foresee, turning } from "./foreseen.ts";
import type { FunctionPolicy } from "./policy.ts";
import { order, putInOrder, workspace } from "./rows.ts";

const OFFSETS = Array.from({ length: 17 }, (_, i) => 2 ** i); // positions: 1, 2, 4, … 65 536
const LEAST = 1e-6; // of a deviation

/**
 * TriAttention: arXiv 2604.04921. A key counts for what the mean query, before positions turn it, would make of it at distances from here on,
 * 1, 2, 4, … 2¹⁶ positions away, on average, and for its length where queries' lengths are more than their mean's; of a group's heads,
 * each set to mean 0 and deviation 1 over the lane's tokens, the most counts.
 *
 * Deviates from the authors' code, which takes the means from a file made before, and evicts in rounds of 128 tokens of the answer alone: here
 * they are those of the session's own queries, from its first on, and tokens go whenever the budget asks.
 */
export const triattention: FunctionPolicy = {
  name: "triattention",
  score: (_lane, books, scores) => judge(books, scores),
  scope: "all",
  needsAttention: false,
  readsVectors: true,
  readsQueries: true,
  evicts: true,
  sinks: 0,
  newest: 0.1,
};

const turnsOf = turning(OFFSETS);

/** The lane under way. */
const asked: Asked = { books: null!, live: order, work: workspace(0), at: 0 };

function judge(books: LaneViews, scores: Float32Array): void {
  const { means, rope } = books.queries!;
  const { slots, count } = putInOrder(books.positions);
  const half = rope.length;
  const heads = means.length / (3 * half);
  const work = workspace(heads * count + 4 * half); // [heads, count] what each head makes of each token, and room
  const turn = turnsOf(rope);
  asked.books = books;
  asked.work = work;
  asked.at = heads * count;
  for (let head = 0; head < heads; head++) foresee(asked, head, turn, head * count);
  asked.books = null!; // its memory is the core's, and not to be held
  addLengths(books, work);
  for (let head = 0; head < heads; head++) level(work, head * count, count);
  for (let i = 0; i < count; i++) {
    let most = -Infinity;
    for (let head = 0; head < heads; head++) most = Math.max(most, work[head * count + i]);
    scores[slots[i]] = most;
  }
}

/** Adds Σ (mean |q| − |mean q|) · |k| over pairs, for each head and token. */
function addLengths({ keys, queries }: LaneViews, work: Float64Array): void {
  const { means, rope, ranked, scale } = queries!;
  const { slots, count } = order;
  const longer = ranked ? scale * scale : scale; // see foresee
  const half = rope.length;
  const heads = means.length / (3 * half);
  for (let i = 0; i < count; i++) {
    const key = slots[i] * 2 * half;
    for (let pair = 0; pair < half; pair++) {
      const length = (rope[pair] === 0 ? 1 : longer) * sized(keys![key + pair], keys![key + half + pair]);
      for (let head = 0; head < heads; head++) {
        const query = head * 3 * half + pair;
        const more = means[query + 2 * half] - sized(means[query], means[query + half]);
        work[head * count + i] += more * length;
      }
    }
  }
}

/** The length of a pair. */
const sized = (a: number, b: number) => Math.sqrt(a * a + b * b);

/** Sets numbers [from, from + count) to mean 0 and deviation 1. */
function level(work: Float64Array, from: number, count: number): void {
  let mean = 0;
  let squares = 0;
  for (let i = from; i < from + count; i++) mean += work[i] / count;
  for (let i = from; i < from + count; i++) squares += (work[i] - mean) ** 2 / count;
  const deviation = Math.max(LEAST, Math.sqrt(squares));
  for (let i = from; i < from + count; i++) work[i] = (work[i] - mean) / deviation;
}
