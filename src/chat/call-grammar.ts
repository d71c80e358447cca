/**
 * Calls that must be: a grammar of them, in the way in which the model's own template shows them. What the template makes of a call by a
 * name that nothing else has is taken apart, and put together again with the names and arguments of the tools.
 */
import { isRecord } from "../files/checks.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { callsIn } from "./calls.ts";
import { thoughtRules } from "./opened.ts";
import { unusedCharacter } from "./plain.ts";
import type { ChatMessage, Render } from "./template.ts";

/** How calls are written: before, NAME, within, ARGUMENTS, and between calls or behind them. Ids stand as `ID`. */
export interface CallFormat {
  readonly before: string;
  readonly within: string;
  /** Null: there is never more than one. */
  readonly between: string | null;
  readonly behind: string;
}

const NAME = "kvcapsname", GIVEN = "kvcapsvalue", ID = "kvcapsid0"; // nine letters and digits, as Mistral's have
const ASKED = { role: "user", content: "?" };

/** How a template shows calls; null where that is none of the ways in which they are found again. */
export function callFormat(
  render: Render,
  variables: Readonly<Record<string, unknown>>,
  { specialTokens }: Tokenizer,
): CallFormat | null {
  const shown = (message: Omit<ChatMessage, "role">): string | null => {
    try {
      return render([ASKED, { role: "assistant", ...message }], { ...variables, add_generation_prompt: false });
    } catch {
      return null; // it refuses such a conversation
    }
  };
  const cut = unusedCharacter([]);
  const call = (i: number) => ({
    ...{ type: "function", id: `${ID.slice(0, -1)}${i}` },
    function: { name: `${NAME}${i}`, arguments: { [GIVEN]: i } },
  });
  const said = shown({ content: cut });
  const parts = (count: number) => {
    const tool_calls = Array.from({ length: count }, (_, i) => call(i));
    const text = shown({ content: "", tool_calls });
    return said === null || text === null ? null : taken(said.split(cut), text, count, specialTokens);
  };
  const one = parts(1);
  if (one === null) return null;
  const [before, within, behind] = one, two = parts(2);
  const same = two && two[0] === before && two[1] === within && two[3] === within && two[4] === behind;
  return { before, within, between: same ? two[2] : null, behind };
}

/** What stands around names and arguments; null where it is not found, or not again as calls. @param around what an answer stands between */
function taken(
  [head, tail = ""]: readonly string[],
  whole: string,
  count: number,
  special: Tokenizer["specialTokens"],
): string[] | null {
  let begin = 0;
  while (begin < head.length && head[begin] === whole[begin]) begin++;
  const parts: string[] = [];
  let at = begin;
  for (let i = 0; i < count; i++) {
    const name = `${NAME}${i}`, named = whole.indexOf(name, at);
    const given = /\{\s*"kvcapsvalue"\s*:\s*(\d)\s*\}/g;
    given.lastIndex = named + name.length;
    const found = named < 0 ? null : given.exec(whole);
    if (found === null || found[1] !== `${i}`) return null;
    parts.push(whole.slice(at, named), whole.slice(named + name.length, found.index));
    at = given.lastIndex;
  }
  const rest = whole.slice(at), ends = special.map(({ text }) => rest.indexOf(text)).filter((at) => at >= 0);
  const ended = tail.trim() !== "" && rest.endsWith(tail) ? rest.length - tail.length : rest.length;
  const behind = rest.slice(0, Math.min(ended, ...ends)).trimEnd();
  const text = whole.slice(begin, at) + behind;
  const calls = callsIn(text)?.tool_calls ?? [];
  const known = calls.length === count && text.indexOf(NAME) >= 0 &&
    calls.every(({ function: { name, arguments: given } }, i) => name === `${NAME}${i}` && given[GIVEN] === i);
  return known ? [...parts, behind].map((part) => part.replace(/kvcapsid\d/g, ID)) : null;
}

/** A tool's name, and a schema of what it is given. */
export interface Callable {
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** The tools that may be called; null where one has no name, or is given no object. */
export function callables(tools: readonly unknown[]): Callable[] | null {
  const found = tools.map((tool) => {
    const { name, parameters = {} } = isRecord(tool) && isRecord(tool.function) ? tool.function : {};
    if (typeof name !== "string" || !/^[\w.-]+$/.test(name) || !isRecord(parameters)) return null;
    return parameters.type === undefined || parameters.type === "object"
      ? { name, parameters: { ...parameters, type: "object" } }
      : null;
  });
  return found.every((one) => one !== null) ? found : null;
}

/** A grammar in GBNF of calls. @param how whether there may be several, and what may be thought before */
export function callGrammar(
  { before, within, between, behind }: CallFormat,
  tools: readonly Callable[],
  how: { readonly several: boolean; readonly opened: boolean; readonly thinks: boolean },
): string {
  const { begin, rules } = thoughtRules(how.opened, how.thinks);
  const each = tools.map(({ name, parameters }) => `${quoted(name + within)} %json ${JSON.stringify(parameters)}`);
  const more = how.several && between !== null ? ` (${quoted(between)} call)*` : "";
  return `root ::= ${begin}${quoted(before)} call${more} ${quoted(behind)}\ncall ::= ${each.join(" | ")}\n${rules}`;
}

/** A text as GBNF has it, ids in it as any. */
function quoted(text: string): string {
  const literal = (part: string) =>
    `"${part.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t")}"`;
  return text.split(ID).map(literal).join(" [a-zA-Z0-9]{9} ");
}
