/** A session's options: types, rows, defaults and checks. */
import { type Allocation, ALLOCATIONS } from "../policies/allocation.ts";
import { type Budget, budgetSlots, countsGenerated, MOST_STRIDE } from "./budget.ts";
import { KV_TYPES, type KvType } from "../engine/kv.ts";
import { MOST_REMAINDERS } from "../engine/remainder.ts";
import { onConsole, refuse } from "../errors.ts";
import { presetOf } from "../policies/own.ts";
import { known, MOST_SEED, whole as checkWhole } from "./check.ts";
import { callback, type Count, count, either, flag, oneOf, spans, unchecked, whole } from "./kinds.ts";
import { checkRow, given, namesOf, type Table } from "./row.ts";
import { type CheckedRule, checkRuleOptions, RULE, type RuleOptions } from "./rule.ts";
import { keptName, protectedIn, type Span } from "./span.ts";
import type { Evicted, RecordSink, StepEvent } from "./events.ts";

/** What rotary positions count: the text, or live slots. */
export type Positions = "absolute" | "cache";
/** How p is taken over the query heads of a KV head. */
export type Aggregate = "mean" | "max";

/** When tokens go: whenever the budget is exceeded, or while a prompt is read only. */
export type Evict = "always" | "prompt";

/** Whose attention counts: that of every pass, or of passes that exceed the budget. */
export type CountFrom = "start" | "eviction";

/** How a session keeps its cache. Lengths are in slots per lane, which are tokens. */
export interface SessionOptions extends RuleOptions {
  /**
   * Live slots per lane after a step: a number of them, a share of the first prompt, bytes, or the first prompt, which is then
   * pinned, and a number of tokens behind it. Default 256; for "full": as many as prompt and new tokens need.
   */
  budget?: Budget;
  /**
   * When tokens go: "always", or while a "prompt" is read only: the cache then grows with what is generated, and the next prompt
   * brings it back to its budget. Default "always".
   */
  evict?: Evict;
  /**
   * Queries per prefill chunk, at most: as many as there are slots for. Default: the largest up to 64 for which budget > sinks +
   * newest + stride, but at least 1; a quarter of the budget at most where lanes' budgets differ; and less in prompts that pins
   * leave less room for.
   */
  stride?: number;
  /**
   * Slots per lane that the cache has beside its budget: all that a full one has for a chunk. Default: the stride where that is
   * asked for; else that or, if it is less, a quarter of the budget, at least 1, so that a cache takes no more than 1.25 budgets.
   */
  spare?: number;
  /** First tokens always kept. Default 4, less under a budget below 16. */
  sinks?: Count;
  /**
   * Whose attention counts: that of all passes from the "start", or of those only that exceed the budget, so that something goes
   * behind them ("eviction"), as in EasyKV without keep_attention. Default "start".
   */
  countFrom?: CountFrom;
  /** How p is taken over the query heads of a KV head. Default "mean". */
  aggregate?: Aggregate;
  /** Last tokens always kept. Default a tenth of the budget. */
  newest?: Count;
  /** RoCo's r: tokens with the largest spread, left out of the eviction scope. Default three tenths of the budget. */
  unsettled?: Count;
  /** Tokens with the largest peak of attention, left out of the scope "peak". Default two tenths of the budget. */
  peaks?: Count;
  /** Whether the tokens of the first prompt are never evicted. Default false. */
  pinPrompt?: boolean;
  /** Spans of positions that are never evicted: [from, to) each. More may be pinned later, by `session.pin`. Default none. */
  pin?: readonly Span[];
  /**
   * What rotary positions count. "absolute": the text. "cache": live slots, so that the model never sees a position beyond
   * budget + stride, however long the text: keys are rotated when they are read. Default "absolute".
   */
  positions?: Positions;
  /**
   * How slots are shared out: all lanes alike; early layers more ("pyramid"); or by what each lane's attention needs, within its
   * layer ("adaptive"). The mean over all lanes is the budget. Default "uniform". See allocation.ts for the papers.
   */
  allocation?: Allocation;
  /**
   * How many means a lane keeps of what is evicted from it, so that it is not lost: of keys, of values, and of how many tokens they
   * are. A query meets each as one more slot that stands for all of them. Each takes 8 bytes a number of a head and 4, in f16 two
   * slots' bytes. Not in models with a sliding window, whose queries must not see what left it. Default 0: none.
   */
  remainder?: number;
  /**
   * How K and V are stored: "f32", "f16" in half of its bytes, or "q8", bytes with two scales a row, in about a quarter. All
   * adapters have all three. Default: the model's, which is "f16" unless `load` was told otherwise. See kv.ts.
   */
  kv?: KvType;
  /**
   * Where the device refuses the memory that a budget takes, a session goes on with a smaller one, and `onWarning` hears of it.
   * true: it is an error. Default false.
   */
  exactBudget?: boolean;
  /**
   * Hears of a budget that had to be smaller ("memory"); and of what may not be meant ("use"): more than half of a prompt let go
   * under the default budget, positions beyond those that the model was made for, the policy "streaming" without positions "cache".
   * Default: `console.warn`.
   */
  onWarning?: (message: string, about: "memory" | "use") => void;
  /** Seed of the policy "random", an unsigned 32-bit integer. Default 0. */
  seed?: number;
  /** Hears of every token that is evicted from a lane, after the step that evicts it. */
  onEvict?: (evicted: Evicted) => void;
  /**
   * Hears of every step when it is done: what it took in, who went, and, asked for, who is live and what for. Attention is then
   * computed whatever the policy. What it throws ends the generation.
   */
  onStep?: (step: StepEvent) => void;
  /**
   * Takes a recording of the attention of every pass, piece by piece, to be replayed under other policies: see
   * docs/recordings.md. A piece is overwritten after the call. Attention is then computed whatever the policy. The recording
   * ends with the session, or where this throws.
   */
  record?: RecordSink;
}

/** What a session protects from eviction, or leaves out of its scope. */
export type Protection = Pick<SessionOptions, "sinks" | "newest" | "unsettled" | "peaks">;

/** A session's options with every default filled in. A budget of 0 is not known yet: it waits for the first prompt. */
export interface CheckedSession extends
  CheckedRule,
  Required<
    Omit<
      SessionOptions,
      keyof RuleOptions | "budget" | "sinks" | "newest" | "unsettled" | "peaks" | "onEvict" | "onStep" | "record"
    >
  > {
  /** Live slots per lane after a step. */
  budget: number;
  /** First tokens always kept. */
  sinks: number;
  /** Last tokens always kept. */
  newest: number;
  /** Tokens with the largest spread, left out of the eviction scope. */
  unsettled: number;
  /** Tokens with the largest peak, left out of the scope "peak". */
  peaks: number;
  /** Hears of every token that is evicted. */
  onEvict: ((evicted: Evicted) => void) | null;
  /** Hears of every step. */
  onStep: ((step: StepEvent) => void) | null;
  /** Takes a recording. */
  record: RecordSink | null;
}

/** What a session's options depend on. */
export interface SessionModel {
  /** How K and V are stored where the options do not say. */
  readonly kv: KvType;
  /** Bytes of K and V that one slot of every lane takes. */
  slotBytes(kv: KvType): number;
  /** Bytes of so many remainders of every lane. */
  remainderBytes(count: number): number;
}

const MOST_SINKS = 4; // where nothing is said

/** One row each, those of its rule first. */
export const SESSION = {
  ...RULE,
  budget: { kind: unchecked("budget"), default: 256, decides: true, replay: true },
  evict: { kind: either(["always", "prompt"]), default: "always", decides: true },
  stride: { kind: whole(1, 4096), decides: true },
  spare: { kind: whole(1, 4096), decides: true },
  countFrom: { kind: either(["start", "eviction"]), default: "start", decides: true },
  aggregate: { kind: either(["mean", "max"]), default: "mean" },
  sinks: { kind: count, decides: true, replay: true },
  newest: { kind: count, default: { share: 0.1 }, decides: true, replay: true },
  unsettled: { kind: count, default: { share: 0.3 }, decides: true, replay: true },
  peaks: { kind: count, default: { share: 0.2 }, decides: true, replay: true },
  pinPrompt: { kind: flag, default: false },
  pin: { kind: spans, default: [] },
  positions: { kind: either(["absolute", "cache"]), default: "absolute" },
  allocation: { kind: oneOf(ALLOCATIONS), default: "uniform", decides: true, replay: true },
  remainder: { kind: whole(0, MOST_REMAINDERS), default: 0 },
  kv: { kind: oneOf(KV_TYPES) },
  exactBudget: { kind: flag, default: false },
  onWarning: { kind: callback(), default: onConsole },
  seed: { kind: whole(0, MOST_SEED), default: 0, decides: true, replay: true },
  onEvict: { kind: callback(), default: null },
  onStep: { kind: callback(), default: null },
  record: { kind: callback(), default: null },
} as const satisfies Table<SessionOptions>;

/**
 * Fills in a session's defaults.
 * @param of the model it is for
 * @param promptTokens tokens of the first prompt, once there is one
 * @throws RangeError for an unknown policy or option, a number out of range, parts of a rule that do not go together, or a
 * budget that protection alone would fill.
 */
export function checkSession(
  options: SessionOptions = {},
  of: SessionModel = { kv: "f16", slotBytes: () => 1, remainderBytes: () => 0 },
  promptTokens: number | null = null,
  action = "create session",
): CheckedSession {
  options = given(options);
  known(action, options, namesOf(SESSION));
  const rule = checkRuleOptions(action, options);
  const full = rule.policy === "full";
  const take = (name: keyof SessionOptions, value: unknown = options[name], budget = 0) =>
    checkRow(SESSION, name, value, { action, budget });
  const kv = take("kv", options.kv ?? of.kv) as KvType;
  const remainder = take("remainder") as number;
  const beside = full ? 0 : of.remainderBytes(remainder);
  const asked = { budget: options.budget ?? SESSION.budget.default, spare: options.spare ?? options.stride, beside };
  const sized = full && options.budget === undefined
    ? null
    : budgetSlots(asked, of.slotBytes(kv), promptTokens, action);
  const budget = sized ? checkWhole(action, "budget", sized.budget, { least: 1 }) : 0;
  const free = sized?.free ?? 0;
  const sinks = take("sinks", options.sinks ?? Math.min(MOST_SINKS, Math.floor(budget / 4)), free) as number;
  const newest = take("newest", options.newest, free) as number;
  const aside = (name: keyof typeof SCOPED, value: Count | undefined): number => {
    const [scope, asked] = [SCOPED[name], options[name]];
    if (rule.scope === scope) return take(name, value, free) as number;
    if (asked !== undefined && take(name, asked, ANY_BUDGET) !== 0) {
      refuse(action, `${name} goes with the scope ${scope} only`, asked, { option: name });
    }
    return 0;
  };
  const unsettled = aside("unsettled", options.unsettled);
  const peaks = aside("peaks", options.peaks ?? peaksOf(rule));
  const evict = take("evict") as Evict;
  const pinPrompt = pinsPrompt(action, options, evict);
  if (options.record && take("countFrom") === "eviction") { // rows that do not count are not computed
    refuse(action, "countFrom must be start where attention is recorded", "eviction", { option: "countFrom" });
  }
  const pin = Object.freeze((take("pin") as readonly Span[]).map(Object.freeze)) as readonly Span[];
  const kept = protectedIn(0, Infinity, sinks, pin) + newest;
  if (!full && sized && budget <= kept) {
    refuse(action, `budget must be above ${keptName(pin)} + newest = ${kept}`, budget, { option: "budget" });
  }
  const allocation = take("allocation") as Allocation;
  if (allocation === "adaptive" && !full) checkAdaptive(action, rule);
  const loose = countsGenerated(options.budget) ? free - newest : budget - kept;
  const quarter = Math.max(1, Math.floor(budget / 4));
  const room = full ? MOST_STRIDE : allocation === "uniform" ? Math.max(1, loose - 1) : quarter;
  const stride = take("stride", options.stride ?? sized?.spare ?? Math.min(MOST_STRIDE, room)) as number;
  const usual = full || options.stride !== undefined ? stride : Math.min(stride, quarter);
  const spare = take("spare", options.spare ?? sized?.spare ?? usual) as number;
  if (spare > stride) refuse(action, `spare must be at most stride = ${stride}`, spare, { option: "spare" });
  const found = {
    ...rule,
    budget,
    evict,
    stride,
    spare,
    sinks,
    newest,
    unsettled,
    peaks,
    pinPrompt,
    pin,
    allocation,
    kv,
    remainder,
  };
  const alone = namesOf(SESSION).filter((name) => !(name in found)); // those that depend on no other
  return Object.freeze({ ...found, ...Object.fromEntries(alone.map((name) => [name, take(name)])) }) as CheckedSession;
}

/** The scope that leaves so many out. */
const SCOPED = { unsettled: "low-spread", peaks: "peak" } as const;
const ANY_BUDGET = 1e6; // of which a share is some, where there is no budget yet

/** Of what a scope leaves out, that which another session under this scope may be asked for. */
export function scopedIn(scope: string, { unsettled, peaks }: Partial<Pick<SessionOptions, "unsettled" | "peaks">>) {
  return { ...(scope === SCOPED.unsettled ? { unsettled } : {}), ...(scope === SCOPED.peaks ? { peaks } : {}) };
}

/** How many its policy leaves out, where that says. */
function peaksOf({ policy }: CheckedRule): Count | undefined {
  const { peaks } = presetOf(policy);
  return peaks === undefined ? undefined : { share: peaks };
}

/** Whether the first prompt never goes: by itself where the budget counts generated tokens, which must then go. */
function pinsPrompt(action: string, { policy, budget, pinPrompt }: SessionOptions, evict: Evict): boolean {
  const asked = checkRow(SESSION, "pinPrompt", pinPrompt, { action }) as boolean;
  if (policy === "full" && evict === "prompt") {
    refuse(action, "evict goes with policies that evict only", evict, { option: "evict" });
  }
  if (!countsGenerated(budget)) return asked;
  const no = (rule: string, option: string, found: unknown) => refuse(action, rule, found, { option });
  if (policy === "full") no("a full cache's budget must be slots, { share } or { bytes }", "budget", budget);
  if (pinPrompt === false) no("pinPrompt must be true with a budget of generated tokens", "pinPrompt", false);
  if (evict === "prompt") no("evict must be always with a budget of generated tokens", "evict", evict);
  return true;
}

/** Lanes compare their scores to share slots out: they must mean the same in all of them, and each choose for itself. */
function checkAdaptive(action: string, { policy, score, shared }: CheckedRule): void {
  const no = (rule: string, found: unknown) => refuse(action, rule, found, { option: "allocation" });
  if (score === "recency" || score === "random") no("allocation adaptive needs a score of attention", score);
  const ours = typeof policy === "string" && presetOf(policy).score === score;
  if (typeof score === "function" && !ours) no("allocation adaptive needs a score by name", "a function");
  if (shared) no("allocation adaptive needs lanes that choose for themselves", "a shared choice");
}
