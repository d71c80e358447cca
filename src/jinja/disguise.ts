/**
 * Whose a letter is. What a caller gives is rendered in a disguise: each letter as another, which is in no text. A template's operations
 * look through it and keep it, so that whatever they make, it can be told which letters of it came from the caller.
 */

const FIRST = 0xe000; // U+E000 to U+F8FF are for private use
const LAST = 0xf8ff;
const MOST = 4096; // arguments of one call

/** Letters and what stands for them. */
export class Disguise {
  readonly #on = identity();
  readonly #off = identity();
  readonly #worn: RegExp;
  /** All that stand for another. */
  readonly signs: string;

  /** @param letters of one UTF-16 unit each @param first what stands for the first of them; the others follow */
  private constructor(letters: readonly string[], first: number) {
    letters.forEach((letter, i) => {
      this.#on[letter.charCodeAt(0)] = first + i;
      this.#off[first + i] = letter.charCodeAt(0);
    });
    this.signs = letters.map((_, i) => String.fromCharCode(first + i)).join("");
    this.#worn = new RegExp(`[${this.signs}]`);
  }

  /** A disguise of these letters in signs that are in none of the texts; null: there are none. */
  static of(letters: readonly string[], texts: readonly string[]): Disguise | null {
    const used = new Set(texts.flatMap((text) => text.match(/[\ue000-\uf8ff]/g) ?? []));
    const codes = [...[...used].map((char) => char.charCodeAt(0)).sort((a, b) => a - b), LAST + 1];
    const gap = codes.findIndex((code, i) => code - (i > 0 ? codes[i - 1] + 1 : FIRST) >= letters.length);
    return gap < 0 ? null : new Disguise(letters, gap > 0 ? codes[gap - 1] + 1 : FIRST);
  }

  /** A text in disguise, as long as it was. */
  put(text: string): string {
    return mapped(text, this.#on);
  }

  /** A text without it, as long as it was. */
  off(text: string): string {
    return this.#worn.test(text) ? mapped(text, this.#off) : text;
  }

  /** What was made of a text without disguise, in that of the text: letter for letter where they are as many, else all of it. */
  as(text: string, made: string): string {
    if (text.length !== made.length) return this.put(made);
    const units = new Array<number>(made.length);
    for (let i = 0; i < made.length; i++) {
      const code = made.charCodeAt(i), before = text.charCodeAt(i);
      units[i] = this.#off[before] === before ? code : this.#on[code];
    }
    return joined(units);
  }
}

let worn: Disguise | null = null; // rendering is synchronous

/** Renders what wears a disguise. */
export function wearing<T>(disguise: Disguise | null, render: () => T): T {
  const before = worn;
  worn = disguise;
  try {
    return render();
  } finally {
    worn = before;
  }
}

/** A text as everything that looks at it must see it. */
export function plain(text: string): string {
  return worn ? worn.off(text) : text;
}

/** A text changed by what looks at its letters, still the caller's where it was. */
export function changed(text: string, change: (text: string) => string): string {
  const bare = plain(text), made = change(bare);
  return bare === text ? made : worn!.as(text, made);
}

/** The pieces of a text between those that are a separator, in its own letters. */
export function parted(text: string, separator: string): string[] {
  let at = 0;
  return plain(text).split(plain(separator)).map((piece) => {
    const from = at;
    at += piece.length + separator.length;
    return text.slice(from, from + piece.length);
  });
}

/** Whether a character stands for another. */
export const isSign = (char: string): boolean => worn !== null && worn.signs.includes(char);

function identity(): Uint16Array {
  return Uint16Array.from({ length: 1 << 16 }, (_, code) => code);
}

function mapped(text: string, table: Uint16Array): string {
  const units = new Array<number>(text.length);
  for (let i = 0; i < text.length; i++) units[i] = table[text.charCodeAt(i)];
  return joined(units);
}

function joined(units: readonly number[]): string {
  let text = "";
  for (let at = 0; at < units.length; at += MOST) text += String.fromCharCode(...units.slice(at, at + MOST));
  return text;
}
