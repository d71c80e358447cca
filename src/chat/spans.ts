/** How many tokens a conversation has that is read from its beginning, and where its messages stand among them. */
import { refuse } from "../errors.ts";
import { type ChatMessage, checkMessage } from "./template.ts";
import { type Dialect, guarded, type Question } from "./turn.ts";

/** Positions of tokens, [from, to). */
type Span = readonly [from: number, to: number];

/** What a conversation is made of when it is read. */
export interface Layout {
  readonly tokens: number;
  /** Positions of what each message says; null where the template does not show it once, as it is. */
  readonly spans: (Span | null)[];
}

/**
 * Lays out a conversation as `planTurn` reads it anew; one that ends with the assistant's words has no place for an answer behind them.
 * @throws RangeError where the template refuses the messages
 */
export function layOut(dialect: Dialect, { variables = {}, ...question }: Question): Layout {
  const { messages, continueFinal } = question;
  const said = messages[messages.length - 1].role === "assistant" && !continueFinal;
  const given = said ? { ...variables, add_generation_prompt: false } : variables;
  const { text, encode, around } = guarded(dialect, { ...question, variables: given });
  const ids = encode(text);

  const spans = messages.map((_, index): Span | null => {
    const sides = around(index);
    if (sides === null) return null;
    const [before, behind] = sides;
    if (!text.startsWith(before) || !text.endsWith(behind)) return null;
    const first = encode(before), last = encode(behind).reverse();
    const from = parted(first, (i) => ids[i]), to = ids.length - parted(last, (i) => ids[ids.length - 1 - i]);
    return from < to ? [from, to] : null;
  });
  return { tokens: ids.length, spans };
}

/** How many ids come before the first that differs. */
function parted(ids: readonly number[], other: (i: number) => number | undefined): number {
  const at = ids.findIndex((id, i) => id !== other(i));
  return at < 0 ? ids.length : at;
}

/** @throws RangeError unless these are messages @returns a copy */
export function checkConversation(action: string, messages: unknown): ChatMessage[] {
  const no = (rule: string, got: unknown): never => refuse(action, rule, got);
  if (!Array.isArray(messages) || messages.length === 0) no("messages must be a list of { role, content }", messages);
  return (messages as unknown[]).map((message) => checkMessage(message, no));
}
