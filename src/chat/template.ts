/** A model's chat template: Jinja that turns messages into the text that the model was trained on. */
import { quote, refuse, show, words } from "../errors.ts";
import { isRecord } from "../files/checks.ts";
import { compile, TemplateError } from "../jinja/index.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type Guise, withLastText, withMessageTexts, withTexts } from "./plain.ts";

/** A part of a message: text, or what else the model's template knows. */
export interface ContentPart {
  /** "text", or what else the template knows. */
  readonly type: string;
  /** What it says, where it is text. */
  readonly text?: string;
  /** What else the template knows. */
  readonly [field: string]: unknown;
}

/** One message of a conversation. The template sees every field, those that are not listed here, too. */
export interface ChatMessage {
  /** "system", "user", "assistant", "tool", or what else the model's template knows. */
  readonly role: string;
  /** What was said. May be left out where there are `tool_calls`. */
  readonly content?: string | readonly ContentPart[] | null;
  /** What the assistant wants called: `{ type: "function", function: { name, arguments } }`. */
  readonly tool_calls?: readonly unknown[];
  /** What the assistant thought before it spoke. */
  readonly reasoning_content?: string;
  /** What else the template knows: `name`, `tool_call_id`, … */
  readonly [field: string]: unknown;
}

/** How a conversation is rendered, besides what the template is given. */
export interface Rendering {
  /** Whether the last message is to be gone on with, not answered. */
  readonly continueFinal?: boolean;
  /** Characters that were put into texts, to be found again. */
  readonly marks?: string;
  /** What messages and variables wear. */
  readonly guise?: Guise;
  /** The moment that the template may ask for; default: now. */
  readonly now?: Date;
}

/** Messages to text. @param variables what the template is given besides: `tools`, `documents`, … */
export type Render = (
  messages: readonly ChatMessage[],
  variables?: Readonly<Record<string, unknown>>,
  how?: Rendering,
) => string;

/** @throws RangeError where there is no template, it is no Jinja, or one that is not rendered here as transformers renders it */
export function readTemplate(source: string | null, tokenizer: Tokenizer): Render {
  if (source === null || source.trim() === "") {
    refuse("chat", "the model must have a chat template", words("none"), { code: "unsupported", option: "template" });
  }
  const template = refusing(() => compile(source), "the chat template must be Jinja");
  const text = (id: number | null) => id === null ? undefined : tokenizer.decode([id]);
  const tokens = { bos_token: text(tokenizer.bosId), eos_token: text(tokenizer.eosId), ...tokenizer.names };
  return (messages, variables = {}, { continueFinal = false, guise, ...how } = {}) => {
    const normal = messages.map(normalized);
    const worn = Object.entries(variables).map(([name, value]) => [name, guise ? withTexts(value, guise.put) : value]);
    const given = {
      ...{ ...tokens, tools: null, documents: null, add_generation_prompt: !continueFinal },
      ...Object.fromEntries(worn),
    };
    const render = (messages: readonly ChatMessage[]) =>
      refusing(
        () => {
          const worn = guise ? messages.map((one) => withMessageTexts(one, guise.put)) : messages;
          return template({ ...given, messages: worn }, { ...how, disguise: guise?.disguise ?? null });
        },
        "the messages must be such as the model's chat template takes",
      );
    return continueFinal ? goingOn(normal, render, (text) => guise?.disguise.off(text) ?? text) : render(normal);
  };
}

const RULES: Readonly<Record<string, string>> = {
  unsupported: "the chat template must ask for nothing but what is rendered as transformers renders it",
  endless: "the chat template must come to an end",
};

/** Reads or renders a template. @param rule that is broken where it fails */
function refusing<T>(run: () => T, rule: string): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    const { why } = error;
    const code = why === "refused" ? "bad-input" : why === "unsupported" ? "unsupported" : "bad-file";
    refuse("chat", RULES[why] ?? rule, quote(error), { code, cause: error });
  }
}

/** A message as transformers gives it to a template: without empty fields, and thoughts under each of their names. */
function normalized(message: ChatMessage): ChatMessage {
  const fields = Object.entries(message).filter(([, value]) => value !== null && value !== undefined);
  const { role, ...rest } = Object.fromEntries(fields) as Record<string, unknown>;
  const thought = rest.reasoning_content ?? rest.thinking ?? rest.reasoning;
  const thoughts = thought === undefined ? {} : { thinking: thought, ...rest, reasoning_content: thought };
  return { role: role as string, ...rest, ...thoughts };
}

const TAG = "CONTINUE_FINAL_MESSAGE_TAG "; // transformers' own: a template may trim what stands at the end

/** The text up to the end of what the last message says, as `continue_final_message` of transformers has it. @param off takes off what it wears */
function goingOn(
  messages: readonly ChatMessage[],
  render: (messages: readonly ChatMessage[]) => string,
  off: (text: string) => string,
): string {
  const last = messages[messages.length - 1];
  let said = "";
  const content = withLastText(last.content, (text) => (said = text) + TAG);
  if (content === null) refuse("chat", "the last message must have text that can be gone on with", last);
  const worn = render([...messages.slice(0, -1), { ...last, content }]);
  const text = off(worn), end = text.lastIndexOf(TAG.trim());
  if (end < 0 || !text.includes(said.trim())) {
    refuse(
      "chat",
      "the chat template must show the last message as it is for it to be gone on with",
      words(show(said)),
    );
  }
  const before = worn.slice(0, end);
  return text.startsWith(TAG, end) ? before : before.trimEnd();
}

/** Checks a conversation that is to be answered. @param continueFinal whether its last message is to be gone on with @throws RangeError */
export function checkMessages(messages: unknown, continueFinal = false): ChatMessage[] {
  if (!Array.isArray(messages) || messages.length === 0) {
    refuse("chat", "messages must be a text or a list of { role, content }", messages);
  }
  const checked = messages.map((message) => checkMessage(message, (rule, got) => refuse("chat", rule, got)));
  const { role } = checked[checked.length - 1];
  if (role === "assistant" !== continueFinal) {
    const rule = continueFinal
      ? "the last message must be the assistant's"
      : "the last message must be another's than the assistant's";
    refuse("chat", rule, role);
  }
  return checked;
}

/** Checks one message. @returns a copy, all fields kept @param no refuses */
export function checkMessage(message: unknown, no: (rule: string, got: unknown) => never): ChatMessage {
  const { role, content, ...rest } = isRecord(message) ? message : {};
  if (typeof role !== "string" || role === "") no("a message must have a role", message);
  if (content === undefined || content === null) {
    const called = Array.isArray(rest.tool_calls) && rest.tool_calls.length > 0;
    if (!called) no("a message's content must be text", content);
    return { role, ...rest };
  }
  const parts = Array.isArray(content) && content.every((part) => isRecord(part) && typeof part.type === "string");
  if (typeof content !== "string" && !parts) no("a message's content must be text", content);
  return { role, content: content as string, ...rest };
}
