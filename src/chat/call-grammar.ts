/** Calls that must be: a grammar of them, in the way in which a model's own template shows them. */
import { isRecord } from "../files/checks.ts";
import { thoughtRules } from "./opened.ts";

/** How calls are written: before, NAME, within, ARGUMENTS, and between calls or behind them. Ids stand as `ID`. */
export interface CallFormat {
  readonly before: string;
  readonly within: string;
  /** Null: there is never more than one. */
  readonly between: string | null;
  readonly behind: string;
}

const MOST_CALLS = 8; // small models know no end
/** What stands for an id: nine letters and digits, as Mistral's have. */
export const ID = "kvcapsid0";

/** A tool's name, and a schema of what it is given. */
export interface Callable {
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

const NONE = { additionalProperties: false }; // as the API has tools that say nothing of what they are given

/** The tools that may be called; null where one has no name, or is given no object. */
export function callables(tools: readonly unknown[]): Callable[] | null {
  const found = tools.map((tool) => {
    const { name, parameters = NONE } = isRecord(tool) && isRecord(tool.function) ? tool.function : {};
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
  const more = how.several && between !== null ? ` (${quoted(between)} call){0,${MOST_CALLS - 1}}` : "";
  return `root ::= ${begin}${quoted(before)} call${more} ${quoted(behind)}\ncall ::= ${each.join(" | ")}\n${rules}`;
}

/** A text as GBNF has it, ids in it as any. */
function quoted(text: string): string {
  const literal = (part: string) =>
    `"${part.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n").replaceAll("\r", "\\r").replaceAll("\t", "\\t")}"`;
  return text.split(ID).map(literal).join(" [a-zA-Z0-9]{9} ");
}
