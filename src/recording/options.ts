/** What a recording is replayed with: the recorded run's own settings, where nothing else is asked for. */
import { refuse } from "../errors.ts";
import { policies, type PolicyName } from "../policies/index.ts";
import { readsVectors } from "../eviction/rule.ts";
import { basisOf, nameOf, type OwnPolicy, presetOf } from "../policies/own.ts";
import { known } from "../options/check.ts";
import { PARTS, type RuleParts, SCORED } from "../options/parts.ts";
import { type AnyRow, given, namesOf } from "../options/row.ts";
import { checkPolicy } from "../options/own.ts";
import type { RuleOptions } from "../options/rule.ts";
import { type CheckedSession, checkSession, scopedIn, SESSION, type SessionOptions } from "../options/session.ts";
import type { Recording } from "./read.ts";
import type { Count } from "../options/kinds.ts";
import type { Allocation } from "../policies/allocation.ts";

/** A policy to replay, as a session takes it. Default: the recorded one; "roco" for a recording of a full cache. */
export interface ReplayOptions extends RuleOptions {
  /**
   * Live slots per lane, or a share of the tokens recorded. Default: the recorded one; for a recording of a full cache, half
   * of the tokens.
   */
  budget?: number | { readonly share: number };
  /** First tokens always kept, as a session's. */
  sinks?: Count;
  /** Last tokens always kept, as a session's. */
  newest?: Count;
  /** Tokens with the largest spread, left out of the scope, as a session's. */
  unsettled?: Count;
  /** Tokens with the largest peak, left out of the scope, as a session's. */
  peaks?: Count;
  /** How slots are shared out, as a session's. */
  allocation?: Allocation;
  /** Seed of the policy "random", as a session's. */
  seed?: number;
}

/** The session's rows: those that say so are a replay's, and no others. */
type Rows =
  & { readonly [K in keyof Required<ReplayOptions>]: AnyRow & { readonly replay: true } }
  & { readonly [K in Exclude<keyof SessionOptions, keyof ReplayOptions>]: AnyRow & { readonly replay?: never } };
const rows = Object.entries(SESSION satisfies Rows as Record<keyof SessionOptions, AnyRow>);
const named = (which: (row: AnyRow) => unknown) =>
  rows.filter(([, row]) => which(row)).map(([name]) => name as keyof SessionOptions);

/** The options that a replay may be asked for. */
export const REPLAYABLE: readonly (keyof SessionOptions)[] = named(({ replay }) => replay);
const DECIDES = named(({ decides }) => decides);
const HALF = { share: 0.5 };

/** What a replay runs with, and whether that is what was recorded: the victims must then be the recorded ones. */
export interface CheckedReplay {
  readonly options: CheckedSession;
  readonly asRecorded: boolean;
}

/** Fills in a replay's defaults. @throws KvcapRangeError as a session's options do */
export function checkReplay(recording: Recording, options: ReplayOptions = {}): CheckedReplay {
  const action = "replay";
  known(action, options, REPLAYABLE);
  const asked = given(options);
  if (typeof asked.policy === "object") asked.policy = checkPolicy(action, asked.policy);
  const recordedPolicy = policyOf(recording, asked.policy);
  const was = recorded(recording, recordedPolicy);
  const full = recordedPolicy === "full";
  const policy = asked.policy ?? (full ? "roco" : recordedPolicy);
  if (policy === null) {
    const rule = `policy must be given: the recorded one, ${recording.options.policy}, is none of kvcap's`;
    refuse(action, rule, undefined, { option: "policy" });
  }
  const { budget = full ? HALF : was.budget } = asked;
  if (typeof budget === "object" && budget !== null && "bytes" in budget) {
    const rule = "budget must be slots or a share of the tokens recorded";
    refuse(action, rule, `${budget.bytes} bytes`, { option: "budget" });
  }
  const same = policy === recordedPolicy && budget === was.budget && !full;
  const { stride, spare, seed, aggregate, allocation, sinks, newest, scope } = was;
  const aside = (asked.scope ?? scope) === scope ? scopedIn(scope, was) : {};
  const found = checkSession(
    {
      ...{ stride, spare, seed, aggregate },
      ...(same ? { allocation, sinks, newest, ...aside, ...partsOf(was) } : {}),
      ...asked,
      ...{ policy, budget: policy === "full" ? recording.longest : budget },
    },
    undefined,
    recording.tokens,
    action,
  );
  if (readsVectors(found)) {
    const rule = "policy must read attention alone, which is all that a recording has";
    refuse(action, rule, nameOf(policy), { option: "policy" });
  }
  const differs = recordedPolicy === null || DECIDES.some((name) => found[name] !== was[name]);
  return { options: found, asRecorded: !differs };
}

/**
 * The policy that was recorded.
 * @param asked that of the replay: where the recorded one is a caller's own, of this name, it is that
 * @returns null where it is a caller's own that is not given
 * @throws KvcapRangeError where there is no such policy
 */
function policyOf({ options }: Recording, asked: ReplayOptions["policy"]): PolicyName | OwnPolicy | null {
  const { policy, ownPolicy } = options;
  if (ownPolicy === true) return typeof asked === "object" && asked?.name === policy ? asked : null;
  if (typeof policy === "string" && Object.hasOwn(policies, policy)) return policy as PolicyName;
  refuse("read the recording", "its policy must be one that there is", policy);
}

/** The recorded run's options; of a policy that is not known, what any other may have of them. @throws KvcapRangeError */
function recorded({ options }: Recording, known: PolicyName | OwnPolicy | null): CheckedSession {
  const action = "read the recording";
  const { budget, score } = options;
  if (typeof budget !== "number") refuse(action, "its budget must be slots", budget);
  const policy = known ?? "recency"; // which has no part that another lacks
  const full = policy === "full";
  const own = score === "own"; // a function, which no file holds: the policy's own score is replayed
  const was = { ...options, score: own ? presetOf(policy).score : score } as unknown as CheckedSession;
  const { stride, spare, sinks, newest, aggregate, allocation, seed } = was;
  const rest = {
    ...(budget === 0 && full ? {} : { budget: budget as number }),
    stride,
    spare,
    sinks,
    newest,
    aggregate,
    allocation,
    seed,
  };
  const parts: RuleParts = full || known === null ? {} : partsOf({ ...was, policy });
  const aside = scopedIn(parts.scope ?? presetOf(policy).scope, was);
  const checked = checkSession({ policy, ...parts, ...rest, ...aside }, undefined, null, action);
  const { evict = "always", countFrom = "start" } = was; // as every replay has them
  return { ...checked, evict, countFrom, ...(own && !isOwn(policy) ? { score: () => {} } : {}) };
}

/** Whether a policy's own score is a function: then it is what was recorded as such. */
const isOwn = (policy: PolicyName | OwnPolicy) => typeof presetOf(policy).score === "function";

/** The parts of a rule as a session takes them: without those that its score does not have. */
function partsOf(options: CheckedSession): RuleOptions {
  const { pool } = options;
  const basis = basisOf(options);
  const has = (name: keyof RuleParts) => {
    if (typeof options[name] === "function") return false;
    if (!(name in SCORED)) return true;
    return basis !== null && SCORED[name]?.[basis] !== undefined && (name !== "width" || pool !== "none");
  };
  return Object.fromEntries(namesOf(PARTS).filter(has).map((name) => [name, options[name]]));
}
