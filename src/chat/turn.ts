/** What a session has to read for the next answer of a conversation: all of it, or what is new. */
import { refuse, words } from "../errors.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { answerOf } from "./answer.ts";
import { opensThought } from "./opened.ts";
import { guises, textsIn, unusedCharacter } from "./plain.ts";
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
  /** Whether the answer begins within a thought. */
  readonly opened: boolean;
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

/** What is asked. */
export interface Question {
  readonly messages: readonly ChatMessage[];
  /** What the template is given besides. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Whether the last message is to be gone on with. */
  readonly continueFinal?: boolean;
}

/**
 * Plans the reading of `messages`. Where they begin with what the session has heard, only what stands behind its last answer
 * is read: that answer stays in the cache as it was generated, even where the template would drop a part of it (a thought).
 * @throws RangeError where the template refuses them
 */
export function planTurn(dialect: Dialect, question: Question, { heard, pending, eosIds }: Standing): Turn {
  const { tokenizer } = dialect;
  const { messages, continueFinal = false } = question;
  const { text, encode, around } = guarded(dialect, question);
  const ends = [...eosIds, ...endOfTurn(dialect)];

  const rest = heard && !continueFinal && goesOn(heard, messages) ? around(heard.length - 1)?.[1] : undefined;
  if (rest !== undefined) {
    const end = pending !== null && ends.includes(pending) ? tokenizer.decode([pending]) : null;
    const more = { anew: false, system: 0, ends, opened: opensThought(rest) };
    if (end === null) return { ids: encode(rest), pending: true, ...more };
    const behind = rest.trimStart();
    if (!behind.startsWith(end)) return { ids: encode(rest), pending: false, ...more };
    return { ids: encode(behind).slice(1), pending: true, ...more };
  }

  const ids = encode(text);
  if (ids.length === 0) {
    refuse("chat", "the chat template must make text of the messages", words("none"), { option: "template" });
  }
  const first = messages.findIndex(({ role }) => role !== "system");
  const before = encode(around(first)?.[0] ?? "");
  const differs = before.findIndex((id, i) => id !== ids[i]);
  const opened = !continueFinal && opensThought(text);
  return { ids, anew: true, pending: false, system: differs < 0 ? before.length : differs, ends, opened };
}

/** A conversation rendered so that no special token but the template's own is read in it. */
export function guarded({ render, tokenizer }: Dialect, { messages, variables = {}, continueFinal = false }: Question) {
  const given = [...textsIn(messages), ...textsIn(variables)], cut = unusedCharacter(given);
  const how = { continueFinal, marks: cut };
  const plain = render(messages, variables, how);
  // What wears a disguise must come to the same.
  for (const guise of guises(tokenizer, [...given, plain])) {
    const text = rendered(() => render(messages, variables, { ...how, guise }));
    if (text === null || guise.disguise.off(text) !== plain) continue;
    return {
      text,
      encode: (text: string) => tokenizer.encode(text, { off: (text) => guise.disguise.off(text) }),
      /** The two sides of a message's content; null where the template does not show it, or twice. */
      around(index: number): string[] | null {
        const shown = messages.map((one, i): ChatMessage => {
          if (i !== index) return one;
          if (one.role === "assistant") return { role: one.role, content: cut };
          return { ...one, content: typeof one.content === "string" ? cut : [{ type: "text", text: cut }] };
        });
        const sides = rendered(() => render(shown, variables, { marks: cut, guise }))?.split(cut);
        return sides?.length === 2 ? sides : null;
      },
    };
  }
  return refuse("chat", "messages must be free of special tokens that the chat template acts on", words("some"));
}

/** What a template makes, null where it refuses. */
function rendered(render: () => string): string | null {
  try {
    return render();
  } catch {
    return null;
  }
}

/**
 * Whether `messages` are what was heard and more. An answer may be given back as a text or in its parts, and its spaces at either
 * end may have been dropped.
 */
function goesOn(heard: readonly ChatMessage[], messages: readonly ChatMessage[]): boolean {
  return messages.length > heard.length && heard.every((one, i) => same(parts(one), parts(messages[i])));
}

function parts(message: ChatMessage): unknown {
  const { role, content, ...rest } = message;
  if (role !== "assistant" || typeof content !== "string") return message;
  const answer = answerOf(content, true);
  const calls = rest.tool_calls ?? answer.tool_calls ?? [];
  const called = Array.isArray(calls) ? calls.map((call) => call?.function ?? call) : calls; // who runs them gives them ids
  return { ...answer, ...rest, tool_calls: called, content: (answer.content as string).trim() };
}

function same(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || a === null || typeof b !== "object" || b === null) return a === b;
  const names = Object.keys(a) as (keyof typeof a)[];
  return names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]));
}

/** The special token that the template puts behind an answer: a model may end with it and not name it among its ends. */
function endOfTurn({ render, tokenizer }: Dialect): number[] {
  const cut = unusedCharacter([]);
  const text = rendered(() => render([{ role: "user", content: "?" }, { role: "assistant", content: cut }]));
  const behind = text?.split(cut)[1] ?? ""; // none: a template that wants other conversations
  const ids = tokenizer.encode(behind.trimStart()).slice(0, 1);
  return ids.filter((id) => tokenizer.specialTokens.some((token) => token.id === id));
}
