// Drawing a token from logits: temperature, then top-p (nucleus) sampling, Holtzman et al., arXiv 1904.09751.

import { refuse, words } from "../errors.ts";

/** Draws ids from logits. The buffers are made once; a draw allocates nothing. */
export class Sampler {
  readonly #weights: Float64Array<ArrayBuffer>; // [vocab]: exp((logit − largest) / temperature)
  readonly #heap: Uint32Array<ArrayBuffer>; // [vocab]: ids, the likeliest at the root

  /** @param vocab Number of ids. */
  constructor(vocab: number) {
    this.#weights = new Float64Array(vocab);
    this.#heap = new Uint32Array(vocab);
  }

  /**
   * Draws one id.
   *
   * @param logits [vocab]; −∞ forbids an id.
   * @param temperature Above 0; 0 takes the likeliest id (the smallest of equals) and draws no number.
   * @param topP In (0, 1]: ids are taken likeliest first (the smaller of equals first) until they hold this share.
   * @param random Numbers in [0, 1), one for each draw.
   * @throws RangeError for another number of logits, NaN or +∞ among them, or nothing but −∞, or options out of range.
   */
  draw(logits: Float32Array, temperature: number, topP: number, random: () => number): number {
    const weights = this.#weights, vocab = weights.length;
    if (logits.length !== vocab) {
      refuse("sample", `there must be ${vocab} logits`, logits.length);
    }
    if (!(temperature >= 0 && temperature < Infinity)) {
      refuse("sample", "temperature must be a number of at least 0", words(temperature), { option: "temperature" });
    }
    if (!(topP > 0 && topP <= 1)) refuse("sample", "topP must be in (0, 1]", words(topP), { option: "topP" });

    let best = 0, strange = -1;
    for (let id = 0; id < vocab; id++) {
      if (!(logits[id] < Infinity)) strange = id;
      if (logits[id] > logits[best]) best = id;
    }
    if (strange >= 0) refuse("sample", "logits must be finite or -Infinity", logits[strange]);
    const largest = logits[best];
    if (largest === -Infinity) refuse("sample", "one logit must be above -Infinity", words("none"));
    if (temperature === 0) return best;

    let total = 0;
    for (let id = 0; id < vocab; id++) total += weights[id] = Math.exp((logits[id] - largest) / temperature);
    return topP < 1 ? this.#drawNucleus(topP * total, random) : this.#drawAny(total, random);
  }

  #drawAny(total: number, random: () => number): number {
    const weights = this.#weights;
    const aim = random() * total;
    let sum = 0, last = 0;
    for (let id = 0; id < weights.length; id++) {
      if (weights[id] === 0) continue;
      last = id; // for an aim that rounding has put past the end
      sum += weights[id];
      if (aim < sum) break;
    }
    return last;
  }

  /** Ids leave the heap likeliest first until they weigh `share`; those that have left stand behind its end, in order. */
  #drawNucleus(share: number, random: () => number): number {
    const heap = this.#heap, weights = this.#weights, vocab = heap.length;
    for (let i = 0; i < vocab; i++) heap[i] = i;
    for (let i = (vocab >>> 1) - 1; i >= 0; i--) this.#sink(i, vocab);
    let size = vocab, nucleus = 0;
    while (size > 0 && nucleus < share) {
      const id = heap[0];
      if (weights[id] === 0) break;
      nucleus += weights[id];
      heap[0] = heap[--size];
      heap[size] = id;
      this.#sink(0, size);
    }
    const aim = random() * nucleus;
    let sum = 0, at = vocab;
    while (at > size) {
      sum += weights[heap[--at]];
      if (aim < sum) break;
    }
    return heap[at];
  }

  #sink(at: number, size: number): void {
    const heap = this.#heap;
    const id = heap[at];
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && this.#before(heap[child + 1], heap[child])) child++;
      if (!this.#before(heap[child], id)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = id;
  }

  #before(a: number, b: number): boolean {
    const weights = this.#weights;
    return weights[a] > weights[b] || weights[a] === weights[b] && a < b;
  }
}

/** A small generator of random numbers: sfc32 (Doty-Humphrey, PractRand), with the seed spread over its state. */
export class Random {
  /** All that it remembers; may be copied from one generator to another. */
  readonly state: Int32Array<ArrayBuffer>; // a, b, c, counter

  /** @param seed A safe integer; equal seeds give equal numbers on every machine. */
  constructor(seed: number) {
    this.state = Int32Array.of(0, seed | 0, Math.floor(seed / 2 ** 32) | 0, 1);
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
