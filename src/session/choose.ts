/** Choosing the next id: greedily by the engine, or by a draw from logits. */
import type { EngineContext, Wanted } from "../engine/engine.ts";
import type { CheckedGenerate } from "../options/index.ts";
import type { Logprobs } from "../options/events.ts";
import { Foreseen } from "./logprobs.ts";
import { isPenalising, Penaliser, type Recent } from "./penalties.ts";
import type { Random } from "./random.ts";
import { Sampler } from "./sample.ts";

/** What a choice depends on besides the logits. */
export interface Draws {
  readonly random: Random;
  readonly recent: Recent;
}

/** What a generation needs of its steps. */
export function wantedBy(options: CheckedGenerate): Wanted {
  const looks = options.onLogits !== null || options.logprobs !== null;
  return options.temperature > 0 || looks || isPenalising(options) ? "logits" : "id";
}

/** Chooses for one session; made once. */
export class Chooser {
  readonly #sampler: Sampler;
  readonly #penaliser = new Penaliser();
  readonly #foreseen = new Foreseen();
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

  /** What the model held of the id that was chosen last, where the options ask for it. */
  logprobs(id: number, { logprobs }: CheckedGenerate): Logprobs | undefined {
    return logprobs === null ? undefined : this.#foreseen.of(id);
  }

  /** Chooses an id: `onLogits`, biases, penalties, bans, a draw. @param logits [vocab], which are changed */
  draw(logits: Float32Array<ArrayBuffer>, options: CheckedGenerate, { random, recent }: Draws): number {
    if (options.logprobs !== null) this.#foreseen.look(logits, options.logprobs);
    options.onLogits?.(logits);
    this.#penaliser.change(logits, recent, options);
    for (const id of options.banned) logits[id] = -Infinity;
    return this.#sampler.draw(logits, options, random.next);
  }
}
