/** A generation's options: types, rows and checks. */
import { refuse, words } from "../errors.ts";
import { MOST_SEED, whole as checkWhole } from "./check.ts";
import {
  bannedIds,
  between,
  type Biases,
  biases,
  callback,
  endless,
  flag,
  gbnf,
  having,
  part,
  positive,
  record,
  records,
  schema,
  stopIds,
  text,
  texts,
  whole,
} from "./kinds.ts";
import type { Logprobs } from "./events.ts";
import { checkAll, checkRows, type Table } from "./row.ts";
import { type ModelSampling, overModels, samplingWords } from "./sampling.ts";

/** How many of the last tokens a session knows for penalties. */
export const MOST_RECENT = 4096;
const MOST_IDS = 1 << 24;
const MOST_BANNED = 30_000; // bytes

/**
 * How one generation goes. Where it says nothing of temperature, top-k, top-p, min-p, typical-p or the repetition penalty it goes as the
 * model's files say (`model.sampling`), and where they say nothing either, by the defaults here.
 */
export interface GenerateOptions {
  /** Most tokens to generate; 0: the prompt is read, and that is all; Infinity is allowed under a budget. Default 256. */
  maxNewTokens?: number;
  /** 0 is greedy, whatever the model's files say: of them nothing is taken then. Default 0. */
  temperature?: number;
  /** Share of the probability kept when sampling, in (0, 1]. Default 1. */
  topP?: number;
  /** Only so many of the likeliest ids, and those as likely as the last of them; 0: all. Default 0. */
  topK?: number;
  /** Only ids at least this part as likely as the likeliest, in [0, 1]. Default 0. */
  minP?: number;
  /** Share of the probability kept of ids about as surprising as is to be expected, in (0, 1]. Default 1. */
  typicalP?: number;
  /** Recent ids' logits are divided by it where they are above 0, else multiplied: above 1 they are less likely. Default 1. */
  repetitionPenalty?: number;
  /** Taken off recent ids' logits. Default 0. */
  presencePenalty?: number;
  /** Taken off a recent id's logit for every time that it was there. Default 0. */
  frequencyPenalty?: number;
  /** How many tokens back ids are recent, those of the prompt included: 0 to MOST_RECENT. Default 64. */
  penaltyWindow?: number;
  /** Added to logits, `{ [id]: bias }` or `[[id, bias], …]`; -Infinity forbids an id. Default none. */
  logitBias?: Biases;
  /**
   * Seed of the sampling, an unsigned 32-bit integer. Default: draws go on where the session's last generation left off; a
   * new session's begin with seed 0.
   */
  seed?: number;
  /** Whether the model's end-of-sequence token ends the text; if not, it is an ordinary token. Default true. */
  stopAtEnd?: boolean;
  /** Strings that end the text; they are not part of it. */
  stop?: string | string[];
  /** Ids that end the text, besides the model's own; they are not part of it. */
  stopIds?: number[];
  /** Ids that are never chosen. */
  banned?: number[];
  /** Strings that the text never has: an id that would complete one is not chosen. */
  bannedStrings?: string | string[];
  /**
   * A JSON schema that the text fits, or true for any JSON: only ids are chosen that a fitting text goes on with. What cannot be held
   * so is refused. The text ends where it can go on no more; the model may end it where it is whole, and not before.
   */
  jsonSchema?: object | true;
  /** A grammar in llama.cpp's GBNF that the text fits, likewise. */
  grammar?: string;
  /** Ends the generation at the next step with the signal's reason. */
  signal?: AbortSignal;
  /** Hears how many of the prompt's tokens have been read. */
  onPrefill?: (done: number, total: number) => void;
  /** How many of the likeliest ids `onToken` hears of with every one, 0 to 20. Default: it hears of no probabilities. */
  logprobs?: number;
  /** Hears every id as it is chosen, the one that ends the text included; with `logprobs`, how likely the model held it. */
  onToken?: (id: number, logprobs?: Logprobs) => void;
  /**
   * Hears the logits, [vocab], that each id is about to be chosen from, before bans and temperature. They are overwritten by
   * the next step. It may change them: -Infinity forbids an id; all but one forbidden forces it.
   */
  onLogits?: (logits: Float32Array<ArrayBuffer>) => void;
}

/** A generation's options with every default filled in. */
export interface CheckedGenerate extends
  Required<
    Omit<
      GenerateOptions,
      "signal" | "stop" | "seed" | "onLogits" | "logitBias" | "logprobs" | "bannedStrings" | "jsonSchema" | "grammar"
    >
  > {
  logitBias: readonly (readonly [id: number, bias: number])[];
  seed: number | null;
  logprobs: number | null;
  stop: string[];
  bannedStrings: string[];
  jsonSchema: object | true | null;
  grammar: string | null;
  signal: AbortSignal | null;
  /** How an id is chosen, in words. */
  sampling: string;
  onLogits: ((logits: Float32Array<ArrayBuffer>) => void) | null;
}

/** One row each. */
export const GENERATE = {
  maxNewTokens: { kind: endless, default: 256 },
  temperature: { kind: between(0, 100), default: 0 },
  topK: { kind: whole(0, MOST_IDS), default: 0 },
  topP: { kind: part, default: 1 },
  minP: { kind: between(0, 1), default: 0 },
  typicalP: { kind: part, default: 1 },
  repetitionPenalty: { kind: positive(100), default: 1 },
  presencePenalty: { kind: between(-100, 100), default: 0 },
  frequencyPenalty: { kind: between(-100, 100), default: 0 },
  penaltyWindow: { kind: whole(0, MOST_RECENT), default: 64 },
  logitBias: { kind: biases, default: [] },
  seed: { kind: whole(0, MOST_SEED), default: null },
  stopAtEnd: { kind: flag, default: true },
  stop: { kind: texts, default: [] },
  stopIds: { kind: stopIds, default: [] },
  banned: { kind: bannedIds, default: [] },
  bannedStrings: { kind: texts, default: [] },
  jsonSchema: { kind: schema, default: null },
  grammar: { kind: gbnf, default: null },
  signal: { kind: having("throwIfAborted", "an AbortSignal"), default: null },
  onPrefill: { kind: callback(), default: () => {} },
  logprobs: { kind: whole(0, 20), default: null },
  onToken: { kind: callback(), default: () => {} },
  onLogits: { kind: callback(), default: null },
} as const satisfies Table<GenerateOptions>;

/**
 * Fills in a generation's defaults.
 * @param model what its model's files say of sampling
 * @throws KvcapRangeError for an unknown option, a NaN, negative or out-of-range number, an id outside the vocabulary, or an
 *   empty stop string.
 */
export function checkGenerate(
  options: GenerateOptions = {},
  vocab: number,
  model: ModelSampling | null = null,
): CheckedGenerate {
  const action = "generate";
  const checked = checkAll(GENERATE, overModels(options, model), { action, vocab }) as unknown as CheckedGenerate;
  if (checked.jsonSchema && checked.grammar) {
    refuse(action, "grammar must not stand beside jsonSchema", words("both"), { option: "grammar" });
  }
  const bytes = checked.bannedStrings.reduce((sum, text) => sum + 3 * text.length, 0);
  if (bytes > MOST_BANNED) {
    const rule = `bannedStrings must come to at most ${MOST_BANNED / 3} characters`;
    refuse(action, rule, bytes / 3, { option: "bannedStrings" });
  }
  return { ...checked, sampling: samplingWords(options, checked, model) };
}

/** How an answer goes. */
export interface ChatOptions extends GenerateOptions {
  /**
   * Whether what the template puts before the first user's words, a system prompt among it, is never evicted; under a full cache
   * nothing is. Default true.
   */
  pinSystem?: boolean;
  /** What the template may ask for besides the messages, as `{ enable_thinking: false }`. Default none. */
  variables?: Readonly<Record<string, unknown>>;
  /** What the model may call: JSON schemas, `{ type: "function", function: { name, description, parameters } }`. Default none. */
  tools?: readonly Readonly<Record<string, unknown>>[];
  /** What the model may look things up in, where its template knows documents: `{ title, text }`. Default none. */
  documents?: readonly Readonly<Record<string, unknown>>[];
  /** Whether the last message, the assistant's, is gone on with. Default false: it is another's, and answered. */
  continueFinal?: boolean;
  /** A Jinja template in place of the model's own. */
  template?: string;
}

/** What an answer has besides. */
export type Answer = Omit<ChatOptions, keyof GenerateOptions>;

/** What a conversation is made into text by. */
export type TemplateOptions = Pick<ChatOptions, "variables" | "tools" | "documents" | "continueFinal" | "template">;

/** One row each of what an answer has besides. */
export const ANSWER = {
  pinSystem: { kind: flag, default: true },
  variables: { kind: record, default: {} },
  tools: { kind: records, default: null },
  documents: { kind: records, default: null },
  continueFinal: { kind: flag, default: false },
  template: { kind: text },
} as const satisfies Table<Answer>;

/** An answer's options with every default filled in. */
export type CheckedChat =
  & CheckedGenerate
  & Required<Omit<Answer, "template" | "tools" | "documents">>
  & Pick<Answer, "template">
  & { readonly tools: Answer["tools"] | null; readonly documents: Answer["documents"] | null };

/** The same of what makes text of a conversation. */
export type CheckedTemplate = Pick<CheckedChat, keyof TemplateOptions>;

/** Fills in an answer's defaults. @throws KvcapRangeError as checkGenerate does */
export function checkChat(options: ChatOptions, vocab: number, model: ModelSampling | null = null): CheckedChat {
  const action = "chat";
  if (typeof options !== "object" || options === null) refuse(action, "options must be an object", options);
  const { pinSystem, variables, tools, documents, continueFinal, template, ...generate } = options;
  const asked = { pinSystem, variables, tools, documents, continueFinal, template };
  const answer = checkRows(ANSWER, asked, { action }) as unknown as Required<Answer>;
  const checked = checkGenerate(generate, vocab, model);
  if (checked.maxNewTokens === 0) {
    refuse(action, "maxNewTokens must be at least 1", 0, { option: "maxNewTokens" });
  }
  return { ...checked, ...answer };
}

/** Fills in the defaults of what makes text of a conversation. @throws KvcapRangeError for an unknown or malformed option */
export function checkTemplate(action: string, options: TemplateOptions): CheckedTemplate {
  if (typeof options !== "object" || options === null) refuse(action, "options must be an object", options);
  const { pinSystem: _, ...rows } = ANSWER;
  return checkAll(rows, options, { action }) as unknown as CheckedTemplate;
}

/** Checks that something is text or a list of ids. @param what its name in the refusal @throws KvcapTypeError */
export function checkText(action: string, what: string, text: string | ArrayLike<number>): void {
  if (typeof text === "string" || typeof text?.length === "number") return;
  refuse(action, `${what} must be text or token ids`, words(text === null ? "null" : typeof text), { kind: "type" });
}

/** Checks a prompt given as ids. @throws KvcapRangeError for an empty list or an id outside the vocabulary. */
export function checkPromptIds(ids: ArrayLike<number>, vocab: number): number[] {
  if (ids.length === 0) refuse("generate", "the prompt must have at least one token", "none", { option: "prompt" });
  checkWhole("generate", "the prompt's length", ids.length, { least: 1, more: {} });
  const bounds = { least: 0, most: vocab - 1, more: {} };
  return Array.from(ids, (id) => checkWhole("generate", "a prompt id", id, bounds));
}
