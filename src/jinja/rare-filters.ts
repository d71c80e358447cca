/** Filters that few chat templates ask for. */
import { getter } from "./attributes.ts";
import { changed, plain } from "./disguise.ts";
import { cannot, fail, made, room, work } from "./error.ts";
import { percent } from "./format.ts";
import { type Filter, floatOf, folded, key, lazy, number, text } from "./kit.ts";
import { rounded } from "./numbers.ts";
import {
  arithmetic,
  defined,
  equal,
  escape,
  int,
  intOf,
  iterate,
  numberOf,
  order,
  sorted,
  truth,
} from "./operators.ts";
import { str } from "./print.ts";
import { RARE_TEXT } from "./rare-methods.ts";
import { take } from "./take.ts";
import { lines, points } from "./text.ts";
import { type Call, Dict, Float, hash, Lazy, Markup, Tuple, typeName, Undefined, type Value } from "./values.ts";

const like = (value: Value, result: number): Value => value instanceof Float ? new Float(result) : int(result);
const only = (value: Value): string =>
  typeof value === "string" ? value : cannot(`this filter of a ${typeName(value)}`);
const safely = (value: Value): Value => value instanceof Markup ? value : new Markup(escape(str(value)));

function round(value: Value, digits: number, way: Value): Value {
  if (way === "common") {
    if (!(value instanceof Float)) return int(rounded(intOf(value), Math.min(0, digits)));
    return new Float(rounded(value.value, digits));
  }
  if (way !== "ceil" && way !== "floor") fail("method must be common, ceil or floor");
  const unit = 10 ** digits;
  return new Float(Math[way](number(value) * unit) / unit);
}

function indent(text: string, [width = 4, first = false, blank = false]: readonly (Value | undefined)[]): string {
  const step = typeof width === "string" ? width : " ".repeat(Math.min(1000, Math.max(0, intOf(width))));
  const all = lines(`${text}\n`);
  room(text.length + all.length * step.length);
  const rest = all.slice(1).map((line) => line !== "" || truth(blank) ? step + line : line);
  return (truth(first) ? step : "") + [all[0], ...rest].join("\n");
}

function truncate(
  text: string,
  [most = 255, kill = false, end = "...", leeway = 5]: readonly (Value | undefined)[],
): string {
  const tail = str(end), limit = intOf(most), all = [...text];
  if (limit < tail.length) fail(`expected length >= ${tail.length}, got ${limit}`);
  if (all.length <= limit + intOf(leeway ?? 5)) return text;
  const head = all.slice(0, limit - [...tail].length).join("");
  const at = head.lastIndexOf(" ");
  return (truth(kill) || at < 0 ? head : head.slice(0, at)) + tail;
}

/** Every word's first letter large, a word being what stands between spaces, hyphens and brackets. */
function title(text: string): string {
  return made(
    text.split(/([-\s({[<]+)/).filter((part) => part !== "").map((part) => {
      const [first] = part;
      return first.toUpperCase() + part.slice(first.length).toLowerCase();
    }).join(""),
  );
}

const extreme = (sign: number): Filter => [
  "case_sensitive? attribute?",
  (value, [sensitive, attribute]) => {
    const by = key(attribute, sensitive);
    let best: Value | undefined, most: Value = null;
    for (const one of iterate(value)) {
      const found = by(one);
      if (best === undefined || order(found, most, sign < 0 ? "<" : ">") * sign > 0) [best, most] = [one, found];
    }
    return best === undefined ? new Undefined("No aggregated item, sequence was empty.") : best;
  },
];

function* unique(value: Value, call: Call): Generator<Value> {
  const [sensitive, attribute] = take("unique", "case_sensitive? attribute?", call);
  const by = key(attribute, sensitive), seen = new Set<string>();
  for (const one of iterate(value)) {
    const mark = hash(by(one));
    if (!seen.has(mark)) {
      seen.add(mark);
      yield one;
    }
  }
}

function* batch(value: Value, call: Call): Generator<Value> {
  const [count, fill = null] = take("batch", "linecount fill_with?", call);
  const size = intOf(count!);
  let row: Value[] = [];
  for (const one of iterate(value)) {
    if (row.length === size) {
      yield row;
      row = [];
    }
    row.push(one);
  }
  if (row.length === 0) return;
  room(size);
  if (fill !== null) { while (row.length < size) row.push(fill); }
  yield row;
}

function* parts(value: Value, call: Call): Generator<Value> {
  const [count, fill = null] = take("slice", "slices fill_with?", call);
  const all = [...iterate(value)], columns = intOf(count!);
  if (columns === 0) fail("integer division or modulo by zero");
  const size = Math.floor(all.length / columns), more = all.length % columns;
  for (let i = 0, at = 0; i < columns; i++) {
    work(1);
    const row = all.slice(at, at += size + (i < more ? 1 : 0));
    yield fill !== null && i >= more ? [...row, fill] : row;
  }
}

function group(value: Value, [attribute, absent = null, sensitive]: readonly (Value | undefined)[]): Value {
  const of = getter(attribute!, absent), fold = truth(sensitive ?? false) ? (one: Value) => one : folded;
  const groups: [Value, Value[]][] = [];
  for (const one of sorted(iterate(value), (one) => fold(of(one)))) {
    const last = groups.at(-1);
    if (last && equal(fold(last[0]), fold(of(one)))) last[1].push(one);
    else groups.push([of(one), [one]]);
  }
  return groups.map((pair) => new Tuple(pair, ["grouper", "list"]));
}

function reversed(value: Value): Value {
  if (typeof value === "string") return points(value).reverse().join("");
  const all = [...iterate(value, "argument must be iterable")].reverse();
  return value instanceof Lazy ? all : new Lazy(all.values());
}

const escaped = (char: string) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`;

/** By name. */
export const RARE_FILTERS: Readonly<Record<string, Filter>> = {
  abs: ["", (value) => like(value, Math.abs(number(value)))],
  batch: lazy(batch),
  center: ["width?", (value, [width = 80]) => RARE_TEXT.center[1](text(value), [width])],
  e: ["", safely],
  escape: ["", safely],
  float: ["default?", (value, [absent = new Float(0)]) => {
    const given = typeof value === "string" ? floatOf(value) : numberOf(value);
    return given === undefined ? value instanceof Undefined ? fail(value.hint) : absent : new Float(given);
  }],
  forceescape: ["", (value) => new Markup(escape(str(value)))],
  format: [null, (value, _, { args, named }) => {
    if (args.length > 0 && named.size > 0) fail("can't handle positional and keyword arguments at the same time");
    return percent(text(value), named.size > 0 ? new Dict(named) : new Tuple(args));
  }],
  groupby: ["attribute default? case_sensitive?", group],
  indent: ["width? first? blank?", (value, args) => indent(only(value), args)],
  max: extreme(1),
  min: extreme(-1),
  reverse: ["", reversed],
  round: ["precision? method?", (value, [digits = 0, way = "common"]) => round(defined(value), intOf(digits), way)],
  slice: lazy(parts),
  sum: ["attribute? start?", (value, [attribute = null, start = 0]) => {
    if (typeof start === "string") fail("sum() can't sum strings [use ''.join(seq) instead]");
    const of = attribute === null ? (one: Value) => one : getter(attribute);
    let sum: Value = start;
    for (const one of iterate(value)) sum = arithmetic("+", sum, of(one));
    return sum;
  }],
  title: ["", (value) => changed(text(value), title)],
  truncate: ["length? killwords? end? leeway?", (value, args) => truncate(only(value), args)],
  unique: lazy(unique),
  urlencode: ["", (value) => {
    if (typeof value !== "string" && numberOf(value) === undefined) cannot(`urlencode of a ${typeName(value)}`);
    const quoted = (bare: string) => encodeURIComponent(bare).replace(/[!'()*]/g, escaped).replaceAll("%2F", "/");
    return made(changed(text(value), quoted));
  }],
  wordcount: ["", (value) => plain(text(value)).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0],
};
