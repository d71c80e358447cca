/** Texts that requests give, one or several, as text or as token ids. */
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { Body } from "./fields.ts";
import { refuseRequest } from "./refusals.ts";

/** One text, or its ids. */
export type Prompt = string | readonly number[];

/** The texts. @param most how many there may be @throws RequestError */
export function readPrompts(body: Body, param: string, most: number): Prompt[] {
  const isIds = (one: unknown): one is number[] =>
    Array.isArray(one) && one.length > 0 && one.every((id) => typeof id === "number");
  const value = body[param];
  const list = typeof value === "string" || isIds(value) ? [value] : value;
  const fits = Array.isArray(list) && list.length > 0 && list.length <= most &&
    list.every((one) => typeof one === "string" || isIds(one));
  if (fits) return list;
  const rule = `${param} must be a text, a list of token ids, or 1 to ${most} of either`;
  return refuseRequest(rule, value ?? "none", { param });
}

/**
 * The ids of each: work for a request's turn, as texts may be long.
 * @param length tokens of each, at most
 * @throws RequestError; KvcapError for ids that the vocabulary has not, where they are used
 */
export function idsOf(prompts: readonly Prompt[], param: string, tokenizer: Tokenizer, length: number): number[][] {
  return prompts.map((one) => {
    const ids = typeof one === "string" ? tokenizer.encode(one, { bos: true, special: true }) : [...one];
    if (ids.length === 0) refuseRequest(`${param} must have at least one token`, "none", { param });
    if (ids.length > length) {
      refuseRequest(`${param} must have at most ${length} tokens`, ids.length, { param, status: 413 });
    }
    return ids;
  });
}
