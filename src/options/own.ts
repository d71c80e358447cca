/** Policies of the caller's own: made, and checked wherever one is named. */
import { SCORES } from "../core/rule.ts";
import { refuse } from "../errors.ts";
import { policies } from "../policies/index.ts";
import type { OwnPolicy } from "../policies/own.ts";
import { known } from "./check.ts";
import { checkRows, given, namesOf } from "./row.ts";
import { PARTS } from "./parts.ts";

const checked = new WeakSet<OwnPolicy>(); // what came from here is one already

/**
 * Checks a policy of the caller's own.
 * @returns a copy, which nothing changes any more; of what was checked before, itself
 * @throws KvcapRangeError for a name that is none or another's, a score that is none, an unknown part, or a bad one
 */
export function checkPolicy(action: string, policy: OwnPolicy): OwnPolicy {
  if (checked.has(policy)) return policy;
  known(action, policy, ["name", ...namesOf(PARTS), "basis", "readsVectors", "readsQueries"]);
  const parts = given(policy);
  const { name, score } = parts;
  if (typeof name !== "string" || !/^[a-z][a-z0-9-]{0,63}$/i.test(name) || Object.hasOwn(policies, name)) {
    const rule = "the name of a policy of its own must be letters, digits and dashes, and none that there is";
    refuse(action, rule, name, { option: "policy" });
  }
  if (score === undefined) {
    refuse(action, `the policy ${name} must have a score, a function or one by name`, score, { option: "policy" });
  }
  checkRows(PARTS, parts, { action });
  checkScoreParts(action, parts);
  checked.add(parts);
  return Object.freeze(parts);
}

/** What a function is given goes with functions alone. */
function checkScoreParts(action: string, { name, score, basis, ...reads }: OwnPolicy): void {
  const no = (rule: string, got: unknown) => refuse(action, rule, got, { option: "policy" });
  if (basis !== undefined && !SCORES.includes(basis)) {
    no(`the basis of the policy ${name} must be one of ${SCORES.join(", ")}`, basis);
  }
  for (const part of ["readsVectors", "readsQueries"] as const) {
    const value = reads[part];
    if (value !== undefined && typeof value !== "boolean") {
      no(`${part} of the policy ${name} must be true or false`, value);
    }
    if (value && typeof score !== "function") no(`${part} goes with policies whose score is a function`, value);
  }
  if (typeof score === "function") return;
  if (basis !== undefined) no("basis goes with policies whose score is a function", basis);
}

/**
 * A policy of your own, to be given wherever a policy's name may be: `model.session({ policy })`, `perplexity`, `replay`, and as
 * a module's default export on the command line, `--policy ./mine.ts`.
 * @throws KvcapRangeError as it is checked: see OwnPolicy
 */
export function definePolicy(policy: OwnPolicy): OwnPolicy {
  return checkPolicy("define a policy", policy);
}
