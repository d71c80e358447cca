/** Every option a user may set: its type, its default and its check. Inner code trusts what leaves this file. */
import { type Allocation, leastBudget } from "./allocation.ts";
import { type Budget, budgetSlots } from "./budget.ts";
import { show } from "./model/refuse.ts";
import { policies, type PolicyName } from "./policies/index.ts";

/** How a model is loaded. */
export interface LoadOptions {
  /** A device of your own; by default one is opened with the adapter's largest bindings, and closed with the model. */
  device?: GPUDevice;
  /** Largest buffer a kernel may bind, in bytes; larger weights are split. Default: what the device allows. */
  maxBinding?: number;
  /** Hears how many bytes of weights have been read. */
  onProgress?: (done: number, total: number) => void;
}

/** How a session keeps its cache. Lengths are in slots per lane, which are tokens. */
export interface SessionOptions {
  /** Which tokens are evicted; "full" evicts none. Default "roco". */
  policy?: PolicyName;
  /**
   * Live slots per lane after a step: a number of them, a share of the first prompt, or bytes. Default 256; for "full": as
   * many as prompt and new tokens need.
   */
  budget?: Budget;
  /**
   * Queries per prefill chunk. Default: the largest up to 64 for which budget > sinks + newest + stride, but at least 1; a
   * quarter of the budget at most where lanes' budgets differ.
   */
  stride?: number;
  /** First tokens always kept. Default 4, less under a budget below 16. */
  sinks?: number;
  /** How p is taken over the query heads of a KV head. Default "mean". */
  aggregate?: "mean" | "max";
  /** Last tokens always kept. Default a tenth of the budget. */
  newest?: number;
  /** RoCo's r: tokens with the largest spread, left out of the eviction scope. Default three tenths of the budget. */
  unsettled?: number;
  /** Whether the tokens of the first prompt are never evicted. Default false. */
  pinPrompt?: boolean;
  /**
   * What rotary positions count. "absolute": the text. "cache": live slots, so that the model never sees a position beyond
   * budget + stride, however long the text: keys are rotated when they are read. Default "absolute".
   */
  positions?: "absolute" | "cache";
  /**
   * How slots are shared out: all lanes alike; early layers more ("pyramid"); or by what each lane's attention needs, within its
   * layer ("adaptive"). The mean over all lanes is the budget. Default "uniform". See allocation.ts for the papers.
   */
  allocation?: Allocation;
  /** Seed of the policy "random", an unsigned 32-bit integer. Default 0. */
  seed?: number;
}

/** How one generation goes. */
export interface GenerateOptions {
  /** Most tokens to generate; Infinity is allowed under a budget. Default 256. */
  maxNewTokens?: number;
  /** 0 is greedy. Default 0. */
  temperature?: number;
  /** Share of the probability kept when sampling, in (0, 1]. Default 1. */
  topP?: number;
  /** Seed of the sampling, an unsigned 32-bit integer. Default 0. */
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
}

/** A session's options, and how a text is measured. */
export interface PerplexityOptions extends SessionOptions {
  /** Tokens at the start that are read but not counted. With pinPrompt these are pinned. Default 1. */
  first?: number;
  /** Hears how many tokens have been read. */
  onProgress?: (done: number, total: number) => void;
}

/** A session's options with every default filled in. A budget of 0 is not known yet: it waits for the first prompt. */
export interface CheckedSession extends Required<SessionOptions> {
  budget: number;
}

/** A generation's options with every default filled in. */
export interface CheckedGenerate extends Required<Omit<GenerateOptions, "signal" | "stop">> {
  stop: string[];
  signal: AbortSignal | null;
}

const DEFAULT_BUDGET = 256; // slots
const MOST_STRIDE = 64; // queries
const MOST_SLOTS = 1 << 22;

function refuse(action: string, rule: string, value: unknown): never {
  throw new RangeError(`Cannot ${action}: ${rule}, got ${show(value)}`);
}

function whole(action: string, name: string, value: unknown, least: number, most = MOST_SLOTS): number {
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    refuse(action, `${name} must be a whole number from ${least} to ${most}`, value);
  }
  return value as number;
}

function flag(action: string, name: string, value: unknown): boolean {
  if (typeof value !== "boolean") refuse(action, `${name} must be true or false`, value);
  return value as boolean;
}

function known(action: string, options: object, names: readonly string[]) {
  if (typeof options !== "object" || options === null) refuse(action, "options must be an object", options);
  const stranger = Object.keys(options).find((name) => !names.includes(name));
  if (stranger !== undefined) refuse(action, `options are ${names.join(", ")}`, stranger);
}

const SESSION_NAMES = [
  "policy",
  "budget",
  "stride",
  "aggregate",
  "sinks",
  "newest",
  "unsettled",
  "pinPrompt",
  "positions",
  "allocation",
  "seed",
];
const GENERATE_NAMES = [
  ...["maxNewTokens", "temperature", "topP", "seed", "stopAtEnd", "stop", "banned", "signal", "onPrefill", "onToken"],
];
const MOST_SEED = 2 ** 32 - 1;
const ALLOCATIONS: readonly string[] = ["uniform", "pyramid", "adaptive"] satisfies Allocation[];

/** Fills in the defaults of loading. @throws RangeError */
export function checkLoad(options: LoadOptions): Required<Omit<LoadOptions, "device">> & { device?: GPUDevice } {
  const action = "load model";
  known(action, options, ["device", "maxBinding", "onProgress"]);
  const maxBinding = options.maxBinding === undefined
    ? Infinity
    : whole(action, "maxBinding", options.maxBinding, 1, Number.MAX_SAFE_INTEGER);
  const onProgress = options.onProgress ?? (() => {});
  if (typeof onProgress !== "function") refuse(action, "onProgress must be a function", onProgress);
  if (options.device !== undefined && typeof options.device?.createComputePipeline !== "function") {
    refuse(action, "device must be a GPUDevice", options.device);
  }
  return { device: options.device, maxBinding, onProgress };
}

/**
 * Fills in a session's defaults.
 * @param slotBytes bytes of K and V that one slot of every lane takes
 * @param promptTokens tokens of the first prompt, once there is one
 * @throws RangeError for an unknown policy or option, a number out of range, or a budget that protection alone would fill.
 */
export function checkSession(
  options: SessionOptions = {},
  slotBytes = 1,
  promptTokens: number | null = null,
): CheckedSession {
  const action = "create session";
  known(action, options, SESSION_NAMES);
  const policy = options.policy ?? "roco";
  if (typeof policy !== "string" || !Object.hasOwn(policies, policy)) {
    refuse(action, `policy must be one of ${Object.keys(policies).join(", ")}`, policy);
  }
  const sized = policy === "full" && options.budget === undefined
    ? null
    : budgetSlots(options.budget ?? DEFAULT_BUDGET, options.stride, slotBytes, promptTokens);
  const budget = sized ? whole(action, "budget", sized.budget, 1) : 0;
  const sinks = whole(action, "sinks", options.sinks ?? Math.min(4, Math.floor(budget / 4)), 0);
  const newest = whole(action, "newest", options.newest ?? Math.floor(budget / 10), 0);
  const unsettled = whole(action, "unsettled", options.unsettled ?? Math.floor(budget * 0.3), 0);
  if (policy !== "full" && sized && budget <= sinks + newest) {
    refuse(action, `budget must be above sinks + newest = ${sinks + newest}`, budget);
  }
  const allocation = options.allocation ?? "uniform";
  if (!ALLOCATIONS.includes(allocation)) {
    refuse(action, `allocation must be one of ${ALLOCATIONS.join(", ")}`, allocation);
  }
  if (allocation === "adaptive" && policy !== "full" && !policies[policy].needsAttention) {
    refuse(action, "allocation adaptive needs a policy that scores attention", policy);
  }
  const fill = allocation === "uniform" ? budget - sinks - newest - 1 : Math.floor(budget / 4);
  const room = policy === "full" ? MOST_STRIDE : Math.max(1, fill);
  const stride = whole(action, "stride", sized?.stride ?? options.stride ?? Math.min(MOST_STRIDE, room), 1, 4096);
  const pinPrompt = flag(action, "pinPrompt", options.pinPrompt ?? false);
  const aggregate = options.aggregate ?? "mean";
  if (aggregate !== "mean" && aggregate !== "max") refuse(action, "aggregate must be mean or max", aggregate);
  const positions = options.positions ?? "absolute";
  if (positions !== "absolute" && positions !== "cache") {
    refuse(action, "positions must be absolute or cache", positions);
  }
  const seed = whole(action, "seed", options.seed ?? 0, 0, MOST_SEED);
  return { policy, budget, stride, sinks, newest, unsettled, aggregate, pinPrompt, positions, allocation, seed };
}

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
  const seed = whole(action, "seed", options.seed ?? 0, 0, MOST_SEED);
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
  const { onPrefill = () => {}, onToken = () => {} } = options;
  if (typeof onPrefill !== "function") refuse(action, "onPrefill must be a function", onPrefill);
  if (typeof onToken !== "function") refuse(action, "onToken must be a function", onToken);
  const texts = { stopAtEnd, stop: [...stop], banned: [...banned] };
  return { maxNewTokens, temperature, topP, seed, ...texts, signal, onPrefill, onToken };
}

/** Fills in the defaults of a measurement; the session's options are left for checkSession. @throws RangeError */
export function checkPerplexity(options: PerplexityOptions) {
  const action = "measure perplexity";
  known(action, options, [...SESSION_NAMES, "first", "onProgress"]);
  const { first = 1, onProgress = () => {}, ...session } = options;
  whole(action, "first", first, 1);
  if (typeof onProgress !== "function") refuse(action, "onProgress must be a function", onProgress);
  return { first, onProgress, ...session };
}

/** Checks a prompt given as ids. @throws RangeError for an empty list or an id outside the vocabulary. */
export function checkPromptIds(ids: ArrayLike<number>, vocab: number): number[] {
  if (ids.length === 0) refuse("generate", "the prompt must have at least one token", "none");
  whole("generate", "the prompt's length", ids.length, 1);
  return Array.from(ids, (id) => whole("generate", "a prompt id", id, 0, vocab - 1));
}

/**
 * Checks that a generation fits its session: what a full cache must hold, what pins and protection leave to evict.
 * @param seen tokens the session has taken in before
 * @param prompt tokens of the new prompt
 * @param pinned tokens at the context's start that are never evicted
 * @throws RangeError
 */
export function checkRoom(
  session: CheckedSession,
  seen: number,
  prompt: number,
  pinned: number,
  maxNewTokens: number,
): void {
  const { policy, sinks, newest, stride } = session;
  const total = seen + prompt + maxNewTokens - 1; // the last token is not taken in
  if (policy === "full") {
    const { budget } = session;
    if (maxNewTokens === Infinity) refuse("generate", "maxNewTokens must be finite with the policy full", maxNewTokens);
    if (budget > 0 && total > budget) {
      const parts = `${seen} before + ${prompt} of the prompt + maxNewTokens ${maxNewTokens}`;
      throw new RangeError(
        `Cannot generate: all tokens must fit the full cache's budget of ${budget} slots, got ${parts}`,
      );
    }
    if (total > MOST_SLOTS) refuse("generate", `a full cache holds at most ${MOST_SLOTS} slots`, total);
    return;
  }
  const budget = leastBudget(session.allocation, session.budget, sinks + newest, stride); // of any lane
  if (total <= budget) return;
  const first = pinned > sinks ? "the pinned prompt" : "sinks";
  const kept = Math.max(sinks, pinned) + newest;
  if (budget <= kept) refuse("generate", `budget must be above ${first} + newest = ${kept}`, budget);
  // A prompt that does not fit is read in chunks, and a chunk's worth evicted at once must not be the chunk itself.
  const least = kept + stride;
  if (seen + prompt > budget && budget <= least) {
    const rule = `for a prompt beyond the budget, budget must be above ${first} + newest + stride = ${least}`;
    refuse("generate", rule, budget);
  }
}
