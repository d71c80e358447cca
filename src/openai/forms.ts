/** What an answer must be: of which tools it may or must have calls, and of which format its text is. */
import { callFormat } from "../chat/call-format.ts";
import { type Callable, callables, callGrammar } from "../chat/call-grammar.ts";
import { knowsThoughts, opensThought, thoughtRules } from "../chat/opened.ts";
import type { ChatMessage } from "../chat/template.ts";
import { KvcapError, KvcapRangeError, words } from "../errors.ts";
import { isRecord } from "../files/checks.ts";
import type { ChatOptions, TemplateOptions } from "../options/generate.ts";
import type { Model } from "../session/model.ts";
import { type Body, flag } from "./fields.ts";
import type { Hosted } from "./hosted.ts";
import { refuseRequest } from "./refusals.ts";

/** Calls that must be. */
export interface Must {
  /** Of which tools. */
  readonly tools: readonly Callable[];
  readonly several: boolean;
}

export function objectOf(body: Body, name: string): Record<string, unknown> | undefined {
  const value = body[name];
  if (value === null || value === undefined) return undefined;
  return isRecord(value) ? value : refuseRequest(`${name} must be an object`, value, { param: name });
}

/** The tools that may be called, and the calls that must be; null: none must. @param template that is to speak of them @throws RequestError */
export function readTools(body: Body, template: string | null): Pick<ChatOptions, "tools"> & { must: Must | null } {
  const { tools } = body;
  const parallel = body.parallel_tool_calls === null ? undefined : body.parallel_tool_calls;
  const several = parallel !== undefined && flag(body, "parallel_tool_calls"); // who asks for one gets one, unless more are asked for
  if (tools !== undefined && tools !== null) {
    const fits = Array.isArray(tools) &&
      tools.every((one) => isRecord(one) && one.type === "function" && isRecord(one.function));
    if (!fits) refuseRequest("tools must be a list of functions", tools, { param: "tools" });
  }
  const list = (tools ?? []) as readonly Record<string, unknown>[];
  const must = mustOf(body.tool_choice, list, several);
  if (parallel === false && must === null) {
    const rule = "parallel_tool_calls must be true or left out where tool_choice does not ask for a call";
    refuseRequest(rule, false, { param: "parallel_tool_calls" });
  }
  if (body.tool_choice === "none" || list.length === 0) return { must: null };
  if (template !== null && !/\btools\b/.test(template)) {
    const parts = { param: "tools", code: "unsupported" };
    const rule = "tools must stand in the model's chat template, which else says nothing of them";
    refuseRequest(rule, words("none"), parts);
  }
  return { tools: list, must };
}

function mustOf(choice: unknown, tools: readonly unknown[], several: boolean): Must | null {
  if (choice === undefined || choice === null || choice === "auto" || choice === "none") return null;
  const param = "tool_choice";
  const named = isRecord(choice) && choice.type === "function" && isRecord(choice.function)
    ? choice.function.name
    : null;
  if (choice !== "required" && typeof named !== "string") {
    const rule = "tool_choice must be auto, none, required or a function by its name";
    refuseRequest(rule, choice, { param, code: "unsupported" });
  }
  const all = callables(tools);
  if (all === null) {
    const rule = "tools of which one must be called must have names of letters, digits, _, - and ., and take objects";
    refuseRequest(rule, words("another"), { param: "tools" });
  }
  const found = named === null ? all : all.filter(({ name }) => name === named);
  if (found.length === 0) {
    const rule = named === null
      ? "tool_choice required must stand beside tools"
      : "tool_choice must be one of the tools";
    refuseRequest(rule, named ?? words("none"), { param, names: all.map(({ name }) => name) });
  }
  return { tools: found, several: several && named === null };
}

/** What the text must be: any JSON, or JSON of a schema. @throws RequestError */
export function readFormat(body: Body): Pick<ChatOptions, "jsonSchema"> {
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

/** How an answer begins, and the options that make it what it must be. */
export interface Form {
  /** Whether it begins within a thought. */
  readonly opened: boolean;
  readonly options: ChatOptions;
  /** Whose schemas the grammar is made of, where the request has none of its own. */
  readonly of?: "tools" | "response_format";
}

/** @throws RequestError where calls must be and the template does not show how; KvcapRangeError where there is none */
export function formOf(
  hosted: Hosted,
  messages: readonly ChatMessage[],
  options: ChatOptions,
  must: Must | null,
): Form {
  const { model } = hosted, { jsonSchema, ...rest } = options, asked = templateOptions(options);
  const thinks = knowsThoughts(asked.template ?? (asked.tools ? model.toolTemplate : null) ?? model.chatTemplate);
  const opened = thinks && !asked.continueFinal && opensThought(textOf(model, messages, asked));
  if (must === null) {
    if (!opened || jsonSchema === undefined) return { opened: opened && options.grammar === undefined, options };
    const { begin, rules } = thoughtRules(opened, thinks); // JSON comes behind the thought
    const grammar = `root ::= ${begin}%json ${JSON.stringify(jsonSchema)}\n${rules}`;
    return { opened, options: { ...rest, grammar }, of: "response_format" };
  }
  if (jsonSchema !== undefined || options.grammar !== undefined) {
    const param = options.grammar === undefined ? "response_format" : "grammar";
    refuseRequest(`${param} must not stand beside a tool_choice that asks for a call`, words("both"), { param });
  }
  const silent = { ...asked, variables: { ...asked.variables, add_generation_prompt: false }, continueFinal: false };
  const format = callFormat((messages) => model.chatText(messages, silent), model.tokenizer);
  if (format === null) {
    const rule =
      "tool_choice must be auto or none where the model's chat template shows no calls in a way that is known";
    refuseRequest(rule, words("one that must be"), { param: "tool_choice", code: "unsupported" });
  }
  const how = { several: must.several, opened, thinks };
  return { opened, options: { ...rest, grammar: callGrammar(format, must.tools, how) }, of: "tools" };
}

/** Reads the grammar of a form. @throws KvcapRangeError, which names the field that it is made of */
export async function readForm({ model }: Hosted, { options, of }: Form, breathe: () => Promise<void>): Promise<void> {
  try {
    await model.prepareGrammar(options, breathe);
  } catch (error) {
    if (of === undefined || !(error instanceof KvcapError)) throw error;
    throw new KvcapRangeError({ ...error, action: `read a schema of ${of}`, option: of });
  }
}

/** What messages become; nothing where the template refuses them, which who reads them hears of. */
function textOf(model: Model, messages: readonly ChatMessage[], options: TemplateOptions): string {
  try {
    return model.chatText(messages, options);
  } catch {
    return "";
  }
}

/** What of an answer's options makes text of a conversation. */
export function templateOptions(options: ChatOptions): TemplateOptions {
  const { tools, documents, variables, continueFinal, template } = options;
  const given = Object.entries({ tools, documents, variables, continueFinal, template });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}
