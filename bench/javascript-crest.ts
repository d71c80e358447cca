// What crest remembers, as well-written JavaScript keeps it, for bench/javascript-core.ts.
import { P_BOUND } from "../assembly/abi.ts";

const { fround, min } = Math;

/** What of an exponential mean is left after so many queries. */
const leftAfter = (queries: number, halfLife: number) => 2 ** (-queries / halfLife);

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
