import type { FunctionPolicy } from "./policy.ts";
import { largestFirst, workspace } from "./rows.ts";

const LARGE = 0.05; // of the live tokens
const ABOVE = 1e6; // any draw
const LEAST = 1e-30; // of attention, so that its logarithm is a number

/**
 * VaSE: Chang et al., Value-Aware Stochastic KV Cache Eviction for Reasoning Models, arXiv 2606.03928. The twentieth of the tokens
 * whose values have the widest range, max − min, stays; of the others a sample stays, drawn by the attention of the last rows, the mean
 * of 5 neighbours.
 *
 * Deviates from the authors' code, which evicts in rounds of 128 tokens and draws anew in each: here a token's draw, of its lane and
 * position, is made once (Gumbel-top-k: ln of its attention and a draw are compared), or at a token a step even the most attended would
 * soon lose one. The window is of 32 rows, a chunk of a prompt is one; it is of 128 queries there.
 */
export const vase: FunctionPolicy = {
  name: "vase",
  basis: "windowed",
  score: (lane, { positions, values }, scores) => {
    const least = leastOfLarge(positions, values!);
    for (let slot = 0; slot < positions.length; slot++) {
      if (positions[slot] < 0) continue;
      const range = rangeOf(values!, slot, values!.length / positions.length);
      const drawn = Math.log(Math.max(LEAST, scores[slot])) - Math.log(-Math.log(uniform(lane, positions[slot])));
      scores[slot] = range >= least ? ABOVE + range : drawn;
    }
  },
  scope: "all",
  needsAttention: true,
  readsVectors: true,
  evicts: true,
  window: 32,
  pool: "mean",
  width: 5,
  sinks: 0,
  newest: 0.1,
};

/** The least range of those that stay. */
function leastOfLarge(positions: Int32Array, values: Float32Array): number {
  const ranges = workspace(positions.length);
  let count = 0;
  for (let slot = 0; slot < positions.length; slot++) {
    if (positions[slot] >= 0) ranges[count++] = rangeOf(values, slot, values.length / positions.length);
  }
  const large = Math.floor(LARGE * count);
  if (large === 0) return Infinity;
  largestFirst(ranges, 0, count, large);
  let least = Infinity;
  for (let i = 0; i < large; i++) least = Math.min(least, ranges[i]);
  return least;
}

/** max − min of a slot's value. */
function rangeOf(values: Float32Array, slot: number, headDim: number): number {
  let most = -Infinity;
  let least = Infinity;
  for (let i = slot * headDim; i < (slot + 1) * headDim; i++) {
    most = Math.max(most, values[i]);
    least = Math.min(least, values[i]);
  }
  return most - least;
}

/** A number between 0 and 1 for a token of a lane: MurmurHash3's finaliser. */
function uniform(lane: number, position: number): number {
  return ((mixed(mixed(lane + 1) + Math.imul(position, 0x9e3779b9)) >>> 2) + 0.5) / 2 ** 30;
}

function mixed(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
