/** Methods of strings, dicts, lists and tuples, as Python has them. */
import { changed, parted, plain } from "./disguise.ts";
import { fail, made, room, work } from "./error.ts";
import { SPACE } from "./lexer.ts";
import { defined, equal, intOf, iterate, slice, truth } from "./operators.ts";
import { capitalized, CASED, lengthOf, lines, replaced, strip, titleCase } from "./text.ts";
import { Dict, Slice, Tuple, typeName, type Value, View } from "./values.ts";

/** Names of its parameters, as `take` reads them, and what it does with them. */
export type Method<T> = readonly [parameters: string, run: (self: T, args: readonly (Value | undefined)[]) => Value];

/** A text. @throws TemplateError for anything else */
export const text = (value: Value | undefined): string =>
  typeof value === "string" ? value : fail(`must be str, not ${typeName(defined(value ?? null))}`);
const textOr = (value: Value | undefined): string | null => value === undefined || value === null ? null : text(value);
const intOr = (value: Value | undefined, absent: number): number => value === undefined ? absent : intOf(value);

/** Prefixes or suffixes: one, or a tuple of them, of the part of a text that is asked for. */
const affix = (is: (part: string, affix: string) => boolean): Method<string> => [
  "/affix start? end?",
  (self, [given, start, end]) => {
    const all = given instanceof Tuple ? given.items.map(text) : [text(given)];
    const { part, from, to } = portion(self, start, end);
    work((part.length + all.length) / 8);
    return from <= to && all.some((one) => is(plain(part), plain(one)));
  },
];

/** The part of a text between two indices. */
function portion(self: string, start: Value | undefined, end: Value | undefined) {
  if ((start ?? null) === null && (end ?? null) === null) return { part: self, from: 0, to: self.length };
  const size = lengthOf(self);
  const bound = (given: Value | undefined, absent: number) => {
    const at = given === undefined || given === null ? absent : intOf(given);
    return at < 0 ? Math.max(0, at + size) : at;
  };
  const from = bound(start, 0), to = Math.min(bound(end, size), size);
  return { part: slice(self, new Slice(start ?? null, end ?? null, null)) as string, from, to };
}

/** Where a text stands in another, by code points; -1: nowhere. */
const search = (last: boolean, must: boolean): Method<string> => [
  "/sub start? end?",
  (self, [given, start, end]) => {
    const sub = plain(text(given));
    const { part, from, to } = portion(plain(self), start, end);
    work(part.length / 8);
    const at = from > to ? -1 : last ? part.lastIndexOf(sub) : part.indexOf(sub);
    if (at < 0 && must) fail("substring not found");
    return at < 0 ? -1 : from + lengthOf(part.slice(0, at));
  },
];

const cased = (wrong: RegExp): Method<string> => ["/", (self) => {
  work(self.length / 8);
  const bare = plain(self);
  return CASED.test(bare) && !wrong.test(bare);
}];

function pieces(self: string, given: Value | undefined, most: number, last: boolean): string[] {
  const separator = textOr(given);
  if (separator === "") fail("empty separator");
  work(self.length / 8);
  if (separator === null) return words(self, most, last);
  const all = parted(self, separator);
  work(all.length);
  if (most < 0 || all.length <= most + 1) return all;
  const cut = last ? all.slice(all.length - most) : all.slice(0, most);
  const taken = cut.reduce((sum, piece) => sum + piece.length + separator.length, 0);
  return last ? [self.slice(0, self.length - taken), ...cut] : [...cut, self.slice(taken)];
}

/** Split at white space: none at the ends counts, nor does how much there is. */
function words(self: string, most: number, last: boolean): string[] {
  const all: string[] = [];
  let rest = strip(self, null, last ? 1 : -1);
  const space = new RegExp(`[${SPACE}]+`, "g");
  const gaps = [...rest.matchAll(space)].map(({ index, 0: gap }) => [index, index + gap.length] as const);
  work(gaps.length);
  const many = most < 0 ? gaps.length : Math.min(most, gaps.length);
  const chosen = last ? gaps.slice(gaps.length - many) : gaps.slice(0, many);
  let at = 0;
  for (const [from, to] of chosen) {
    all.push(rest.slice(at, from));
    at = to;
  }
  rest = rest.slice(at);
  if (last && all.length === 0) rest = strip(rest, null, 1);
  all.push(rest);
  const kept = all.map((part, i) => i === 0 && last ? strip(part, null, 0) && part : part);
  return kept.filter((part) => part !== "");
}

const parts = (last: boolean): Method<string> => [
  "sep? maxsplit?",
  (self, [separator, most]) => pieces(self, separator, intOr(most, -1), last),
];

const stripped = (side: number): Method<string> => ["/chars?", (self, [chars]) => strip(self, textOr(chars), side)];

/** Of strings. */
export const TEXT: Readonly<Record<string, Method<string>>> = {
  capitalize: ["/", (self) => changed(self, capitalized)],
  count: ["/sub start? end?", (self, [sub, start, end]) => {
    const { part, from, to } = portion(plain(self), start, end);
    const wanted = plain(text(sub));
    work(part.length / 8);
    return wanted === "" ? from > to ? 0 : lengthOf(part) + 1 : part.split(wanted).length - 1;
  }],
  endswith: affix((part, end) => part.endsWith(end)),
  find: search(false, false),
  index: search(false, true),
  islower: cased(/[\p{Lu}\p{Lt}]/u),
  isupper: cased(/[\p{Ll}\p{Lt}]/u),
  join: ["/iterable", (self, [all]) => {
    const texts = [...iterate(all!)].map((one, i) =>
      typeof one === "string" ? one : fail(`sequence item ${i}: expected str instance, ${typeName(one)} found`)
    );
    room(texts.reduce((sum, one) => sum + one.length + self.length, 0));
    return texts.join(self);
  }],
  lower: ["/", (self) => made(changed(self, (bare) => bare.toLowerCase()))],
  lstrip: stripped(-1),
  removeprefix: [
    "/prefix",
    (self, [one]) => plain(self).startsWith(plain(text(one))) ? self.slice(text(one).length) : self,
  ],
  removesuffix: ["/suffix", (self, [one]) => {
    const suffix = plain(text(one));
    return suffix !== "" && plain(self).endsWith(suffix) ? self.slice(0, -suffix.length) : self;
  }],
  replace: [
    "/old new count?",
    (self, [old, by, count]) => replaced(self, { old: text(old), by: text(by), count: intOr(count, -1) }),
  ],
  rfind: search(true, false),
  rindex: search(true, true),
  rsplit: parts(true),
  rstrip: stripped(1),
  split: parts(false),
  splitlines: ["keepends?", (self, [keep]) => lines(self, truth(keep ?? false))],
  startswith: affix((part, begin) => part.startsWith(begin)),
  strip: stripped(0),
  title: ["/", (self) => changed(self, titleCase)],
  upper: ["/", (self) => made(changed(self, (bare) => bare.toUpperCase()))],
};

const there = (value: Value | undefined, absent: Value): Value => value === undefined ? absent : value;

/** Of dicts. */
export const DICT: Readonly<Record<string, Method<Dict>>> = {
  copy: ["/", (self) => new Dict(self.entries())],
  get: ["/key default?", (self, [key, absent = null]) => there(self.get(key!), absent)],
  items: ["/", (self) => new View(self, "items")],
  keys: ["/", (self) => new View(self, "keys")],
  values: ["/", (self) => new View(self, "values")],
};

/** Of lists and tuples. */
export const LIST: Readonly<Record<string, Method<Value[]>>> = {
  copy: ["/", (self) => [...self]],
  count: ["/value", (self, [value]) => self.filter((one) => equal(one, value!)).length],
  index: ["/value start? stop?", (self, [value, start, stop]) => {
    const size = self.length;
    const bound = (given: number) => given < 0 ? Math.max(0, given + size) : given;
    const from = bound(intOr(start, 0)), to = bound(intOr(stop, size));
    const at = self.findIndex((one, i) => i >= from && i < to && equal(one, value!));
    return at < 0 ? fail("value is not in list") : at;
  }],
};
