/** What a session evicts by: a policy's preset, and the parts of it that a caller puts in its place. */
import { MOST_WIDTH, POOLS, readsWindow, SCOPES, SCORES } from "../core/rule.ts";
import type { LaneViews, Pool, Scope, Score } from "../core/core.ts";
import { policies, type Policy, type PolicyName } from "../policies/index.ts";
import { flag, oneOf, refuse, whole } from "./check.ts";

/**
 * A score of your own: fills `scores` [capacity] for one lane, one for each slot; bigger is more worth keeping, and those of
 * live slots (position ≥ 0) must be finite. It is called once per lane before every eviction, with the lane's books and the
 * clock, the queries observed so far: clock − births[slot] of them saw the slot's token.
 */
export type OwnScore = (lane: number, views: LaneViews, scores: Float32Array, clock: number) => void;

/** The parts of a policy. What is left out is the policy's own. */
export interface RuleOptions {
  /** Which tokens are evicted; "full" evicts none. Default "roco". */
  policy?: PolicyName;
  /** What a token is worth, the smallest goes first: a score by name, or a function of your own. */
  score?: Score | OwnScore;
  /** Which tokens may go: "all" of them, or "low-spread": all but the `unsettled` ones. */
  scope?: Scope;
  /** Rows (decode steps or prefill chunks) that the scores windowed and persistence look back on. Default 32 and 64. */
  window?: number;
  /** What becomes of a windowed score: "none", or the "max" or "mean" over `width` neighbouring tokens. */
  pool?: Pool;
  /** How many neighbours are pooled, the token itself included: odd, at most 255. Default 7 with a pool. */
  width?: number;
  /** Whether all lanes of a layer give up the same tokens, by their mean score. */
  shared?: boolean;
}

/** A rule with every part filled in. */
export type CheckedRule = Required<RuleOptions>;

export const RULE_NAMES = ["policy", "score", "scope", "window", "pool", "width", "shared"] as const;

const WINDOWS: Partial<Record<Score, number>> = { windowed: 32, persistence: 64 }; // rows
const MOST_WINDOW = 65535; // rows
const WIDTH = 7; // tokens

/** Fills in a rule's parts. @throws RangeError for an unknown name, or parts that do not go together */
export function checkRuleOptions(action: string, options: RuleOptions): CheckedRule {
  const policy = oneOf(action, "policy", options.policy ?? "roco", Object.keys(policies) as PolicyName[]);
  const preset: Policy = policies[policy];
  if (!preset.evicts) {
    const part = RULE_NAMES.find((name) => name !== "policy" && options[name] !== undefined);
    if (part) refuse(action, `${part} must be left out with the policy ${policy}, which evicts nothing`, options[part]);
  }
  const score = options.score ?? preset.score;
  if (typeof score !== "function" && !SCORES.includes(score)) {
    refuse(action, `score must be one of ${SCORES.join(", ")} or a function`, score);
  }
  const scope = oneOf(action, "scope", options.scope ?? preset.scope, SCOPES);
  const shared = flag(action, "shared", options.shared ?? preset.shared ?? false);
  return { policy, score, scope, shared, ...checkWindow(action, options, preset, score) };
}

/** The parts that only scores over a window have. */
function checkWindow(action: string, options: RuleOptions, preset: Policy, score: Score | OwnScore) {
  if (typeof score === "function" || !readsWindow(score)) {
    const part = (["window", "pool", "width"] as const).find((name) => options[name] !== undefined);
    if (part) refuse(action, `${part} goes with the scores windowed and persistence only`, options[part]);
    return { window: 0, pool: "none", width: 1 } as const;
  }
  const own = preset.score === score; // the preset's window, pool and width were made for this score
  const window = whole(action, "window", options.window ?? (own ? preset.window : WINDOWS[score]), 1, MOST_WINDOW);
  const pool = oneOf(action, "pool", options.pool ?? (own ? preset.pool : undefined) ?? "none", POOLS);
  if (pool === "none") {
    if (options.width !== undefined) refuse(action, "width goes with the pools max and mean only", options.width);
    return { window, pool, width: 1 };
  }
  const width = options.width ?? (own ? preset.width : undefined) ?? WIDTH;
  if (!Number.isInteger(width) || width % 2 !== 1 || width < 1 || width > MOST_WIDTH) {
    refuse(action, `width must be an odd number from 1 to ${MOST_WIDTH}`, width);
  }
  return { window, pool, width };
}
