import type { CoreRule, Pool, Scope, Score } from "../core/core.ts";

/** An eviction policy: one score and one scope, and what its paper sets. */
export interface Policy {
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
  /** Rows that a windowed score looks back on: `CoreShape.window`. */
  readonly window?: number;
  /** Pooling of a windowed score over `width` neighbouring positions. */
  readonly pool?: Pool;
  /** How many neighbours are pooled, the slot's own token included: odd. */
  readonly width?: number;
  /** Whether all lanes of a layer give up the same tokens. */
  readonly shared?: boolean;
  /** How many first tokens the paper protects. A caller may say otherwise. */
  readonly sinks: number;
  /** How much of the budget the paper gives to the newest tokens, a share. A caller may say otherwise. */
  readonly newest: number;
  /** RoCo's r, the candidates with the largest σ that stay out of the scope, as a share of the budget. */
  readonly unsettled?: number;
}

/** The rule of a policy for a budget in slots per lane, with the paper's protection unless `own` says otherwise. */
export function ruleFor(policy: Policy, budget: number, own: Partial<CoreRule> = {}): CoreRule {
  const { score, scope, pool = "none", width = 1, shared = false, sinks, newest, unsettled = 0 } = policy;
  const share = (part: number) => Math.floor(part * budget);
  return {
    score,
    scope,
    pool,
    width,
    shared,
    sinks,
    newest: share(newest),
    unsettled: share(unsettled),
    seed: 0,
    ...own,
  };
}
