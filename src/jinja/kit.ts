/** What filters are made of. */
import { getter } from "./attributes.ts";
import { plain } from "./disguise.ts";
import { cannot, fail } from "./error.ts";
import { defined, numberOf, truth } from "./operators.ts";
import { str } from "./print.ts";
import { strip } from "./text.ts";
import { type Call, Lazy, Markup, Tuple, typeName, type Value } from "./values.ts";

/** Parameters besides the value, as `take` reads them, null: it reads its call itself; and what it makes of them. */
export type Filter = readonly [
  parameters: string | null,
  run: (value: Value, args: readonly (Value | undefined)[], call: Call) => Value,
];

/** A text that a filter works on. What it makes of safe text would be safe text, of which we have only the printing. */
export const text = (value: Value): string => value instanceof Markup ? cannot("a filter of Markup") : str(value);

/** A number. @throws TemplateError for anything else */
export const number = (value: Value): number =>
  numberOf(value) ?? fail(`must be a number, not ${typeName(defined(value))}`);

/** Values that are made when they are asked for. */
export const lazy = (make: (value: Value, call: Call) => Iterator<Value>): Filter => [
  null,
  (value, _, call) => new Lazy(make(value, call)),
];

/** Texts in small letters, other values as they are. */
export const folded = (value: Value): Value => typeof value === "string" ? plain(value).toLowerCase() : value;

/** What values are ordered by. */
export function key(attribute: Value | undefined, sensitive: Value | undefined): (value: Value) => Value {
  const fold = truth(sensitive ?? false) ? (value: Value) => value : folded;
  if (attribute === undefined || attribute === null) return fold;
  if (typeof attribute === "string" && attribute.includes(",")) {
    const all = attribute.split(",").map((one) => getter(one));
    return (value) => new Tuple(all.map((one) => fold(one(value))));
  }
  const one = getter(attribute);
  return (value) => fold(one(value));
}

/** Python's `float(text)`; undefined: it is none. */
export function floatOf(text: string): number | undefined {
  const written = strip(plain(text), null, 0);
  if (/^[+-]?(?:inf|infinity)$/i.test(written)) return written[0] === "-" ? -Infinity : Infinity;
  if (/^[+-]?nan$/i.test(written)) return NaN;
  const digits = "\\d+(?:_\\d+)*";
  const pattern = new RegExp(`^[+-]?(?:${digits}(?:\\.(?:${digits})?)?|\\.${digits})(?:e[+-]?${digits})?$`, "i");
  if (/\p{Nd}/u.test(written.replace(/[\0-\x7f]/g, ""))) cannot("float of digits beyond ASCII");
  return pattern.test(written) ? Number(written.replaceAll("_", "")) : undefined;
}
