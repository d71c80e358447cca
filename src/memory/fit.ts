/** How many slots fit a model's memory, and what is said where those that were asked for do not. */
import { megabytes } from "../engine/megabytes.ts";
import type { LoadedModel } from "../model/loaded.ts";
import type { CheckedSession } from "../options/index.ts";
import { refuse, words } from "../errors.ts";
import { sizesOf } from "./sizes.ts";

/** The largest whole number of 1 to `most` that fits, where each that is smaller fits as well; 0 where none does. */
export function largest(most: number, fits: (n: number) => boolean): number {
  let [low, high] = [0, most + 1];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (fits(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Bytes left for a session. */
function left({ engine }: LoadedModel): number {
  return engine.limit - engine.bytes;
}

/** Whether a session with this budget fits what the memory and the adapter have left. */
export function fits(model: LoadedModel, options: CheckedSession, every: boolean): boolean {
  try {
    return sizesOf(model, options, slotsOf(options), { every }).memory.gpu <= left(model);
  } catch {
    return false;
  }
}

/** Slots per lane: the budget, and what a step takes in on top. */
export function slotsOf({ policy, budget, spare }: CheckedSession): number {
  return policy === "full" ? budget : budget + spare;
}

/** A context that is about to be made: slots per lane on average, the bytes of all its parts, and whether it is for logits of every token. */
export interface Wish {
  readonly slots: number;
  readonly bytes: number;
  readonly every: boolean;
}

/** @throws RangeError where it exceeds the memory left: it says how many slots would fit */
export function checkMemory(model: LoadedModel, options: CheckedSession, { slots, bytes, every }: Wish): void {
  if (bytes <= left(model)) return;
  const { engine } = model;
  const { policy, stride, spare } = options;
  const asked = policy === "full" ? slots : slots - spare;
  const most = largest(asked, (budget) => fits(model, { ...options, budget }, every));
  const others = engine.bytes - engine.weightBytes;
  const beside = `${megabytes(engine.weightBytes)} of weights${
    others > 0 ? ` and ${megabytes(others)} of sessions` : ""
  }`;
  const room = most > 0 ? `at most ${most} slots fit` : `no slot fits with a stride of ${stride}`;
  const rule = `${room} in memory of ${megabytes(engine.limit, Math.floor)} beside ${beside}`;
  refuse("create session", rule, words(`${asked} (${megabytes(bytes, Math.ceil)})`), {
    code: "no-memory",
    option: "budget",
  });
}
