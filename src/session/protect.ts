/** A session's options when it protects other tokens than before. */
import { refuse, words } from "../errors.ts";
import { planSession } from "../memory/plan.ts";
import type { LoadedModel } from "../model/loaded.ts";
import { known } from "../options/check.ts";
import type { CheckedSession, Protection, SessionOptions } from "../options/index.ts";
import { given } from "../options/row.ts";

/** A session as it was asked for, and as its options are. */
export interface Standing {
  readonly asked: SessionOptions;
  readonly options: CheckedSession;
  /** Tokens of the prompt that the cache was sized by. */
  readonly promptTokens: number | null;
}

/** @throws KvcapRangeError for values out of range; KvcapError where the session cannot change */
export function protectedBy(
  model: LoadedModel,
  { asked, options, promptTokens }: Standing,
  parts: Protection,
): Pick<Standing, "asked" | "options"> {
  known("protect", parts, ["sinks", "newest", "unsettled", "peaks"]);
  const no = (rule: string, got: string) => refuse("protect", rule, words(got), { kind: "plain", code: "wrong-state" });
  if (options.record) no("attention must not be recorded", "a recording, whose replay knows of no change");
  if (options.allocation !== "uniform") no("all lanes must have the same budget", options.allocation);
  const { stride, spare } = options; // which would follow from what is protected
  const changed = { ...asked, ...given(parts), stride, spare };
  return { asked: changed, options: planSession(model, changed, promptTokens) };
}
