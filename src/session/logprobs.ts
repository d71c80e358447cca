/** How likely the model held what was chosen, and what else it might have been. */
import type { Logprobs } from "../options/events.ts";

/** The model's own distribution, before an id is chosen from it. */
export class Foreseen {
  readonly #top: number[] = []; // ids
  #logits = new Float32Array(0); // [vocab], as they were
  #largest = 0;
  #rest = 0; // ln Σ exp(logit − largest)

  /** Looks at logits before anything changes them. @param logits [vocab], finite or −∞ */
  look(logits: Float32Array, count: number): void {
    const top = this.#top;
    top.length = 0;
    if (this.#logits.length !== logits.length) this.#logits = new Float32Array(logits.length);
    this.#logits.set(logits);
    for (let id = 0; id < logits.length; id++) {
      if (count === 0 || top.length === count && !(logits[id] > logits[top[count - 1]])) continue;
      let at = top.length === count ? count - 1 : top.length;
      for (; at > 0 && logits[id] > logits[top[at - 1]]; at--) top[at] = top[at - 1];
      top[at] = id;
    }
    let largest = -Infinity, sum = 0;
    for (let id = 0; id < logits.length; id++) largest = Math.max(largest, logits[id]);
    for (let id = 0; id < logits.length; id++) sum += Math.exp(logits[id] - largest);
    this.#largest = largest;
    this.#rest = Math.log(sum);
  }

  /** What it held of the id that was chosen. */
  of(id: number): Logprobs {
    const logprob = (id: number) => this.#logits[id] - this.#largest - this.#rest;
    return { logprob: logprob(id), top: this.#top.map((id) => ({ id, logprob: logprob(id) })) };
  }
}
