// Added tokens: pieces of text that are one token each, special ones ("<|im_end|>") among them. They are cut out of a
// text before the model sees the rest. @huggingface/tokenizers 0.2 does this too, but knows no whole words and cannot
// read special tokens as plain text, so we do it as the Rust library does (added_vocabulary.rs).
import { isRecord, refuseFile } from "../files/checks.ts";
import { spacesBefore } from "./patterns.ts";

export interface AddedToken {
  id: number;
  content: string;
  special: boolean;
  normalized: boolean; // looked for in the normalised text, by its normalised content
  singleWord: boolean; // never inside a word
  lstrip: boolean; // takes the whitespace before it
  rstrip: boolean; // takes the whitespace behind it
}

/** A stretch of text, or the token that stood there. */
export type Section = string | AddedToken;

/** Checks `added_tokens` of a tokenizer.json. @throws RangeError for a malformed entry. */
export function readAddedTokens(list: unknown): AddedToken[] {
  if (list === undefined || list === null) return [];
  if (!Array.isArray(list)) refuseFile("added_tokens of tokenizer.json must be a list", list);
  return list.map((entry) => {
    const { id, content } = isRecord(entry) ? entry : {};
    if (!isRecord(entry) || !isId(id) || typeof content !== "string") {
      refuseFile("an added token of tokenizer.json must have an id and a content", entry);
    }
    return withFlags(id, content, entry);
  }).filter((token) => token.content !== "");
}

/** A token with the flags of an entry, and those that it takes for granted. */
export function withFlags(id: number, content: string, entry: Readonly<Record<string, unknown>>): AddedToken {
  const flag = (name: string, absent = false) => typeof entry[name] === "boolean" ? entry[name] : absent;
  const special = flag("special");
  return {
    id,
    content,
    special,
    normalized: flag("normalized", !special),
    singleWord: flag("single_word"),
    lstrip: flag("lstrip"),
    rstrip: flag("rstrip"),
  };
}

/** Ids are indices of the embedding, so none is near this bound. */
export function isId(id: unknown): id is number {
  return Number.isInteger(id) && (id as number) >= 0 && (id as number) < 1 << 24;
}

/**
 * A function that cuts a text into tokens and what lies between them: leftmost match first, the longest where several begin. Of what
 * wears a disguise, as long as the text, it cuts pieces; a special token that wears one is none.
 * @param tokens Tokens to look for; `text` of each is what to look for.
 */
export function splitter(
  tokens: { text: string; token: AddedToken }[],
): (text: string, worn?: string) => Section[] {
  if (tokens.length === 0) return (text, worn = text) => text === "" ? [] : [worn];
  const byText = new Map(tokens.filter(({ text }) => text !== "").map(({ text, token }) => [text, token]));
  const any = patternOf([...byText.keys()]);
  /** Whether what stands there is a token, and the template's own where it is special. */
  const reads = (found: string, worn: string, at: number) => {
    const token = byText.get(found);
    return token !== undefined && (!token.special || worn.startsWith(found, at));
  };
  return (text, worn = text) => {
    const sections: Section[] = [];
    let done = 0; // everything before it is in `sections`
    for (let match = first(any, text, 0); match; match = first(any, text, any.lastIndex)) {
      const at = match.index;
      let found = match[0];
      if (!reads(found, worn, at)) {
        while (found !== "" && !reads(found, worn, at)) found = found.slice(0, -1); // a shorter one that begins so
        any.lastIndex = at + (found.length || String.fromCodePoint(text.codePointAt(at)!).length);
        if (found === "") continue;
      }
      const token = byText.get(found)!;
      let begin = at, end = at + found.length;
      if (token.lstrip && end <= done) continue; // the token before it has taken all of it
      if (token.singleWord && (isOfWord(before(text, begin)) || isOfWord(text.slice(end, end + 2)))) continue;
      if (token.lstrip) begin = Math.max(done, begin - spacesBefore(text, begin));
      if (token.rstrip) end += /^\p{White_Space}*/u.exec(text.slice(end))![0].length;
      if (begin > done) sections.push(worn.slice(done, begin));
      sections.push(token);
      done = end;
    }
    if (done < text.length) sections.push(worn.slice(done));
    return sections;
  };
}

/** Any of some texts, the longest first. */
function patternOf(texts: readonly string[]): RegExp {
  const longest = [...texts].sort((a, b) => b.length - a.length);
  const escaped = longest.map((text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"));
  return new RegExp(escaped.join("|") || "(?!)", "gu");
}

/** The first match from an index on. */
function first(pattern: RegExp, text: string, from: number): RegExpExecArray | null {
  pattern.lastIndex = from;
  return pattern.exec(text);
}

/** Whether the first character is one of words. */
const isOfWord = (text: string) => /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u.test(text);

/** The character before `end`; V8 finds none beyond U+FFFF by a class and `$`. */
const before = (text: string, end: number) => Array.from(text.slice(Math.max(0, end - 2), end)).at(-1) ?? "";
