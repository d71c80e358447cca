/**
 * Drawing a token from logits, in the order of transformers: temperature, the k likeliest (Fan et al., arXiv 1805.04833), the nucleus
 * of top-p (Holtzman et al., 1904.09751), min-p (Nguyen et al., 2407.01082), locally typical ids (Meister et al., 2202.00666).
 */
import { refuse, words } from "../errors.ts";
import { Ranking } from "./ranking.ts";

/** From which ids it is drawn. */
export interface Drawing {
  /** 0 takes the likeliest id, the smallest of equals, and draws no number. */
  readonly temperature: number;
  /** So many of the likeliest, and those as likely as the last of them; 0: all. */
  readonly topK: number;
  /** In (0, 1]: of these, likeliest first, the smaller of equals first, until they hold this share. */
  readonly topP: number;
  /** In [0, 1]: of these all that are at least this part as likely as the likeliest. */
  readonly minP: number;
  /** In (0, 1]: of these, those first whose surprise is nearest to the expected one, until they hold this share. */
  readonly typicalP: number;
}

/** Draws ids from logits. The buffers are made once; a draw allocates nothing. */
export class Sampler {
  readonly #weights: Float64Array<ArrayBuffer>; // [vocab]: exp((logit − largest) / temperature)
  readonly #likely: Ranking;
  #keys: Float64Array<ArrayBuffer> | null = null; // [vocab]: how typical ids are; made when it is asked for
  #typical: Ranking | null = null;
  #count = 0; // of the ids that are left

  /** @param vocab Number of ids. */
  constructor(vocab: number) {
    this.#weights = new Float64Array(vocab);
    this.#likely = new Ranking(this.#weights);
  }

  /**
   * Draws one id.
   *
   * @param logits [vocab]; −∞ forbids an id.
   * @param random Numbers in [0, 1), one for each draw.
   * @throws RangeError for another number of logits, NaN or +∞ among them, or nothing but −∞, or options out of range.
   */
  draw(logits: Float32Array, how: Drawing, random: () => number): number {
    const best = this.#begin(logits, how);
    if (how.temperature === 0) return best;
    const total = this.#weigh(logits, how, logits[best]);
    const from = this.#select(how, total);
    return from ? this.#drawFrom(from, random) : this.#drawAny(total, random);
  }

  /** The probability that each id has of being drawn. @param into [vocab] @throws as draw does */
  chances(logits: Float32Array, how: Drawing, into: Float64Array): void {
    const best = this.#begin(logits, how);
    into.fill(0);
    if (how.temperature === 0) {
      into[best] = 1;
      return;
    }
    const total = this.#weigh(logits, how, logits[best]);
    const from = this.#select(how, total);
    const count = from ? this.#count : into.length;
    let held = 0;
    for (let i = 0; i < count; i++) held += this.#weights[from ? from.at(i) : i];
    for (let i = 0; i < count; i++) {
      const id = from ? from.at(i) : i;
      into[id] = this.#weights[id] / held;
    }
  }

  /** Checks everything. @returns the likeliest id */
  #begin(logits: Float32Array, how: Drawing): number {
    const vocab = this.#weights.length;
    if (logits.length !== vocab) {
      refuse("sample", `there must be ${vocab} logits`, logits.length);
    }
    checkDrawing(how);
    let best = 0, strange = -1;
    for (let id = 0; id < vocab; id++) {
      if (!(logits[id] < Infinity)) strange = id;
      if (logits[id] > logits[best]) best = id;
    }
    if (strange >= 0) refuse("sample", "logits must be finite or -Infinity", logits[strange]);
    if (logits[best] === -Infinity) refuse("sample", "one logit must be above -Infinity", words("none"));
    return best;
  }

  /** Weighs every id; nothing is what is less likely than minP allows, unless that is asked of fewer ids. @returns what all weigh */
  #weigh(logits: Float32Array, { temperature, topK, topP, minP }: Drawing, largest: number): number {
    const weights = this.#weights;
    const least = topK === 0 && topP === 1 ? minP : 0;
    let total = 0;
    for (let id = 0; id < weights.length; id++) {
      const weight = Math.exp((logits[id] - largest) / temperature);
      total += weights[id] = weight < least ? 0 : weight;
    }
    return total;
  }

  /** Leaves ids out. @returns what has taken the `#count` that are left, in the order they are drawn in; null: it is all, by their ids */
  #select({ topK, topP, minP, typicalP }: Drawing, total: number): Ranking | null {
    if (topK === 0 && topP === 1 && typicalP === 1) return null;
    const likely = this.#likely;
    this.#count = this.#likeliest(topK || this.#weights.length, topP, total);
    while (this.#weights[likely.at(this.#count - 1)] < minP) this.#count--;
    return typicalP < 1 ? this.#mostTypical(typicalP) : likely;
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

  #drawFrom(ranking: Ranking, random: () => number): number {
    const weights = this.#weights, count = this.#count;
    let total = 0, sum = 0, at = 0;
    for (let i = 0; i < count; i++) total += weights[ranking.at(i)];
    const aim = random() * total;
    for (; at < count - 1; at++) {
      sum += weights[ranking.at(at)];
      if (aim < sum) break;
    }
    return ranking.at(at);
  }

  /** Ranks ids until there are enough of them. @param total what all weigh @returns how many belong to the nucleus of the k likeliest */
  #likeliest(topK: number, topP: number, total: number): number {
    const likely = this.#likely, weights = this.#weights, vocab = weights.length;
    likely.all();
    let held = 0, last = 0;
    const whole = topK >= vocab;
    while (likely.more) {
      const weight = weights[likely.next];
      if (weight === 0 || !whole && likely.taken >= topK && weight < last) break;
      if (whole && topP < 1 && held >= topP * total) break;
      likely.take();
      held += last = weight;
    }
    if (whole || topP === 1) return likely.taken;
    let sum = 0, count = 0;
    while (count < likely.taken && sum < topP * held) sum += weights[likely.at(count++)];
    return count;
  }

  /** Leaves those of the likeliest ids that surprise about as much as is to be expected. */
  #mostTypical(typicalP: number): Ranking {
    const weights = this.#weights, likely = this.#likely, count = this.#count;
    this.#keys ??= new Float64Array(weights.length);
    this.#typical ??= new Ranking(this.#keys);
    const keys = this.#keys, typical = this.#typical;
    let total = 0, entropy = 0;
    for (let i = 0; i < count; i++) total += weights[likely.at(i)];
    for (let i = 0; i < count; i++) {
      const p = weights[likely.at(i)] / total;
      entropy -= p * Math.log(p);
    }
    for (let i = 0; i < count; i++) {
      const id = likely.at(i);
      keys[id] = -Math.abs(-Math.log(weights[id] / total) - entropy);
    }
    typical.of(likely, count);
    let held = 0, last = 0;
    while (typical.more) {
      const id = typical.next;
      if (held >= typicalP * total && keys[id] < last) break; // as typical as the last one: it belongs to them
      typical.take();
      held += weights[id];
      last = keys[id];
    }
    this.#count = typical.taken;
    return typical;
  }
}

function checkDrawing({ temperature, topK, topP, minP, typicalP }: Drawing): void {
  const no = (option: keyof Drawing, rule: string, got: number) =>
    refuse("sample", `${option} must be ${rule}`, words(got), { option });
  if (!(temperature >= 0 && temperature < Infinity)) no("temperature", "a number of at least 0", temperature);
  if (!(Number.isInteger(topK) && topK >= 0)) no("topK", "a whole number of at least 0", topK);
  if (!(topP > 0 && topP <= 1)) no("topP", "in (0, 1]", topP);
  if (!(minP >= 0 && minP <= 1)) no("minP", "in [0, 1]", minP);
  if (!(typicalP > 0 && typicalP <= 1)) no("typicalP", "in (0, 1]", typicalP);
}
