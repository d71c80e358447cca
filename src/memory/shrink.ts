/** What a session falls back on where the GPU refuses the memory of its budget. */
import { quote, refuse } from "../errors.ts";
import type { LoadedModel } from "../model/loaded.ts";
import type { CheckedSession, SessionOptions } from "../options/index.ts";
import { planSession } from "./plan.ts";

/** A session whose memory was refused. */
export interface Refused {
  /** As it was asked for. */
  readonly asked: SessionOptions;
  /** As its options were when the GPU refused. */
  readonly options: CheckedSession;
  /** What it said. */
  readonly refusal: string;
  /** Tokens of the first prompt, once there is one. */
  readonly promptTokens: number | null;
}

/**
 * A session's options with a quarter less of budget.
 * @throws Error where the options forbid that, no smaller budget holds what must stay, or the policy keeps everything
 */
export function smallerBudget(
  model: LoadedModel,
  { asked, options, refusal, promptTokens }: Refused,
): SessionOptions & { budget: number } {
  const { budget, policy, exactBudget } = options;
  const slots = `${budget || "all"} slots per lane`;
  const fail = (): never => {
    return refuse("create session", `the device must hold ${slots}`, quote(refusal), {
      kind: "plain",
      code: "no-memory",
    });
  };
  if (exactBudget || policy === "full") fail();
  const smaller = { ...asked, budget: Math.floor(budget * 3 / 4) };
  try {
    planSession(model, smaller, promptTokens);
  } catch {
    fail(); // not even what is protected would fit
  }
  return smaller;
}
