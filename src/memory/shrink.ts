/** What a session falls back on where the GPU refuses the memory of its budget. */
import { quote, refuse } from "../errors.ts";
import type { LoadedModel } from "../model/loaded.ts";
import type { CheckedSession, SessionOptions } from "../options/index.ts";
import { planSession } from "./plan.ts";

/**
 * A session's options with a quarter less of budget.
 * @param asked as it was asked for
 * @param options as they were when the GPU refused @param refusal what it said
 * @param promptTokens tokens of the first prompt, once there is one
 * @throws Error where the options forbid that, no smaller budget holds what must stay, or the policy keeps everything
 */
export function smallerBudget(
  model: LoadedModel,
  asked: SessionOptions,
  options: CheckedSession,
  refusal: string,
  promptTokens: number | null,
): SessionOptions & { budget: number } {
  const { budget, policy, exactBudget } = options;
  const slots = `${budget || "all"} slots per lane`;
  function failed(): never {
    refuse("create session", `the GPU must hold ${slots}`, quote(refusal), { code: "no-memory", kind: "plain" });
  }
  if (exactBudget || policy === "full") failed();
  const smaller = { ...asked, budget: Math.floor(budget * 3 / 4) };
  try {
    planSession(model, smaller, promptTokens);
  } catch {
    failed(); // not even what is protected would fit
  }
  return smaller;
}
