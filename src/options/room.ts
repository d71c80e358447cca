/** Whether what must stay leaves room for what comes: checked before anything is read, so that nothing gets stuck half-way. */
import { leastBudget } from "../policies/allocation.ts";
import { refuse, words } from "../errors.ts";
import { MOST_SLOTS } from "./check.ts";
import type { CheckedSession } from "./session.ts";
import type { Span } from "./span.ts";

/** How many positions of [from, to) are sinks or in a span. */
export function protectedIn(from: number, to: number, sinks: number, spans: readonly Span[]): number {
  const sorted = [[0, sinks] as const, ...spans].toSorted((a, b) => a[0] - b[0]);
  let count = 0;
  let reached = from;
  for (const [first, end] of sorted) {
    count += Math.max(0, Math.min(end, to) - Math.max(first, reached));
    reached = Math.max(reached, end);
  }
  return count;
}

/** The smallest budget of any lane: see allocation.ts. */
export function leastOf({ allocation, budget, sinks, newest, pin, stride }: CheckedSession): number {
  return leastBudget(allocation, budget, protectedIn(0, Infinity, sinks, pin) + newest, stride);
}

/** How what is kept for good is called in a message. */
export function keptName(spans: readonly Span[]): string {
  return spans.length > 0 ? "sinks and pinned tokens" : "sinks";
}

/**
 * Checks that a generation fits its session: what a full cache must hold, what pins and protection leave to evict.
 * @param seen tokens the session has taken in before
 * @param prompt tokens of the new prompt
 * @param spans positions that are never evicted
 * @param held most tokens that a lane keeps for good of those taken in before; if left out, all that are sinks or pinned
 * @param fixed whether the prompt must be read in chunks of the session's stride, or in smaller ones where these fit
 * @returns tokens of a chunk
 * @throws RangeError
 */
export function checkRoom(
  session: CheckedSession,
  seen: number,
  prompt: number,
  spans: readonly Span[],
  maxNewTokens: number,
  held = protectedIn(0, seen, session.sinks, spans),
  fixed = true,
): number {
  const { policy, sinks, newest, stride } = session;
  const total = seen + prompt + maxNewTokens - 1; // the last token is not taken in
  if (policy === "full") {
    const { budget } = session;
    if (maxNewTokens === Infinity) {
      refuse("generate", "maxNewTokens must be finite with the policy full", maxNewTokens, { option: "maxNewTokens" });
    }
    if (budget > 0 && total > budget) {
      const parts = `${seen} before + ${prompt} of the prompt + maxNewTokens ${maxNewTokens}`;
      const rule = `all tokens must fit the full cache's budget of ${budget} slots`;
      refuse("generate", rule, words(parts), { code: "no-room", option: "budget" });
    }
    if (total > MOST_SLOTS) {
      refuse("generate", `a full cache holds at most ${MOST_SLOTS} slots`, total, { code: "no-room" });
    }
    return stride;
  }
  const budget = leastOf(session);
  if (total <= budget) return stride;
  const name = `${keptName(spans)} + newest`;
  const kept = held + protectedIn(seen, total, sinks, spans) + newest;
  const more = { code: "no-room", option: "budget" } as const;
  if (budget <= kept) refuse("generate", `budget must be above ${name} = ${kept}`, budget, more);
  // A prompt that does not fit is read in chunks, and a chunk's worth evicted at once must not be the chunk itself.
  const least = held + protectedIn(seen, seen + prompt, sinks, spans) + newest + stride;
  if (seen + prompt <= budget || budget > least) return stride;
  if (!fixed) return Math.max(1, stride - (least - budget) - 1);
  const text = maxNewTokens > 0 ? "a prompt" : "a text"; // one that is measured
  refuse("generate", `for ${text} beyond the budget, budget must be above ${name} + stride = ${least}`, budget, more);
}

/**
 * Checks that tokens may be pinned: they must leave room whatever comes, as pins cannot be undone.
 * @param seen tokens taken in
 * @param spans what is pinned, the new span included
 * @param held most tokens that a lane would then keep for good of those taken in
 * @throws RangeError
 */
export function checkPins(session: CheckedSession, seen: number, spans: readonly Span[], held: number): void {
  const { policy, sinks, newest } = session;
  const budget = leastOf(session);
  if (policy === "full" || budget === 0) return;
  const kept = held + protectedIn(seen, Infinity, sinks, spans) + newest;
  const rule = `budget must be above ${keptName(spans)} + newest = ${kept}`;
  if (budget <= kept) refuse("pin", rule, budget, { code: "no-room", option: "budget" });
}
