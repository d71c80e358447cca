/**
 * Keeping what callers give from being read as tokens of the template: a message that says "<|im_end|>" ends nothing, nor does a role,
 * a tool or a variable. All of it is rendered in a disguise (`src/jinja/disguise.ts`), and no special token is made of a letter in one.
 */
import { refuse, words } from "../errors.ts";
import { isRecord } from "../files/checks.ts";
import { Disguise } from "../jinja/index.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

const UNUSED = /[\ufdd0-\ufdef]/g; // no characters, and in no text that is one

/** A character that is in none of the texts. @throws RangeError where there is none */
export function unusedCharacter(texts: readonly string[]): string {
  const used = new Set(texts.flatMap((text) => text.match(UNUSED) ?? []));
  const all = Array.from({ length: 32 }, (_, i) => String.fromCharCode(0xfdd0 + i));
  return all.find((character) => !used.has(character)) ??
    refuse("chat", "messages must be text", words("ones with U+FDD0 to U+FDEF"));
}

const MOST_NESTED = 100; // lists and records in one another

/** All texts within a value: those of lists and records, names of fields too. @throws RangeError for what is nested without end */
export function textsIn(value: unknown, depth = 0): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  if (depth > MOST_NESTED) refuse("chat", `what is given must be nested at most ${MOST_NESTED} deep`, words("more"));
  const inside = (one: unknown) => textsIn(one, depth + 1);
  return Array.isArray(value)
    ? value.flatMap(inside)
    : [...Object.keys(value), ...Object.values(value).flatMap(inside)];
}

/** A value with every text in it changed, names of fields too. */
export function withTexts<T>(value: T, change: (text: string) => string): T {
  if (typeof value === "string") return change(value) as T;
  if (Array.isArray(value)) return value.map((one) => withTexts(one, change)) as T;
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [change(name), withTexts(one, change)])) as T;
}

/** Roles that a template may make a token of: "<|" + role + "|>". Any other role is text. */
const ROLES = ["system", "developer", "user", "assistant", "model", "tool", "function", "observation", "ipython"];

/** A message with every text in it changed but a role that all know. */
export function withMessageTexts<M extends { readonly role: string }>(message: M, change: (text: string) => string): M {
  const { role, ...rest } = message;
  return { role: ROLES.includes(role) ? role : change(role), ...withTexts(rest, change) } as M;
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

/** All that tokens are written with, but quotes and backslashes, which JSON escapes. */
const LETTERS = Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i)).filter((one) =>
  !`"'\\`.includes(one)
);

/** How what callers give is disguised. */
export interface Guise {
  readonly disguise: Disguise;
  readonly put: (text: string) => string;
}

/**
 * Ways to disguise what callers give, each for templates that do with a text what no longer disguise lets them: all letters; those that
 * special tokens begin with; these where a text has a whole token.
 * @param texts none of which has what stands for a letter
 */
export function* guises({ specialTokens }: Tokenizer, texts: readonly string[]): Generator<Guise> {
  const tokens = specialTokens.map(({ text }) => text), begin = tokens.map((text) => text[0]);
  const firsts = [...new Set(begin)].filter((letter) => !/[\s\ud800-\udfff]/.test(letter));
  const all = Disguise.of([...new Set([...LETTERS, ...firsts])], texts), few = Disguise.of(firsts, texts);
  if (!all || !few) return;
  for (const disguise of [all, few]) yield { disguise, put: (text) => disguise.put(text) };
  yield { disguise: few, put: (text) => tokens.some((token) => text.includes(token)) ? few.put(text) : text };
}
