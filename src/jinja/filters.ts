/** Filters of one value: `x | …`. */
import { plain } from "./disguise.ts";
import { cannot, fail } from "./error.ts";
import { tojson } from "./json.ts";
import { type Filter, floatOf, text } from "./kit.ts";
import { TEXT } from "./methods.ts";
import { int, intOf, length, numberOf, truth } from "./operators.ts";
import { str } from "./print.ts";
import { replaced, strip } from "./text.ts";
import { Markup, Undefined, type Value } from "./values.ts";

const method = (name: string): Filter => ["", (value) => TEXT[name][1](text(value), [])];

/** Python's `int(text, base)`; undefined: it is none. */
function wholeOf(text: string, base: number): number | undefined {
  const digits = strip(plain(text), null, 0);
  const match = /^([+-]?)(0[xXoObB])?([\p{Nd}a-zA-Z]+(?:_[\p{Nd}a-zA-Z]+)*)$/u.exec(digits);
  if (!match) return undefined;
  if (/[^\0-\x7f]/.test(match[3])) cannot("int of digits beyond ASCII");
  const prefix = match[2]?.[1].toLowerCase(), prefixed = { x: 16, o: 8, b: 2 }[prefix ?? ""];
  if (prefix && base !== prefixed) return undefined;
  const body = match[3].replaceAll("_", "").toLowerCase();
  const value = [...body].reduce((sum, digit) => {
    const one = parseInt(digit, 36);
    return one < base ? sum * base + one : NaN;
  }, 0);
  return Number.isNaN(value) ? undefined : int(match[1] === "-" ? -value : value);
}

function toInt(value: Value, absent: Value, base: number): Value {
  if (typeof value === "string") {
    const whole = wholeOf(value, base) ?? Math.trunc(floatOf(value) ?? NaN);
    return Number.isFinite(whole) ? int(whole) : absent;
  }
  const given = numberOf(value);
  if (given === undefined) return value instanceof Undefined ? fail(value.hint) : absent;
  if (Number.isFinite(given)) return int(Math.trunc(given));
  return Number.isNaN(given) ? absent : fail("cannot convert float infinity to integer");
}

function fallback(value: Value, [absent = "", boolean = false]: readonly (Value | undefined)[]): Value {
  return value instanceof Undefined || truth(boolean) && !truth(value) ? absent : value;
}

/** By name. */
export const PLAIN: Readonly<Record<string, Filter>> = {
  capitalize: method("capitalize"),
  count: ["", length],
  d: ["default_value? boolean?", fallback],
  default: ["default_value? boolean?", fallback],
  int: ["default? base?", (value, [absent = 0, base = 10]) => toInt(value, absent, intOf(base))],
  length: ["", length],
  lower: method("lower"),
  replace: [
    "old new count?",
    (value, [old, by, count]) => replaced(text(value), { old: str(old!), by: str(by!), count: intOf(count ?? -1) }),
  ],
  safe: ["", (value) => new Markup(str(value))],
  string: ["", (value) => value instanceof Markup ? value : str(value)],
  tojson: ["ensure_ascii? indent? separators? sort_keys?", tojson],
  trim: ["chars?", (value, [chars]) => TEXT.strip[1](text(value), [chars])],
  upper: method("upper"),
};
