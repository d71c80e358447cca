/** An answer's parts: what was thought, what was said, and what is to be called, in the ways that models write them. */
import { isRecord } from "../files/checks.ts";
import { withLastText } from "./plain.ts";
import type { ChatMessage } from "./template.ts";

/** A call, as templates take it. */
export interface ToolCall {
  readonly type: "function";
  /** Where the model gave it one. */
  readonly id?: string;
  readonly function: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> };
}

/**
 * The assistant's message that a text is. What stands before `</think>` is its `reasoning_content`. `tool_calls` are what Hermes
 * and Qwen put between `<tool_call>` and `</tool_call>`, Mistral behind `[TOOL_CALLS]`, and Llama 3 in place of all text.
 * What is none of that, or broken, stays text.
 * @param calls whether there may be any
 */
export function answerOf(text: string, calls: boolean): ChatMessage {
  const thought = /^\s*(?:<think>)?([^]*?)<\/think>\s*([^]*)$/.exec(text);
  const reasoning = thought?.[1].trim() ?? "", said = thought ? thought[2] : text;
  const { content, tool_calls } = (calls ? hermes(said) ?? mistral(said) ?? llama(said) : null) ?? { content: said };
  return {
    ...{ role: "assistant", content },
    ...(reasoning !== "" ? { reasoning_content: reasoning } : {}),
    ...(tool_calls ? { tool_calls } : {}),
  };
}

/** A conversation with its answer. @param goesOn whether that is more of what the last message says */
export function answered(
  messages: readonly ChatMessage[],
  text: string,
  { calls, goesOn }: { calls: boolean; goesOn: boolean },
): ChatMessage[] {
  if (!goesOn) return [...messages, answerOf(text, calls)];
  const last = messages[messages.length - 1];
  return [...messages.slice(0, -1), { ...last, content: withLastText(last.content, (before) => before + text) }];
}

/** What was said, and the calls behind it. */
interface Parts {
  readonly content: string;
  readonly tool_calls?: readonly ToolCall[];
}

function hermes(text: string): Parts | null {
  const [before, ...blocks] = text.split("<tool_call>");
  if (blocks.length === 0) return null;
  const calls = blocks.map((block) => {
    const [inside, behind, ...more] = block.split("</tool_call>");
    return more.length > 0 || (behind ?? "").trim() !== "" ? null : callOf(parsed(inside));
  });
  return whole(before, calls);
}

function mistral(text: string): Parts | null {
  const [before, ...blocks] = text.split("[TOOL_CALLS]");
  if (blocks.length === 0) return null;
  if (blocks.length === 1 && !blocks[0].includes("[ARGS]")) {
    const list = parsed(blocks[0]);
    return Array.isArray(list) && list.length > 0 ? whole(before, list.map(callOf)) : null;
  }
  const calls = blocks.map((block) => {
    const [name, given = ""] = block.split("[ARGS]");
    return callOf({ name: name.replace(/\[CALL_ID\][^]*/, "").trim(), arguments: parsed(given) });
  });
  return whole(before, calls);
}

function llama(text: string): Parts | null {
  const body = text.trim().replace(/^<\|python_tag\|>/, "");
  if (!/^\{[^]*\}$/.test(body)) return null;
  const one = parsed(body);
  const several = one === undefined ? body.split(/(?<=\})\s*;\s*(?=\{)/).map(parsed) : [one];
  return whole("", several.map(callOf));
}

/** All calls, or none where one of them is broken. */
function whole(before: string, calls: readonly (ToolCall | null)[]): Parts | null {
  return calls.every((call) => call !== null) ? { content: before.trim(), tool_calls: calls as ToolCall[] } : null;
}

function callOf(value: unknown): ToolCall | null {
  if (!isRecord(value) || typeof value.name !== "string" || value.name === "") return null;
  const { name, id } = value;
  const asked = value.arguments ?? value.parameters;
  const given = typeof asked === "string" ? parsed(asked) : asked;
  if (!isRecord(given)) return null;
  return { type: "function", ...(typeof id === "string" ? { id } : {}), function: { name, arguments: given } };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
