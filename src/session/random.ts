/** Random numbers that are the same everywhere. */

/** A small generator of random numbers: sfc32 (Doty-Humphrey, PractRand), with the seed spread over its state. */
export class Random {
  /** All that it remembers; may be copied from one generator to another. */
  readonly state = new Int32Array(4); // a, b, c, counter

  /** @param seed A safe integer; equal seeds give equal numbers on every machine. */
  constructor(seed: number) {
    this.seed(seed);
  }

  /** Begins anew. */
  seed(seed: number): void {
    this.state.set([0, seed | 0, Math.floor(seed / 2 ** 32) | 0, 1]);
    for (let i = 0; i < 15; i++) this.#bits(); // until every bit of the seed has reached all of the state
  }

  /** The next number in [0, 1), a multiple of 2^−53. */
  readonly next = (): number => ((this.#bits() >>> 5) * 2 ** 26 + (this.#bits() >>> 6)) / 2 ** 53;

  #bits(): number { // 32 of them
    const { state } = this;
    const b = state[1], c = state[2];
    const sum = (state[0] + b + state[3]) | 0;
    state[0] = b ^ (b >>> 9);
    state[1] = (c + (c << 3)) | 0;
    state[2] = ((c << 21 | c >>> 11) + sum) | 0;
    state[3]++;
    return sum >>> 0;
  }
}
