/** Answers of the API, as the AI SDK reads them. */
import type { ApiCall, ChatChunk, ChatCompletion } from "../openai/chat-types.ts";
import type { Usage } from "../openai/writing.ts";
import type { CallPart, FinishReason, Generated, Metadata, StreamPart, TokenUsage, Warning } from "./spec.ts";

/** A whole answer. */
export function generatedOf(
  { choices: [{ message, finish_reason }], usage }: ChatCompletion,
  warnings: Warning[],
): Generated {
  const { content, reasoning_content: thought, tool_calls: calls = [] } = message;
  return {
    content: [
      ...(thought ? [{ type: "reasoning" as const, text: thought }] : []),
      ...(content ? [{ type: "text" as const, text: content }] : []),
      ...calls.map(callOf),
    ],
    finishReason: reasonOf(finish_reason),
    ...told(usage),
    warnings,
  };
}

/** The parts of an answer that comes piece by piece. What goes wrong on the way is a part, too. */
export async function* partsOf(
  chunks: AsyncIterable<ChatChunk>,
  warnings: Warning[],
): AsyncGenerator<StreamPart, void, void> {
  yield { type: "stream-start", warnings };
  let open: "text" | "reasoning" | null = null, reason = reasonOf("stop");
  try {
    for await (const { choices: [choice], usage } of chunks) {
      if (choice) {
        const { reasoning_content: thought, content, tool_calls: calls = [] } = choice.delta;
        for (const [kind, delta] of [["reasoning", thought], ["text", content]] as const) {
          if (!delta) continue;
          if (open !== kind) {
            if (open) yield { type: `${open}-end`, id: open };
            yield { type: `${kind}-start`, id: kind };
            open = kind;
          }
          yield { type: `${kind}-delta`, id: kind, delta };
        }
        if (open && (calls.length > 0 || choice.finish_reason)) {
          yield { type: `${open}-end`, id: open };
          open = null;
        }
        yield* calls.map(callOf);
        if (choice.finish_reason) reason = reasonOf(choice.finish_reason);
      }
      if (usage) yield { type: "finish", finishReason: reason, ...told(usage) };
    }
  } catch (error) {
    yield { type: "error", error };
  }
}

function callOf({ id, function: { name, arguments: input } }: ApiCall): CallPart {
  return { type: "tool-call", toolCallId: id, toolName: name, input };
}

function reasonOf(raw: "stop" | "length" | "tool_calls"): FinishReason {
  return { unified: raw === "tool_calls" ? "tool-calls" : raw, raw };
}

function told(usage: Usage): { usage: TokenUsage; providerMetadata: Metadata } {
  const {
    prompt_tokens: total,
    prompt_tokens_details: { cached_tokens: cacheRead },
    completion_tokens: written,
    kvcap,
  } = usage;
  return {
    usage: {
      inputTokens: { total, noCache: total - cacheRead, cacheRead, cacheWrite: undefined },
      outputTokens: { total: written, text: undefined, reasoning: undefined },
    },
    providerMetadata: { kvcap: { ...kvcap } },
  };
}
