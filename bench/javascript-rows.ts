// How a row enters the books, as well-written JavaScript has it, for bench/javascript-core.ts.
import { P_BOUND } from "../assembly/abi.ts";

const { fround, min } = Math;

/** x² in f32; one that would be subnormal counts as 0. */
export const square = (x: number) => (x < 2 ** -63 ? 0 : fround(x * x));

/** Adds a row's Σp to sums, and its Σp² to squares. */
export function addSums(rows: Float32Array, sum: Float32Array, sumsq: Float32Array, queries: number): void {
  for (let i = 0, plane = sum.length; i < plane; i++) {
    const p = rows[i];
    sum[i] += p;
    sumsq[i] += queries === 1 ? square(p) : rows[plane + i];
  }
}

/** What of an exponential mean is left after so many queries. */
export const leftAfter = (queries: number, halfLife: number) => 2 ** (-queries / halfLife);

/** Adds a row's Σp to sums, and has peaks go up with its Σp²/Σp. */
export function addPeaks(rows: Float32Array, sum: Float32Array, peak: Float32Array, queries: number): void {
  for (let i = 0, plane = sum.length; i < plane; i++) {
    const p = rows[i];
    sum[i] += p;
    const mean = queries === 1 ? p : p > 0 ? min(fround(rows[plane + i] / p), P_BOUND) : 0;
    if (mean > peak[i]) peak[i] = mean;
  }
}

/** Adds a row to exponential means. */
export function addLate(rows: Float32Array, late: Float32Array, queries: number, halfLife: number): void {
  const left = leftAfter(queries, halfLife);
  const kept = fround(left);
  const weight = fround((1 - left) / queries);
  for (let i = 0; i < late.length; i++) {
    const mean = fround(fround(kept * late[i]) + fround(weight * rows[i]));
    late[i] = mean < 2 ** -100 ? 0 : mean;
  }
}

/** An exponential mean that n queries made, as if there had been others like them before. */
export function lateOf(mean: number, n: number, halfLife: number): number {
  return n >= 25 * halfLife ? mean : fround(mean / fround(1 - leftAfter(n, halfLife)));
}

/** Has best shares fade to a part of them, and go up to a slot's part in the largest sum of a live one. */
export function fadeTo(best: Float32Array, sums: ArrayLike<number>, positions: Int32Array, left: number): void {
  const kept = fround(left);
  let most = 0;
  for (let i = 0; i < best.length; i++) if (positions[i] >= 0 && sums[i] > most) most = sums[i];
  for (let i = 0; i < best.length; i++) {
    const faded = fround(kept * best[i]);
    const share = most > 0 ? fround(sums[i] / most) : 0;
    const next = share > faded ? share : faded;
    best[i] = next < 2 ** -100 ? 0 : next;
  }
}
