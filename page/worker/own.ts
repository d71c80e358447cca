/** Policies of the visitor's own: modules that they choose. They run in the worker, never in the page. */
import { oneLine, quote, refuse } from "../../src/errors.ts";
import { definePolicy } from "../../src/options/own.ts";
import { addPolicy } from "../settings.ts";

/**
 * Takes a module whose default export is a policy, as `definePolicy` takes it.
 * @returns its name, which the setting `policy` may have from now on
 * @throws KvcapError where it is none
 */
export async function takePolicy(code: string): Promise<string> {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    const module = await import(url).catch((error) =>
      refuse("take the policy", "the file must be a JavaScript module", quote(oneLine(String(error))))
    );
    const policy = definePolicy(module.default);
    addPolicy(policy.name, policy);
    return policy.name;
  } finally {
    URL.revokeObjectURL(url);
  }
}
