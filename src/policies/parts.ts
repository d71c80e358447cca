/** The parts of a rule that a policy presets and a caller may set. */
import { HALF_LIFE } from "../core/rule.ts";
import type { LaneViews, Pooling, Scope, Score } from "../core/core.ts";

/**
 * A score of your own: fills `scores` [capacity] for one lane, one for each slot; bigger is more worth keeping, and those of
 * live slots (position ≥ 0) must be finite. It is called once per lane before every eviction, with the lane's books and the
 * clock, the queries observed so far: clock − births[slot] of them saw the slot's token.
 */
export type OwnScore = (lane: number, views: LaneViews, scores: Float32Array, clock: number) => void;

/** What a score of its own needs to be given. */
export interface ScoreParts {
  /** A score of the core's, by name: its values stand in `scores` when the function is called. Default: nothing does, and last p is remembered. */
  readonly basis?: Score;
  /** Whether its views have keys and values; they take host memory, 8 bytes a number of a slot's key. Default false. */
  readonly readsVectors?: boolean;
  /** Whether they also have means of queries; then they have keys and values, too. Default false. */
  readonly readsQueries?: boolean;
}

/** What a rule is made of besides its policy. What is left out is the policy's own. */
export interface RuleParts {
  /** What a token is worth, the smallest goes first: a score by name, or a function of your own. */
  score?: Score | OwnScore;
  /** Which tokens may go: "all" of them, or "low-spread": all but the `unsettled` ones, or "peak": all but the `peaks` ones. */
  scope?: Scope;
  /** Rows (decode steps or prefill chunks) that the scores windowed, persistence and fading look back on. Default 32, 64 and 64. */
  window?: number;
  /** Queries after which one counts half in the score ema, or a best does in fading. Default 32 and 398. */
  halfLife?: number;
  /** What becomes of a windowed score: "none", or the "max" or "mean" over `width` neighbouring tokens. */
  pool?: Pooling;
  /** How many neighbours are pooled, the token itself included: odd, at most 255. Default 7 with a pool. */
  width?: number;
  /** Whether all lanes of a layer give up the same tokens, by their mean score. */
  shared?: boolean;
}

/** What holds of parts that neither a caller nor a policy sets. */
export const PLAIN = {
  scope: "all",
  window: 0,
  halfLife: HALF_LIFE,
  pool: "none",
  width: 1,
  shared: false,
} as const satisfies Omit<
  Required<RuleParts>,
  "score"
>;
