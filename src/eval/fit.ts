/** The smallest budget under which a text is foreseen almost as well as with the full cache. */
import { exp } from "../engine/elementary.ts";
import { bootstrap, type Difference } from "./statistics.ts";

/** A budget, and the perplexity's ratio to the full cache's under it. */
export interface Fit {
  /** Slots per lane. */
  readonly budget: number;
  /** exp of the mean difference of losses over the parts of the text, and where it lies with 95 in 100. */
  readonly ratio: Difference;
}

/** What was found for one policy. */
export interface Fitted {
  /** The smallest budget whose ratio is under the bound. */
  readonly smallest: Fit;
  /** The smallest whose whole interval is. */
  readonly sure: Fit;
}

/** What a search needs. */
export interface Search {
  /** The ratio that must not be exceeded, above 1. */
  readonly bound: number;
  /** Losses of the full cache, of each part of the text. */
  readonly full: readonly number[];
  /** Slots that hold a whole part: under so many nobody goes. */
  readonly most: number;
  /** Losses of each part under so many slots; null where a session cannot have so few. */
  losses(budget: number): Promise<readonly number[] | null>;
}

/** Bisects: what holds under some budget is taken to hold under every larger one. */
export async function fit({ bound, full, most, losses }: Search): Promise<Fitted> {
  const known = new Map<number, Fit | null>();
  const at = async (budget: number): Promise<Fit | null> => {
    if (!known.has(budget)) {
      const found = await losses(budget);
      known.set(budget, found && { budget, ratio: ratioOf(found, full) });
    }
    return known.get(budget)!;
  };
  const smallest = async (holds: (fit: Fit) => boolean): Promise<Fit> => {
    let [least, enough] = [0, most]; // the first is too small, the second is not
    while (enough - least > 1) {
      const middle = Math.floor((least + enough) / 2);
      const found = await at(middle);
      if (found && holds(found)) enough = middle;
      else least = middle;
    }
    return await at(enough) ?? { budget: most, ratio: ratioOf(full, full) };
  };
  return {
    smallest: await smallest(({ ratio }) => ratio.mean <= bound),
    sure: await smallest(({ ratio }) => ratio.mean <= bound && ratio.high <= bound),
  };
}

/** exp of what losses differ by. */
function ratioOf(losses: readonly number[], full: readonly number[]): Difference {
  const { mean, low, high, count } = bootstrap(losses.map((loss, i) => loss - full[i]));
  return { mean: exp(mean), low: exp(low), high: exp(high), count };
}
