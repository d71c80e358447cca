/** A budget may be asked for in slots, in bytes or as a share of the prompt; inner code knows slots per lane only. */
import { refuse } from "../errors.ts";

/**
 * How much a cache may keep: a number of slots per lane; a share of the first prompt's tokens; or bytes of K and V for the whole
 * cache, the `stride` slots that reading a prompt needs on top included.
 */
export type Budget = number | { readonly share: number } | { readonly bytes: number };

/** What a lane's slots are made for: the live ones, and those that a chunk needs on top. */
interface Sizes {
  readonly budget: Budget;
  readonly stride: number | undefined; // queries; undefined: not asked for
}

const MOST_STRIDE = 64; // queries

/**
 * Turns a budget into slots.
 * @param slotBytes bytes of K and V that one slot of every lane takes
 * @param promptTokens tokens of the first prompt; null while there is none: a share then gives null
 * @returns slots, and with bytes the stride that fits beside them
 * @throws KvcapRangeError where it is neither of the three, or bytes hold no slot
 */
export function budgetSlots(
  { budget, stride }: Sizes,
  slotBytes: number,
  promptTokens: number | null,
  action = "create session",
): { budget: number; stride: number | undefined } | null {
  if (typeof budget === "number") return { budget, stride };
  const kinds = typeof budget === "object" && budget !== null ? Object.keys(budget) : [];
  if (kinds.length === 1 && "share" in budget) {
    const { share } = budget;
    if (typeof share !== "number" || !(share > 0 && share <= 1)) {
      refuse(action, "budget.share must be above 0 and at most 1", share, { option: "budget" });
    }
    return promptTokens === null ? null : { budget: Math.max(1, Math.floor(share * promptTokens)), stride };
  }
  if (kinds.length === 1 && "bytes" in budget) {
    const { bytes } = budget;
    const slots = typeof bytes === "number" ? Math.floor(bytes / slotBytes) : NaN;
    const room = stride ?? Math.max(1, Math.min(MOST_STRIDE, Math.floor(slots / 5)));
    if (!(slots > room)) {
      const least = ((stride ?? 1) + 1) * slotBytes;
      refuse(action, `budget.bytes must be at least ${least} for this model`, bytes, { option: "budget" });
    }
    return { budget: slots - room, stride: room };
  }
  refuse(action, "budget must be slots, { share } or { bytes }", budget, { option: "budget" });
}
