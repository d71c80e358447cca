/**
 * What a model wants called, in the ways that Hermes and Qwen, Mistral and Llama 3 write it. Where models differ, as the parsers of vLLM
 * and llama.cpp have it, but for this: where one call is broken, or there is text behind them, all of it is text.
 */
import { isRecord } from "../files/checks.ts";
import { type Found, jsonAt, listAt, literalAt, objectAt, parsed, pastSpace } from "./literals.ts";

/** A call, as templates take it. */
export interface ToolCall {
  readonly type: "function";
  /** Where the model gave it one. */
  readonly id?: string;
  readonly function: { readonly name: string; readonly arguments: Readonly<Record<string, unknown>> };
}

/** What was said, and the calls behind it. */
export interface Called {
  readonly content: string;
  readonly tool_calls: readonly ToolCall[];
}

/** What calls begin with, wherever they stand. */
export const MARKS = ["<tool_call>", "[TOOL_CALLS]", "<function="] as const;
/** And what an answer begins with that is nothing but calls. */
export const FIRST_MARKS = ["{", "[", "<|python_tag|>"] as const;

/**
 * The calls that a text ends with, or null: it is text.
 * @param tools what may be called, where that is known: by its schemas what is written without quotes gets its type
 */
export function callsIn(text: string, tools: unknown = null): Called | null {
  const only = llama(text.trim());
  if (only && only.length > 0) return { content: "", tool_calls: only };
  const marks = MARKS.map((mark) => [text.indexOf(mark), mark] as const).filter(([at]) => at >= 0);
  if (marks.length === 0) return null;
  const [at, mark] = marks.sort(([a], [b]) => a - b)[0];
  const calls = mark === "[TOOL_CALLS]" ? mistral(text, at) : tagged(text, at, Array.isArray(tools) ? tools : []);
  return calls && { content: text.slice(0, at).trim(), tool_calls: calls };
}

/** A call by its parts; null where they are none. */
function callOf(name: unknown, given: unknown, id?: unknown): ToolCall | null {
  const asked = typeof given === "string" ? parsed(given) : given;
  if (typeof name !== "string" || name === "" || !isRecord(asked)) return null;
  const known = typeof id === "string" && id !== "" ? { id } : {};
  return { type: "function", ...known, function: { name, arguments: asked } };
}

/** A call that is an object: its name, and arguments or, as Llama has them, parameters. */
function objectCall(value: unknown): ToolCall | null {
  return isRecord(value) ? callOf(value.name, value.arguments ?? value.parameters, value.id) : null;
}

/** A call that is an object at `from`. */
function callAt(text: string, from: number): Found<ToolCall> | null {
  const found = objectAt(text, from), call = found && objectCall(found.value);
  return call && { value: call, end: found!.end };
}

/**
 * Calls in tags, up to the text's end: `<tool_call>{…}</tool_call>` of Hermes and Qwen, what Qwen3-Coder puts there, `<function=…>`, with
 * the tag around it or without, and Llama 3.1's `<function=NAME>{…}</function>`. The model may end before the last tag is closed.
 */
function tagged(text: string, from: number, schemas: readonly unknown[]): ToolCall[] | null {
  const [open, close] = ["<tool_call>", "</tool_call>"];
  const calls: ToolCall[] = [];
  let at = from;
  while (at < text.length) {
    const wrapped = text.startsWith(open, at);
    const inside = wrapped ? pastSpace(text, at + open.length) : at;
    const found = text.startsWith(FUNCTION, inside)
      ? functionAt(text, inside, schemas)
      : wrapped
      ? callAt(text, inside)
      : null;
    if (!found) return null;
    calls.push(found.value);
    at = pastSpace(text, found.end);
    if (wrapped && text.startsWith(close, at)) at = pastSpace(text, at + close.length);
    else if (wrapped && at < text.length) return null;
  }
  return calls;
}

const FUNCTION = "<function=", END = "</function>", PARAMETER = "<parameter=", ENDED = "</parameter>";

/** `<function=NAME>` with an object of arguments, or `<parameter=KEY>value</parameter>` for each of them. */
function functionAt(text: string, from: number, schemas: readonly unknown[]): Found<ToolCall> | null {
  const behind = text.indexOf(">", from);
  if (behind < 0) return null;
  const name = text.slice(from + FUNCTION.length, behind).trim();
  let at = pastSpace(text, behind + 1);
  const given = objectAt(text, at);
  const pairs: [string, unknown][] = [];
  if (given) at = pastSpace(text, given.end);
  while (text.startsWith(PARAMETER, at)) {
    const [named, ended] = [text.indexOf(">", at), text.indexOf(ENDED, at)];
    if (named < 0 || ended < named) return null;
    const key = text.slice(at + PARAMETER.length, named).trim();
    const value = text.slice(named + 1, ended).replace(/^\n/, "").replace(/\n$/, "");
    pairs.push([key, typed(value, typesOf(schemas, name, key))]);
    at = pastSpace(text, ended + ENDED.length);
  }
  const call = callOf(name, given ? given.value : Object.fromEntries(pairs));
  const closed = text.startsWith(END, at);
  if (!call || !closed && (!given || at < text.length)) return null; // without an object more arguments might have come
  return { value: call, end: closed ? at + END.length : at };
}

/** The types that a tool's schema has for an argument; none where it says nothing. */
function typesOf(schemas: readonly unknown[], name: string, key: string): unknown[] {
  const field = (value: unknown, name: string) => isRecord(value) ? value[name] : undefined;
  const tool = schemas.map((one) => field(one, "function") ?? one).find((one) => field(one, "name") === name);
  const properties = field(field(tool, "parameters"), "properties");
  const own = isRecord(properties) && Object.hasOwn(properties, key) ? properties[key] : undefined;
  return [field(own, "type") ?? []].flat();
}

/** A value without quotes: text, unless its types are others and it is one of these. */
function typed(text: string, types: readonly unknown[]): unknown {
  if (types.length === 0 || types.includes("string")) return text;
  const [trimmed, json] = [text.trim(), parsed(text)];
  if (json !== undefined) return json;
  const found = literalAt(trimmed, 0); // as Python writes it: True, None, {'a': 1}
  return found && found.end === trimmed.length ? found.value : text;
}

/** `[TOOL_CALLS]` with a list of objects; or before each call, which is NAME{…}, with an id NAME[CALL_ID]…[ARGS]{…}. */
function mistral(text: string, from: number): ToolCall[] | null {
  const mark = "[TOOL_CALLS]";
  const calls: (ToolCall | null)[] = [];
  let at = from;
  while (at < text.length) {
    if (!text.startsWith(mark, at)) return null;
    at = pastSpace(text, at + mark.length);
    const list = jsonAt(text, at);
    if (list) {
      if (!Array.isArray(list.value) || list.value.length === 0) return null;
      calls.push(...list.value.map(objectCall));
      at = pastSpace(text, list.end);
      continue;
    }
    const head = /([^\s[\]{}]+)\s*(?:\[CALL_ID\]([^[\]{}]*))?(?:\[ARGS\])?\s*(?=\{)/y;
    head.lastIndex = at;
    const [whole, name, id] = head.exec(text) ?? [];
    const given = whole === undefined ? null : objectAt(text, at + whole.length);
    if (!given) return null;
    calls.push(callOf(name, given.value, id?.trim()));
    at = pastSpace(text, given.end);
  }
  return all(calls);
}

/**
 * A text that is nothing but calls: objects with `;` between, `[f(a=1), g()]` as Llama 3.2 writes them, or behind `<|python_tag|>` one of Llama
 * 3.1's own tools, `brave_search.call(query="…")`.
 */
function llama(text: string): ToolCall[] | null {
  const tag = "<|python_tag|>";
  const tagged = text.startsWith(tag);
  const begin = tagged ? pastSpace(text, tag.length) : 0;
  if (text[begin] === "[") {
    const list = listAt(text, begin, "]", (at) => writtenAt(text, at, ""));
    return list && list.end === text.length ? all(list.value) : null;
  }
  if (text[begin] !== "{") {
    const call = tagged ? writtenAt(text, begin, ".call") : null;
    return call && call.end === text.length ? [call.value] : null;
  }
  const calls: ToolCall[] = [];
  for (let at = begin; at < text.length;) {
    const found = callAt(text, at);
    if (!found) return null;
    calls.push(found.value);
    at = pastSpace(text, found.end);
    if (text[at] === ";") at = pastSpace(text, at + 1);
    else if (at < text.length) return null;
  }
  return calls;
}

/** A call as Python writes it: NAME, what stands behind the name, and named arguments. */
function writtenAt(text: string, from: number, method: string): Found<ToolCall> | null {
  const name = /[A-Za-z_]\w*/y;
  name.lastIndex = from;
  const [called] = name.exec(text) ?? [];
  if (called === undefined || !text.startsWith(`${method}(`, from + called.length)) return null;
  const given = listAt(text, from + called.length + method.length, ")", (at): Found<[string, unknown]> | null => {
    const key = /([A-Za-z_]\w*)\s*=\s*/y;
    key.lastIndex = at;
    const found = key.exec(text);
    const value = found && literalAt(text, key.lastIndex);
    return value && { value: [found[1], value.value], end: value.end };
  });
  const call = given && callOf(called, Object.fromEntries(given.value));
  return call && { value: call, end: given.end };
}

/** All calls, or none where one of them is broken. */
function all(calls: readonly (ToolCall | null)[]): ToolCall[] | null {
  return calls.every((call) => call !== null) ? calls as ToolCall[] : null;
}
