/** Requests for an answer in a conversation: POST /v1/chat/completions. */
import { answering } from "./answering.ts";
import { type Asked, readChat } from "./chat-request.ts";
import type { ApiCall, ChatChoice, ChatChunk, ChatCompletion, FinishReason, TokenLogprob } from "./chat-types.ts";
import { asBody } from "./fields.ts";
import type { Caller, Service } from "./service.ts";
import { mapped } from "./writing.ts";

/** An answer while it comes. */
interface Coming {
  content: string;
  reasoning: string;
  calls: readonly ApiCall[];
  readonly logprobs: TokenLogprob[];
  reason: FinishReason;
}

/** Answers as a whole. @throws RequestError, KvcapError; the caller's signal's reason */
export async function chatCompletion(service: Service, body: unknown, caller: Caller): Promise<ChatCompletion> {
  const asked = readChat(service, asBody(body));
  const all = Array.from({ length: asked.n }, (): Coming => {
    return { content: "", reasoning: "", calls: [], logprobs: [], reason: "stop" };
  });
  const answer = answering(service, asked, caller);
  let next = await answer.next();
  for (; !next.done; next = await answer.next()) {
    const { index, delta, logprobs, reason } = next.value, one = all[index];
    one.content += delta.content ?? "";
    one.reasoning += delta.reasoning_content ?? "";
    one.calls = delta.tool_calls?.map(({ index: _, ...call }) => call) ?? one.calls;
    one.logprobs.push(...logprobs ?? []);
    one.reason = reason ?? one.reason;
  }
  const [first, ...others] = all.map((one, index) => choiceOf(one, index, asked));
  return { ...head(asked.name), object: "chat.completion", choices: [first, ...others], usage: next.value };
}

function choiceOf(
  { content, reasoning, calls, logprobs, reason }: Coming,
  index: number,
  { logprobs: told }: Asked,
): ChatChoice {
  return {
    index,
    message: {
      ...{ role: "assistant", content: content === "" && calls.length > 0 ? null : content },
      ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
      refusal: null,
    },
    logprobs: told ? { content: logprobs, refusal: null } : null,
    finish_reason: reason,
  };
}

/** Answers as it is written. @throws as chatCompletion; what is wrong with the request, at the first chunk */
export async function* chatChunks(
  service: Service,
  body: unknown,
  caller: Caller,
): AsyncGenerator<ChatChunk, void, void> {
  const asked = readChat(service, asBody(body));
  const common = { ...head(asked.name), object: "chat.completion.chunk" as const };
  const more = asked.usage ? { usage: null } : {};
  const begun = new Set<number>(); // answers of which something has been told
  const usage = yield* mapped(answering(service, asked, caller), ({ index, delta, logprobs, reason }): ChatChunk => {
    const told = asked.logprobs && reason === null ? { content: logprobs ?? [] } : null;
    const role = begun.has(index) ? {} : { role: "assistant" as const };
    begun.add(index);
    return {
      ...common,
      choices: [{ index, delta: { ...role, ...delta }, logprobs: told, finish_reason: reason }],
      ...more,
    };
  });
  if (asked.usage) yield { ...common, choices: [], usage };
}

function head(model: string) {
  return { id: `chatcmpl-${crypto.randomUUID()}`, created: Math.floor(Date.now() / 1000), model };
}
