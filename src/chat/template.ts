/** A model's chat template: Jinja that turns messages into the text that the model was trained on. */
import { Template } from "@huggingface/jinja";
import { quote, refuse, words } from "../errors.ts";
import { isRecord } from "../files/checks.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** One message of a conversation. */
export interface ChatMessage {
  /** "system", "user", "assistant", or what else the model's template knows. */
  readonly role: string;
  /** What was said. */
  readonly content: string;
}

/** Messages to text. @param variables what the template may ask for besides */
export type Render = (messages: readonly ChatMessage[], variables?: Readonly<Record<string, unknown>>) => string;

/** @throws RangeError where there is no template or it is no Jinja */
export function readTemplate(source: string | null, tokenizer: Tokenizer): Render {
  if (source === null || source.trim() === "") {
    refuse("chat", "the model must have a chat template", words("none"), { code: "unsupported", option: "template" });
  }
  let template: Template;
  try {
    template = new Template(source);
  } catch (error) {
    refuse("chat", "the chat template must be Jinja", quote(error), { code: "bad-file", cause: error });
  }
  const text = (id: number | null) => id === null ? undefined : tokenizer.decode([id]);
  const tokens = { bos_token: text(tokenizer.bosId), eos_token: text(tokenizer.eosId) };
  return (messages, variables = {}) => {
    try {
      return template.render({ ...tokens, ...variables, messages, add_generation_prompt: true });
    } catch (error) {
      refuse("chat", "the messages must be such as the model's chat template takes", quote(error), { cause: error });
    }
  };
}

/** Checks a conversation that is to be answered. @throws RangeError */
export function checkMessages(messages: unknown): ChatMessage[] {
  if (!Array.isArray(messages) || messages.length === 0) {
    refuse("chat", "messages must be a text or a list of { role, content }", messages);
  }
  const checked = messages.map((message): ChatMessage => {
    const { role, content } = isRecord(message) ? message : {};
    if (typeof role !== "string" || role === "") refuse("chat", "a message must have a role", message);
    if (typeof content !== "string") refuse("chat", "a message's content must be text", content);
    return { role, content };
  });
  const { role } = checked[checked.length - 1];
  if (role === "assistant") refuse("chat", "the last message must be another's than the assistant's", role);
  return checked;
}
