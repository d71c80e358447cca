/** Choosing the next id: greedily by the engine, or by a draw from logits. */
import type { EngineContext } from "../engine/engine.ts";
import type { CheckedGenerate } from "../options/index.ts";
import { Sampler } from "./sample.ts";

/** Chooses for one session; made once. */
export class Chooser {
  readonly #sampler: Sampler;
  readonly #banned: Uint32Array<ArrayBuffer>; // one bit per id

  constructor(vocab: number) {
    this.#sampler = new Sampler(vocab);
    this.#banned = new Uint32Array(Math.ceil(vocab / 32));
  }

  /** Ids that the engine is not to choose. */
  ban(context: EngineContext, ids: readonly number[]): void {
    this.#banned.fill(0);
    for (const id of ids) this.#banned[id >> 5] |= 1 << (id & 31);
    context.ban(this.#banned);
  }

  /** Draws an id. @param logits [vocab], which `onLogits` may change @param random gives numbers in [0, 1) */
  draw(logits: Float32Array<ArrayBuffer>, options: CheckedGenerate, random: () => number): number {
    const { temperature, topP, banned, onLogits } = options;
    onLogits?.(logits);
    for (const id of banned) logits[id] = -Infinity;
    return this.#sampler.draw(logits, temperature, topP, random);
  }
}
