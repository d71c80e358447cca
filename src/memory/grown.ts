/** Caches that grow: those that evict nothing, or nothing of what is generated. */
import type { CheckedSession } from "../options/index.ts";
import { slotsOf } from "./fit.ts";

/** Whether a session's cache may have to grow. */
export function grown({ policy, budget, evict }: CheckedSession): boolean {
  return policy === "full" ? budget === 0 : evict === "prompt";
}

/** What a generation is to take in. */
export interface Coming {
  /** Tokens of the prompt. */
  readonly prompt: number;
  readonly maxNewTokens: number;
  /** Whether the prompt is read within the budget. */
  readonly evicts: boolean;
}

/** A cache that there is: slots per lane on average, and how many tokens it takes before one must go. */
export interface Standing {
  readonly slots: number;
  readonly room: number;
}

/** Slots per lane, on average, that a generation needs: those that its options say, or more where the cache grows. */
export function slotsFor(
  options: CheckedSession,
  { prompt, maxNewTokens, evicts }: Coming,
  { slots, room }: Standing = { slots: 0, room: 0 },
): number {
  if (!grown(options)) return slotsOf(options);
  const { policy, budget, spare } = options;
  if (policy === "full") return slots + Math.max(0, prompt + maxNewTokens - room);
  const most = evicts ? Math.min(spare, prompt) : prompt + Math.max(0, maxNewTokens - 1); // taken in before any goes
  const more = slots > 0 ? Math.max(0, most - room) : 0;
  return Math.max(budget + Math.max(spare, maxNewTokens - 1), slots + more);
}
