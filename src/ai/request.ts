/** What the AI SDK asks, as a request of the API. */
import { isRecord } from "../files/checks.ts";
import type { RequestBody } from "../openai/over-fetch.ts";
import { RequestError } from "../openai/refusals.ts";
import type { CallOptions, PromptMessage, PromptPart, Warning } from "./spec.ts";

/** The request, and what of it is not done as asked. @throws RequestError for what no answer would be right without */
export function requestOf(model: string, options: CallOptions): { body: RequestBody; warnings: Warning[] } {
  const warnings: Warning[] = [];
  const { tools = [], toolChoice, responseFormat } = options;
  const functions = tools.filter(({ type }) => type === "function");
  for (const { name } of tools.filter(({ type }) => type !== "function")) {
    warnings.push({ type: "unsupported", feature: `the provider's tool ${name}` });
  }
  const fields = {
    ...{ model, messages: options.prompt.flatMap(messagesOf), max_tokens: options.maxOutputTokens },
    ...{ temperature: options.temperature, top_p: options.topP, top_k: options.topK, seed: options.seed },
    ...{ presence_penalty: options.presencePenalty, frequency_penalty: options.frequencyPenalty },
    stop: options.stopSequences?.length ? options.stopSequences : undefined,
    tools: functions.length === 0 || toolChoice?.type === "none" ? undefined : functions.map((tool) => ({
      type: "function",
      function: { name: tool.name, description: tool.description, parameters: tool.inputSchema },
    })),
    tool_choice: functions.length === 0 ? undefined : choiceOf(toolChoice),
    response_format: responseFormat?.type === "json" ? formatOf(responseFormat.schema) : undefined,
    ...options.providerOptions?.kvcap,
  };
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { body: Object.fromEntries(given), warnings };
}

/** Auto, where nothing is said. */
function choiceOf(
  { type, toolName }: { readonly type: string; readonly toolName?: string } = { type: "auto" },
): unknown {
  return type === "tool" ? { type: "function", function: { name: toolName } } : type;
}

const formatOf = (schema: unknown) =>
  schema === undefined ? { type: "json_object" } : { type: "json_schema", json_schema: { name: "answer", schema } };

/** A part with whatever its kind has. */
type Fields = PromptPart & Readonly<Record<string, unknown>>;

/** A message of the SDK's, as those of the API that it comes to: results of several tools are a message each. */
function messagesOf({ role, content }: PromptMessage): Record<string, unknown>[] {
  if (typeof content === "string") return [{ role, content }];
  const parts = content as readonly Fields[];
  if (role === "tool") {
    return parts.filter(({ type }) => type === "tool-result").map(({ toolCallId, toolName, output }) => ({
      ...{ role, tool_call_id: toolCallId, name: toolName, content: resultOf(output) },
    }));
  }
  const calls = parts.filter(({ type }) => type === "tool-call").map(({ toolCallId: id, toolName, input }) => ({
    ...{ id, type: "function", function: { name: toolName, arguments: JSON.stringify(input ?? {}) } },
  }));
  const said = parts.filter(({ type }) => !["tool-call", "reasoning"].includes(type)).map(textOf);
  if (role === "user") { // the SDK leaves empty parts out
    return [{ role, content: said.length === 0 ? "" : said.map((text) => ({ type: "text", text })) }];
  }
  return [{ role, content: said.join(""), ...(calls.length > 0 ? { tool_calls: calls } : {}) }];
}

function textOf(part: Fields): string {
  if (part.type === "text") return String(part.text);
  const got = `one of type ${part.type}`;
  throw new RequestError(`Cannot answer the request: a part of a message must be of text, got ${got}`, {
    code: "unsupported",
  });
}

function resultOf(output: unknown): string {
  const { type, value, reason } = isRecord(output) ? output : { type: "text", value: output, reason: undefined };
  if (type === "execution-denied") return typeof reason === "string" ? reason : "the call was not allowed";
  if (type === "content" && Array.isArray(value)) return value.map(textOf).join("\n");
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}
