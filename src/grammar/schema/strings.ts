/** JSON's strings and numbers, and what schemas say of them. */
import { words } from "../../errors.ts";
import { FORMATS } from "../formats.ts";
import { type Language, ofLength, together, written } from "../language.ts";
import { byte, choice, type Network, never, optional, type Piece, repeat, ruleOf, sequence, text } from "../network.ts";
import { BEYOND, MOST_DIGITS, numberLanguage } from "../numbers.ts";
import { languageOf } from "../pattern.ts";
import { character, inverted, type Range, shared } from "../utf8.ts";
import type { Case, Document } from "./facts.ts";
import { numberIn, strictest } from "./values.ts";

/** More characters, or items, than so many are not asked for: a larger maxLength counts as this. */
export const MOST_COUNTED = 8192;
const MOST_COUNTED_PATTERN = 512; // characters, where there is a pattern too

const SHORT: Readonly<Record<number, string>> = {
  ...{ 8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: '\\"', 92: "\\\\" },
};
const ESCAPED: Range[] = [[0, 0x1f], [0x22, 0x22], [0x5c, 0x5c]];
const PLAIN = inverted(ESCAPED);

/** A character of some ranges inside a string: as JSON.stringify has it, and in no other way. */
export function spelt(ranges: readonly Range[]): Piece {
  const pieces = [character(shared(ranges, PLAIN))];
  for (const [low, high] of shared(ranges, ESCAPED)) {
    for (let code = low; code <= high; code++) {
      pieces.push(text(SHORT[code] ?? `\\u${code.toString(16).padStart(4, "0")}`));
    }
  }
  return choice(...pieces);
}

const hex = choice(byte(48, 57), byte(65, 70), byte(97, 102));
/** A character inside a string in any way that JSON has; halves of surrogate pairs come together. */
function anyCharacter(): Piece {
  const d = choice(byte(68), byte(100));
  const unit = choice(
    sequence(choice(byte(48, 57), byte(65, 67), byte(69, 70), byte(97, 99), byte(101, 102)), hex, hex, hex),
    sequence(d, byte(48, 55), hex, hex),
  );
  const high = sequence(d, choice(byte(56, 57), byte(65, 66), byte(97, 98)), hex, hex);
  const low = sequence(d, choice(byte(67, 70), byte(99, 102)), hex, hex);
  const escape = choice(...Array.from('"\\/bfnrt', (letter) => byte(letter.charCodeAt(0))));
  const coded = sequence(byte(117), choice(unit, sequence(high, text("\\u"), low)));
  return choice(character(PLAIN), sequence(byte(92), choice(escape, coded)));
}

const QUOTE = byte(0x22);

/** What is written of strings and numbers, each rule once. */
export class Scalars {
  readonly #document: Document;
  readonly #network: Network;
  readonly #patterns = new Map<string, Language>();
  #character: Piece | null = null;
  #string: Piece | null = null;
  #integer: Piece | null = null;
  #number: Piece | null = null;

  constructor(document: Document, network: Network) {
    this.#document = document;
    this.#network = network;
  }

  /** What patterns and formats of facts say. @throws KvcapRangeError for one that is not regular, or not known */
  languages(facts: Case): Language[] {
    const sources = facts.flatMap(({ pattern, format }) => {
      if (pattern !== undefined && typeof pattern !== "string") this.#document.refuse("pattern must be text", pattern);
      if (format !== undefined && !(typeof format === "string" && Object.hasOwn(FORMATS, format))) {
        this.#document.refuse(`format must be one of ${Object.keys(FORMATS).join(", ")}`, format);
      }
      return [...pattern === undefined ? [] : [pattern], ...format === undefined ? [] : [FORMATS[format as string]]];
    });
    return [...new Set(sources)].map((source) => this.pattern(source));
  }

  /** @throws KvcapRangeError */
  pattern(source: string): Language {
    let language = this.#patterns.get(source);
    if (!language) {
      language = languageOf(source, (rule) => this.#document.refuse(rule, source));
      this.#patterns.set(source, language);
    }
    return language;
  }

  /** All that facts say of a string, as a language; null: nothing. */
  language(facts: Case): Language | null {
    const [first, ...others] = this.languages(facts);
    const { least, most } = this.#lengths(facts);
    const full = this.#full;
    let language: Language | null = first ?? null;
    for (const other of others) language = together(language!, other, full);
    if (least === 0 && most === Infinity) return language;
    if (most < Infinity && most > MOST_COUNTED_PATTERN) {
      const cut = ofLength(least, Math.max(least, MOST_COUNTED_PATTERN));
      return language ? together(language, cut, full) : cut;
    }
    const counted = ofLength(least, most);
    return language ? together(language, counted, full) : counted;
  }

  /** A string with its quotes. */
  string(facts: Case): Piece {
    const { least, most } = this.#lengths(facts);
    if (least > most) return never;
    if (this.languages(facts).length > 0) return sequence(QUOTE, written(this.language(facts)!, spelt), QUOTE);
    this.#character ??= ruleOf(this.#network, "a character", anyCharacter());
    if (least > 0 || most < Infinity) return sequence(QUOTE, repeat(this.#character, least, most), QUOTE);
    return this.#string ??= ruleOf(
      this.#network,
      "a string",
      sequence(QUOTE, repeat(anyCharacter(), 0, Infinity), QUOTE),
    );
  }

  #lengths(facts: Case): { least: number; most: number } {
    const least = strictest(this.#document, facts, "minLength", "least");
    const most = strictest(this.#document, facts, "maxLength", "most");
    if (least > MOST_COUNTED) this.#document.refuse(`minLength must be at most ${MOST_COUNTED}`, least);
    return { least, most: most < Infinity ? Math.min(most, Math.max(least, MOST_COUNTED)) : most };
  }

  /** A number. */
  number(facts: Case, whole: boolean): Piece {
    const document = this.#document;
    let [least, most, above, below, step] = [-Infinity, Infinity, false, false, 1];
    const atLeast = (value: number | undefined, open: boolean) => {
      if (value === undefined || value < least) return;
      above = value > least ? open : above || open;
      least = value;
    };
    const atMost = (value: number | undefined, open: boolean) => {
      if (value === undefined || value > most) return;
      below = value < most ? open : below || open;
      most = value;
    };
    for (const fact of facts) {
      const { exclusiveMinimum, exclusiveMaximum } = fact;
      const read = (name: string) => numberIn(document, fact, name, false);
      atLeast(read("minimum"), exclusiveMinimum === true); // as draft 4 has it
      atMost(read("maximum"), exclusiveMaximum === true);
      if (typeof exclusiveMinimum !== "boolean") atLeast(read("exclusiveMinimum"), true);
      if (typeof exclusiveMaximum !== "boolean") atMost(read("exclusiveMaximum"), true);
      const multiple = read("multipleOf") ?? 1;
      if (!Number.isInteger(multiple) || multiple < 1 || multiple > 1e4) {
        document.refuse("multipleOf must be a whole number from 1 to 10000", multiple);
      }
      if (fact.multipleOf !== undefined) whole = true;
      step = common(step, multiple);
      if (step > 1e4) document.refuse("multipleOf must come to at most 10000 together", step);
    }
    if (least >= BEYOND || most <= -BEYOND) {
      document.refuse(`bounds of numbers must leave some below ${BEYOND}`, least >= BEYOND ? least : most);
    }
    if (least > most) return never;
    if (least === -Infinity && most === Infinity && step === 1) return whole ? this.#anyInteger() : this.#anyNumber();
    const open = { above, below };
    return written(numberLanguage({ whole, least, most, ...open, step }, this.#full), character);
  }

  #anyInteger(): Piece {
    return this.#integer ??= ruleOf(this.#network, "an integer", integer());
  }

  #anyNumber(): Piece {
    const digit = byte(48, 57);
    const fraction = sequence(byte(46), repeat(digit, 1, MOST_DIGITS + 2));
    const exponent = sequence(
      choice(byte(69), byte(101)),
      optional(choice(byte(43), byte(45))),
      repeat(digit, 1, 2), // so that it stays a number in 64 bits
    );
    return this.#number ??= ruleOf(
      this.#network,
      "a number",
      sequence(integer(), optional(fraction), optional(exponent)),
    );
  }

  readonly #full = (): never => this.#document.refuse("strings and numbers must be simpler", words("too many states"));
}

function integer(): Piece {
  const digits = sequence(byte(49, 57), repeat(byte(48, 57), 0, MOST_DIGITS + 1));
  return sequence(optional(byte(45)), choice(byte(48), digits));
}

/** The least common multiple. */
function common(a: number, b: number): number {
  const divisor = (x: number, y: number): number => y === 0 ? x : divisor(y, x % y);
  return a / divisor(a, b) * b;
}
