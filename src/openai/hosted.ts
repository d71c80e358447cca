/** A model that is served, and what sessions of it take. */
import { slotsFor } from "../memory/grown.ts";
import { planSession } from "../memory/plan.ts";
import { sizesOf } from "../memory/sizes.ts";
import type { GenerateOptions } from "../options/generate.ts";
import type { SessionOptions } from "../options/session.ts";
import { insideOf, type Model } from "../session/model.ts";
import type { Session } from "../session/session.ts";
import { ordered } from "./messages.ts";

/** A model, by its name, and what requests that say nothing else get. */
export interface Hosted {
  readonly name: string;
  readonly model: Model;
  readonly session: SessionOptions;
  readonly generate: GenerateOptions;
  /** Seconds since 1970 at which it was loaded. */
  readonly since: number;
}

/** How a cache is to be kept: the same text for the same options. */
export function mannerOf(options: SessionOptions): string {
  return JSON.stringify(
    ordered(Object.fromEntries(Object.entries(options).filter(([, value]) => typeof value !== "function"))),
  );
}

/**
 * Bytes that a session will hold, before it is made.
 * @param tokens of the prompt, and of what is written: caches that grow take them
 * @throws KvcapRangeError for bad options
 */
export function plannedBytes(
  { model }: Hosted,
  options: SessionOptions,
  tokens: { read: number; written: number },
): number {
  const loaded = insideOf(model);
  const checked = planSession(loaded, options, tokens.read);
  const slots = slotsFor(checked, { prompt: tokens.read, maxNewTokens: tokens.written, evicts: true });
  return sizesOf(loaded, checked, slots).memory.gpu;
}

/** Bytes that a session holds. */
export function heldBytes(session: Session): number {
  const { gpu, wasm } = session.memory();
  return gpu + wasm;
}
