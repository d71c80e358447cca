import type { CoreRule, Scope, Score } from "../core/core.ts";
import type { OwnScore, RuleParts, ScoreParts } from "./parts.ts";

/** An eviction policy: one score and one scope, and what its paper sets. */
export interface Policy extends Readonly<Omit<RuleParts, "score" | "scope">> {
  /** Its name in `policies`. */
  readonly name: string;
  /** Bigger is more worth keeping. */
  readonly score: Score;
  /** Which slots may go. */
  readonly scope: Scope;
  /** Whether the score reads attention rows; if not, a session need not compute them (`Core.advance` in place of `observe`). */
  readonly needsAttention: boolean;
  /** False: nothing ever goes, and a session that runs out of slots must stop. */
  readonly evicts: boolean;
  /** How many first tokens the paper protects. A caller may say otherwise. */
  readonly sinks: number;
  /** How much of the budget the paper gives to the newest tokens, a share. A caller may say otherwise. */
  readonly newest: number;
  /** RoCo's r, the candidates with the largest σ that stay out of the scope, as a share of the budget. */
  readonly unsettled?: number;
  /** The candidates with the largest peak that stay out of the scope, as a share of the budget. */
  readonly peaks?: number;
}

/** A policy whose score is a function, of keys and values among others: the core alone has no such score. */
export interface FunctionPolicy extends Omit<Policy, "score">, ScoreParts {
  /** What a token is worth: the smallest goes first. */
  readonly score: OwnScore;
}

/** The rule of a policy for a budget in slots per lane, with the paper's protection unless `own` says otherwise. */
export function ruleFor(policy: Policy, budget: number, own: Partial<CoreRule> = {}): CoreRule {
  const { name: _, needsAttention: __, evicts: ___, window: ____, sinks, newest, ...rest } = policy;
  const { unsettled = 0, peaks = 0, ...parts } = rest;
  const share = (part: number) => Math.floor(part * budget);
  const protection = { sinks, newest: share(newest), unsettled: share(unsettled), peaks: share(peaks), seed: 0 };
  return { ...{ pool: "none", width: 1, shared: false }, ...parts, ...protection, ...own };
}
