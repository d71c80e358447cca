/**
 * Grammars in GBNF, as llama.cpp has them: rules of literals, character classes, other rules, groups and repetitions; and, as llguidance
 * writes it, JSON of a schema: `%json {…}`.
 */
import { show, words } from "../errors.ts";
import { Compiler } from "./schema/compile.ts";
import { among, call, joined, type Network, type Piece, repeat, text } from "./network.ts";
import { character, inverted, MOST_CODE, type Range } from "./utf8.ts";
import type { Slices } from "./work.ts";

const MOST_DEPTH = 100;
const MOST_NESTED = 200; // of a schema
const JSON_OF = "%json";
const ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9 };
const DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

/** Reads a grammar into a network. @returns its rule `root` @throws KvcapRangeError, which says the line */
export function* rootOf(source: string, network: Network): Slices<number> {
  const letters = Array.from(source.replace(/\r\n?/g, "\n"));
  const rules = new Map<string, number>();
  const defined = new Map<string, Piece>();
  const schemas: { readonly rule: number; readonly schema: unknown }[] = [];
  let at = 0;

  const next = () => letters[at];
  const rest = () => letters.slice(at, at + 20).join("").split("\n")[0];
  const no = (rule: string, found: unknown = at < letters.length ? rest() : words("its end")): never => {
    const line = letters.slice(0, at).filter((letter) => letter === "\n").length + 1;
    return network.refuse(`line ${line}: ${rule}`, found);
  };
  const take = (wanted: string) => next() === wanted && (at++, true);
  const ruleFor = (name: string) => {
    let rule = rules.get(name);
    if (rule === undefined) rules.set(name, rule = network.rule(name));
    return rule;
  };

  /** White space and comments. @param lines whether line breaks are passed over too */
  function skip(lines: boolean): void {
    while (at < letters.length) {
      if (next() === "#") { while (at < letters.length && next() !== "\n") at++; }
      else if (next() === " " || next() === "\t" || lines && next() === "\n") at++;
      else return;
    }
  }

  function name(): string {
    const begin = at;
    while (at < letters.length && /[a-zA-Z0-9_-]/.test(next())) at++;
    return letters.slice(begin, at).join("");
  }

  function alternatives(depth: number): Piece {
    if (depth > MOST_DEPTH) no(`groups must be nested at most ${MOST_DEPTH} deep`);
    const all = [row(depth)];
    while (true) {
      const end = at;
      skip(true); // the next alternative may stand on a line of its own
      if (!take("|")) {
        at = end;
        return among(all);
      }
      skip(true);
      all.push(row(depth));
    }
  }

  function row(depth: number): Piece {
    const all: Piece[] = [];
    while (true) {
      let piece = symbol(depth);
      if (piece === null) return joined(all);
      for (let times = bounds(); times; times = bounds()) piece = repeat(piece, ...times);
      skip(depth > 0);
      all.push(piece);
    }
  }

  /** What one symbol stands for; null: there is none. */
  function symbol(depth: number): Piece | null {
    const letter = next();
    if (take('"')) return literal();
    if (letters.slice(at, at + JSON_OF.length).join("") === JSON_OF) return json();
    if (letter === "%") no(`a % must be that of ${JSON_OF}`);
    if (take("[")) return character(ranges());
    if (take(".")) return character([[0, MOST_CODE]]);
    if (take("(")) {
      skip(true);
      const inside = alternatives(depth + 1);
      skip(true);
      if (!take(")")) no("there must be a ) for every (");
      return inside;
    }
    if (letter === "<" || letter === "!") no("a rule must be made of text, not of tokens");
    const begin = at, found = name();
    if (found === "") return null;
    skip(false);
    if (letters.slice(at, at + 3).join("") === "::=") { // the next rule
      at = begin;
      return null;
    }
    at = begin + found.length;
    return call(ruleFor(found));
  }

  /** How often; null: once. */
  function bounds(): [number, number] | null {
    if (take("*")) return [0, Infinity];
    if (take("+")) return [1, Infinity];
    if (take("?")) return [0, 1];
    if (next() !== "{") return null;
    const found = /^\{\s*(\d{0,6})\s*(?:(,)\s*(\d{1,6})?\s*)?\}/.exec(letters.slice(at, at + 40).join(""));
    if (!found || found[1] === "" && !found[3]) no("a { must begin {n}, {n,} or {n,m}");
    at += found![0].length;
    const least = Number(found![1]);
    const most = found![2] === undefined ? least : found![3] === undefined ? Infinity : Number(found![3]);
    if (most < least) no("{n,m} must not have less behind the comma", found![0]);
    return [least, most];
  }

  function code(): number {
    const letter = letters[at++] ?? no("there must be a character");
    if (letter !== "\\") return letter.codePointAt(0)!;
    const escaped = letters[at++] ?? no("there must be a character behind a \\");
    if (Object.hasOwn(ESCAPES, escaped)) return ESCAPES[escaped];
    if (!Object.hasOwn(DIGITS, escaped)) {
      if (!'"\\[]-^'.includes(escaped)) {
        no(`a \\ must be one of \\n \\r \\t \\" \\\\ \\[ \\] \\x \\u \\U`, `\\${escaped}`);
      }
      return escaped.codePointAt(0)!;
    }
    const digits = letters.slice(at, at + DIGITS[escaped]).join("");
    const value = parseInt(digits, 16);
    if (!/^[0-9a-fA-F]+$/.test(digits) || digits.length !== DIGITS[escaped] || value > MOST_CODE) {
      no(`\\${escaped} must have ${DIGITS[escaped]} digits of a code point`, digits);
    }
    at += digits.length;
    return value;
  }

  /** JSON of a schema that stands here: an object, or true. */
  function json(): Piece {
    at += JSON_OF.length;
    skip(true);
    const begin = at, word = "true";
    let depth = 0, quoted = false;
    if (letters.slice(at, at + word.length).join("") === word) at += word.length;
    else {
      if (at < letters.length && next() !== "{") no(`what stands behind ${JSON_OF} must be a schema, {…}, or true`);
      do {
        const letter = letters[at++] ?? no(`there must be a whole schema behind ${JSON_OF}`);
        if (quoted && letter === "\\") at++;
        else if (letter === '"') quoted = !quoted;
        else if (!quoted && "{[".includes(letter)) depth++;
        else if (!quoted && "}]".includes(letter)) depth--;
        if (depth > MOST_NESTED) no(`a schema must be nested at most ${MOST_NESTED} deep`, words("more"));
      } while (depth > 0);
    }
    let schema: unknown;
    try {
      schema = JSON.parse(letters.slice(begin, at).join(""));
    } catch {
      no(`what stands behind ${JSON_OF} must be a schema`, letters.slice(begin, at).join(""));
    }
    const rule = network.rule("JSON");
    schemas.push({ rule, schema });
    return call(rule);
  }

  function literal(): Piece {
    let content = "";
    while (!take('"')) {
      if (at >= letters.length || next() === "\n") no('there must be a " for every "');
      content += String.fromCodePoint(code());
    }
    return text(content);
  }

  function ranges(): Range[] {
    const not = take("^");
    const out: Range[] = [];
    while (!take("]")) {
      if (at >= letters.length) no("there must be a ] for every [");
      const low = code();
      const ranged = next() === "-" && letters[at + 1] !== "]";
      if (ranged) at++;
      const high = ranged ? code() : low;
      if (high < low) no("a range must go from one character to a later one", show([low, high]));
      out.push([low, high]);
    }
    return not ? inverted(out) : out;
  }

  skip(true);
  while (at < letters.length) {
    const found = name();
    if (found === "") no("a rule must begin with its name");
    skip(false);
    if (letters.slice(at, at + 3).join("") !== "::=") no("there must be a ::= behind a rule's name");
    at += 3;
    skip(true);
    if (defined.has(found)) no("a rule must be there once", found);
    ruleFor(found);
    defined.set(found, alternatives(0));
    if (at < letters.length && next() !== "\n") no("a rule must end with its line");
    skip(true);
  }
  if (!defined.has("root")) {
    network.refuse("there must be a rule root", words(defined.size === 0 ? "no rules" : "none"));
  }
  for (const [name, rule] of rules) {
    const piece = defined.get(name) ?? network.refuse("every rule that is named must be there", name);
    piece(network, network.starts[rule], network.ends[rule]);
    yield;
  }
  for (const { rule, schema } of schemas) {
    const root = yield* new Compiler(schema, network).compile();
    call(root)(network, network.starts[rule], network.ends[rule]);
  }
  return rules.get("root")!;
}
