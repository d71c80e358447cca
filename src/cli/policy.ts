/** A policy as a command line names it: one that kvcap has, or a module of the user's. */
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { oneLine, refuse, words } from "../errors.ts";
import type { OwnFunctions } from "../options/kept.ts";
import { checkPolicy } from "../options/own.ts";
import type { SessionOptions } from "../options/session.ts";
import type { PolicyName } from "../policies/index.ts";
import type { OwnPolicy } from "../policies/own.ts";
import { readFile } from "./input.ts";

const ACTION = "read the policy";

/**
 * A policy by its name, whose check is left to who uses it, or as the default export of a module: "./mine.ts".
 * @throws Error where there is no such module, or it fails; KvcapRangeError where what it exports is no policy
 */
export async function namedPolicy(text: string): Promise<PolicyName | OwnPolicy> {
  if (!/[/\\]|\.[cm]?[jt]s$/.test(text)) return text as PolicyName;
  await readFile("policy", text);
  let module: { default?: unknown };
  try {
    module = await import(pathToFileURL(resolve(text)).href);
  } catch (error) {
    const got = words(oneLine(error instanceof Error ? error.message : String(error)));
    refuse(ACTION, `${text} must be a module that runs`, got, { code: "bad-file", kind: "plain", cause: error });
  }
  const { default: policy } = module;
  if (typeof policy !== "object" || policy === null) {
    refuse(ACTION, `${text} must export a policy as its default`, policy, { code: "bad-file" });
  }
  return checkPolicy(ACTION, policy as OwnPolicy);
}

/** What a session under these options must be given again to go on. */
export function ownOf({ policy }: Pick<SessionOptions, "policy">): OwnFunctions {
  return typeof policy === "object" ? { policy } : {};
}
