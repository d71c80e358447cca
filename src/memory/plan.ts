/** A session's options filled in for a model: what they say in bytes becomes slots, and so does memory that is left over. */
import { remainderBytes } from "../engine/remainder.ts";
import { refuse, words } from "../errors.ts";
import { checkMemory, fits, largest, slotsOf } from "./fit.ts";
import type { LoadedModel } from "../model/loaded.ts";
import { type CheckedSession, checkSession, type SessionOptions } from "../options/index.ts";
import { SESSION } from "../options/session.ts";
import { MOST_SLOTS } from "../options/check.ts";
import { sizesOf, slotBytes } from "./sizes.ts";
import { given } from "../options/row.ts";

/**
 * Fills in a session's defaults, the model's among them. Where the model has a bound on its memory and the options have no
 * budget, it is the most that fits, up to the positions that the model was trained on; where what is generated stays, which needs
 * memory of its own, up to the usual budget.
 * @param promptTokens tokens of the first prompt, once there is one
 * @param every whether logits of every token are wanted
 * @throws RangeError as checkSession does, or where no budget fits
 */
export function planSession(
  model: LoadedModel,
  options: SessionOptions,
  promptTokens: number | null = null,
  every = false,
): CheckedSession {
  const asked = given(options);
  const { config, kv, engine } = model;
  const host = {
    kv,
    slotBytes: (kv: CheckedSession["kv"]) => slotBytes(config, kv),
    remainderBytes: (count: number) => remainderBytes(config, count),
  };
  const check = (options: SessionOptions) => {
    const checked = checkSession(options, host, promptTokens);
    checkWindows(config.windows, checked);
    return checked;
  };
  if (engine.limit === Infinity || asked?.budget !== undefined) return check(asked);
  const trained = asked?.positions === "cache" ? MOST_SLOTS : Math.min(MOST_SLOTS, config.maxPositions);
  const most = asked?.evict === "prompt" ? Math.min(SESSION.budget.default, trained) : trained;
  const largestCase = check({ ...asked, budget: most });
  if (largestCase.policy === "full") return check(asked);
  const attempt = (budget: number) => {
    try {
      return check({ ...asked, budget });
    } catch {
      return null; // protection alone would fill it
    }
  };
  const budget = largest(most, (budget) => {
    const options = attempt(budget);
    return options === null || fits(model, options, every);
  });
  const found = attempt(budget);
  if (found) return found;
  const least = largest(most, (budget) => attempt(budget) === null) + 1; // the smallest that may be asked for
  const small = check({ ...asked, budget: least });
  const slots = slotsOf(small);
  checkMemory(model, small, { slots, bytes: sizesOf(model, small, slots, { every }).memory.gpu, every });
  return small;
}

/** @throws KvcapRangeError where queries would see what has left a layer's window */
function checkWindows(windows: readonly number[], { policy, remainder }: CheckedSession): void {
  const window = windows.find((positions) => positions > 0);
  if (window === undefined || remainder === 0 || policy === "full") return;
  const got = words(`${remainder} and a window of ${window} positions`);
  refuse("create session", "remainder must be 0 in models with a sliding window", got, { option: "remainder" });
}
