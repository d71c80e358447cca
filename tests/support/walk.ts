// Texts that are kept to a grammar and else at random: a guide over a tokenizer's vocabulary, logits that are drawn, and no model.
import { Guide, type Rules } from "../../src/grammar/guide.ts";
import type { Tokenizer } from "../../src/tokenizer/tokenizer.ts";

/** How a text ended, and what it is. */
export interface Walked {
  readonly text: string;
  readonly ids: readonly number[];
  /** Whether it is whole. */
  readonly ended: boolean;
}

/** What may come next: logits that nothing forbade. */
export function allowed(guide: Guide, size: number): number[] {
  const logits = new Float32Array(size);
  guide.mask(logits);
  return Array.from(logits.keys()).filter((id) => logits[id] === 0);
}

/** Writes one text. It is whole sooner where ids that end something are likelier. */
export class Walker {
  readonly #tokenizer: Tokenizer;
  readonly #closing: number[]; // ids of text that closes something
  readonly #eos: number;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#eos = tokenizer.eosId!;
    this.#closing = Array.from({ length: tokenizer.vocab }, (_, id) => id).filter((id) =>
      /^["}\]]+$/.test(new TextDecoder().decode(tokenizer.bytes(id)))
    );
  }

  /** @param most ids */
  walk(rules: Pick<Rules, "grammar" | "bannedStrings">, random: () => number, most: number): Walked {
    const all = { ...rules, ends: [this.#eos], spaces: 0 };
    const guide = new Guide(this.#tokenizer, this.#tokenizer.vocab, all);
    guide.begin(all, false);
    const ids: number[] = [], logits = new Float32Array(this.#tokenizer.vocab);
    let ended = false;
    while (!ended && ids.length < most) {
      for (let id = 0; id < logits.length; id++) logits[id] = random();
      const eager = Math.min(0.9, 0.1 + ids.length / 100);
      logits[this.#eos] += random() < 0.3 ? 1 : -0.5;
      if (random() < eager) { for (const id of this.#closing) logits[id] += 1; }
      guide.mask(logits);
      let best = 0;
      for (let id = 1; id < logits.length; id++) if (logits[id] > logits[best]) best = id;
      if (logits[best] === -Infinity) throw new Error("nothing is left to choose");
      guide.take(best);
      if (best === this.#eos) ended = true;
      else {
        ids.push(best);
        ended = guide.isOver;
      }
    }
    return { text: this.#tokenizer.decode(ids), ids, ended };
  }
}
