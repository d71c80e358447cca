/** Filters of many values, and all filters by name. */
import { getter } from "./attributes.ts";
import { cannot, fail, room, work } from "./error.ts";
import { PLAIN } from "./filters.ts";
import { type Filter, folded, key, lazy } from "./kit.ts";
import { defined, iterate, sorted, truth } from "./operators.ts";
import { str } from "./print.ts";
import { RARE_FILTERS } from "./rare-filters.ts";
import { take } from "./take.ts";
import { TESTS } from "./tests.ts";
import { type Call, Dict, Lazy, Markup, Tuple, typeName, Undefined, type Value } from "./values.ts";
import { UNDONE_FILTERS, UNDONE_TESTS } from "./undone.ts";

/** A filter's result. @throws TemplateError */
export function applyFilter(name: string, value: Value, call: Call): Value {
  if (!Object.hasOwn(FILTERS, name)) {
    return UNDONE_FILTERS.includes(name) ? cannot(`the filter ${name}`) : fail(`No filter named '${name}'.`);
  }
  const [parameters, run] = FILTERS[name];
  work(1);
  return run(value, parameters === null ? [] : take(name, parameters, call), call);
}

/** Whether a test holds. @throws TemplateError */
export function applyTest(name: string, value: Value, call: Call): boolean {
  if (!Object.hasOwn(TESTS, name)) {
    return UNDONE_TESTS.includes(name) ? cannot(`the test ${name}`) : fail(`No test named '${name}'.`);
  }
  const [parameters, holds] = TESTS[name];
  work(1);
  if (value instanceof Markup && !/^(un)?defined$|^none$/.test(name)) cannot("a test of Markup");
  return holds(value, take(name, parameters, call));
}

const name = (value: Value | undefined, what: string): string =>
  typeof value === "string" ? value : fail(`${what} requires a name`);

/** `map`: an attribute of every value, or a filter of it. */
function* map(value: Value, { args, named }: Call): Generator<Value> {
  if (!truth(value)) return;
  let of: (value: Value) => Value;
  if (args.length === 0 && named.has("attribute")) {
    if ([...named.keys()].some((name) => name !== "attribute" && name !== "default")) {
      fail("Unexpected keyword argument");
    }
    of = getter(named.get("attribute")!, named.get("default") ?? null);
  } else {
    const filter = name(args[0], "map");
    of = (value) => applyFilter(filter, value, { args: args.slice(1), named });
  }
  for (const one of iterate(value)) yield of(one);
}

/** `select` and its like. @param wanted what the test must say @param picks whether it is asked of an attribute */
const selecting = (wanted: boolean, picks: boolean): Filter =>
  lazy(function* (value, { args, named }) {
    if (!truth(value)) return;
    if (picks && args.length === 0) fail("Missing parameter for attribute name");
    const of = picks ? getter(args[0]) : (one: Value) => one;
    const [test, ...rest] = picks ? args.slice(1) : args;
    for (const one of iterate(value)) {
      const found = of(one);
      const holds = test === undefined ? truth(found) : applyTest(name(test, "select"), found, { args: rest, named });
      if (holds === wanted) yield one;
    }
  });

function last(value: Value): Value {
  if (value instanceof Lazy) fail("'generator' object is not reversible");
  const found = [...iterate(value, `'${typeName(value)}' object is not reversible`)].at(-1);
  return found === undefined ? new Undefined("No last item, sequence was empty.") : found;
}

function dictsort(value: Value, [sensitive, by = "key", reverse]: readonly (Value | undefined)[]): Value {
  if (!(value instanceof Dict)) fail(`'${typeName(defined(value))}' object has no attribute 'items'`);
  if (by !== "key" && by !== "value") fail('You can only sort by either "key" or "value"');
  const at = by === "key" ? 0 : 1, fold = truth(sensitive ?? false) ? (one: Value) => one : folded;
  const all = [...value.entries()].map((entry) => new Tuple(entry));
  return sorted(all, (one) => fold((one as Tuple).items[at]), truth(reverse ?? false));
}

/** All filters, by name. */
export const FILTERS: Readonly<Record<string, Filter>> = {
  ...RARE_FILTERS,
  ...PLAIN,
  dictsort: ["case_sensitive? by? reverse?", dictsort],
  first: ["", (value) => {
    for (const one of iterate(value)) return one;
    return new Undefined("No first item, sequence was empty.");
  }],
  items: ["", (value) => {
    if (value instanceof Undefined) return new Lazy([][Symbol.iterator]());
    if (!(value instanceof Dict)) return new Lazy(never("Can only get item pairs from a mapping."));
    return new Lazy([...value.entries()].map((entry) => new Tuple(entry)).values());
  }],
  join: ["d? attribute?", (value, [by = "", attribute = null]) => {
    const of = attribute === null ? str : (one: Value) => str(getter(attribute)(one));
    const texts = [...iterate(value)].map(of), between = str(by);
    room(texts.reduce((sum, one) => sum + one.length + between.length, 0));
    return texts.join(between);
  }],
  last: ["", last],
  list: ["", (value) => [...iterate(value)]],
  map: lazy(map),
  reject: selecting(false, false),
  rejectattr: selecting(false, true),
  select: selecting(true, false),
  selectattr: selecting(true, true),
  sort: [
    "reverse? case_sensitive? attribute?",
    (value, [reverse, sensitive, attribute]) =>
      sorted(iterate(value), key(attribute, sensitive), truth(reverse ?? false)),
  ],
};

// deno-lint-ignore require-yield
function* never(message: string): Generator<Value> {
  fail(message);
}
