/** What a session evicts by: a policy's preset, and the parts of it that a caller puts in its place. */
import { refuse } from "../errors.ts";
import { policies, type PolicyName } from "../policies/index.ts";
import { basisOf, type OwnPolicy, presetOf } from "../policies/own.ts";
import { type Kind, oneOf } from "./kinds.ts";
import { checkPolicy } from "./own.ts";
import { PARTS, PLAIN, type RuleParts, SCORED } from "./parts.ts";
import { checkRow, namesOf, type Table } from "./row.ts";

/** The parts of a policy. What is left out is the policy's own. */
export interface RuleOptions extends RuleParts {
  /** Which tokens are evicted; "full" evicts none; or a policy of your own, see `definePolicy`. Default "crest". */
  policy?: PolicyName | OwnPolicy;
}

/** A rule with every part filled in. */
export type CheckedRule = Required<RuleOptions>;

const named = oneOf(Object.keys(policies) as PolicyName[]);
const policy: Kind<PolicyName | OwnPolicy> = {
  written: "name",
  names: Object.keys(policies),
  check: (value, name, at) =>
    typeof value === "object" ? checkPolicy(at.action, value as OwnPolicy) : named.check(value, name, at),
};

/** Rows of what decides who goes, by rule. */
export const RULE = {
  policy: { kind: policy, default: "crest", decides: true, replay: true },
  ...PARTS,
} as const satisfies Table<RuleOptions>;

/** Fills in a rule's parts. @throws KvcapRangeError for an unknown name, or parts that do not go together */
export function checkRuleOptions(action: string, options: RuleOptions): CheckedRule {
  const at = { action };
  const policy = checkRow(RULE, "policy", options.policy, at) as PolicyName | OwnPolicy;
  const preset = presetOf(policy);
  const part = namesOf(PARTS).find((name) => options[name] !== undefined);
  if (!preset.evicts && part) {
    const rule = `${part} must be left out with the policy ${preset.name}, which evicts nothing`;
    refuse(action, rule, options[part], { option: part });
  }
  // A function over peaks needs the scope under which the books have them.
  const readsPeaks = options.score === undefined && preset.peaks === 0;
  if (readsPeaks && options.scope !== undefined && options.scope !== preset.scope) {
    const rule = `scope must be left out with the policy ${preset.name}, whose score reads peaks`;
    refuse(action, rule, options.scope, { option: "scope" });
  }
  const take = (name: keyof RuleParts) => checkRow(PARTS, name, options[name] ?? preset[name], at);
  const score = take("score") as CheckedRule["score"];
  const everywhere = namesOf(PARTS).filter((name) => SCORED[name] === undefined && name !== "score");
  const parts = Object.fromEntries(everywhere.map((name) => [name, take(name)]));
  return { ...PLAIN, policy, score, ...parts, ...checkScored(action, options, policy, score) };
}

/** The parts that some scores have only. */
function checkScored(
  action: string,
  options: RuleOptions,
  policy: PolicyName | OwnPolicy,
  score: CheckedRule["score"],
): Partial<CheckedRule> {
  const preset: RuleParts = typeof policy === "object" ? policy : policies[policy];
  const made: RuleParts = preset.score === score ? preset : {}; // for this score
  const basis = basisOf({ policy, score });
  const found: Record<string, unknown> = {};
  for (const [part, usual] of Object.entries(SCORED)) {
    const name = part as keyof RuleParts;
    const no = (rule: string) => refuse(action, rule, options[name], { option: name });
    const holds = basis ? usual[basis] : undefined;
    const unpooled = name === "width" && found.pool === "none"; // nothing to be so wide
    if (options[name] !== undefined && holds === undefined) no(`${name} goes with ${scoresOf(usual)} only`);
    if (options[name] !== undefined && unpooled) no(`${name} goes with the pools max and mean only`);
    if (holds === undefined || unpooled) continue;
    found[name] = checkRow(PARTS, name, options[name] ?? made[name] ?? holds, { action });
  }
  return found;
}

/** "the scores windowed, persistence and fading" */
function scoresOf(usual: object): string {
  const names = Object.keys(usual);
  const last = names.pop();
  return names.length > 0 ? `the scores ${names.join(", ")} and ${last}` : `the score ${last}`;
}
