/** Chat templates: Jinja as transformers 5.24 has jinja2 3.1 read and render it. */
import { type Disguise, wearing } from "./disguise.ts";
import { cannot, fail, metered, TemplateError } from "./error.ts";
import { checkField, execute } from "./execute.ts";
import { defined, intOf, iterate } from "./operators.ts";
import { str } from "./print.ts";
import { Scope } from "./scope.ts";
import { namesIn } from "./shadow.ts";
import { parse } from "./statements.ts";
import { take } from "./take.ts";
import { strftime } from "./time.ts";
import { type Call, Callable, Dict, Float, Namespace, Range, type Value } from "./values.ts";

export { Disguise } from "./disguise.ts";
export { TemplateError } from "./error.ts";

/** How it is rendered. */
export interface How {
  /** The moment that the template may ask for; default: now. */
  readonly now?: Date;
  /** Characters that the caller has put into texts to find them again: they are never escaped. */
  readonly marks?: string;
  /** What some of the variables' texts wear. */
  readonly disguise?: Disguise | null;
}

const MOST_RANGE = 100_000; // numbers, as in Jinja's sandbox
const MOST_DEPTH = 100; // of what is given

/**
 * Reads a template.
 * @returns what renders it with variables: null, texts, numbers (whole ones are ints), and lists and records of these
 * @throws TemplateError where it is no Jinja, or something that is not done here; so does rendering, where Python or the
 *   template refuses, or the work grows without bounds
 */
export function compile(template: string): (variables: Readonly<Record<string, unknown>>, how?: How) => string {
  const body = guarded(() => parse(template));
  return (variables, { now = new Date(), marks = "", disguise = null } = {}) =>
    guarded(() =>
      wearing(disguise, () =>
        metered(() => {
          const globals = new Scope(null);
          for (const [name, call] of Object.entries(GLOBALS)) globals.set(name, new Callable(name, call));
          globals.set(
            "strftime_now",
            new Callable("strftime_now", (call) => strftime(now, str(take("strftime_now", "format", call)[0]!))),
          );
          const scope = new Scope(globals);
          for (const [name, value] of Object.entries(variables)) {
            if (value !== undefined) scope.set(name, valueOf(value));
          }
          return execute(body, new Scope(scope, namesIn(body)));
        }, marks))
    );
}

/** Runs it; that the stack ends is one sentence too. */
function guarded<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (error instanceof TemplateError) throw error;
    if (error instanceof RangeError) throw new TemplateError("endless", "nesting without end");
    throw error;
  }
}

/** What a JavaScript value is to a template. @throws TemplateError for what is no JSON */
function valueOf(value: unknown, depth = 0): Value {
  if (depth > MOST_DEPTH) throw new TemplateError("endless", `values nested beyond ${MOST_DEPTH}`);
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? value + 0 : new Float(value);
  if (Array.isArray(value)) return value.map((one) => valueOf(one ?? null, depth + 1));
  if (typeof value === "object" && [Object.prototype, null].includes(Object.getPrototypeOf(value))) {
    const entries = Object.entries(value!).filter(([, one]) => one !== undefined);
    return new Dict(entries.map(([name, one]) => [name, valueOf(one, depth + 1)] as const));
  }
  return cannot(`a value that is no JSON (${typeof value})`);
}

/** What `dict` and `namespace` make of a call. */
function dict(what: string, { args, named, worn }: Call): Dict {
  if (args.length > 1) fail(`${what} expected at most 1 argument, got ${args.length}`);
  const [given] = args;
  const made = new Dict();
  if (given instanceof Dict) { for (const [key, value] of given.entries()) made.set(key, value); }
  else if (given !== undefined) {
    for (const pair of iterate(given)) {
      const [key, value, ...more] = iterate(pair);
      if (value === undefined || more.length > 0) fail("dictionary update sequence element must have length 2");
      made.set(key, value);
    }
  }
  for (const [key, value] of named) made.set(worn?.get(key) ?? key, value);
  return made;
}

const GLOBALS: Readonly<Record<string, (call: Call) => Value>> = {
  dict: (call) => dict("dict", call),
  namespace: (call) => {
    const attributes = dict("namespace", call);
    for (const [name] of attributes.entries()) if (typeof name === "string") checkField(name);
    return new Namespace(attributes);
  },
  range: ({ args, named }) => {
    if (named.size > 0 || args.length < 1 || args.length > 3) fail("range expected 1 to 3 arguments");
    const [first, second = null, step = 1] = args.map((one) => intOf(defined(one)));
    if (step === 0) fail("range() arg 3 must not be zero");
    const range = second === null ? new Range(0, first, 1) : new Range(first, second, step);
    if (range.length > MOST_RANGE) {
      fail(`Range too big. The sandbox blocks ranges larger than MAX_RANGE (${MOST_RANGE}).`);
    }
    return range;
  },
  raise_exception: (call) => fail(str(take("raise_exception", "message", call)[0]!)),
};
