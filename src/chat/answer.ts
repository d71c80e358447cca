/** An answer's parts: what was thought, what was said, and what is to be called, in the ways that models write them. */
import { callsIn } from "./calls.ts";
import { withLastText } from "./plain.ts";
import type { ChatMessage } from "./template.ts";

export type { ToolCall } from "./calls.ts";

/**
 * The assistant's message that a text is. What stands before `</think>` is its `reasoning_content`. `tool_calls` are what calls.ts
 * finds. What is none of that, or broken, stays text.
 * @param calls whether there may be any (true), or which: the tools, with their schemas
 * @param opened whether the text begins within a thought: all of it is one that has no end
 */
export function answerOf(text: string, calls: unknown, opened = false): ChatMessage {
  const thought = /^\s*(?:<think>)?([^]*?)<\/think>\s*([^]*)$/.exec(text);
  if (opened && !thought) {
    return { role: "assistant", content: "", reasoning_content: text.replace(/^\s*<think>/, "").trim() };
  }
  const reasoning = thought?.[1].trim() ?? "", said = thought ? thought[2] : text;
  const called = calls ? callsIn(said, calls) : null;
  return {
    ...{ role: "assistant", content: called ? called.content : said },
    ...(reasoning !== "" ? { reasoning_content: reasoning } : {}),
    ...(called ? { tool_calls: called.tool_calls } : {}),
  };
}

/** A conversation with its answer. @param how whether that is more of what the last message says, and the rest as answerOf has it */
export function answered(
  messages: readonly ChatMessage[],
  text: string,
  { calls, goesOn, opened }: { calls: unknown; goesOn: boolean; opened?: boolean },
): ChatMessage[] {
  if (!goesOn) return [...messages, answerOf(text, calls, opened)];
  const last = messages[messages.length - 1];
  return [...messages.slice(0, -1), { ...last, content: withLastText(last.content, (before) => before + text) }];
}
