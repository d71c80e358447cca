/** Values within a text, from where they begin: JSON, and Python's literals as models write arguments. */
import { isRecord } from "../files/checks.ts";

/** A value, and where the text goes on behind it. */
export interface Found<T = unknown> {
  readonly value: T;
  readonly end: number;
}

const MOST_NESTED = 64;

/** Where what is no white space comes. */
export function pastSpace(text: string, from: number): number {
  const space = /\s*/y;
  space.lastIndex = from;
  space.exec(text);
  return space.lastIndex;
}

/** The JSON object or array that begins at `from`; null where none does, or it is broken. */
export function jsonAt(text: string, from: number): Found | null {
  if (text[from] !== "{" && text[from] !== "[") return null;
  let [depth, quoted] = [0, false];
  for (let i = from; i < text.length; i++) {
    const letter = text[i];
    if (quoted) {
      if (letter === "\\") i++;
      else if (letter === '"') quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === "{" || letter === "[") depth++;
    else if ((letter === "}" || letter === "]") && --depth === 0) {
      const value = parsed(text.slice(from, i + 1));
      return value === undefined ? null : { value, end: i + 1 };
    }
  }
  return null;
}

/** As jsonAt, an object. */
export function objectAt(text: string, from: number): Found<Record<string, unknown>> | null {
  const found = jsonAt(text, from);
  return found && isRecord(found.value) ? { value: found.value, end: found.end } : null;
}

/** What a text is as JSON; undefined where it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", v: "\v", a: "\x07", "0": "\0", "\n": "" },
  ...{ "'": "'", '"': '"', "\\": "\\" },
};
const NAMES: Readonly<Record<string, unknown>> = {
  ...{ True: true, False: false, None: null, true: true, false: false, null: null },
};

/** The literal of Python that begins at `from`: text, a number, True, False, None (JSON's names too), a list, a dict with keys of text. */
export function literalAt(text: string, from: number, depth = 0): Found | null {
  const begin = text[from];
  if (depth > MOST_NESTED) return null;
  if (begin === "'" || begin === '"') return stringAt(text, from);
  if (begin === "[") {
    const one = (at: number) => literalAt(text, at, depth + 1);
    return listAt(text, from, "]", one);
  }
  if (begin === "{") {
    const pairs = listAt(text, from, "}", (at) => pairAt(text, at, depth));
    return pairs && { value: Object.fromEntries(pairs.value), end: pairs.end };
  }
  const word = /-?[\w.]+(?:(?<=\d[eE])[+-]\d+)?/y;
  word.lastIndex = from;
  const [found] = word.exec(text) ?? [];
  if (found === undefined) return null;
  const end = from + found.length;
  if (Object.hasOwn(NAMES, found)) return { value: NAMES[found], end };
  return /^-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(found) ? { value: Number(found), end } : null;
}

/** `KEY: value` of a dict. */
function pairAt(text: string, from: number, depth: number): Found<[string, unknown]> | null {
  const key = stringAt(text, from);
  const colon = key && pastSpace(text, key.end);
  if (!key || text[colon!] !== ":") return null;
  const value = literalAt(text, pastSpace(text, colon! + 1), depth + 1);
  return value && { value: [key.value, value.value], end: value.end };
}

/** What stands between a bracket at `from` and `close`, with commas between, one behind the last allowed. */
export function listAt<T>(
  text: string,
  from: number,
  close: string,
  one: (at: number) => Found<T> | null,
): Found<T[]> | null {
  const values: T[] = [];
  let at = pastSpace(text, from + 1);
  while (text[at] !== close) {
    const found = one(at);
    if (!found) return null;
    values.push(found.value);
    at = pastSpace(text, found.end);
    if (text[at] === ",") at = pastSpace(text, at + 1);
    else if (text[at] !== close) return null;
  }
  return { value: values, end: at + 1 };
}

function stringAt(text: string, from: number): Found<string> | null {
  const quote = text[from];
  if (quote !== "'" && quote !== '"') return null;
  let value = "";
  for (let i = from + 1; i < text.length; i++) {
    if (text[i] === quote) return { value, end: i + 1 };
    if (text[i] !== "\\") {
      value += text[i];
      continue;
    }
    i++;
    const [, short, long] = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))/.exec(text.slice(i, i + 5)) ?? [];
    const code = short ?? long;
    if (code !== undefined) {
      value += String.fromCharCode(parseInt(code, 16));
      i += code.length;
    } else value += ESCAPES[text[i]] ?? `\\${text[i] ?? ""}`; // as Python: what is no escape stays
  }
  return null;
}
