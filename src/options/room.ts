/** Whether what must stay leaves room for what comes: checked before anything is read, so that nothing gets stuck half-way. */
import { leastBudget } from "../policies/allocation.ts";
import { refuse, words } from "../errors.ts";
import { MOST_SLOTS } from "./check.ts";
import type { CheckedSession } from "./session.ts";
import { keptName, protectedIn, type Span } from "./span.ts";

/** The smallest budget of any lane: see allocation.ts. */
export function leastOf({ allocation, budget, sinks, newest, pin, stride }: CheckedSession): number {
  return leastBudget(allocation, budget, protectedIn(0, Infinity, sinks, pin) + newest, stride);
}

/** What a generation is to take in, and what is kept for good meanwhile. */
export interface Demand {
  /** Tokens the session has taken in before. */
  readonly seen: number;
  /** Tokens of the new prompt. */
  readonly prompt: number;
  /** Most of them read at once, the stride aside. Default: all. */
  readonly most?: number;
  /** 0 where a text is measured. */
  readonly maxNewTokens: number;
  /** Positions that are never evicted. */
  readonly spans: readonly Span[];
  /** Most tokens that a lane keeps for good of those taken in before. Default: all that are sinks or pinned. */
  readonly held?: number;
  /** Whether the prompt must be read in chunks of the session's stride, or in smaller ones where these fit. Default true. */
  readonly fixed?: boolean;
}

/**
 * Checks that a generation fits its session: what a full cache must hold, what pins and protection leave to evict.
 * @returns tokens of a chunk
 * @throws RangeError
 */
export function checkRoom(session: CheckedSession, demand: Demand): number {
  const { seen, prompt, most = prompt, maxNewTokens, spans, fixed = true } = demand;
  const { held = protectedIn(0, seen, session.sinks, spans) } = demand;
  const { policy, sinks, newest, stride, spare } = session;
  const grows = session.evict === "prompt"; // as it generates
  if (grows) checkGrowth(session, maxNewTokens);
  const total = seen + prompt + (grows ? 1 : maxNewTokens) - 1; // the last token is not taken in
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
  // A prompt that does not fit is read in chunks, and what is evicted at once, the spare slots' worth, must not be the chunk itself. A
  // single token is taken in as those that are generated.
  const chunk = Math.min(stride, spare, most);
  if (chunk === 1) return stride;
  const least = held + protectedIn(seen, seen + prompt, sinks, spans) + newest + chunk;
  if (seen + prompt <= budget || budget > least) return stride;
  if (!fixed) return Math.max(1, chunk - (least - budget) - 1);
  const text = maxNewTokens > 0 ? "a prompt" : "a text"; // one that is measured
  const whole = `${name} + ${chunk === stride ? "stride" : chunk === spare ? "spare" : `its ${chunk} tokens`}`;
  refuse("generate", `for ${text} beyond the budget, budget must be above ${whole} = ${least}`, budget, more);
}

/** What is generated must have an end, and room, where it stays. */
function checkGrowth({ budget }: CheckedSession, maxNewTokens: number): void {
  if (maxNewTokens === Infinity) {
    refuse("generate", "maxNewTokens must be finite where only prompts are evicted from", maxNewTokens, {
      option: "maxNewTokens",
    });
  }
  if (budget + maxNewTokens > MOST_SLOTS) {
    const rule = `budget + maxNewTokens must be at most ${MOST_SLOTS} where what is generated stays`;
    refuse("generate", rule, budget + maxNewTokens, { code: "no-room" });
  }
}

/** What is kept for good: see Demand. */
export type Kept = Pick<Demand, "seen" | "spans"> & { readonly held: number };

/**
 * Checks that tokens may be pinned, or protected otherwise: they must leave room whatever comes, as pins cannot be undone.
 * @param kept what is then kept, the new span included
 * @throws RangeError
 */
export function checkPins(session: CheckedSession, { seen, spans, held }: Kept, action = "pin"): void {
  const { policy, sinks, newest } = session;
  const budget = leastOf(session);
  if (policy === "full" || budget === 0) return;
  const kept = held + protectedIn(seen, Infinity, sinks, spans) + newest;
  const rule = `budget must be above ${keptName(spans)} + newest = ${kept}`;
  if (budget <= kept) refuse(action, rule, budget, { code: "no-room", option: "budget" });
}
