/** Values as text: Python's `str` and `repr`. */
import { cannot, isMark, made, work } from "./error.ts";
import { floatText } from "./numbers.ts";
import { Dict, Float, Markup, Namespace, Range, Tuple, typeName, Undefined, type Value, View } from "./values.ts";

/** As it is printed. @throws TemplateError for what Python prints with its address */
export function str(value: Value): string {
  if (typeof value === "string") return value;
  if (value instanceof Undefined) return "";
  if (value instanceof Markup) return value.text;
  return made(repr(value));
}

/** As it is printed within a list. */
export function repr(value: Value): string {
  work(1);
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return quoted(value);
  if (value instanceof Float) return floatText(value.value);
  if (Array.isArray(value)) return `[${several(value)}]`;
  if (value instanceof Tuple) return `(${several(value.items)}${value.items.length === 1 ? "," : ""})`;
  if (value instanceof Dict) {
    return `{${[...value.entries()].map(([key, item]) => `${repr(key)}: ${repr(item)}`).join(", ")}}`;
  }
  if (value instanceof Undefined) return "Undefined";
  if (value instanceof View) return `dict_${value.kind}([${several(value.list())}])`;
  if (value instanceof Namespace) return `<Namespace ${repr(value.attributes)}>`;
  if (value instanceof Range) return `range(${value.start}, ${value.stop}${value.step === 1 ? "" : `, ${value.step}`})`;
  return cannot(`the printing of a ${typeName(value)}`);
}

function several(values: readonly Value[]): string {
  return made(values.map(repr).join(", "));
}

const SHORT: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

/** What stands for a character in a string as Python writes it in a program. */
function escaped(char: string): string {
  const code = char.codePointAt(0)!, hex = (digits: number) => code.toString(16).padStart(digits, "0");
  return code < 0x100 ? `\\x${hex(2)}` : code < 0x10000 ? `\\u${hex(4)}` : `\\U${hex(8)}`;
}

/** As `repr`, with ASCII alone. */
export function ascii(value: Value): string {
  return repr(value).replace(/[\x80-\u{10ffff}]/gu, (char) => isMark(char) ? char : escaped(char));
}

/** A string as Python writes it in a program. */
function quoted(text: string): string {
  work(text.length / 4);
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(/[\\'\n\r\t]|(?! )[\p{C}\p{Z}]/gu, (char) => {
    if (char === "'") return quote === "'" ? "\\'" : char;
    return isMark(char) ? char : SHORT[char] ?? escaped(char);
  });
  return quote + body + quote;
}
