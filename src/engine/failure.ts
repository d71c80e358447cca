import { quote, refuse } from "../errors.ts";

/** @param why what the engine says of its failure @throws KvcapError always */
export function refuseFailed(action: string, why: string): never {
  refuse(action, "the device must work", quote(why), { kind: "plain", code: "device" });
}
