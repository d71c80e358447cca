// What a core chooses by, and the checks of what its callers say.
import * as abi from "../../assembly/abi.ts";
import { refuse, words } from "../errors.ts";

/** Every score, by name. */
export const SCORES = ["mean", "sum", "last", "recency", "random", "windowed", "persistence", "ema", "fading"] as const;
/** Every scope, by name. */
export const SCOPES = ["all", "low-spread", "peak"] as const;
/** Every pooling, by name. */
export const POOLS = ["none", "max", "mean"] as const;

/**
 * What a slot is worth. mean: S/n; sum: S; last: the newest query's p; recency: its position; random: a seeded draw;
 * windowed: Σp over the rows of the window; persistence: in how many rows of the window p was above its mean, 1/live; ema: the
 * mean p of the recent past, where a query counts half as much for every `halfLife` queries since; fading: a slot's part
 * in the window's largest Σp, at its best, which halves in `halfLife` queries.
 */
export type Score = typeof SCORES[number];

/** What there is to know of a score. */
export interface ScoreRow {
  /** Its number in the ABI. */
  readonly number: number;
  /** What it is made of: positions alone, attention, or the attention of the rows in the window. */
  readonly reads: "no rows" | "rows" | "a window of rows";
  /** What it counts, in words; {window}: the window's rows. */
  readonly unit: string;
  /** Whether that is attention, which spreads over decades. */
  readonly attention: boolean;
}

/** A row for each. */
export const SCORE_ROWS: Readonly<Record<Score, ScoreRow>> = {
  mean: { number: abi.SCORE_MEAN, reads: "rows", unit: "attention per query, mean", attention: true },
  sum: { number: abi.SCORE_SUM, reads: "rows", unit: "attention, sum over queries", attention: true },
  last: { number: abi.SCORE_LAST, reads: "rows", unit: "attention of the last query", attention: true },
  recency: { number: abi.SCORE_RECENCY, reads: "no rows", unit: "position, tokens", attention: false },
  random: { number: abi.SCORE_RANDOM, reads: "no rows", unit: "draw of the next eviction", attention: false },
  windowed: {
    number: abi.SCORE_WINDOWED,
    reads: "a window of rows",
    unit: "attention, sum over {window} rows",
    attention: true,
  },
  persistence: {
    number: abi.SCORE_PERSISTENCE,
    reads: "a window of rows",
    unit: "rows of {window} with more than their share",
    attention: false,
  },
  ema: { number: abi.SCORE_EMA, reads: "rows", unit: "attention per query, of late", attention: true },
  fading: {
    number: abi.SCORE_FADING,
    reads: "a window of rows",
    unit: "share of the most attended, over {window} rows, at its best",
    attention: true,
  },
};

/**
 * Which slots may go. all: every candidate; low-spread: all but the `unsettled` ones with the largest σ; peak: all but the `peaks`
 * ones that were once looked at hardest.
 */
export type Scope = typeof SCOPES[number];
/** What becomes of a windowed score: nothing, or the largest or the mean of those around it. */
export type Pooling = typeof POOLS[number];

/** Their numbers in the ABI. */
export const NUMBERS = {
  score: Object.fromEntries(Object.entries(SCORE_ROWS).map(([name, { number }]) => [name, number])),
  scope: { all: abi.SCOPE_ALL, "low-spread": abi.SCOPE_LOW_SPREAD, peak: abi.SCOPE_PEAK } satisfies Record<
    Scope,
    number
  >,
  pool: { none: abi.POOL_NONE, max: abi.POOL_MAX, mean: abi.POOL_MEAN } satisfies Record<Pooling, number>,
} as const;

/** The half-life of ema where nobody says, in queries. */
export const HALF_LIFE = 32;

export { MOST_WIDTH } from "../../assembly/abi.ts";

/** How large a core is. */
export interface CoreShape {
  /** Layers, each with lanes of its own. */
  layers: number;
  /** KV heads of a layer: its lanes. */
  kvHeads: number;
  /** Slots per lane. */
  capacity: number;
  /** Rows (calls of `observe`) that windowed scores look back on; each takes 4 bytes per slot. Default 0: none. */
  window?: number;
}

/** What `evict` chooses by. */
export interface CoreRule {
  /** What a slot is worth: the smallest goes first. */
  score: Score;
  /** Which slots may go. */
  scope: Scope;
  /** Tokens at positions below this never go. */
  sinks: number;
  /** This many live tokens of the highest positions in a lane never go. */
  newest: number;
  /** low-spread: how many candidates with the largest σ are left out of the scope (fewer, where too few would remain). */
  unsettled: number;
  /** peak: how many candidates with the largest peak are left out of the scope, likewise. Default 0. */
  peaks?: number;
  /** ema, fading: queries after which one counts half, a positive integer. Default 32. */
  halfLife?: number;
  /** random: an integer, of which the low 32 bits count. */
  seed: number;
  /** windowed, persistence: pooling of scores over neighbouring live positions. Default "none". */
  pool?: Pooling;
  /** How many neighbours are pooled, itself included: odd, at most 255. Default 1. */
  width?: number;
  /**
   * Whether all lanes of a layer give up the same tokens, by scores and spreads averaged over them; the lanes must then
   * hold the same tokens in the same slots, as they do if every choice so far was shared. Default false.
   */
  shared?: boolean;
}

/** A rule as the ABI numbers it. */
export type RuleNumbers = [
  score: number,
  scope: number,
  sinks: number,
  newest: number,
  unsettled: number,
  parameter: number,
  pool: number,
  width: number,
  shared: number,
];

/**
 * The rule in the ABI's numbers.
 * @param window the core's rows of window
 * @throws RangeError if score, scope or pool is unknown, a count is not a non-negative integer, the width is even or too
 * large, or the score needs a window that the core has not
 */
export function checkRule(rule: CoreRule, window: number): RuleNumbers {
  const { sinks, newest, unsettled, peaks = 0, halfLife = HALF_LIFE, seed, pool = "none", width = 1 } = rule;
  const { shared = false } = rule;
  const action = "set a rule";
  const known = (name: keyof typeof NUMBERS, value: unknown) => {
    const numbers: Record<string, number> = NUMBERS[name];
    if (typeof value === "string" && Object.hasOwn(numbers, value)) return numbers[value];
    const names = Object.keys(numbers);
    refuse(action, `${name} must be one of ${names.join(", ")}`, words(String(value)), { option: name, names });
  };
  const score = known("score", rule.score);
  const scope = known("scope", rule.scope);
  const pooled = known("pool", pool);
  for (const [name, value] of Object.entries({ sinks, newest, unsettled, peaks })) {
    if (!isCount(value)) refuse(action, `${name} must be a non-negative integer`, words(value), { option: name });
  }
  if (!isCount(halfLife, 1)) {
    refuse(action, "halfLife must be a positive integer", words(halfLife), { option: "halfLife" });
  }
  if (!Number.isInteger(seed)) refuse(action, "seed must be an integer", words(seed), { option: "seed" });
  if (!(Number.isInteger(width) && width % 2 === 1 && width > 0 && width <= abi.MOST_WIDTH)) {
    refuse(action, `width must be an odd number from 1 to ${abi.MOST_WIDTH}`, words(width), { option: "width" });
  }
  if (typeof shared !== "boolean") {
    refuse(action, "shared must be true or false", words(shared), { option: "shared" });
  }
  if (readsWindow(rule.score) && window === 0) {
    const needs = `the score ${rule.score} needs a core whose shape has a window`;
    refuse(action, needs, words("a window of 0 rows"), { option: "score" });
  }
  const left = rule.scope === "peak" ? peaks : unsettled;
  const parameter = rule.score === "ema" || rule.score === "fading" ? halfLife : seed | 0;
  return [score, scope, sinks, newest, left, parameter, pooled, width, shared ? 1 : 0];
}

/** Whether a score looks back on a window of rows. */
export function readsWindow(score: Score): boolean {
  return SCORE_ROWS[score].reads === "a window of rows";
}

/** Whether a score reads attention at all. */
export function readsRows(score: Score): boolean {
  return SCORE_ROWS[score].reads !== "no rows";
}

/** Whether a value is an integer from `least` to 2³¹ − 1. */
const isCount = (value: number, least = 0) => Number.isInteger(value) && value >= least && value < 2 ** 31;

/** Throws a RangeError unless `value` is an integer from `least` to 2³¹ − 1. */
export function checkCount(action: string, rule: string, value: number, least: number): void {
  if (!isCount(value, least)) refuse(action, rule, words(value));
}

/** @returns how many slots each lane has among [lanes, n] @throws RangeError for another shape, or a slot that is no number */
export function checkSlots(slots: ArrayLike<number>, lanes: number, live: number): number {
  const n = slots.length / lanes;
  if (!Number.isInteger(n) || n > live) {
    refuse("free", `slots must be [${lanes}, at most ${live}]`, words(`${slots.length} of them`));
  }
  for (let i = 0; i < slots.length; i++) checkCount("free", "a slot must be a non-negative integer", slots[i], 0);
  return n;
}
