/** An answer's parts: what was thought, what was said, and what is to be called, in the ways that models write them. */
import { callsIn } from "./calls.ts";
import { withLastText } from "./plain.ts";
import type { ChatMessage } from "./template.ts";

export type { ToolCall } from "./calls.ts";

/**
 * The assistant's message that a text is. What stands before `</think>` is its `reasoning_content`. `tool_calls` are what calls.ts
 * finds. What is none of that, or broken, stays text.
 * @param calls whether there may be any (true), or which: the tools, with their schemas
 */
export function answerOf(text: string, calls: unknown): ChatMessage {
  const thought = /^\s*(?:<think>)?([^]*?)<\/think>\s*([^]*)$/.exec(text);
  const reasoning = thought?.[1].trim() ?? "", said = thought ? thought[2] : text;
  const called = calls ? callsIn(said, calls) : null;
  return {
    ...{ role: "assistant", content: called ? called.content : said },
    ...(reasoning !== "" ? { reasoning_content: reasoning } : {}),
    ...(called ? { tool_calls: called.tool_calls } : {}),
  };
}

/** A conversation with its answer. @param goesOn whether that is more of what the last message says */
export function answered(
  messages: readonly ChatMessage[],
  text: string,
  { calls, goesOn }: { calls: unknown; goesOn: boolean },
): ChatMessage[] {
  if (!goesOn) return [...messages, answerOf(text, calls)];
  const last = messages[messages.length - 1];
  return [...messages.slice(0, -1), { ...last, content: withLastText(last.content, (before) => before + text) }];
}
