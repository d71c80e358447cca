/** A call's values, put to the names of what is called. */
import { fail } from "./error.ts";
import type { Call, Value } from "./values.ts";

/**
 * A call's values in the order of `names`; undefined where one is left out.
 * @param names of parameters: "old new count?" where count may be left out; "/" in front: none may be named
 * @throws TemplateError as Python refuses such a call
 */
export function take(what: string, names: string, { args, named }: Call): (Value | undefined)[] {
  const positional = names.startsWith("/");
  const parameters = names.replace("/", "").split(" ").filter((name) => name !== "");
  if (args.length > parameters.length) {
    fail(`${what}() takes at most ${parameters.length} arguments (${args.length} given)`);
  }
  const taken: (Value | undefined)[] = parameters.map((_, i) => args[i]);
  for (const [name, value] of named) {
    const at = positional ? -1 : parameters.findIndex((one) => one === name || one === `${name}?`);
    if (at < 0) fail(`${what}() got an unexpected keyword argument '${name}'`);
    if (at < args.length) fail(`${what}() got multiple values for argument '${name}'`);
    taken[at] = value;
  }
  const missing = parameters.find((name, i) => !name.endsWith("?") && taken[i] === undefined);
  if (missing !== undefined) fail(`${what}() missing required argument: '${missing}'`);
  return taken;
}
