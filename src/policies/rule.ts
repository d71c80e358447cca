/** From a session's options to what its books evict by. */
import type { CoreRule } from "../core/core.ts";
import { readsRows } from "../core/rule.ts";
import type { CheckedSession } from "../options/index.ts";
import { policies, type Policy } from "./index.ts";

/**
 * The core's rule for lanes of this budget. With a score of the caller's own the core remembers last p as well, so that it
 * may read all the books.
 */
export function ruleOf(options: CheckedSession, budget: number): CoreRule {
  const { score, scope, sinks, newest, seed, pool, width, shared } = options;
  const named = typeof score === "function" ? "last" : score;
  const unsettled = options.budget > 0 ? Math.floor(options.unsettled * budget / options.budget) : 0;
  return { score: named, scope, sinks, newest, unsettled, seed, pool, width, shared };
}

/** Whether the choice reads attention; if not, it need not be computed. */
export function readsAttention({ policy, score, scope }: CheckedSession): boolean {
  const preset: Policy = policies[policy];
  return preset.evicts && (scope === "low-spread" || typeof score === "function" || readsRows(score));
}

/** A rule's name in a report: its policy, and the parts put in place of the policy's. */
export function ruleName({ policy, score, scope, window, pool, width, shared }: CheckedSession): string {
  const preset: Policy = policies[policy];
  const parts = { score: typeof score === "function" ? "of its own" : score, scope, window, pool, width, shared };
  const own = { window: 0, pool: "none", width: 1, shared: false, ...preset };
  const others = Object.entries(parts).filter(([name, part]) => part !== own[name as keyof typeof parts]);
  return [policy, ...others.map(([name, part]) => `${name} ${part}`)].join(", ");
}
