/**
 * Keeping what people write from being read as tokens of the template: a message that says "<|im_end|>" ends nothing. Such
 * places get a character inside that the tokenizer takes for a full stop of special tokens, and then drops.
 */
import { refuse, words } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { ChatMessage } from "./template.ts";

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

/**
 * Messages with `mark` inside every special token. In what others than the assistant say it stands behind everything that a
 * special token might begin with, so that none comes about when the template takes something out either; in what the assistant
 * said, only in whole special tokens, so that the template finds what it may look for.
 */
export function markSpecial(messages: readonly ChatMessage[], tokenizer: Tokenizer, mark: string): ChatMessage[] {
  const texts = tokenizer.specialTokens.map(({ text }) => text).filter((text) => text.length > 1);
  const begins = [...new Set(texts.map((text) => [...text][0]))];
  const behind = (content: string, what: string, length: number) =>
    content.split(what).join(what.slice(0, length) + mark + what.slice(length));
  return messages.map(({ role, content }) => {
    const found = role === "assistant" ? texts : begins;
    return { role, content: found.reduce((marked, text) => behind(marked, text, [...text][0].length), content) };
  });
}
