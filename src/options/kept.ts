/** A session's options beyond the session: copies of them, what a snapshot keeps, and what must be given again. */
import { refuse, words } from "../errors.ts";
import { nameOf, type OwnPolicy } from "../policies/own.ts";
import { namesOf } from "./row.ts";
import { SESSION, type SessionOptions } from "./session.ts";

/** What no file holds: a session's own functions. */
export type OwnFunctions = Pick<SessionOptions, "onEvict" | "onStep" | "onWarning" | "score" | "policy">;

/** Options that do not change when the lists and objects they were given with do. @param asked checked ones */
export function copyOptions(asked: SessionOptions): SessionOptions {
  const copy = (name: keyof SessionOptions) =>
    name === "policy" && typeof asked.policy === "object"
      ? { ...asked.policy }
      : SESSION[name].kind.written === null || name === "score"
      ? asked[name]
      : structuredClone(asked[name]);
  return Object.fromEntries(namesOf(SESSION).map((name) => [name, copy(name)]));
}

/** The options that a snapshot keeps: all but functions, and of a policy of the session's own its name. */
export function keptOptions(asked: SessionOptions): SessionOptions {
  const { policy } = asked;
  const held = (name: keyof SessionOptions) => SESSION[name].kind.written !== null && typeof asked[name] !== "function";
  const kept = Object.fromEntries(namesOf(SESSION).filter(held).map((name) => [name, asked[name]]));
  return typeof policy === "object" ? { ...kept, policy: { name: policy.name } as OwnPolicy } : kept;
}

/** @throws KvcapRangeError unless a policy of a session's own is given again, and no other */
export function checkPolicyAgain(
  action: string,
  { policy: kept }: SessionOptions,
  given: OwnFunctions["policy"],
): void {
  const own = typeof kept === "object" ? nameOf(kept) : null;
  if (own === null && given !== undefined) {
    refuse(action, "policy must be left out, the session has none of its own", words(nameOf(given)), {
      option: "policy",
    });
  }
  if (own !== null && (typeof given !== "object" || given.name !== own)) {
    const got = words(given === undefined ? "none" : nameOf(given));
    refuse(action, `the session's own policy, ${own}, must be given again`, got, { option: "policy" });
  }
}
