/** A budget may be asked for in slots, in bytes, as a share of the prompt or beside it; inner code knows slots per lane only. */
import { refuse } from "../errors.ts";
import { whole } from "./check.ts";

/**
 * How much a cache may keep: a number of slots per lane; a share of the first prompt's tokens; bytes of K and V for the whole
 * cache, the `spare` slots that reading a prompt needs on top included; or the whole first prompt, and so many of the tokens
 * behind it.
 */
export type Budget =
  | number
  | { readonly share: number }
  | { readonly bytes: number }
  | { readonly generated: number };

/** Whether a budget counts what is generated alone: the first prompt then stays. */
export function countsGenerated(budget: unknown): budget is { readonly generated: number } {
  return typeof budget === "object" && budget !== null && "generated" in budget;
}

/** What a lane's slots are made for: the live ones, and those that a chunk needs on top. */
interface Sizes {
  readonly budget: Budget;
  readonly spare: number | undefined; // slots; undefined: not asked for
  readonly beside?: number; // bytes that the cache has besides slots
}

/** The most queries of a chunk where nothing is said. */
export const MOST_STRIDE = 64;

/** A budget in slots. */
export interface Slots {
  readonly budget: number;
  /** Of them, those that tokens may leave again: shares of the budget are of these. */
  readonly free: number;
  /** Of bytes, the slots beside the budget. */
  readonly spare?: number;
}

/**
 * Turns a budget into slots.
 * @param slotBytes bytes of K and V that one slot of every lane takes
 * @param promptTokens tokens of the first prompt; null while there is none: a budget that depends on it then gives null
 * @throws KvcapRangeError where it is none of the four, or bytes hold no slot
 */
export function budgetSlots(
  { budget, spare, beside = 0 }: Sizes,
  slotBytes: number,
  promptTokens: number | null,
  action = "create session",
): Slots | null {
  const slots = (budget: number, free = budget): Slots => ({ budget, free });
  if (typeof budget === "number") return slots(budget);
  const kinds = typeof budget === "object" && budget !== null ? Object.keys(budget) : [];
  if (kinds.length === 1 && "share" in budget) {
    const { share } = budget;
    if (typeof share !== "number" || !(share > 0 && share <= 1)) {
      refuse(action, "budget.share must be above 0 and at most 1", share, { option: "budget" });
    }
    return promptTokens === null ? null : slots(Math.max(1, Math.floor(share * promptTokens)));
  }
  if (kinds.length === 1 && countsGenerated(budget)) {
    const { generated } = budget;
    whole(action, "budget.generated", generated, { least: 1, more: { option: "budget" } });
    return promptTokens === null ? null : slots(promptTokens + generated, generated);
  }
  if (kinds.length === 1 && "bytes" in budget) {
    const { bytes } = budget;
    const all = typeof bytes === "number" ? Math.floor((bytes - beside) / slotBytes) : NaN;
    const room = spare ?? Math.max(1, Math.min(MOST_STRIDE, Math.floor(all / 5)));
    if (!(all > room)) {
      const least = ((spare ?? 1) + 1) * slotBytes + beside;
      refuse(action, `budget.bytes must be at least ${least} for this model`, bytes, { option: "budget" });
    }
    return { ...slots(all - room), spare: room };
  }
  refuse(action, "budget must be slots, { share }, { bytes } or { generated }", budget, { option: "budget" });
}
