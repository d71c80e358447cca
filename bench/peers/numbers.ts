// Medians, and what the rounds of a case come to.
import type { Done } from "./child.ts";

/** Over rounds: their median, the least and the most. */
export interface Spread {
  median: number;
  least: number;
  most: number;
}

/** The value below which the share `part` of the values lies: 0.5 is the median. */
export function quantile(values: number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const low = Math.floor(at);
  return sorted[low] +
    (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

export const median = (values: number[]): number => quantile(values, 0.5);

const spread = (values: number[]): Spread => ({
  median: median(values),
  least: Math.min(...values),
  most: Math.max(...values),
});

/** What a case's rounds come to. */
export interface Times {
  prefillTokensPerSecond: Spread;
  stepMs: Spread; // of the rounds' medians
  stepP90Ms: Spread;
  firstMs: Spread; // from the start of program or page to the first token
  /** The largest share of the processors that others used in any round; null where the system does not tell. */
  others: number | null;
}

/** @param prompt its tokens */
export function timesOf(rounds: Done[], prompt: number): Times {
  const steps = (done: Done) => done.runs.flatMap(({ steps }) => steps);
  const others = rounds.map(({ others }) => others).filter((share) => share !== null);
  return {
    prefillTokensPerSecond: spread(
      rounds.map(({ runs }) => prompt / median(runs.map(({ prefillMs }) => prefillMs)) * 1000),
    ),
    stepMs: spread(rounds.map((done) => median(steps(done)))),
    stepP90Ms: spread(rounds.map((done) => quantile(steps(done), 0.9))),
    firstMs: spread(rounds.map(({ firstMs }) => firstMs)),
    others: others.length ? Math.max(...others) : null,
  };
}

/** How many of these ids' texts a text begins with. `textOf`: of ids. */
export function textAgreement(ids: number[], text: string, textOf: (ids: number[]) => string): number {
  for (let count = ids.length; count > 0; count--) if (text.startsWith(textOf(ids.slice(0, count)))) return count;
  return 0;
}

/** How many ids two texts have in common before they differ. */
export function agreement(a: number[], b: number[]): number {
  const at = a.findIndex((id, i) => b[i] !== id);
  return at < 0 ? Math.min(a.length, b.length) : at;
}
