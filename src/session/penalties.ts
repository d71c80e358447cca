/** Making ids that were there lately less likely, and what is asked for more or less likely, before one is chosen. */
import type { Tokens } from "../engine/engine.ts";
import { MOST_RECENT } from "../options/generate.ts";

/** The last tokens of a text. */
export class Recent {
  readonly #ids = new Int32Array(MOST_RECENT); // the i-th token at i % MOST_RECENT
  #count = 0; // all that there ever were

  /** More were taken in. */
  take({ ids, begin, count }: Tokens): void {
    for (let i = 0; i < count; i++) this.#ids[this.#count++ % MOST_RECENT] = ids[begin + i];
  }

  /** How many are known. */
  get length(): number {
    return Math.min(this.#count, MOST_RECENT);
  }

  /** The id that came `back` tokens before the newest one. */
  at(back: number): number {
    return this.#ids[(this.#count - 1 - back) % MOST_RECENT];
  }

  /** All that are known, the oldest first. */
  list(): number[] {
    return Array.from({ length: this.length }, (_, i) => this.at(this.length - 1 - i));
  }

  /** Forgets all. */
  clear(): void {
    this.#count = 0;
  }
}

/** How much less likely. */
export interface Penalties {
  /** Above 0: logits of recent ids are divided by it where they are above 0, else multiplied (Keskar et al., arXiv 1909.05858). */
  readonly repetitionPenalty: number;
  /** Taken off the logits of recent ids. */
  readonly presencePenalty: number;
  /** Taken off for every time that an id was there. */
  readonly frequencyPenalty: number;
  /** How many tokens back ids are recent. */
  readonly penaltyWindow: number;
  /** Added to logits: [id, number]. */
  readonly logitBias: readonly (readonly [id: number, bias: number])[];
}

/** Whether logits are changed at all. */
export function isPenalising(options: Penalties): boolean {
  const { repetitionPenalty, presencePenalty, frequencyPenalty, logitBias } = options;
  return repetitionPenalty !== 1 || presencePenalty !== 0 || frequencyPenalty !== 0 || logitBias.length > 0;
}

/** Changes logits; made once, a change allocates nothing. */
export class Penaliser {
  #counts: Uint16Array<ArrayBuffer> | null = null; // [vocab], all 0 between two changes; made when it is asked for

  /** @param logits [vocab] */
  change(logits: Float32Array, recent: Recent, options: Penalties): void {
    const { repetitionPenalty, presencePenalty, frequencyPenalty, penaltyWindow, logitBias } = options;
    for (let i = 0; i < logitBias.length; i++) logits[logitBias[i][0]] += logitBias[i][1];
    if (repetitionPenalty === 1 && presencePenalty === 0 && frequencyPenalty === 0) return;
    const factor = Math.fround(repetitionPenalty); // as others, who reckon in float32
    const counts = this.#counts ??= new Uint16Array(logits.length);
    const length = Math.min(recent.length, penaltyWindow);
    for (let i = 0; i < length; i++) counts[recent.at(i)]++;
    for (let i = 0; i < length; i++) {
      const id = recent.at(i);
      const count = counts[id];
      if (count === 0) continue;
      counts[id] = 0;
      const logit = logits[id];
      const repeated = Math.fround(logit < 0 ? logit * factor : logit / factor);
      logits[id] = Math.fround(repeated - count * frequencyPenalty) - presencePenalty;
    }
  }
}
