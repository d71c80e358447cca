import type { LaneViews } from "../core/core.ts";
import { type Asked, foresee, turning } from "./foreseen.ts";
import type { FunctionPolicy } from "./policy.ts";
import { lengthOf, order, putInOrder, workspace } from "./rows.ts";

const OFFSETS = Array.from({ length: 512 }, (_, i) => i); // positions from the next one on

/**
 * Expected Attention: Devoto et al., Expected Attention: KV Cache Compression by Estimating Attention from Future Queries Distribution, arXiv
 * 2510.00636. The smallest product of ‖v‖ and the attention that the mean query would give at the next 512 positions goes.
 *
 * Deviates from kvpress, which compresses a prompt once, by the queries of that prompt: here they are all of the session's. Their covariance,
 * headDim² numbers a head, is left out, as kvpress does with `use_covariance=False`, and so is no sink apart: a session keeps its own.
 */
export const expected: FunctionPolicy = {
  name: "expected",
  score: (_lane, books, scores) => expect(books, scores),
  scope: "all",
  needsAttention: false,
  readsVectors: true,
  readsQueries: true,
  evicts: true,
  sinks: 4,
  newest: 0,
};

const turnsOf = turning(OFFSETS);

/** The lane under way. */
const asked: Asked = { books: null!, live: order, work: workspace(0), at: 0 };

function expect(books: LaneViews, scores: Float32Array): void {
  const { means, rope, factor } = books.queries!;
  const { slots, count } = putInOrder(books.positions);
  const headDim = 2 * rope.length;
  const heads = means.length / (1.5 * headDim);
  const work = workspace(2 * count + 2 * headDim); // [count] of one head | [count] of all | room
  const turn = turnsOf(rope);
  asked.books = books;
  asked.work = work;
  asked.at = 2 * count;
  work.fill(0, count, 2 * count);
  for (let head = 0; head < heads; head++) {
    foresee(asked, head, turn, 0);
    addShares(work, count, factor);
  }
  asked.books = null!; // its memory is the core's, and not to be held
  for (let i = 0; i < count; i++) {
    scores[slots[i]] = work[count + i] / heads * lengthOf(books.values!, slots[i] * headDim, headDim);
  }
}

/** Adds a head's shares of attention, a softmax, to those of all. */
function addShares(work: Float64Array, count: number, factor: number): void {
  let most = -Infinity;
  for (let i = 0; i < count; i++) most = Math.max(most, work[i]);
  let sum = 0;
  for (let i = 0; i < count; i++) sum += work[i] = Math.exp(factor * (work[i] - most));
  for (let i = 0; i < count; i++) work[count + i] += work[i] / sum;
}
