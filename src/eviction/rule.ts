/** From a session's options to what its books evict by. */
import type { CoreRule } from "../core/core.ts";
import { readsRows } from "../core/rule.ts";
import type { CheckedSession } from "../options/index.ts";
import { namesOf } from "../options/row.ts";
import { PARTS, PLAIN, type RuleParts, SCORED } from "../options/parts.ts";
import { basisOf, givenTo, presetOf } from "../policies/own.ts";

/**
 * The core's rule for lanes of this budget. With a score of the caller's own the core remembers last p as well, so that it
 * may read all the books.
 */
export function ruleOf(options: CheckedSession, budget: number): CoreRule {
  const part = (count: number) => options.budget > 0 ? Math.floor(count * budget / options.budget) : 0;
  const [unsettled, peaks] = [part(options.unsettled), part(options.peaks)];
  return { ...options, score: basisOf(options) ?? "last", unsettled, peaks };
}

/** Whether the choice reads attention; if not, it need not be computed. */
export function readsAttention({ policy, score, scope }: CheckedSession): boolean {
  const { evicts, needsAttention, score: preset } = presetOf(policy);
  if (!evicts || scope !== "all") return evicts;
  return typeof score === "string" ? readsRows(score) : needsAttention || score !== preset;
}

/** Whether the choice reads keys and values, which the engine then tells. */
export function readsVectors(options: CheckedSession): boolean {
  return presetOf(options.policy).evicts && (givenTo(options).readsVectors === true || readsQueries(options));
}

/** Whether it reads what queries were like. */
export function readsQueries(options: CheckedSession): boolean {
  return presetOf(options.policy).evicts && givenTo(options).readsQueries === true;
}

/** A rule's name in a report: its policy, the parts put in place of the policy's, and what is kept of what goes. */
export function ruleName(options: CheckedSession): string {
  const preset = presetOf(options.policy);
  const basis = basisOf({ policy: options.policy, score: preset.score });
  const usual = (name: keyof RuleParts) => { // what a part is where nobody sets it
    const scored = basis ? SCORED[name]?.[basis] : undefined;
    return preset[name] === PLAIN[name as keyof typeof PLAIN] ? scored ?? preset[name] : preset[name];
  };
  const others = namesOf(PARTS).filter((name) => options[name] !== usual(name) && options[name] !== preset[name]);
  const told = others.map((name) => `${name} ${typeof options[name] === "function" ? "of its own" : options[name]}`);
  const kept = preset.evicts && options.remainder > 0 ? [`remainder ${options.remainder}`] : [];
  return [preset.name, ...told, ...kept].join(", ");
}
