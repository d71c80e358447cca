/** Requests for an answer in a conversation: POST /v1/chat/completions. */
import type { ToolCall } from "../chat/calls.ts";
import type { ChatMessage } from "../chat/template.ts";
import { words } from "../errors.ts";
import { isRecord } from "../files/checks.ts";
import type { ChatOptions } from "../options/generate.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { promptOf } from "../session/asking.ts";
import { insideOf } from "../session/model.ts";
import { type Lease } from "./conversations.ts";
import { Deltas, type Part } from "./deltas.ts";
import { asBody, type Body, flag, readCommon, textOf, wholeOf } from "./fields.ts";
import type { Hosted } from "./hosted.ts";
import { ordered, readMessages } from "./messages.ts";
import { refuseRequest } from "./refusals.ts";
import type { Caller, Service } from "./service.ts";
import { mapped, type Token, type Usage, writing } from "./writing.ts";

const OWN = [
  ...["messages", "logprobs", "top_logprobs", "tools", "tool_choice", "parallel_tool_calls", "response_format"],
  ...[
    "reasoning_effort",
    "chat_template_kwargs",
    "chat_template",
    "documents",
    "continue_final_message",
    "add_generation_prompt",
  ],
  ...["conversation", "append", "pin_system"],
];

const MOST_TEMPLATE = 100_000; // characters

/** A call, as the API has it. */
export interface ApiCall {
  readonly id: string;
  readonly type: "function";
  readonly function: { readonly name: string; readonly arguments: string };
}

/** What a token is told by. */
export interface TokenLogprob {
  readonly token: string;
  readonly logprob: number;
  readonly bytes: readonly number[];
  readonly top_logprobs: readonly Omit<TokenLogprob, "top_logprobs">[];
}

/** A part of an answer, as it comes. */
export interface ChatDelta {
  readonly role?: "assistant";
  readonly content?: string | null;
  readonly reasoning_content?: string;
  readonly tool_calls?: readonly (ApiCall & { readonly index: number })[];
}

export type FinishReason = "stop" | "length" | "tool_calls";

export interface ChatChunk {
  readonly id: string;
  readonly object: "chat.completion.chunk";
  readonly created: number;
  readonly model: string;
  readonly choices: readonly {
    readonly index: 0;
    readonly delta: ChatDelta;
    readonly logprobs: { readonly content: readonly TokenLogprob[] } | null;
    readonly finish_reason: FinishReason | null;
  }[];
  readonly usage?: Usage | null;
}

export interface ChatCompletion {
  readonly id: string;
  readonly object: "chat.completion";
  readonly created: number;
  readonly model: string;
  readonly choices: readonly [{
    readonly index: 0;
    readonly message: {
      readonly role: "assistant";
      readonly content: string | null;
      readonly reasoning_content?: string;
      readonly tool_calls?: readonly ApiCall[];
      readonly refusal: null;
    };
    readonly logprobs: { readonly content: readonly TokenLogprob[]; readonly refusal: null } | null;
    readonly finish_reason: FinishReason;
  }];
  readonly usage: Usage;
}

/** Answers as a whole. @throws RequestError, KvcapError; the caller's signal's reason */
export async function chatCompletion(service: Service, body: unknown, caller: Caller): Promise<ChatCompletion> {
  const asked = readChat(service, asBody(body));
  let content = "", reasoning = "", calls: readonly ApiCall[] = [];
  const logprobs: TokenLogprob[] = [];
  const answer = answering(service, asked, caller);
  let next = await answer.next();
  for (; !next.done; next = await answer.next()) {
    const { delta } = next.value;
    content += delta.content ?? "";
    reasoning += delta.reasoning_content ?? "";
    calls = delta.tool_calls?.map(({ index: _, ...call }) => call) ?? calls;
    logprobs.push(...next.value.logprobs ?? []);
  }
  const { reason, usage } = next.value;
  return {
    ...{ ...head(asked.name), object: "chat.completion" },
    choices: [{
      index: 0,
      message: {
        ...{ role: "assistant", content: content === "" && calls.length > 0 ? null : content },
        ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
        ...(calls.length > 0 ? { tool_calls: calls } : {}),
        refusal: null,
      },
      logprobs: asked.logprobs ? { content: logprobs, refusal: null } : null,
      finish_reason: reason,
    }],
    usage,
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
  let role: { role?: "assistant" } = { role: "assistant" };
  const { reason, usage } = yield* mapped(answering(service, asked, caller), ({ delta, logprobs }): ChatChunk => {
    const told = asked.logprobs ? { content: logprobs ?? [] } : null;
    const choice = { index: 0, delta: { ...role, ...delta }, logprobs: told, finish_reason: null } as const;
    role = {};
    return { ...common, choices: [choice], ...more };
  });
  yield { ...common, choices: [{ index: 0, delta: { ...role }, logprobs: null, finish_reason: reason }], ...more };
  if (asked.usage) yield { ...common, choices: [], usage };
}

function head(model: string) {
  return { id: `chatcmpl-${crypto.randomUUID()}`, created: Math.floor(Date.now() / 1000), model };
}

function readChat(service: Service, body: Body) {
  const common = readCommon(body, OWN);
  const { hosted, generate, session } = service.asked(common);
  const append = flag(body, "append"), id = textOf(body, "conversation");
  if (append && id === undefined) refuseRequest("append must stand beside a conversation", true, { param: "append" });
  const logprobs = flag(body, "logprobs");
  const top = wholeOf(body, "top_logprobs", 20);
  if (top !== undefined && !logprobs) {
    refuseRequest("top_logprobs must stand beside logprobs", top, { param: "top_logprobs" });
  }
  const template = textOf(body, "chat_template", MOST_TEMPLATE);
  const effort = textOf(body, "reasoning_effort");
  const given = objectOf(body, "chat_template_kwargs") ?? {};
  const variables = effort === undefined ? given : { reasoning_effort: effort, ...given };
  const continueFinal = flag(body, "continue_final_message");
  if (body.parallel_tool_calls === false) {
    refuseRequest("parallel_tool_calls must be true or left out", false, { param: "parallel_tool_calls" });
  }
  const options: ChatOptions = {
    ...generate,
    ...(logprobs ? { logprobs: top ?? 0 } : {}),
    ...toolsOf(body, template ?? hosted.model.toolTemplate ?? hosted.model.chatTemplate),
    ...formatOf(body),
    ...(Array.isArray(body.documents) ? { documents: body.documents } : {}),
    ...(template === undefined ? {} : { template }),
    ...(body.pin_system === undefined || body.pin_system === null ? {} : { pinSystem: flag(body, "pin_system") }),
    variables,
    continueFinal,
  };
  const name = hosted.name, messages = readMessages(body.messages);
  const said = Object.keys(common.session).length > 0,
    keep = body.store === undefined || body.store === null || flag(body, "store");
  const prompt = promptOnce(hosted, messages, options);
  return { name, hosted, options, session, said, keep, messages, prompt, id, append, logprobs, usage: common.usage };
}

function objectOf(body: Body, name: string): Record<string, unknown> | undefined {
  const value = body[name];
  if (value === null || value === undefined) return undefined;
  return isRecord(value) ? value : refuseRequest(`${name} must be an object`, value, { param: name });
}

/** @param template that is to speak of them */
function toolsOf(body: Body, template: string | null): Pick<ChatOptions, "tools"> {
  const { tools, tool_choice: choice } = body;
  if (choice !== undefined && choice !== null && choice !== "auto" && choice !== "none") {
    refuseRequest("tool_choice must be auto or none", choice, { param: "tool_choice", code: "unsupported" });
  }
  if (tools === undefined || tools === null) return {};
  const fits = Array.isArray(tools) &&
    tools.every((one) => isRecord(one) && one.type === "function" && isRecord(one.function));
  if (!fits) refuseRequest("tools must be a list of functions", tools, { param: "tools" });
  if (choice === "none" || (tools as unknown[]).length === 0) return {};
  if (template !== null && !/\btools\b/.test(template)) {
    const parts = { param: "tools", code: "unsupported" };
    refuseRequest(
      "tools must stand in the model's chat template, which else says nothing of them",
      words("none"),
      parts,
    );
  }
  return { tools: tools as Record<string, unknown>[] };
}

/** What the text must be: any JSON, or JSON of a schema. */
function formatOf(body: Body): Pick<ChatOptions, "jsonSchema"> {
  const param = "response_format";
  const format = objectOf(body, param);
  if (format === undefined || format.type === "text") return {};
  if (format.type === "json_object") return { jsonSchema: true };
  if (format.type !== "json_schema") {
    refuseRequest("response_format must be of type text, json_object or json_schema", format.type, { param });
  }
  const { schema } = isRecord(format.json_schema) ? format.json_schema : {};
  return isRecord(schema) ? { jsonSchema: schema } : refuseRequest("json_schema must have a schema", schema, { param });
}

interface Step {
  readonly delta: ChatDelta;
  readonly logprobs: readonly TokenLogprob[] | null;
}

type Asked = ReturnType<typeof readChat>;

/** One answer, step by step. */
function answering(service: Service, asked: Asked, caller: Caller) {
  return service.inTurn(
    caller,
    async function* (signal): AsyncGenerator<Step, { reason: FinishReason; usage: Usage }, void> {
      const { hosted, options, session: manner, messages, id, append } = asked;
      const most = options.maxNewTokens!;
      const wanted = {
        hosted,
        options: manner,
        said: asked.said,
        keep: asked.keep,
        owner: caller.owner,
        id,
        messages,
        append,
        most,
        setting: settingOf(options),
        chat: { ...options, signal },
        prompt: asked.prompt,
        check: (fresh: readonly ChatMessage[], goesOn: boolean) => checkLength(service, asked, fresh, goesOn),
        signal,
      };
      const lease: Lease = await service.conversations.lease(wanted);
      try {
        const begins = lease.session.conversation.length === 0;
        const seeded = options.seed === undefined && begins ? { seed: drawn() } : {};
        const deltas = new Deltas(options.tools);
        const write = writing(
          lease.session,
          { ...options, ...seeded, signal },
          { numbers: service.numbers, before: lease.read },
          (listening) => lease.session.chat(lease.messages, listening),
        );
        const { tokenizer } = hosted.model;
        const took = yield* mapped(write, ({ text, tokens }): Step => {
          const logprobs = asked.logprobs ? tokens.map((token) => told(tokenizer, token)) : null;
          return { delta: joined(deltas.push(text)), logprobs };
        });
        const { parts, calls } = deltas.end();
        if (parts.length > 0) yield { delta: joined(parts), logprobs: null };
        if (calls.length > 0) yield { delta: { tool_calls: calls.map(apiCall) }, logprobs: null };
        const reason = calls.length > 0 ? "tool_calls" : took.ended === "length" ? "length" : "stop";
        await lease.settle(); // before the end is told: who hears it may ask another process to go on
        return { reason, usage: took.usage };
      } finally {
        await lease.settle();
      }
    },
  );
}

/** What is read of a conversation from its beginning, found out once. */
function promptOnce({ model }: Hosted, messages: readonly ChatMessage[], options: ChatOptions) {
  let found: ReturnType<typeof promptOf> | undefined;
  const { tools, documents, variables, continueFinal, template } = options;
  const given = Object.entries({ tools, documents, variables, continueFinal, template });
  const asked = Object.fromEntries(given.filter(([, value]) => value !== undefined));
  return () => found ??= promptOf(insideOf(model), messages, asked);
}

/** What a template makes of a conversation's beginning besides its messages. */
function settingOf({ tools, documents, variables, template }: ChatOptions): string {
  const given = Object.entries({ tools, documents, variables, template });
  const told = given.filter(([, value]) => value !== undefined && Object.keys(value).length > 0);
  return told.length === 0 ? "" : JSON.stringify(ordered(Object.fromEntries(told)));
}

/** @throws RequestError for prompts of which more is to be read than allowed */
function checkLength({ limits }: Service, asked: Asked, fresh: readonly ChatMessage[], goesOn: boolean): void {
  const { tools, documents, variables, template } = asked.options;
  const said = JSON.stringify([fresh, ...(goesOn ? [] : [tools, documents, variables])]);
  if ((goesOn || template === undefined) && said.length < limits.prompt) return; // a token is a character at least
  const tokens = goesOn ? asked.hosted.model.tokenizer.encode(said).length : asked.prompt().ids.length;
  if (tokens <= limits.prompt) return;
  refuseRequest(`messages must have at most ${limits.prompt} tokens`, tokens, { param: "messages", status: 413 });
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
