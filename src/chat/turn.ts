/** What a session has to read for the next answer of a conversation: all of it, or what is new. */
import { refuse, words } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { markSpecial, unusedCharacters } from "./plain.ts";
import type { ChatMessage, Render } from "./template.ts";

/** What to read. */
export interface Turn {
  readonly ids: number[];
  /** Whether the session must forget everything first. */
  readonly anew: boolean;
  /** Whether the id generated last, if it is not taken in yet, is to be: not where the template ends a turn otherwise. */
  readonly pending: boolean;
  /** How many ids come before the first thing that anybody but the system says; 0 where the session goes on. */
  readonly system: number;
  /** Ids that end an answer: what the template puts behind one. */
  readonly ends: number[];
}

/** How a conversation becomes ids. */
export interface Dialect {
  readonly render: Render;
  readonly tokenizer: Tokenizer;
}

/** Where a session stands. */
export interface Standing {
  /** What it has read and answered; null where it is nothing, or no conversation. */
  readonly heard: readonly ChatMessage[] | null;
  /** The id generated last, where it is not taken in yet. */
  readonly pending: number | null;
  readonly eosIds: readonly number[];
}

/**
 * Plans the reading of `messages`. Where they begin with what the session has heard, only what stands behind its last answer
 * is read: that answer stays in the cache as it was generated, even where the template would drop a part of it (a thought).
 * @throws RangeError where the template refuses them
 */
export function planTurn(
  dialect: Dialect,
  messages: readonly ChatMessage[],
  { heard, pending, eosIds }: Standing,
  variables?: Readonly<Record<string, unknown>>,
): Turn {
  const { render, tokenizer } = dialect;
  const [mark, cut] = unusedCharacters(messages.map(({ content }) => content));
  const marked = markSpecial(messages, tokenizer, mark);
  const encode = (text: string) => tokenizer.encode(text, { mark });
  /** The two sides of a message's content; null where the template does not show it, or twice. */
  const around = (index: number) => {
    const text = render(
      marked.map(({ role, content }, i) => ({ role, content: i === index ? cut : content })),
      variables,
    );
    const sides = text.split(cut);
    return sides.length === 2 ? sides : null;
  };

  const ends = [...eosIds, ...endOfTurn(dialect)];

  const rest = heard && goesOn(heard, messages) ? around(heard.length - 1)?.[1] : undefined;
  if (rest !== undefined) {
    const end = pending !== null && ends.includes(pending) ? tokenizer.decode([pending]) : null;
    if (end === null) return { ids: encode(rest), anew: false, pending: true, system: 0, ends };
    const behind = rest.trimStart();
    if (!behind.startsWith(end)) return { ids: encode(rest), anew: false, pending: false, system: 0, ends };
    return { ids: encode(behind).slice(1), anew: false, pending: true, system: 0, ends };
  }

  const ids = encode(render(marked, variables));
  if (ids.length === 0) {
    refuse("chat", "the chat template must make text of the messages", words("none"), { option: "template" });
  }
  const first = marked.findIndex(({ role }) => role !== "system");
  const before = encode(around(first)?.[0] ?? "");
  const differs = before.findIndex((id, i) => id !== ids[i]);
  return { ids, anew: true, pending: false, system: differs < 0 ? before.length : differs, ends };
}

/** Whether `messages` are what was heard and more; an answer's spaces at either end may have been dropped. */
function goesOn(heard: readonly ChatMessage[], messages: readonly ChatMessage[]): boolean {
  return messages.length > heard.length && heard.every(({ role, content }, i) => {
    const said = messages[i];
    if (said.role !== role) return false;
    return said.content === content || role === "assistant" && said.content.trim() === content.trim();
  });
}

/** The special token that the template puts behind an answer: a model may end with it and not name it among its ends. */
function endOfTurn({ render, tokenizer }: Dialect): number[] {
  const [cut] = unusedCharacters([]);
  let behind: string | undefined;
  try {
    [, behind = ""] = render([{ role: "user", content: "?" }, { role: "assistant", content: cut }]).split(cut);
  } catch {
    return []; // a template that wants other conversations
  }
  const ids = tokenizer.encode(behind.trimStart()).slice(0, 1);
  return ids.filter((id) => tokenizer.specialTokens.some((token) => token.id === id));
}
