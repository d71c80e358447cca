/** What a request for an answer in a conversation says. */
import type { ChatMessage } from "../chat/template.ts";
import type { ChatOptions } from "../options/generate.ts";
import type { Model } from "../session/model.ts";
import { type Body, flag, readCommon, textOf, wholeOf } from "./fields.ts";
import { objectOf, readFormat, readTools, templateOptions } from "./forms.ts";
import type { Hosted } from "./hosted.ts";
import { ordered, readMessages } from "./messages.ts";
import { refuseRequest } from "./refusals.ts";
import type { Service } from "./service.ts";

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
  ...["conversation", "append", "pin_system", "modalities"],
];

const MOST_TEMPLATE = 100_000; // characters

/** A request that has been read. */
export type Asked = ReturnType<typeof readChat>;

/** @throws RequestError */
export function readChat(service: Service, body: Body) {
  const common = readCommon(body, OWN);
  const { hosted, generate, session } = service.asked(common);
  const append = flag(body, "append"), id = textOf(body, "conversation");
  if (append && id === undefined) refuseRequest("append must stand beside a conversation", true, { param: "append" });
  const { modalities = null, documents = null } = body;
  if (documents !== null && !Array.isArray(documents)) {
    refuseRequest("documents must be a list", documents, { param: "documents" });
  }
  if (modalities !== null && JSON.stringify(modalities) !== '["text"]') {
    refuseRequest('modalities must be ["text"]', modalities, { param: "modalities", code: "unsupported" });
  }
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
  if (id !== undefined && common.n > 1) {
    refuseRequest("n must be 1 where a conversation has an id", common.n, { param: "n" });
  }
  const { must, ...tools } = readTools(body, template ?? hosted.model.toolTemplate ?? hosted.model.chatTemplate);
  const options: ChatOptions = {
    ...generate,
    ...(logprobs ? { logprobs: top ?? 0 } : {}),
    ...tools,
    ...readFormat(body),
    ...(documents === null ? {} : { documents }),
    ...(template === undefined ? {} : { template }),
    ...(body.pin_system === undefined || body.pin_system === null ? {} : { pinSystem: flag(body, "pin_system") }),
    variables,
    continueFinal,
  };
  const name = hosted.name, messages = readMessages(body.messages);
  const said = Object.keys(common.session).length > 0,
    keep = body.store === undefined || body.store === null || flag(body, "store");
  const prompt = promptOnce(hosted, messages, options);
  const { n, usage } = common;
  return { name, hosted, options, must, session, said, keep, messages, prompt, id, append, n, logprobs, usage };
}

/** What is read of a conversation from its beginning, found out once. */
function promptOnce({ model }: Hosted, messages: readonly ChatMessage[], options: ChatOptions) {
  let found: ReturnType<Model["promptOf"]> | undefined;
  return () => found ??= model.promptOf(messages, templateOptions(options));
}

/** What a template makes of a conversation's beginning besides its messages. */
export function settingOf({ tools, documents, variables, template }: ChatOptions): string {
  const given = Object.entries({ tools, documents, variables, template });
  const told = given.filter(([, value]) => value !== undefined && Object.keys(value).length > 0);
  return told.length === 0 ? "" : JSON.stringify(ordered(Object.fromEntries(told)));
}

/** @throws RequestError for prompts of which more is to be read than allowed */
export function checkLength({ limits }: Service, asked: Asked, fresh: readonly ChatMessage[], goesOn: boolean): void {
  const { tools, documents, variables, template } = asked.options;
  const said = JSON.stringify([fresh, ...(goesOn ? [] : [tools, documents, variables])]);
  if ((goesOn || template === undefined) && said.length < limits.prompt) return; // a token is a character at least
  const tokens = goesOn ? asked.hosted.model.tokenizer.encode(said).length : asked.prompt().ids.length;
  if (tokens <= limits.prompt) return;
  refuseRequest(`messages must have at most ${limits.prompt} tokens`, tokens, { param: "messages", status: 413 });
}
