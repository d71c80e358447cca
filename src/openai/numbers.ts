/** What a service counts, since it began. */

/** Upper bounds of a histogram's buckets, in seconds. */
export const SECONDS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** How often a time was how long. */
export class Histogram {
  readonly counts = new Array<number>(SECONDS.length + 1).fill(0); // of times up to each bound, and of longer ones
  sum = 0; // seconds
  count = 0;

  add(seconds: number): void {
    const at = SECONDS.findIndex((bound) => seconds <= bound);
    this.counts[at < 0 ? SECONDS.length : at]++;
    this.sum += seconds;
    this.count++;
  }
}

/** Counts of tokens, and times. */
export class Numbers {
  /** Tokens of prompts that were read, and that stood in a cache already. */
  read = 0;
  cached = 0;
  /** Tokens written. */
  written = 0;
  /** Tokens evicted, from each lane. */
  evicted = 0;
  /** From a request's turn to its first token. */
  readonly firstToken = new Histogram();
  /** Between two tokens. */
  readonly betweenTokens = new Histogram();
}
