/** What requests that write text have in common: the API's own fields, and kvcap's options in snake case. */
import { words } from "../errors.ts";
import { isRecord } from "../files/checks.ts";
import { GENERATE, type GenerateOptions } from "../options/generate.ts";
import { type AnyTable, namesOf } from "../options/row.ts";
import { SESSION, type SessionOptions } from "../options/session.ts";
import { parseBudget } from "../options/text.ts";
import { refuseRequest, snakeCase } from "./refusals.ts";

/** A request's body, of which nothing is known yet. */
export type Body = Readonly<Record<string, unknown>>;

/** What all requests that write text say. */
export interface Common {
  /** The name of the model; undefined: the only one, or the first. */
  readonly model: string | undefined;
  readonly stream: boolean;
  /** Answers that are wanted. */
  readonly n: number;
  /** Whether a stream's last chunk says what it took. */
  readonly usage: boolean;
  readonly generate: GenerateOptions;
  /** How the cache is to be kept, where it is said. */
  readonly session: SessionOptions;
}

/** What is heard of the API and changes nothing here. */
export const IDLE = ["user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key"];
/** What the API has under other names. */
const RENAMED: Readonly<Record<string, string>> = {
  max_tokens: "maxNewTokens",
  max_completion_tokens: "maxNewTokens",
  max_new_tokens: "maxNewTokens",
  stop_token_ids: "stopIds",
};
const APART = ["maxNewTokens", "logprobs"]; // which requests have under names, or in kinds, of their own

/** Options that a request may have, by how it writes them: those that can be written at all. */
function optionsOf(table: AnyTable): Map<string, string> {
  const written = namesOf(table).filter((name) => !FUNCTIONS.test(name) && !APART.includes(name));
  return new Map(written.map((name) => [snakeCase(name), name]));
}
const FUNCTIONS = /^(on[A-Z].*|signal|record)$/;
const TEXT = optionsOf(GENERATE);
const CACHE = optionsOf(SESSION);
CACHE.delete("seed"); // a request's seed is that of what is drawn
CACHE.set("policy_seed", "seed");

/** Fields that `readCommon` reads. */
const COMMON = ["model", "stream", "stream_options", "n", "ignore_eos", ...IDLE, ...Object.keys(RENAMED)];

const MOST_ANSWERS = 8;
const MOST_NESTED = 200; // lists and objects in each other

/** @throws RequestError where a body is no object, or nests deeper than what reads it can follow */
export function asBody(value: unknown): Body {
  if (!isRecord(value)) refuseRequest("the body must be a JSON object", value);
  let level: unknown[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_NESTED) refuseRequest(`the body must nest at most ${MOST_NESTED} deep`, words("deeper"));
    level = level.flatMap((one) => typeof one === "object" && one !== null ? Object.values(one) : []);
  }
  return value;
}

/** @throws RequestError for a field that is none of these */
export function checkFields(body: Body, known: readonly string[]): void {
  const field = Object.keys(body).find((field) => !known.includes(field));
  if (field === undefined) return;
  const parts = { param: field, code: "unknown_parameter", names: known };
  refuseRequest("a field must be one that is known", field, parts);
}

/** Reads what all have in common. @param own the request's further fields @throws RequestError */
export function readCommon(body: Body, own: readonly string[]): Common {
  const known = [...COMMON, ...TEXT.keys(), ...CACHE.keys(), ...own];
  checkFields(body, known);
  const generate: Record<string, unknown> = {}, session: Record<string, unknown> = {};
  for (const [field, value] of Object.entries(body)) {
    if (value === null || value === undefined || own.includes(field)) continue;
    if (RENAMED[field]) generate[RENAMED[field]] = value;
    else if (TEXT.has(field)) generate[TEXT.get(field)!] = value;
    else if (CACHE.has(field)) session[CACHE.get(field)!] = value;
  }
  const n = body.n ?? 1;
  if (!Number.isInteger(n) || (n as number) < 1 || (n as number) > MOST_ANSWERS) {
    refuseRequest(`n must be a whole number from 1 to ${MOST_ANSWERS}`, n, { param: "n" });
  }
  if (flag(body, "ignore_eos")) generate.stopAtEnd = false;
  if (generate.seed !== undefined) generate.seed = seedOf(generate.seed);
  if (generate.logitBias !== undefined) generate.logitBias = biasesOf(generate.logitBias);
  if (typeof session.budget === "string") session.budget = parseBudget(session.budget) ?? session.budget;
  return {
    model: textOf(body, "model"),
    stream: flag(body, "stream"),
    n: n as number,
    usage: isRecord(body.stream_options) && flag(body.stream_options, "include_usage"),
    generate,
    session,
  };
}

/** A field that is true or false; false where it is left out. @throws RequestError */
export function flag(body: Body, name: string): boolean {
  const value = body[name] ?? false;
  return typeof value === "boolean" ? value : refuseRequest(`${name} must be true or false`, value, { param: name });
}

/** A field that is text, where it is there. @throws RequestError */
export function textOf(body: Body, name: string, most = 512): string | undefined {
  const value = body[name];
  if (value === null || value === undefined) return undefined;
  if (typeof value === "string" && value.length > 0 && value.length <= most) return value;
  return refuseRequest(`${name} must be text of 1 to ${most} characters`, value, { param: name });
}

/** A field that is a whole number, where it is there. @throws RequestError */
export function wholeOf(body: Body, name: string, most: number): number | undefined {
  const value = body[name];
  if (value === null || value === undefined) return undefined;
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= most) return value as number;
  return refuseRequest(`${name} must be a whole number from 0 to ${most}`, value, { param: name });
}

/** The API's seeds are of 64 bits and may be below 0; kvcap's are the last 32 of them. */
function seedOf(value: unknown): number {
  const rule = "seed must be a whole number";
  return Number.isSafeInteger(value) ? (value as number) >>> 0 : refuseRequest(rule, value, { param: "seed" });
}

/** The API says −100 for what must not come. */
function biasesOf(value: unknown): unknown {
  if (!isRecord(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([id, bias]) => [id, bias === -100 ? -Infinity : bias]));
}
