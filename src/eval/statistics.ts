/** Whether two policies can be told apart: paired differences over documents, with bootstrap intervals. */
import { Draws } from "./draws.ts";
import type { Values } from "./tasks/task.ts";

/** A mean of differences, and where it lies with 95 in 100. */
export interface Difference {
  /** The mean. */
  readonly mean: number;
  /** Where the interval begins. */
  readonly low: number;
  /** Where it ends. */
  readonly high: number;
  /** Pairs. */
  readonly count: number;
}

/** What is said of a difference. */
export type Verdict = "better" | "worse" | "not told apart";

const RESAMPLES = 10_000;
const TAIL = 0.025; // on either side

/** The mean of every value, over all that have them: those of the first. */
export function meansOf(all: readonly Values[]): Values {
  const names = Object.keys(all[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, all.reduce((sum, one) => sum + one[name], 0) / all.length]));
}

/** The mean of the values, with the percentiles of means of as many drawn from them: Efron's bootstrap. */
export function bootstrap(values: readonly number[], name = "bootstrap"): Difference {
  const count = values.length;
  const meanOf = (pick: () => number) => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += pick();
    return sum / count;
  };
  let next = 0;
  const mean = meanOf(() => values[next++]);
  const draws = new Draws(`${name}/${count}`);
  const means = Float64Array.from({ length: RESAMPLES }, () => meanOf(() => values[draws.below(count)])).sort();
  const at = (share: number) => means[Math.min(RESAMPLES - 1, Math.floor(share * RESAMPLES))];
  return { mean, low: at(TAIL), high: at(1 - TAIL), count };
}

/** Of fewer pairs even all with one sign happen by chance more often than once in twenty: 2 / 2⁵ is 0.06. */
const LEAST = 6;

/** What a difference says, where 0 is no difference. @param higher whether more is better */
export function verdictOf({ low, high, count }: Difference, higher: boolean): Verdict {
  if (count < LEAST || low <= 0 && high >= 0) return "not told apart";
  return low > 0 === higher ? "better" : "worse";
}
