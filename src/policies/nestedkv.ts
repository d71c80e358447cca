import type { FunctionPolicy } from "./policy.ts";
import { dot, largestFirst, lengthOf, putInOrder, workspace } from "./rows.ts";

const PRIORS = [0.4, 0.4, 0.2]; // of the three scales
const SHARPNESS = 3; // β: how much more a scale weighs that tells tokens apart
const SURPRISE = 0.6; // τ
const STEEPNESS = 10; // κ
const WINDOW = 64; // positions
const [BLOCK_LEAST, BLOCK_MOST] = [128, 256]; // positions

/**
 * NestedKV: Chen et al., NestedKV: Nested Memory Routing for Long-Context KV Cache Compression, arXiv 2605.26678. How unlike a key is to
 * the mean direction of all keys, of those of its block, and of those of the 64 positions up to its own; the three, each from 0 to 1, are
 * weighed by how well each tells tokens apart, and where they disagree the largest counts.
 *
 * After the paper's formulas, its code not being there. It compresses a prompt once and then keeps all; here the same score serves at every
 * eviction, over the tokens that are left. Its budgets by head are a session's `allocation: "adaptive"`.
 */
export const nestedkv: FunctionPolicy = {
  name: "nestedkv",
  score: (_lane, { positions, keys }, scores) => anomalies(positions, keys!, scores),
  scope: "all",
  needsAttention: false,
  readsVectors: true,
  evicts: true,
  sinks: 4,
  newest: 0,
};

/** Which keys an anchor is the mean of. */
const SCALES = ["all", "block", "window"] as const;

/** The lane under way: what its keys are worth is worked out in one array, whose parts begin at these places. */
const NONE: Int32Array = new Int32Array(0);
const lane = {
  positions: NONE,
  slots: new Uint32Array(0), // of live tokens, by ascending position
  count: 0, // of them
  headDim: 0,
  block: BLOCK_LEAST, // positions
  work: workspace(0), // [3, count]: how unlike at each scale
  surprise: 0, // [count]
  sorted: 0, // [count]: where the largest are sought
  anchor: 0, // [headDim]
  rows: 0, // [count, headDim]: directions
};

function anomalies(positions: Int32Array, keys: Float32Array, scores: Float32Array): void {
  const { slots, count } = putInOrder(positions);
  const headDim = keys.length / positions.length;
  const work = workspace(5 * count + headDim + count * headDim);
  lane.positions = positions;
  lane.slots = slots;
  lane.count = count;
  lane.headDim = headDim;
  lane.block = Math.min(BLOCK_MOST, Math.max(BLOCK_LEAST, Math.floor(count / 32)));
  lane.work = work;
  lane.surprise = 3 * count;
  lane.sorted = 4 * count;
  lane.anchor = 5 * count;
  lane.rows = lane.anchor + headDim;
  for (let i = 0; i < count; i++) {
    const length = lengthOf(keys, slots[i] * headDim, headDim) || 1;
    for (let j = 0; j < headDim; j++) work[lane.rows + i * headDim + j] = keys[slots[i] * headDim + j] / length;
  }
  for (let scale = 0; scale < SCALES.length; scale++) unlike(scale);
  blend(scores);
  lane.positions = NONE; // its memory is the core's, and not to be held
}

/** Whether token j is among those whose mean direction token i is compared with. */
function sees(scale: number, i: number, j: number): boolean {
  const { positions, slots, block } = lane;
  const mine = positions[slots[i]];
  const other = positions[slots[j]];
  if (SCALES[scale] === "all") return true;
  if (SCALES[scale] === "block") return Math.floor(mine / block) === Math.floor(other / block);
  return mine - WINDOW < other && other <= mine;
}

/** Writes −cos of every direction and its anchor, from 0 to 1. What anchors are of begins and ends later from token to token. */
function unlike(scale: number): void {
  const { work, count, headDim, anchor, rows } = lane;
  work.fill(0, anchor, anchor + headDim);
  let from = 0;
  let to = 0;
  for (let i = 0; i < count; i++) {
    for (; to < count && sees(scale, i, to); to++) add(to, 1);
    for (; !sees(scale, i, from); from++) add(from, -1);
    const length = Math.sqrt(dot(work, anchor, work, anchor, headDim));
    work[scale * count + i] = -dot(work, rows + i * headDim, work, anchor, headDim) / (length || 1);
  }
  spread(scale * count);
}

/** Adds a direction to the anchor. */
function add(index: number, sign: number): void {
  const { work, headDim, anchor, rows } = lane;
  for (let j = 0; j < headDim; j++) work[anchor + j] += sign * work[rows + index * headDim + j];
}

/** Has numbers [from, from + count) reach from 0 to 1. */
function spread(from: number): void {
  const { work, count } = lane;
  let most = -Infinity;
  let least = Infinity;
  for (let i = from; i < from + count; i++) {
    most = Math.max(most, work[i]);
    least = Math.min(least, work[i]);
  }
  for (let i = from; i < from + count; i++) work[i] = (work[i] - least) / (most - least || 1);
}

/** How far the tenth with the largest numbers is above the tenth with the smallest, on average. */
function gap(scale: number): number {
  const { work, count, sorted } = lane;
  const tenth = Math.max(1, Math.floor(count / 10));
  work.copyWithin(sorted, scale * count, (scale + 1) * count);
  let sum = 0;
  largestFirst(work, sorted, count, tenth);
  for (let i = 0; i < tenth; i++) sum += work[sorted + i];
  if (count > tenth) largestFirst(work, sorted, count, count - tenth);
  for (let i = count - tenth; i < count; i++) sum -= work[sorted + i];
  return sum / tenth;
}

/** Writes what each token is worth: the three numbers weighed, or, the more they disagree, the largest. */
function blend(scores: Float32Array): void {
  const { work, count, slots, surprise } = lane;
  const all = PRIORS[0] * Math.exp(SHARPNESS * gap(0));
  const block = PRIORS[1] * Math.exp(SHARPNESS * gap(1));
  const window = PRIORS[2] * Math.exp(SHARPNESS * gap(2));
  for (let i = 0; i < count; i++) {
    const mean = (work[i] + work[count + i] + work[2 * count + i]) / 3;
    const squares = (work[i] - mean) ** 2 + (work[count + i] - mean) ** 2 + (work[2 * count + i] - mean) ** 2;
    work[surprise + i] = Math.sqrt(squares / 3);
  }
  spread(surprise);
  let usual = 0;
  for (let i = 0; i < count; i++) usual += work[surprise + i] / count;
  for (let i = 0; i < count; i++) {
    const a = work[i];
    const b = work[count + i];
    const c = work[2 * count + i];
    const mixed = (all * a + block * b + window * c) / (all + block + window);
    const largest = Math.max(a, b, c);
    const gate = 1 / (1 + Math.exp(-STEEPNESS * (work[surprise + i] - usual - SURPRISE)));
    scores[slots[i]] = mixed + gate * (largest - mixed);
  }
}
