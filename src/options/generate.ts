/** A generation's options: types, defaults and checks. */
import { flag, known, MOST_SEED, refuse, whole } from "./check.ts";

/** How one generation goes. */
export interface GenerateOptions {
  /** Most tokens to generate; Infinity is allowed under a budget. Default 256. */
  maxNewTokens?: number;
  /** 0 is greedy. Default 0. */
  temperature?: number;
  /** Share of the probability kept when sampling, in (0, 1]. Default 1. */
  topP?: number;
  /**
   * Seed of the sampling, an unsigned 32-bit integer. Default: draws go on where the session's last generation left off; a
   * new session's begin with seed 0.
   */
  seed?: number;
  /** Whether the model's end-of-sequence token ends the text; if not, it is an ordinary token. Default true. */
  stopAtEnd?: boolean;
  /** Strings that end the text; they are not part of it. */
  stop?: string | string[];
  /** Ids that are never chosen. */
  banned?: number[];
  /** Ends the generation at the next step with the signal's reason. */
  signal?: AbortSignal;
  /** Hears how many of the prompt's tokens have been read. */
  onPrefill?: (done: number, total: number) => void;
  /** Hears every id as it is chosen, the one that ends the text included. */
  onToken?: (id: number) => void;
  /**
   * Hears the logits, [vocab], that each id is about to be chosen from, before bans and temperature. They are overwritten by
   * the next step. It may change them: -Infinity forbids an id; all but one forbidden forces it.
   */
  onLogits?: (logits: Float32Array<ArrayBuffer>) => void;
}

/** A generation's options with every default filled in. */
export interface CheckedGenerate extends Required<Omit<GenerateOptions, "signal" | "stop" | "seed" | "onLogits">> {
  seed: number | null;
  stop: string[];
  signal: AbortSignal | null;
  onLogits: ((logits: Float32Array<ArrayBuffer>) => void) | null;
}

const GENERATE_NAMES = [
  ...["maxNewTokens", "temperature", "topP", "seed", "stopAtEnd", "stop", "banned", "signal", "onPrefill", "onToken"],
  "onLogits",
];

/**
 * Fills in a generation's defaults.
 * @throws RangeError for an unknown option, a NaN, negative or out-of-range number, an id outside the vocabulary, or an empty stop string.
 */
export function checkGenerate(options: GenerateOptions = {}, vocab: number): CheckedGenerate {
  const action = "generate";
  known(action, options, GENERATE_NAMES);
  const maxNewTokens = options.maxNewTokens ?? 256;
  if (maxNewTokens !== Infinity) whole(action, "maxNewTokens", maxNewTokens, 1, Number.MAX_SAFE_INTEGER);
  const temperature = options.temperature ?? 0;
  if (typeof temperature !== "number" || !(temperature >= 0 && temperature <= 100)) {
    refuse(action, "temperature must be a number from 0 to 100", temperature);
  }
  const topP = options.topP ?? 1;
  if (typeof topP !== "number" || !(topP > 0 && topP <= 1)) {
    refuse(action, "topP must be a number above 0 and at most 1", topP);
  }
  const seed = options.seed === undefined ? null : whole(action, "seed", options.seed, 0, MOST_SEED);
  const stopAtEnd = flag(action, "stopAtEnd", options.stopAtEnd ?? true);
  const stop = typeof options.stop === "string" ? [options.stop] : options.stop ?? [];
  if (!Array.isArray(stop)) refuse(action, "stop must be a string or a list of strings", stop);
  for (const text of stop) {
    if (typeof text !== "string" || text === "") refuse(action, "a stop string must not be empty", text);
  }
  const banned = options.banned ?? [];
  if (!Array.isArray(banned)) refuse(action, "banned must be a list of ids", banned);
  for (const id of banned) whole(action, "a banned id", id, 0, vocab - 1);
  if (new Set(banned).size >= vocab) refuse(action, "banned must leave an id to choose", banned.length);
  const signal = options.signal ?? null;
  if (signal !== null && typeof signal.throwIfAborted !== "function") {
    refuse(action, "signal must be an AbortSignal", signal);
  }
  const { onPrefill = () => {}, onToken = () => {}, onLogits = null } = options;
  if (typeof onPrefill !== "function") refuse(action, "onPrefill must be a function", onPrefill);
  if (typeof onToken !== "function") refuse(action, "onToken must be a function", onToken);
  if (onLogits !== null && typeof onLogits !== "function") refuse(action, "onLogits must be a function", onLogits);
  const texts = { stopAtEnd, stop: [...stop], banned: [...banned] };
  return { maxNewTokens, temperature, topP, seed, ...texts, signal, onPrefill, onToken, onLogits };
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
  /** A Jinja template in place of the model's own. */
  template?: string;
}

/** Fills in an answer's defaults. @throws RangeError as checkGenerate does */
export function checkChat(options: ChatOptions, vocab: number) {
  const action = "chat";
  if (typeof options !== "object" || options === null) refuse(action, "options must be an object", options);
  const { pinSystem = true, variables = {}, template, ...rest } = options;
  flag(action, "pinSystem", pinSystem);
  if (typeof variables !== "object" || variables === null) refuse(action, "variables must be an object", variables);
  if (template !== undefined && typeof template !== "string") refuse(action, "template must be text", template);
  return { ...checkGenerate(rest, vocab), pinSystem, variables, template };
}

/** Checks a prompt given as ids. @throws RangeError for an empty list or an id outside the vocabulary. */
export function checkPromptIds(ids: ArrayLike<number>, vocab: number): number[] {
  if (ids.length === 0) refuse("generate", "the prompt must have at least one token", "none");
  whole("generate", "the prompt's length", ids.length, 1);
  return Array.from(ids, (id) => whole("generate", "a prompt id", id, 0, vocab - 1));
}
