/** A session's options: types, defaults and checks. */
import { type Allocation, ALLOCATIONS } from "../eviction/allocation.ts";
import { type Budget, budgetSlots } from "./budget.ts";
import type { Evicted } from "../eviction/evictions.ts";
import type { RecordSink } from "../recording/recorder.ts";
import { KV_TYPES, type KvType } from "../engine/kv.ts";
import { callback, flag, known, MOST_SEED, oneOf, refuse, whole } from "./check.ts";
import { checkSpan, keptName, protectedIn, type Span } from "./room.ts";
import { type CheckedRule, checkRuleOptions, RULE_NAMES, type RuleOptions } from "./rule.ts";

/** A number of tokens, or a share of the budget, rounded down. */
export type Count = number | { readonly share: number };

/** How a session keeps its cache. Lengths are in slots per lane, which are tokens. */
export interface SessionOptions extends RuleOptions {
  /**
   * Live slots per lane after a step: a number of them, a share of the first prompt, or bytes. Default 256; for "full": as
   * many as prompt and new tokens need.
   */
  budget?: Budget;
  /**
   * Queries per prefill chunk. Default: the largest up to 64 for which budget > sinks + newest + stride, but at least 1; a
   * quarter of the budget at most where lanes' budgets differ; and less in prompts that pins leave less room for.
   */
  stride?: number;
  /** First tokens always kept. Default 4, less under a budget below 16. */
  sinks?: Count;
  /** How p is taken over the query heads of a KV head. Default "mean". */
  aggregate?: "mean" | "max";
  /** Last tokens always kept. Default a tenth of the budget. */
  newest?: Count;
  /** RoCo's r: tokens with the largest spread, left out of the eviction scope. Default three tenths of the budget. */
  unsettled?: Count;
  /** Whether the tokens of the first prompt are never evicted. Default false. */
  pinPrompt?: boolean;
  /** Spans of positions that are never evicted: [from, to) each. More may be pinned later, by `session.pin`. Default none. */
  pin?: readonly Span[];
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
  /**
   * How K and V are stored: "f32", "f16" in half of its bytes, or "q8", bytes with two scales a row, in about a quarter. All
   * adapters have all three. Default: the model's, which is "f16" unless `load` was told otherwise. See kv.ts.
   */
  kv?: KvType;
  /**
   * Where the GPU refuses the memory that a budget takes, a session goes on with a smaller one, and `onWarning` hears of it.
   * true: it is an error. Default false.
   */
  exactBudget?: boolean;
  /** Hears of a budget that had to be smaller. Default: `console.warn`. */
  onWarning?: (message: string) => void;
  /** Seed of the policy "random", an unsigned 32-bit integer. Default 0. */
  seed?: number;
  /** Hears of every token that is evicted from a lane, after the step that evicts it. */
  onEvict?: (evicted: Evicted) => void;
  /**
   * Takes a recording of the attention of every pass, piece by piece, to be replayed under other policies: see README. A piece
   * is overwritten after the call. Attention is then computed whatever the policy. The recording ends with the session.
   */
  record?: RecordSink;
}

/** A session's options with every default filled in. A budget of 0 is not known yet: it waits for the first prompt. */
export interface CheckedSession extends CheckedRule {
  budget: number;
  stride: number;
  sinks: number;
  newest: number;
  unsettled: number;
  aggregate: "mean" | "max";
  pinPrompt: boolean;
  pin: readonly Span[];
  positions: "absolute" | "cache";
  allocation: Allocation;
  kv: KvType;
  exactBudget: boolean;
  onWarning: (message: string) => void;
  seed: number;
  onEvict: ((evicted: Evicted) => void) | null;
  record: RecordSink | null;
}

/** What a session's options depend on. */
export interface SessionHost {
  /** How K and V are stored where the options do not say. */
  readonly kv: KvType;
  /** Bytes of K and V that one slot of every lane takes. */
  slotBytes(kv: KvType): number;
}

export const SESSION_NAMES = [
  ...RULE_NAMES,
  ...["budget", "stride", "aggregate", "sinks", "newest", "unsettled", "pinPrompt", "pin", "positions", "allocation"],
  ...["kv", "exactBudget", "onWarning", "seed", "onEvict", "record"],
];
const DEFAULT_BUDGET = 256; // slots
const MOST_STRIDE = 64; // queries

/** A count of tokens under a budget. */
function count(action: string, name: string, value: Count, budget: number): number {
  if (typeof value !== "object" || value === null) return whole(action, name, value, 0);
  const { share } = value;
  if (Object.keys(value).length !== 1 || typeof share !== "number" || !(share >= 0 && share < 1)) {
    refuse(action, `${name} must be a number of tokens or { share } of the budget, from 0 to below 1`, value);
  }
  return Math.floor(share * budget);
}

/**
 * Fills in a session's defaults.
 * @param host the model it is for
 * @param promptTokens tokens of the first prompt, once there is one
 * @throws RangeError for an unknown policy or option, a number out of range, parts of a rule that do not go together, or a
 * budget that protection alone would fill.
 */
export function checkSession(
  options: SessionOptions = {},
  host: SessionHost = { kv: "f16", slotBytes: () => 1 },
  promptTokens: number | null = null,
  action = "create session",
): CheckedSession {
  known(action, options, SESSION_NAMES);
  const rule = checkRuleOptions(action, options);
  const full = rule.policy === "full";
  const kv = oneOf(action, "kv", options.kv ?? host.kv, KV_TYPES);
  const sized = full && options.budget === undefined
    ? null
    : budgetSlots(options.budget ?? DEFAULT_BUDGET, options.stride, host.slotBytes(kv), promptTokens, action);
  const budget = sized ? whole(action, "budget", sized.budget, 1) : 0;
  const sinks = count(action, "sinks", options.sinks ?? Math.min(4, Math.floor(budget / 4)), budget);
  const newest = count(action, "newest", options.newest ?? { share: 0.1 }, budget);
  const unsettled = count(action, "unsettled", options.unsettled ?? { share: 0.3 }, budget);
  const spans = options.pin ?? [];
  if (!Array.isArray(spans)) refuse(action, "pin must be a list of [from, to]", spans);
  const pin = spans.map((span) => checkSpan(action, "a pinned span", span));
  const kept = protectedIn(0, Infinity, sinks, pin) + newest;
  if (!full && sized && budget <= kept) {
    refuse(action, `budget must be above ${keptName(pin)} + newest = ${kept}`, budget);
  }
  const allocation = oneOf(action, "allocation", options.allocation ?? "uniform", ALLOCATIONS);
  if (allocation === "adaptive" && !full) checkAdaptive(action, rule);
  const fill = allocation === "uniform" ? budget - kept - 1 : Math.floor(budget / 4);
  const room = full ? MOST_STRIDE : Math.max(1, fill);
  const stride = whole(action, "stride", sized?.stride ?? options.stride ?? Math.min(MOST_STRIDE, room), 1, 4096);
  const pinPrompt = flag(action, "pinPrompt", options.pinPrompt ?? false);
  const aggregate = options.aggregate ?? "mean";
  if (aggregate !== "mean" && aggregate !== "max") refuse(action, "aggregate must be mean or max", aggregate);
  const positions = options.positions ?? "absolute";
  if (positions !== "absolute" && positions !== "cache") {
    refuse(action, "positions must be absolute or cache", positions);
  }
  const seed = whole(action, "seed", options.seed ?? 0, 0, MOST_SEED);
  const protection = { sinks, newest, unsettled, pinPrompt, pin };
  const onEvict = callback(action, "onEvict", options.onEvict);
  const exactBudget = flag(action, "exactBudget", options.exactBudget ?? false);
  const onWarning = callback(action, "onWarning", options.onWarning) ?? warn;
  const record = callback(action, "record", options.record);
  const told = { exactBudget, onWarning, onEvict, record };
  return { ...rule, budget, stride, ...protection, aggregate, positions, allocation, kv, seed, ...told };
}

const warn = (message: string) => console.warn(`kvcap: ${message}`);

/** Lanes compare their scores to share slots out: they must mean the same in all of them, and each choose for itself. */
function checkAdaptive(action: string, { score, shared }: CheckedRule): void {
  if (score === "recency" || score === "random") {
    refuse(action, "allocation adaptive needs a score of attention", score);
  }
  if (typeof score === "function") refuse(action, "allocation adaptive needs a score by name", "a function");
  if (shared) refuse(action, "allocation adaptive needs lanes that choose for themselves", "a shared choice");
}
