/** The parts of a rule that a policy presets and a caller may set: their rows. */
import { HALF_LIFE, MOST_WIDTH, POOLS, SCOPES, SCORES } from "../core/rule.ts";
import type { Score } from "../core/core.ts";
import { type OwnScore, PLAIN, type RuleParts } from "../policies/parts.ts";
import { flag, odd, oneOf, orFunction, whole } from "./kinds.ts";
import type { Table } from "./row.ts";

export { type OwnScore, PLAIN, type RuleParts };

const MOST_WINDOW = 65535; // rows
const MOST_HALF_LIFE = 2 ** 20; // queries

const row = { decides: true, replay: true } as const;

/** One row each. */
export const PARTS = {
  score: { kind: orFunction<Score, OwnScore>(SCORES), ...row },
  scope: { kind: oneOf(SCOPES), ...row },
  window: { kind: whole(1, MOST_WINDOW), ...row },
  halfLife: { kind: whole(1, MOST_HALF_LIFE), ...row },
  pool: { kind: oneOf(POOLS), ...row },
  width: { kind: odd(MOST_WIDTH), ...row },
  shared: { kind: flag, ...row },
} as const satisfies Table<RuleParts>;

/** The parts that some scores have only: which scores, and what holds with them where nobody says. */
export const SCORED: Readonly<Partial<Record<keyof RuleParts, Readonly<Partial<Record<Score, number | string>>>>>> = {
  window: { windowed: 32, persistence: 64, fading: 64 },
  halfLife: { ema: HALF_LIFE, fading: 398 },
  pool: { windowed: "none", persistence: "none" },
  width: { windowed: 7, persistence: 7 },
};
