/** Choosing the next id: greedily by the engine, or by a draw from logits. */
import type { EngineContext, Wanted } from "../engine/engine.ts";
import type { CheckedGenerate } from "../options/index.ts";
import type { Logprobs } from "../options/events.ts";
import { grammarOf } from "../grammar/grammar.ts";
import { Guide } from "../grammar/guide.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { Foreseen } from "./logprobs.ts";
import { isPenalising, Penaliser, type Recent } from "./penalties.ts";
import type { Random } from "./random.ts";
import { Sampler } from "./sample.ts";

/** What a choice depends on besides the logits. */
export interface Draws {
  readonly random: Random;
  readonly recent: Recent;
}

/** What a generation begins with, for what is kept to something. */
export interface Beginning {
  readonly tokenizer: Tokenizer;
  readonly vocab: number;
  /** Ids that end the text. */
  readonly ends: readonly number[];
  /** Spaces that are dropped at its beginning. */
  readonly spaces: number;
  /** Whether it goes on with the text that was generated last. */
  readonly goesOn: boolean;
}

/** Whether a text is kept to a grammar, or off strings. */
function isKept({ jsonSchema, grammar, bannedStrings }: CheckedGenerate): boolean {
  return jsonSchema !== null || grammar !== null || bannedStrings.length > 0;
}

/** What a generation needs of its steps. */
export function wantedBy(options: CheckedGenerate): Wanted {
  const looks = options.onLogits !== null || options.logprobs !== null;
  return options.temperature > 0 || looks || isPenalising(options) || isKept(options) ? "logits" : "id";
}

/** Chooses for one session; made once. */
export class Chooser {
  readonly #sampler: Sampler;
  readonly #penaliser = new Penaliser();
  readonly #foreseen = new Foreseen();
  #guide: Guide | null = null; // of the last generation that was kept to anything
  #guides = false; // this one
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

  /** A generation begins. */
  begin(options: CheckedGenerate, { tokenizer, vocab, ends, spaces, goesOn }: Beginning): void {
    this.#guides = isKept(options);
    if (!this.#guides) {
      this.#guide = null; // what is generated now it would not know
      return;
    }
    const { bannedStrings, stopAtEnd, stopIds } = options;
    const rules = {
      grammar: grammarOf(options),
      bannedStrings,
      ends: [...new Set([...stopAtEnd ? ends : [], ...stopIds])],
      spaces,
    };
    const again = this.#guide?.isFor(rules) === true;
    if (!again) this.#guide = new Guide(tokenizer, vocab, rules);
    this.#guide!.begin(rules, again && goesOn);
  }

  /** An id was chosen. */
  chose(id: number): void {
    if (this.#guides) this.#guide!.take(id);
  }

  /** Whether the text can go on no more. */
  get isOver(): boolean {
    return this.#guides && this.#guide!.isOver;
  }

  /** What the model held of the id that was chosen last, where the options ask for it. */
  logprobs(id: number, { logprobs }: CheckedGenerate): Logprobs | undefined {
    return logprobs === null ? undefined : this.#foreseen.of(id);
  }

  /** Chooses an id: `onLogits`, biases, penalties, bans, what the text is kept to, a draw. @param logits [vocab], which are changed */
  draw(logits: Float32Array<ArrayBuffer>, options: CheckedGenerate, { random, recent }: Draws): number {
    if (options.logprobs !== null) this.#foreseen.look(logits, options.logprobs);
    options.onLogits?.(logits);
    this.#penaliser.change(logits, recent, options);
    for (const id of options.banned) logits[id] = -Infinity;
    if (this.#guides) this.#guide!.mask(logits);
    return this.#sampler.draw(logits, options, random.next);
  }
}
