/** From a session's options to what its books evict by. */
import type { CoreRule } from "../core/core.ts";
import { readsRows } from "../core/rule.ts";
import type { CheckedSession } from "../options/index.ts";
import { namesOf } from "../options/row.ts";
import { PARTS, PLAIN, type RuleParts, SCORED } from "../options/parts.ts";
import { presetOf } from "../policies/own.ts";

/**
 * The core's rule for lanes of this budget. With a score of the caller's own the core remembers last p as well, so that it
 * may read all the books.
 */
export function ruleOf(options: CheckedSession, budget: number): CoreRule {
  const { score } = options;
  const part = (count: number) => options.budget > 0 ? Math.floor(count * budget / options.budget) : 0;
  const [unsettled, peaks] = [part(options.unsettled), part(options.peaks)];
  return { ...options, score: typeof score === "function" ? "last" : score, unsettled, peaks };
}

/** Whether the choice reads attention; if not, it need not be computed. */
export function readsAttention({ policy, score, scope }: CheckedSession): boolean {
  return presetOf(policy).evicts && (scope !== "all" || typeof score === "function" || readsRows(score));
}

/** A rule's name in a report: its policy, the parts put in place of the policy's, and what is kept of what goes. */
export function ruleName(options: CheckedSession): string {
  const preset = presetOf(options.policy);
  const { score } = preset;
  const usual = (name: keyof RuleParts) => { // what a part is where nobody sets it
    const scored = typeof score === "string" ? SCORED[name]?.[score] : undefined;
    return preset[name] === PLAIN[name as keyof typeof PLAIN] ? scored ?? preset[name] : preset[name];
  };
  const others = namesOf(PARTS).filter((name) => options[name] !== usual(name) && options[name] !== preset[name]);
  const told = others.map((name) => `${name} ${typeof options[name] === "function" ? "of its own" : options[name]}`);
  const kept = preset.evicts && options.remainder > 0 ? [`remainder ${options.remainder}`] : [];
  return [preset.name, ...told, ...kept].join(", ");
}
