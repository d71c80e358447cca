/** A template's text as Jinja's lexer cuts it, with `trim_blocks` and `lstrip_blocks`, as transformers asks for. */
import { cannot, TemplateError } from "./error.ts";

/** One piece: text, the beginning or end of a tag, or something inside one. */
export interface Token {
  readonly type:
    | "data"
    | "begin"
    | "end"
    | "print"
    | "printed"
    | "name"
    | "string"
    | "int"
    | "float"
    | "operator"
    | "eof";
  readonly value: string;
}

/** What Python's `\s` and `str.strip()` take for white space. */
export const SPACE = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const SPACES_AT_END = new RegExp(`[${SPACE}]+$`);
const ONLY_SPACES = new RegExp(`^[${SPACE}]+$`);

const sticky = (source: string, flags = "") => new RegExp(source, `y${flags}`);
const RAW = sticky(`[-+]?[${SPACE}]*raw[${SPACE}]*(?:-%\\}[${SPACE}]*|%\\})`);
const END_RAW = new RegExp(`\\{%([-+]?)[${SPACE}]*endraw[${SPACE}]*(?:\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?)`, "g");
const END_COMMENT = new RegExp(`\\+#\\}|-#\\}[${SPACE}]*|#\\}\\n?`, "g");
const END_BLOCK = sticky(`\\+%\\}|-%\\}[${SPACE}]*|%\\}\\n?`);
const END_PRINT = sticky(`-\\}\\}[${SPACE}]*|\\}\\}`);
const BLANK = sticky(`[${SPACE}]+`);
const RULES = [
  ["float", sticky("(?<!\\.)(?:\\d+_)*\\d+(?:(?:\\.(?:\\d+_)*\\d+)?e[+-]?(?:\\d+_)*\\d+|\\.(?:\\d+_)*\\d+)", "i")],
  ["int", sticky("0b(?:_?[01])+|0o(?:_?[0-7])+|0x(?:_?[\\da-f])+|[1-9](?:_?\\d)*|0(?:_?0)*", "i")],
  ["name", sticky("[\\p{L}\\p{M}\\p{N}_]+", "u")],
  ["string", sticky("'(?:[^'\\\\]|\\\\[^])*'|\"(?:[^\"\\\\]|\\\\[^])*\"")],
  ["operator", sticky("//|\\*\\*|[=!<>]=|[-+/*%~[\\](){}<>=.:|,;]")],
] as const;
const PAIRS: Readonly<Record<string, string>> = { "(": ")", "[": "]", "{": "}" };

function broken(message: string): never {
  throw new TemplateError("syntax", message);
}

/** Cuts a template. @throws TemplateError where Jinja's lexer fails */
export function tokenize(template: string): Token[] {
  const source = template.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  const tokens: Token[] = [];
  const starts = /\{[%{#]/g;
  let at = 0;
  let lineStarts = true; // whether what was cut last ended a line

  /** The text before a tag, without what the tag's sign, or a block that stands first in its line, takes off. */
  const data = (text: string, { sign, block, first }: { sign: string; block: boolean; first: boolean }) => {
    if (sign === "-") text = text.replace(SPACES_AT_END, "");
    else if (sign === "" && block) {
      const line = text.lastIndexOf("\n") + 1;
      if ((line > 0 || first) && ONLY_SPACES.test(text.slice(line))) text = text.slice(0, line);
    }
    if (text !== "") tokens.push({ type: "data", value: text });
  };
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match) {
      at = match.index + match[0].length;
      lineStarts = match[0].endsWith("\n");
    }
    return match;
  };
  /** A tag's own tokens, its end included. */
  const inside = (block: boolean) => {
    const open: string[] = [];
    while (at < source.length) {
      if (open.length === 0 && take(block ? END_BLOCK : END_PRINT)) {
        tokens.push({ type: block ? "end" : "printed", value: "" });
        return;
      }
      if (take(BLANK)) continue;
      let value = "";
      const [type] = RULES.find(([, rule]) => value = take(rule)?.[0] ?? "") ??
        broken(`unexpected char '${source[at]}'`);
      if (type === "operator") {
        if (PAIRS[value]) open.push(PAIRS[value]);
        else if (/[)\]}]/.test(value) && open.pop() !== value) broken(`unexpected '${value}'`);
      }
      tokens.push({ type, value: type === "string" ? unescaped(value.slice(1, -1)) : value });
    }
    broken("unexpected end of template");
  };

  for (let start; (starts.lastIndex = at, start = starts.exec(source));) {
    const text = source.slice(at, start.index), first = lineStarts, kind = start[0][1];
    at = start.index + 2;
    const sign = /[-+]/.test(source[at] ?? "") ? source[at] : "";
    const raw = kind === "%" ? take(RAW) : null;
    data(text, { sign, block: kind !== "{", first });
    if (raw) {
      const begin = at, first = lineStarts;
      const end = take(END_RAW) ?? broken("Missing end of raw directive");
      data(source.slice(begin, end.index), { sign: end[1], block: true, first });
      continue;
    }
    at += sign.length;
    if (kind === "#") take(END_COMMENT) ?? broken("Missing end of comment tag");
    else {
      tokens.push({ type: kind === "%" ? "begin" : "print", value: "" });
      inside(kind === "%");
    }
  }
  if (at < source.length) tokens.push({ type: "data", value: source.slice(at) });
  tokens.push({ type: "eof", value: "" });
  return tokens;
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ n: "\n", t: "\t", r: "\r", b: "\b", f: "\f", v: "\v", a: "\x07" },
  ...{ "\\": "\\", "'": "'", '"': '"', "\n": "" },
};

/** A string literal's text: what Python's `unicode-escape` makes of it. */
function unescaped(text: string): string {
  return text.replace(/\\(x[\da-f]{2}|u[\da-f]{4}|U[\da-f]{8}|[0-7]{1,3}|[^])/gi, (whole, code: string) => {
    const kind = code[0];
    if (/[xuU]/.test(kind)) {
      const point = parseInt(code.slice(1), 16);
      return code.length > 1 && point < 0x110000 ? String.fromCodePoint(point) : broken(`truncated \\${kind} escape`);
    }
    if (kind === "N") cannot("\\N in a string");
    return /[0-7]/.test(kind) ? String.fromCharCode(parseInt(code, 8)) : ESCAPES[kind] ?? whole;
  });
}
