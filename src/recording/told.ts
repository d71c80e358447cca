/** A session's options in a recording. */
import { type AnyTable, namesOf } from "../options/row.ts";
import { type CheckedSession, SESSION } from "../options/session.ts";
import { nameOf } from "../policies/own.ts";

const TOLD = namesOf(SESSION).filter((name) => (SESSION as AnyTable)[name].kind.written !== null);

/**
 * A session's options as a recording tells them: a policy by its name, with `ownPolicy` where it is a caller's own, and as score
 * "own" a function.
 */
export function toldOptions(options: CheckedSession): Record<string, unknown> {
  const { policy, score } = options;
  const ownPolicy = typeof policy === "object";
  const plain = { ...options, policy: nameOf(policy), score: typeof score === "function" ? "own" : score };
  return { ...Object.fromEntries(TOLD.map((name) => [name, plain[name]])), ...(ownPolicy ? { ownPolicy } : {}) };
}
