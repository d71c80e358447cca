/**
 * How a model's own template shows calls. What it makes of calls by names that nothing else has is taken apart, so that it can be put
 * together again with the names and arguments of tools.
 */
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import { type CallFormat, ID } from "./call-grammar.ts";
import { callsIn } from "./calls.ts";
import type { ChatMessage } from "./template.ts";

const CUT = "\ufdd0"; // no character
const NAME = "kvcapsname", GIVEN = "kvcapsvalue";
const ASKED = { role: "user", content: "?" };

/**
 * How a template shows calls; null where that is none of the ways in which they are found again.
 * @param render what it makes of messages, with no place for an answer
 */
export function callFormat(
  render: (messages: readonly ChatMessage[]) => string,
  { specialTokens }: Pick<Tokenizer, "specialTokens">,
): CallFormat | null {
  const shown = (message: Omit<ChatMessage, "role">): string | null => {
    try {
      return render([ASKED, { role: "assistant", ...message }]);
    } catch {
      return null; // it refuses such a conversation
    }
  };
  const call = (i: number) => ({
    ...{ type: "function", id: `${ID.slice(0, -1)}${i}` },
    function: { name: `${NAME}${i}`, arguments: { [GIVEN]: i } },
  });
  const said = shown({ content: CUT });
  const parts = (count: number) => {
    const tool_calls = Array.from({ length: count }, (_, i) => call(i));
    const text = shown({ content: "", tool_calls });
    return said === null || text === null ? null : taken(said.split(CUT), text, count, specialTokens);
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
