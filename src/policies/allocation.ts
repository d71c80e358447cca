/** How a session's slots are shared out among its lanes: all alike, by layer, or by what each lane's attention needs. */

/** Every allocation, by name. */
export const ALLOCATIONS = ["uniform", "pyramid", "adaptive"] as const;

/**
 * uniform: every lane keeps the budget.
 * pyramid: early layers keep more than late ones, linearly, half as much again at the first and half at the last: Cai et al.,
 *   PyramidKV, arXiv 2406.02069, which falls from 1.95 to 0.05 of the mean; so little would not hold what is protected here.
 * adaptive: the lanes of a layer share its slots: a lane keeps as many as it has among the layer's best-scored tokens, within
 *   bounds: Feng et al., Ada-KV, arXiv 2407.11550, which shares out once, when the prompt has been read; here it is done
 *   again with every chunk and every `stride` tokens of text.
 *
 * The mean over all lanes is the budget, always.
 */
export type Allocation = typeof ALLOCATIONS[number];

/** What bounds a lane's part: see `boundsOf`. */
export interface Bounds {
  readonly least: number; // slots
  readonly most: number; // slots
}

/** What the lanes of a layer have to choose from. */
export interface Scored {
  readonly scores: readonly Float32Array[]; // [lanes][slots]: those of a lane's live tokens in any order, in its first places
  readonly counts: ArrayLike<number>; // [lanes]: live tokens
}

/** What the budget is divided by for the least that any lane may be given. */
const LEAST_PART: Record<Allocation, number> = { uniform: 1, pyramid: 2, adaptive: 5 };

/** The least that any lane may be given: what is protected, a chunk, and one to choose from; and a part of the budget. */
export function leastBudget(allocation: Allocation, budget: number, kept: number, stride: number): number {
  return Math.min(budget, Math.max(Math.floor(budget / LEAST_PART[allocation]), kept + stride + 1));
}

/** The budget of each layer's lanes, [layers]; with "adaptive", of the layer's mean lane. Their sum is layers · budget. */
export function layerBudgets(allocation: Allocation, budget: number, least: number, layers: number): number[] {
  if (allocation !== "pyramid" || layers === 1) return Array(layers).fill(budget);
  const fall = 2 * (budget - least); // from the first layer to the last
  const parts = Array.from({ length: layers }, (_, i) => Math.floor(budget + fall / 2 - (fall * i) / (layers - 1)));
  const missing = layers * budget - parts.reduce((sum, part) => sum + part, 0);
  for (let i = 0; i < missing; i++) parts[i]++;
  return parts;
}

/** How far a lane's part of its layer's slots may go under "adaptive": at most twice the mean. */
export function boundsOf(budget: number, least: number, kvHeads: number): Bounds {
  return { least, most: Math.min(2 * budget, budget * kvHeads - least * (kvHeads - 1)) };
}

/**
 * Shares `total` slots out among the lanes of a layer: a lane gets as many as it has tokens among the best `total`, but not
 * less than `least` (or than it has) nor more than `most`; what ties and bounds leave over goes round. Writes to `parts`,
 * whose sum is then `total`.
 */
export function shareOut({ scores, counts }: Scored, total: number, { least, most }: Bounds, parts: Int32Array): void {
  const lanes = scores.length;
  const wanted = (threshold: number) => {
    let sum = 0;
    for (let lane = 0; lane < lanes; lane++) {
      let above = 0;
      for (let i = 0; i < counts[lane]; i++) if (scores[lane][i] > threshold) above++;
      sum += parts[lane] = Math.max(Math.min(above, most), Math.min(least, counts[lane]));
    }
    return sum;
  };
  let low = Infinity; // thresholds: one that may leave too many, and one that does not
  let high = -Infinity;
  for (let lane = 0; lane < lanes; lane++) {
    for (let i = 0; i < counts[lane]; i++) {
      low = Math.min(low, scores[lane][i]);
      high = Math.max(high, scores[lane][i]);
    }
  }
  low -= 1;
  if (wanted(low) <= total) high = low;
  for (let i = 0; i < 48 && high > low; i++) {
    const middle = low + (high - low) / 2;
    if (wanted(middle) <= total) high = middle;
    else low = middle;
  }
  let left = total - wanted(high);
  for (let lane = 0, full = 0; left > 0 && full < lanes; lane = (lane + 1) % lanes) {
    const room = parts[lane] < most;
    full = room ? 0 : full + 1;
    if (room) parts[lane]++, left--;
  }
}
