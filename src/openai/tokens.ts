/** Texts to tokens and back, as vLLM's servers answer it: POST /tokenize and /detokenize, GET /tokenizer_info. */
import { asBody, flag, textOf } from "./fields.ts";
import { readMessages } from "./messages.ts";
import { refuseRequest } from "./refusals.ts";
import type { Service } from "./service.ts";

const MOST = 1_000_000; // characters, or ids

/** The ids of a text, or how many a conversation has. @throws RequestError */
export function tokenize(service: Service, value: unknown): { tokens: number[]; count: number; max_model_len: number } {
  const body = asBody(value);
  const { model } = service.hosted(textOf(body, "model"));
  const max_model_len = model.config.maxPositions;
  if (body.messages !== undefined && body.messages !== null) {
    return { tokens: [], count: model.countTokens(readMessages(body.messages)), max_model_len };
  }
  const { prompt } = body;
  if (typeof prompt !== "string" || prompt.length > MOST) {
    refuseRequest(`prompt must be text of at most ${MOST} characters`, prompt, { param: "prompt" });
  }
  const bos = body.add_special_tokens === undefined || flag(body, "add_special_tokens");
  const tokens = model.tokenizer.encode(prompt, { bos, special: true });
  return { tokens, count: tokens.length, max_model_len };
}

/** The text of ids. @throws RequestError */
export function detokenize(service: Service, value: unknown): { prompt: string } {
  const body = asBody(value), { tokens } = body;
  const { model: { tokenizer, config: { vocab } } } = service.hosted(textOf(body, "model"));
  const fits = Array.isArray(tokens) && tokens.length <= MOST &&
    tokens.every((id) => Number.isInteger(id) && id >= 0 && id < vocab);
  if (!fits) {
    refuseRequest(`tokens must be a list of at most ${MOST} ids from 0 to ${vocab - 1}`, tokens, { param: "tokens" });
  }
  return { prompt: tokenizer.decode(tokens) };
}

/** What a client needs to know of the first model's tokenizer. */
export function tokenizerInfo(service: Service): Record<string, unknown> {
  const { model: { tokenizer, chatTemplate } } = service.hosted(undefined);
  const text = (id: number | null) => id === null ? null : tokenizer.decode([id]);
  return {
    tokenizer_class: "kvcap",
    bos_token: text(tokenizer.bosId),
    eos_token: text(tokenizer.eosId),
    pad_token: null,
    chat_template: chatTemplate,
  };
}
