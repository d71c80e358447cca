/** Strings as Python has them: of code points, with its idea of white space and of case. */
import { parted, plain } from "./disguise.ts";
import { cannot, made, room, work } from "./error.ts";
import { SPACE } from "./lexer.ts";

const PAIRS = /[\ud800-\udfff]/;
const BLANKS = new RegExp(`^[${SPACE}]$`);

/** Its characters, one string each. */
export function points(text: string): string[] {
  work(text.length);
  return Array.from(text);
}

/** How many characters it has. */
export function lengthOf(text: string): number {
  work(text.length / 8);
  return PAIRS.test(text) ? points(text).length : text.length;
}

/** Its characters from one to before another, both in range. */
export function cut(text: string, from: number, to: number): string {
  if (!PAIRS.test(text)) return made(text.slice(from, to));
  return points(text).slice(from, to).join("");
}

/** Which comes first, by code points: negative, 0 or positive. */
export function compareText(a: string, b: string): number {
  const least = Math.min(a.length, b.length);
  let at = 0;
  while (at < least && a[at] === b[at]) at++;
  work(at / 8);
  if (at === least) return a.length - b.length;
  if (at > 0 && /[\ud800-\udbff]/.test(a[at - 1])) at--; // in the middle of a character
  return a.codePointAt(at)! - b.codePointAt(at)!;
}

/** Without characters of a set at its ends. @param set null: white space @param side -1: the left alone, 1: the right, 0: both */
export function strip(text: string, set: string | null, side: number): string {
  work(text.length / 8);
  const split = PAIRS.test(text) || set && PAIRS.test(set);
  const all = split ? points(plain(text)) : plain(text);
  const chars = set === null ? null : new Set(Array.from(plain(set)));
  const goes = (char: string) => chars ? chars.has(char) : BLANKS.test(char);
  let from = 0, to = all.length;
  if (side <= 0) { while (from < to && goes(all[from])) from++; }
  if (side >= 0) { while (to > from && goes(all[to - 1])) to--; }
  return split ? points(text).slice(from, to).join("") : text.slice(from, to);
}

/** A character as the first of a title. Few have a form of their own for that. */
export function titled(char: string): string {
  const upper = char.toUpperCase();
  if (/[\u10d0-\u10ff]/.test(char)) return char; // Georgian: upper-case letters stand in headings alone
  if (upper.length > char.length || /[\u01c4-\u01cc\u01f1-\u01f3\u1f88-\u1faf\u1fbc\u1fcc\u1ffc]/.test(char)) {
    cannot(`the title case of ${char}`);
  }
  return upper;
}

/** The first letter large, the others small. */
export function capitalized(text: string): string {
  const [first = ""] = text.match(/^./su) ?? [];
  if (first === "") return "";
  // What is small depends on what stands before it (a sigma), so the whole is made small.
  return made(titled(first) + text.toLowerCase().slice(first.toLowerCase().length));
}

/** Letters that have a case. */
export const CASED = /[\p{Lu}\p{Ll}\p{Lt}]/u;

/** Every word's first letter large, the others small, where a word is what has letters with a case. */
export function titleCase(text: string): string {
  let inside = false, out = "";
  const lower = text.toLowerCase();
  const even = lower.length === text.length;
  for (const char of points(text)) {
    out += inside
      ? (even ? lower.substr(out.length, char.length) : char.toLowerCase())
      : CASED.test(char)
      ? titled(char)
      : char;
    inside = CASED.test(char);
  }
  return made(out);
}

/** Text that stands often in another, `count` times at most, taken for another. @param count negative: always */
export function replaced(text: string, { old, by, count }: { old: string; by: string; count: number }): string {
  const most = count < 0 ? Infinity : count;
  work(text.length / 8);
  let times = 0;
  if (old === "") times = Math.min(most, lengthOf(text) + 1);
  else {
    const bare = plain(text), sought = plain(old);
    for (let at = 0; times < most && (at = bare.indexOf(sought, at)) >= 0; at += old.length) times++;
  }
  if (times === 0) return text;
  room(text.length + times * (by.length - old.length));
  work(times);
  const parts = (old === "" ? ["", ...points(text), ""] : parted(text, old)).slice(0, times);
  const done = parts.reduce((sum, part) => sum + part.length + old.length, 0);
  return parts.join(by) + by + text.slice(done);
}

const BREAK = "\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029";
const LINE = new RegExp(`[^${BREAK}]*(?:\\r\\n|[${BREAK}]|$)`, "g");
const END = new RegExp(`(?:\\r\\n|[${BREAK}])$`);

/** Lines, as Python's `splitlines` cuts them. */
export function lines(text: string, keep = false): string[] {
  work(text.length / 8);
  const all = text.match(LINE) ?? [];
  if (all.at(-1) === "") all.pop();
  return keep ? all : all.map((line) => line.replace(END, ""));
}
