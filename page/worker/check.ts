/** Whether a run can begin, found out before anything is given up for it. */
import { checkGenerate } from "../../src/options/index.ts";
import { planSession } from "../../src/memory/plan.ts";
import { insideOf, type Model } from "../../src/session/model.ts";
import type { optionsOf } from "../settings.ts";

/** @throws RangeError in a sentence, where the model or its memory does not allow these options */
export function checkRun(model: Model, { session, generate }: ReturnType<typeof optionsOf>): void {
  planSession(insideOf(model), session);
  checkGenerate(generate, model.config.vocab);
}
