/** Texts that requests give, one or several, as text or as token ids. */
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { Body } from "./fields.ts";
import { refuseRequest } from "./refusals.ts";

/**
 * The ids of each.
 * @param most how many there may be @param length tokens of each
 * @throws RequestError; KvcapError for ids that the vocabulary has not, where they are used
 */
export function readPrompts(body: Body, param: string, most: number, tokenizer: Tokenizer, length: number): number[][] {
  const isIds = (one: unknown): one is number[] =>
    Array.isArray(one) && one.length > 0 && one.every((id) => typeof id === "number");
  const value = body[param];
  const list = typeof value === "string" || isIds(value) ? [value] : value;
  const fits = Array.isArray(list) && list.length > 0 && list.length <= most &&
    list.every((one) => typeof one === "string" || isIds(one));
  if (!fits) {
    refuseRequest(`${param} must be a text, a list of token ids, or 1 to ${most} of either`, value ?? "none", {
      param,
    });
  }
  return list.map((one: string | number[]) => {
    const ids = typeof one === "string" ? tokenizer.encode(one, { bos: true, special: true }) : one;
    if (ids.length === 0) refuseRequest(`${param} must have at least one token`, "none", { param });
    if (ids.length > length) {
      refuseRequest(`${param} must have at most ${length} tokens`, ids.length, { param, status: 413 });
    }
    return ids;
  });
}
