/** From a session's options to what its core evicts by. */
import type { Core, CoreRule, LaneScore } from "../core.ts";
import type { CheckedSession } from "../options.ts";
import { policies, type Policy } from "./index.ts";

/** The core's rule. A score of the caller's own has the core remember last p as well, so that it may read all the books. */
export function ruleOf(options: CheckedSession): CoreRule {
  const { score, scope, sinks, newest, unsettled, seed, pool, width, shared } = options;
  const named = typeof score === "function" ? "last" : score;
  return { score: named, scope, sinks, newest, unsettled, seed, pool, width, shared };
}

/** Whether the choice reads attention; if not, it need not be computed. */
export function readsAttention({ policy, score, scope }: CheckedSession): boolean {
  const preset: Policy = policies[policy];
  return preset.evicts && (scope === "low-spread" || (score !== "recency" && score !== "random"));
}

/** Evicts `n` tokens from every lane, by the rule or the caller's own score: as `Core.evict`. */
export function evictor(core: Core, { score }: CheckedSession): (n: number) => Uint32Array<ArrayBuffer> {
  if (typeof score !== "function") return (n) => core.evict(n);
  const own: LaneScore = (lane, views, scores) => score(lane, views, scores, core.clock);
  return (n) => core.evictBy(own, n);
}

/** A rule's name in a report: its policy, and the parts put in place of the policy's. */
export function ruleName({ policy, score, scope, window, pool, width, shared }: CheckedSession): string {
  const preset: Policy = policies[policy];
  const parts = { score: typeof score === "function" ? "of its own" : score, scope, window, pool, width, shared };
  const own = { window: 0, pool: "none", width: 1, shared: false, ...preset };
  const others = Object.entries(parts).filter(([name, part]) => part !== own[name as keyof typeof parts]);
  return [policy, ...others.map(([name, part]) => `${name} ${part}`)].join(", ");
}
