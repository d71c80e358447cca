/** How many slots fit a model's memory, and what is said where those that were asked for do not. */
import type { LoadedModel } from "../model/loaded.ts";
import type { CheckedSession } from "../options/index.ts";
import { sizesOf } from "./sizes.ts";
import { fingerprintBytes } from "../snapshot/fingerprint.ts";

/** Bytes as a person reads them. What is needed is told rounded up and what there is rounded down, so that the two differ. */
export function megabytes(bytes: number, round = Math.round): string {
  const digits = bytes < 1e7 ? 2 : 1;
  const unit = 10 ** (6 - digits);
  return `${(round(bytes / unit) * unit / 1e6).toFixed(digits)} MB`;
}

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

/** Bytes left for a session: what a snapshot takes for a moment is kept free. */
function left({ gpu, weights }: LoadedModel): number {
  return gpu.limit - gpu.bytes - fingerprintBytes({ weights });
}

/** Whether a session with this budget fits what the memory and the adapter have left. */
export function fits(model: LoadedModel, options: CheckedSession, every: boolean): boolean {
  try {
    return sizesOf(model, options, slotsOf(options), every).memory.gpu <= left(model);
  } catch {
    return false;
  }
}

/** Slots per lane: the budget, and what a step takes in on top. */
function slotsOf({ policy, budget, stride }: CheckedSession): number {
  return policy === "full" ? budget : budget + stride;
}

/**
 * @param slots per lane on average: the budget, and what a step takes in on top
 * @param bytes what they take with all that a session needs
 * @throws RangeError where that exceeds the memory left: it says how many slots would fit
 */
export function checkMemory(model: LoadedModel, options: CheckedSession, slots: number, bytes: number, every: boolean) {
  if (bytes <= left(model)) return;
  const { gpu, weights } = model;
  const { policy, stride } = options;
  const asked = policy === "full" ? slots : slots - stride;
  const most = largest(asked, (budget) => fits(model, { ...options, budget }, every));
  const others = gpu.bytes - weights.bytes;
  const beside = `${megabytes(weights.bytes)} of weights${others > 0 ? ` and ${megabytes(others)} of sessions` : ""}`;
  const room = most > 0 ? `at most ${most} slots fit` : `no slot fits with a stride of ${stride}`;
  throw new RangeError(
    `Cannot create session: ${room} in memory of ${megabytes(gpu.limit, Math.floor)} beside ${beside}, got ${asked} (${
      megabytes(bytes, Math.ceil)
    })`,
  );
}
