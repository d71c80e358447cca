/** A session's options filled in for a model: what they say in bytes becomes slots. */
import { slotBytes } from "./cache.ts";
import type { LoadedModel } from "./model/loaded.ts";
import { type CheckedSession, checkSession, type SessionOptions } from "./options.ts";

/**
 * Fills in a session's defaults, the model's among them.
 * @param promptTokens tokens of the first prompt, once there is one
 * @throws RangeError as checkSession does
 */
export function planSession(
  { config, kv }: LoadedModel,
  asked: SessionOptions,
  promptTokens: number | null = null,
): CheckedSession {
  return checkSession(asked, { kv, slotBytes: (kv) => slotBytes(config, kv) }, promptTokens);
}
