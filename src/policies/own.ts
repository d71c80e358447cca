/** Policies of the caller's own, beside those that kvcap has. */
import type { Score } from "../core/core.ts";
import { type OwnScore, PLAIN, type RuleParts, type ScoreParts } from "./parts.ts";
import { policies, type PolicyName } from "./index.ts";

/**
 * A policy of your own: a name, by which reports, recordings and snapshots know it, a score, and what else it sets. No file holds
 * a function: it must be given again to go on from a snapshot, and to be replayed.
 */
export interface OwnPolicy extends Readonly<Omit<RuleParts, "score">>, ScoreParts {
  /** Letters, digits and dashes, a letter first; none that kvcap has. */
  readonly name: string;
  /** What a token is worth, the smallest goes first: a function of your own, or a score by name. */
  readonly score: Score | OwnScore;
}

/** What a policy presets: every part of a rule, and whether it evicts. */
export type Preset =
  & Readonly<Required<RuleParts> & { name: string; evicts: boolean; needsAttention: boolean; peaks?: number }>
  & ScoreParts;

/** What a policy presets. */
export function presetOf(policy: PolicyName | OwnPolicy): Preset {
  return { ...PLAIN, evicts: true, needsAttention: true, ...(typeof policy === "object" ? policy : policies[policy]) };
}

/** What a rule's score is given, where that is its policy's own. */
export function givenTo({ policy, score }: { policy: PolicyName | OwnPolicy; score: Score | OwnScore }): ScoreParts {
  const preset = presetOf(policy);
  return typeof score === "function" && preset.score === score ? preset : {};
}

/** The score of the core's that a rule's score is, or builds on; null: none. */
export function basisOf(rule: { policy: PolicyName | OwnPolicy; score: Score | OwnScore }): Score | null {
  return typeof rule.score === "string" ? rule.score : givenTo(rule).basis ?? null;
}

/** Its name. */
export function nameOf(policy: PolicyName | OwnPolicy): string {
  return typeof policy === "object" ? policy.name : policy;
}
