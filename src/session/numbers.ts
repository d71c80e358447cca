/** What no session goes on with, whatever it computes. */
import { refuse, words } from "../errors.ts";

/** @throws Error always */
export function refuseNumbers(rule: string, found: string): never {
  refuse("generate", rule, words(found), { kind: "plain", code: "bad-numbers" });
}

/** @throws Error always: a logit is NaN or infinite */
export function refuseLogits(): never {
  refuseNumbers("the model's logits must be finite numbers", "others");
}
