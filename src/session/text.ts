// Text as it comes: ids in, pieces of text out. Joined, the pieces are what decoding all ids at once gives, cut before the
// first stop string. Every id costs its own bytes, whatever came before.
import { refuse } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/**
 * Turns ids into pieces of text. A character is held back until its last byte is there, and text that may be the
 * beginning of a stop string until that is decided.
 */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #stops: Matcher[];
  #spaces: number; // spaces still to be dropped at the beginning
  #held = ""; // decoded, not yet given out
  #stopped = false;

  /**
   * @param tokenizer Whose ids will be pushed.
   * @param stop Stop strings; the text ends before the one that is complete first (the longest, if several are at once).
   * @param continues Whether a text goes before: a SentencePiece-style tokenizer's first space is then part of the text.
   * @throws RangeError for an empty stop string.
   */
  constructor(tokenizer: Tokenizer, stop: readonly string[] = [], continues = false) {
    if (stop.includes("")) refuse("generate", "a stop string must not be empty", "", { option: "stop" });
    this.#tokenizer = tokenizer;
    this.#stops = stop.map((text) => new Matcher(text));
    this.#spaces = continues ? 0 : tokenizer.leadingSpaces;
  }

  /** Takes the next id. `piece` is the text that is certain now; `stopped`: a stop string is complete, nothing more will come. */
  push(id: number): { piece: string; stopped: boolean } {
    const piece = this.#take(this.#utf8.decode(this.#tokenizer.bytes(id), { stream: true }));
    return { piece, stopped: this.#stopped };
  }

  /** Ends the text: what was held back, with U+FFFD for a character that never became whole. */
  flush(): string {
    const piece = this.#take(this.#utf8.decode()) + this.#held;
    this.#held = "";
    this.#stopped = true;
    return piece;
  }

  /** Appends decoded text and returns what can be given out. */
  #take(text: string): string {
    if (this.#stopped) return "";
    let from = 0;
    for (; this.#spaces > 0 && text[from] === " "; from++) this.#spaces--;
    if (from < text.length) this.#spaces = 0;
    const begin = this.#held.length;
    this.#held += text.slice(from);
    for (let at = begin; at < this.#held.length; at++) {
      const unit = this.#held.charCodeAt(at);
      let longest = 0; // of the stop strings complete here
      for (const stop of this.#stops) if (stop.take(unit)) longest = Math.max(longest, stop.length);
      if (longest > 0) {
        const piece = this.#held.slice(0, at + 1 - longest);
        this.#held = "";
        this.#stopped = true;
        return piece;
      }
    }
    let undecided = 0;
    for (const stop of this.#stops) undecided = Math.max(undecided, stop.matched);
    const piece = this.#held.slice(0, this.#held.length - undecided);
    this.#held = this.#held.slice(piece.length);
    return piece;
  }
}

/** Finds a string in a text that comes in UTF-16 units, looking at each once (Knuth, Morris, Pratt). */
class Matcher {
  readonly length: number;
  matched = 0; // units at the end of the text that begin the string
  readonly #units: Uint16Array;
  readonly #border: Uint32Array; // [length]: longest proper beginning of units[0..i] that is also its end

  constructor(text: string) {
    this.length = text.length;
    this.#units = Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
    this.#border = new Uint32Array(text.length);
    for (let i = 1; i < text.length; i++) this.#border[i] = this.#extend(this.#border[i - 1], this.#units[i]);
  }

  /** Takes the next unit of the text; whether the string is complete with it. */
  take(unit: number): boolean {
    this.matched = this.#extend(this.matched, unit);
    return this.matched === this.length;
  }

  #extend(matched: number, unit: number): number {
    while (matched > 0 && this.#units[matched] !== unit) matched = this.#border[matched - 1];
    return this.#units[matched] === unit ? matched + 1 : 0;
  }
}
