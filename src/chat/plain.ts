/**
 * Keeping what people write from being read as tokens of the template: a message that says "<|im_end|>" ends nothing. Such
 * places get a character inside that the tokenizer takes for a full stop of special tokens, and then drops.
 */
import { refuse, words } from "../errors.ts";
import { isRecord } from "../files/checks.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

const FIRST = 0xfdd0; // U+FDD0 to U+FDEF are no characters and stand in no text that is one
const LAST = 0xfdef;

/** Two different characters that are in none of the texts. @throws RangeError where there are none */
export function unusedCharacters(texts: readonly string[]): [string, string] {
  const unused: string[] = [];
  for (let code = FIRST; code <= LAST && unused.length < 2; code++) {
    const character = String.fromCharCode(code);
    if (!texts.some((text) => text.includes(character))) unused.push(character);
  }
  if (unused.length < 2) refuse("chat", "messages must be text", words("ones with U+FDD0 to U+FDEF"));
  return [unused[0], unused[1]];
}

/** All texts within a value: those of lists and records, names of fields left out. */
export function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isRecord(value) ? Object.values(value).flatMap(textsIn) : [];
}

/** A value with every text in it changed, names of fields left as they are. */
export function withTexts<T>(value: T, change: (text: string) => string): T {
  if (typeof value === "string") return change(value) as T;
  if (Array.isArray(value)) return value.map((one) => withTexts(one, change)) as T;
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withTexts(one, change)])) as T;
}

/** Content with its last text changed: that of a message, or of its last part that has one; null: it has none. */
export function withLastText<P extends { readonly text?: string }>(
  content: string | readonly P[] | null | undefined,
  change: (text: string) => string,
): string | P[] | null {
  if (typeof content === "string") return change(content);
  const parts = [...content ?? []];
  const at = parts.findLastIndex((part) => typeof part.text === "string");
  if (at < 0) return null;
  parts[at] = { ...parts[at], text: change(parts[at].text!) };
  return parts;
}

/**
 * Puts `mark` inside every special token of a text.
 * @param everywhere whether it is put behind everything that a special token might begin with, so that none comes about when the
 *   template takes something out either. A template that looks for such beginnings finds them no more
 */
export function marker(tokenizer: Tokenizer, mark: string, everywhere: boolean): (text: string) => string {
  const texts = tokenizer.specialTokens.map(({ text }) => text).filter((text) => text.length > 1);
  const found = everywhere ? [...new Set(texts.map((text) => [...text][0]))] : texts;
  const behind = (content: string, what: string, length: number) =>
    content.split(what).join(what.slice(0, length) + mark + what.slice(length));
  return (content) => found.reduce((marked, text) => behind(marked, text, [...text][0].length), content);
}
