/** What a recording is replayed with: the recorded run's own settings, where nothing else is asked for. */
import { refuse } from "../errors.ts";
import { policies, type PolicyName } from "../policies/index.ts";
import type { Recording } from "./read.ts";
import { known } from "../options/check.ts";
import type { RuleOptions } from "../options/rule.ts";
import { type CheckedSession, checkSession, type SessionOptions } from "../options/session.ts";

/** A policy to replay, as a session takes it. Default: the recorded one; "roco" for a recording of a full cache. */
export interface ReplayOptions extends RuleOptions {
  /**
   * Live slots per lane, or a share of the tokens recorded. Default: the recorded one; for a recording of a full cache, half
   * of the tokens.
   */
  budget?: number | { readonly share: number };
  /** First tokens that are never evicted, as a session's. */
  sinks?: SessionOptions["sinks"];
  /** Newest tokens that are never evicted, as a session's. */
  newest?: SessionOptions["newest"];
  /** Tokens that the scope low-spread leaves out, as a session's. */
  unsettled?: SessionOptions["unsettled"];
  /** How slots are shared out among the lanes, as a session's. */
  allocation?: SessionOptions["allocation"];
  /** Seed of the score random. */
  seed?: number;
}

const OWN = ["budget", "sinks", "newest", "unsettled", "allocation", "seed"] as const;
const RULE = ["policy", "score", "scope", "window", "pool", "width", "shared"] as const;
/** What decides who goes, besides budget and policy. */
const DECIDES = [...RULE, ...OWN, "stride"] as const;

/** What a replay runs with, and whether that is what was recorded: the victims must then be the recorded ones. */
export interface CheckedReplay {
  readonly options: CheckedSession;
  readonly asRecorded: boolean;
}

/** Fills in a replay's defaults. @throws RangeError as a session's options do */
export function checkReplay(recording: Recording, asked: ReplayOptions = {}): CheckedReplay {
  const action = "replay";
  known(action, asked, [...RULE, ...OWN]);
  const was = recorded(recording);
  const policy = asked.policy ?? (was.policy === "full" ? "roco" : was.policy);
  const { budget = was.policy === "full" ? { share: 0.5 } : was.budget } = asked;
  if (typeof budget === "object" && budget !== null && "bytes" in budget) {
    refuse(action, "budget must be slots or a share of the tokens recorded", `${budget.bytes} bytes`, {
      option: "budget",
    });
  }
  const same = policy === was.policy && budget === was.budget && was.policy !== "full";
  const { stride, seed, aggregate, allocation, sinks, newest, unsettled } = was;
  const given = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  const options = checkSession(
    {
      ...{ stride, seed, aggregate },
      ...(same ? { allocation, sinks, newest, unsettled, ...partsOf(was) } : {}),
      ...given,
      ...{ policy, budget: policy === "full" ? recording.longest : budget },
    },
    undefined,
    recording.tokens,
    action,
  );
  const differs = DECIDES.some((name) => options[name] !== was[name]);
  return { options, asRecorded: !differs };
}

/** The recorded run's options. @throws RangeError where they are none */
function recorded({ options }: Recording): CheckedSession {
  const action = "read the recording";
  const { policy, budget, score } = options;
  if (typeof policy !== "string" || !Object.hasOwn(policies, policy)) {
    refuse(action, "its policy must be one that there is", policy, { code: "bad-file" });
  }
  const full = policy === "full";
  const own = score === "own"; // a function, which no file holds: the policy's own score is replayed
  const was = { ...options, score: own ? policies[policy as PolicyName].score : score } as unknown as CheckedSession;
  const { stride, sinks, newest, unsettled, aggregate, allocation, seed } = was;
  const whole = budget === 0 && full ? undefined : budget as number;
  const rest = { budget: whole, stride, sinks, newest, unsettled, aggregate, allocation, seed };
  const checked = checkSession({ policy: was.policy, ...(full ? {} : partsOf(was)), ...rest }, undefined, null, action);
  return { ...checked, ...(own ? { score: () => {} } : {}) };
}

/** The parts of a rule as a session takes them: without those that its score does not have. */
function partsOf({ score, scope, shared, window, pool, width }: CheckedSession): RuleOptions {
  const windowed = window > 0 ? { window, pool, ...(pool === "none" ? {} : { width }) } : {};
  return { ...(typeof score === "function" ? {} : { score, ...windowed }), scope, shared };
}
