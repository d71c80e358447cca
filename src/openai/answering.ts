/** Answers in a conversation, step by step. */
import type { ToolCall } from "../chat/calls.ts";
import type { ChatMessage } from "../chat/template.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type Asked, checkLength, settingOf } from "./chat-request.ts";
import type { ApiCall, ChatDelta, FinishReason, TokenLogprob } from "./chat-types.ts";
import type { Lease } from "./conversations.ts";
import { Deltas, type Part } from "./deltas.ts";
import { type Form, formOf, readForm } from "./forms.ts";
import type { Caller, Service } from "./service.ts";
import { mapped, type Token, type Usage, writing } from "./writing.ts";

/** A part of one answer; the last says how it ended. */
export interface Step {
  readonly index: number;
  readonly delta: ChatDelta;
  readonly logprobs: readonly TokenLogprob[] | null;
  readonly reason: FinishReason | null;
}

/** As many answers as are asked for, one after the other. @returns what they took @throws RequestError, KvcapError */
export function answering(service: Service, asked: Asked, caller: Caller): AsyncGenerator<Step, Usage, void> {
  return service.inTurn(caller, async function* (signal): AsyncGenerator<Step, Usage, void> {
    const { hosted, options, session: manner, messages, id, append, n } = asked;
    const form = formOf(hosted, messages, options, asked.must);
    await readForm(hosted, form, service.breathe);
    const wanted = {
      hosted,
      options: manner,
      said: asked.said,
      keep: asked.keep,
      owner: caller.owner,
      id,
      messages,
      append,
      copies: n > 1,
      most: options.maxNewTokens!,
      setting: settingOf(options),
      chat: { ...options, signal },
      prompt: asked.prompt,
      check: (fresh: readonly ChatMessage[], goesOn: boolean) => checkLength(service, asked, fresh, goesOn),
      signal,
    };
    const lease = await service.conversations.lease(wanted);
    const all: Usage[] = [];
    try {
      for (let index = 0; index < n; index++) {
        const one = index < n - 1 ? await lease.fork() : lease; // the last is its own
        try {
          all.push(
            yield* answer(service, asked, { form, lease: one, before: index === 0 ? lease.read : 0, index, signal }),
          );
        } finally {
          await one.settle();
        }
      }
      return summed(all);
    } finally {
      await lease.settle();
    }
  });
}

/** One of several answers. */
interface One {
  readonly form: Form;
  readonly lease: Lease;
  /** Tokens of the request that have been read for it already. */
  readonly before: number;
  readonly index: number;
  readonly signal: AbortSignal;
}

async function* answer(
  service: Service,
  { hosted, logprobs, n }: Asked,
  { form: { options, opened }, lease, before, index, signal }: One,
): AsyncGenerator<Step, Usage, void> {
  const { session } = lease, draws = n > 1 || session.conversation.length === 0; // else they go on
  const seed = options.seed === undefined ? draws ? drawn() : undefined : (options.seed + index) >>> 0;
  const deltas = new Deltas(options.tools, opened);
  const write = writing(
    session,
    { ...options, ...(seed === undefined ? {} : { seed }), signal },
    { numbers: service.numbers, batch: service.batch(hosted), before },
    (listening) => session.chat(lease.messages, listening),
  );
  const step = (delta: ChatDelta, logprobs: Step["logprobs"] = null): Step => ({
    index,
    delta,
    logprobs,
    reason: null,
  });
  const took = yield* mapped(write, ({ text, tokens }) => {
    return step(
      joined(deltas.push(text)),
      logprobs ? tokens.map((token) => told(hosted.model.tokenizer, token)) : null,
    );
  });
  const { parts, calls } = deltas.end();
  if (parts.length > 0) yield step(joined(parts));
  if (calls.length > 0) yield step({ tool_calls: calls.map(apiCall) });
  await lease.settle(); // before the end is told: who hears it may ask another process to go on
  yield { ...step({}), reason: calls.length > 0 ? "tool_calls" : took.ended === "length" ? "length" : "stop" };
  return took.usage;
}

/** What all answers to one prompt took; of the cache, the last's. */
function summed(all: readonly Usage[]): Usage {
  const [{ prompt_tokens, prompt_tokens_details }] = all;
  const completion_tokens = all.reduce((sum, one) => sum + one.completion_tokens, 0);
  const total_tokens = prompt_tokens + completion_tokens;
  return { prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details, kvcap: all.at(-1)!.kvcap };
}

const drawn = () => crypto.getRandomValues(new Uint32Array(1))[0];

function joined(parts: readonly Part[]): ChatDelta {
  const of = (kind: Part["kind"]) => parts.filter((part) => part.kind === kind).map(({ text }) => text).join("");
  const content = of("content"), reasoning = of("reasoning");
  return { ...(content === "" ? {} : { content }), ...(reasoning === "" ? {} : { reasoning_content: reasoning }) };
}

function apiCall({ id, function: { name, arguments: given } }: ToolCall, index: number): ApiCall & { index: number } {
  const called = { name, arguments: JSON.stringify(given) };
  return { index, id: id ?? callId(), type: "function", function: called };
}

/** Nine letters and digits, as templates of Mistral's want it. */
function callId(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 9);
}

/** A token, as the API tells of it. */
export function told(tokenizer: Tokenizer, { id, logprobs }: Token): TokenLogprob {
  const one = (id: number, logprob: number) => ({
    token: tokenizer.decode([id]),
    logprob,
    bytes: [...tokenizer.bytes(id)],
  });
  const top_logprobs = (logprobs?.top ?? []).map(({ id, logprob }) => one(id, logprob));
  return { ...one(id, logprobs?.logprob ?? 0), top_logprobs };
}
