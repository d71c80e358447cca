/** `tojson`, which transformers has do what Python's `json.dumps` does. */
import { cannot, fail, isMark, made, work } from "./error.ts";
import { floatText } from "./numbers.ts";
import { defined, intOf, sorted, truth } from "./operators.ts";
import { Dict, Float, Markup, Tuple, typeName, type Value } from "./values.ts";

/** How it is written. */
interface Manner {
  readonly ascii: boolean;
  readonly indent: string | null;
  readonly comma: string;
  readonly colon: string;
  readonly sort: boolean;
}

/** The filter. @param options ensure_ascii, indent, separators, sort_keys */
export function tojson(value: Value, [ascii, indent, separators, sort]: readonly (Value | undefined)[]): string {
  const step = indent === undefined || indent === null
    ? null
    : typeof indent === "string"
    ? indent
    : " ".repeat(Math.max(0, Math.min(intOf(indent), 1000)));
  let [comma, colon] = [step === null ? ", " : ",", ": "];
  if (separators !== undefined && separators !== null) {
    const pair = Array.isArray(separators) ? separators : separators instanceof Tuple ? separators.items : [];
    if (pair.length !== 2 || !pair.every((one) => typeof one === "string")) fail("separators must be two strings");
    [comma, colon] = pair as string[];
  }
  const manner = { ascii: truth(ascii ?? false), indent: step, comma, colon, sort: truth(sort ?? false) };
  return made(write(value, manner, "\n"));
}

/** @param line what a new line begins with */
function write(value: Value, manner: Manner, line: string): string {
  work(1);
  if (value === null) return "null";
  if (typeof value === "boolean" || typeof value === "number") return String(value);
  if (typeof value === "string") return jsonText(value, manner.ascii);
  if (value instanceof Float) return number(value);
  const inner = manner.indent === null ? line : line + manner.indent;
  const listed = (items: readonly string[], [open, close]: string) => {
    if (items.length === 0) return open + close;
    const [first, last] = manner.indent === null ? ["", ""] : [inner, line];
    return made(open + first + items.join(manner.comma + first) + last + close);
  };
  if (Array.isArray(value) || value instanceof Tuple) {
    const items = Array.isArray(value) ? value : value.items;
    return listed(items.map((item) => write(item, manner, inner)), "[]");
  }
  if (value instanceof Dict) {
    const all = [...value.entries()];
    const order = manner.sort ? sorted(all.map(([key]) => key), (key) => key) : all.map(([key]) => key);
    const items = order.map((key) =>
      jsonText(keyText(key), manner.ascii) + manner.colon + write(value.get(key)!, manner, inner)
    );
    return listed(items, "{}");
  }
  if (value instanceof Markup) cannot("tojson of Markup");
  return fail(`Object of type ${typeName(value)} is not JSON serializable`);
}

function number({ value }: Float): string {
  return Number.isFinite(value) ? floatText(value) : Number.isNaN(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
}

function keyText(key: Value): string {
  if (typeof key === "string") return key;
  if (key === null || typeof key === "boolean" || typeof key === "number") return String(key);
  if (key instanceof Float) return number(key);
  return fail(`keys must be str, int, float, bool or None, not ${typeName(defined(key))}`);
}

function jsonText(text: string, ascii: boolean): string {
  work(text.length / 4);
  // JSON.stringify escapes the same characters in the same way.
  const written = JSON.stringify(text);
  if (!ascii) return written;
  return written.replace(
    /[\x7f-\uffff]/g,
    (char) => isMark(char) ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
