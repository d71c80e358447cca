/** Messages as the API has them: made into those that templates take, and told whether they are what was said before. */
import type { ToolCall } from "../chat/calls.ts";
import type { ChatMessage } from "../chat/template.ts";
import { isRecord } from "../files/checks.ts";
import { refuseRequest } from "./refusals.ts";

const MOST_MESSAGES = 100_000;

/**
 * Messages of a request as the model's template takes them: `developer` is the system, parts of text are one text, and what a call
 * gives is an object, not JSON in a string.
 * @throws RequestError
 */
export function readMessages(value: unknown): ChatMessage[] {
  const param = "messages";
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_MESSAGES) {
    refuseRequest("messages must be a list of { role, content }", value, { param });
  }
  return value.map((message, i) => readMessage(message, `messages[${i}]`));
}

function readMessage(value: unknown, param: string): ChatMessage {
  if (!isRecord(value)) refuseRequest("a message must be an object", value, { param });
  const given = Object.fromEntries(Object.entries(value).filter(([, field]) => field !== null)); // null: as if it were not there
  const { role, content, tool_calls, refusal: _, audio: __, annotations: ___, ...rest } = given;
  if (typeof role !== "string" || role === "") refuseRequest("a message must have a role", role, { param });
  const calls = readCalls(tool_calls, param);
  return {
    ...rest,
    role: role === "developer" ? "system" : role,
    content: readContent(content, calls.length > 0, param),
    ...(calls.length > 0 ? { tool_calls: calls } : {}),
  };
}

function readContent(content: unknown, calls: boolean, param: string): string {
  if (typeof content === "string") return content;
  if ((content === null || content === undefined) && calls) return "";
  if (!Array.isArray(content) || content.length === 0) {
    refuseRequest("a message's content must be text, or a list of parts of text", content, { param });
  }
  return content.map((part) => {
    if (isRecord(part) && part.type === "text" && typeof part.text === "string") return part.text;
    return refuseRequest("a part of a message must be of text", part, { param, code: "unsupported" });
  }).join("\n");
}

function readCalls(value: unknown, param: string): ToolCall[] {
  if (value === null || value === undefined) return [];
  if (!Array.isArray(value)) refuseRequest("tool_calls must be a list", value, { param });
  return value.map((call) => {
    const { id, function: called } = isRecord(call) ? call : {} as Record<string, unknown>;
    const { name, arguments: text } = isRecord(called) ? called : {} as Record<string, unknown>;
    const given = typeof text === "string" ? parsed(text) : text;
    if (typeof name !== "string" || name === "" || !isRecord(given)) {
      const rule = "a tool call must have a function with a name, and arguments that are a JSON object";
      refuseRequest(rule, call, { param });
    }
    return { type: "function", ...(typeof id === "string" ? { id } : {}), function: { name, arguments: given } };
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What a message comes to, whoever wrote it down: its thoughts and the ids of its calls aside. */
export function essence({ role, content, tool_calls: calls, reasoning_content: _, ...rest }: ChatMessage): string {
  const spoken = (text: string) => text.replace(/^[^]*<\/think>/, "").replace(/^\s*<think>[^]*$/, "").trim(); // a thought may be broken off
  const said = role === "assistant" && typeof content === "string" ? spoken(content) : content ?? "";
  const called = (calls as readonly ToolCall[] | undefined ?? []).map((call) => call.function);
  return JSON.stringify(ordered([role, said, called.map(({ name, arguments: given }) => [name, given]), rest]));
}

/** The same with the fields of all objects in one order. */
export function ordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(ordered);
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.keys(value).sort().map((name) => [name, ordered(value[name])]));
}

/**
 * The messages that a session is to be asked with, where they begin with what it has heard: that as it stands there, so that it is
 * known again, but with the ids of calls that answers speak of. null: they do not.
 */
export function goingOn(heard: readonly ChatMessage[], asked: readonly ChatMessage[]): ChatMessage[] | null {
  if (heard.length === 0 || asked.length <= heard.length) return null;
  if (heard.some((one, i) => essence(one) !== essence(asked[i]))) return null;
  const before = heard.map((one, i) => one.tool_calls ? { ...one, tool_calls: asked[i].tool_calls! } : one);
  return [...before, ...asked.slice(heard.length)];
}
