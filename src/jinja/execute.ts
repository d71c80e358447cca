/** Statements done, their text gathered. */
import { cannot, fail, made, nested, work } from "./error.ts";
import { callOf, callValue, evaluate } from "./evaluate.ts";
import { Loop } from "./loop.ts";
import { iterate, truth } from "./operators.ts";
import { str } from "./print.ts";
import { Scope } from "./scope.ts";
import { applyFilter } from "./sequences.ts";
import { namesIn } from "./shadow.ts";
import type { Body, Expression, Statement, Target } from "./tree.ts";
import { type Call, Callable, Dict, Lazy, Namespace, Tuple, Undefined, type Value } from "./values.ts";

/** Where the text goes. */
type Out = string[];

/** What ends a body early. */
type Ends = "break" | "continue" | undefined;

/** Does a template's or a macro's statements. @param scope its own @returns their text */
export function execute(body: readonly Statement[], scope: Scope): string {
  return nested(() => {
    const out: Out = [];
    run(body, scope, out);
    return made(out.join(""));
  });
}

/** A scope within another. @param body what is done in it @param targets what is written before it begins */
function inner(outer: Scope, body: readonly Statement[], targets: readonly Target[] = []): Scope {
  const names = targets.flatMap(function named(target): string[] {
    return target.kind === "tuple" ? target.items.flatMap(named) : target.kind === "name" ? [target.name] : [];
  });
  return new Scope(outer, namesIn(body, names));
}

function run(body: readonly Statement[], scope: Scope, out: Out): Ends {
  for (const node of body) {
    work(1);
    const ends = one(node, scope, out);
    if (ends) return ends;
  }
  return undefined;
}

function print(text: string, out: Out): void {
  out.push(made(text));
}

function one(node: Statement, scope: Scope, out: Out): Ends {
  switch (node.kind) {
    case "data":
      print(node.text, out);
      return undefined;
    case "print":
      print(str(evaluate(node.value, scope)), out);
      return undefined;
    case "set":
      assign(node.target, evaluate(node.value, scope), scope);
      return undefined;
    case "if": {
      const branch = node.branches.find(({ test }) => !test || truth(evaluate(test, scope)));
      return branch && run(branch.body, scope, out);
    }
    case "for":
      return loop(node, evaluate(node.over, scope), { scope, out, depth: 0 });
    case "break":
    case "continue":
      return node.kind;
    case "macro":
      scope.set(node.macro.name!, macro(node.macro, scope));
      return undefined;
    case "with": {
      const within = inner(scope, node.body, node.sets.map(([target]) => target));
      for (const [target, value] of node.sets) assign(target, evaluate(value, scope), within);
      return run(node.body, within, out);
    }
    case "capture":
    case "filter": {
      const kept: Out = [];
      const within = inner(scope, node.body);
      const ends = run(node.body, within, kept);
      if (ends) return ends;
      const text = made(kept.join(""));
      const value = node.filter ? filtered(node.filter, text, within) : text;
      if (node.kind === "filter") print(str(value), out);
      else assign(node.target, value, scope);
      return undefined;
    }
    case "generation":
      print(str(macro(node.caller, scope).call({ args: [], named: new Map() })), out);
      return undefined;
    case "call": {
      if (node.call.kind !== "call") return undefined;
      const call = callOf(node.call.call, scope);
      const named = new Map([...call.named, ["caller", macro(node.caller, scope) as Value]]);
      print(str(callValue(evaluate(node.call.of, scope), { ...call, named })), out);
      return undefined;
    }
  }
}

/** A text through the filters of a tag. */
function filtered(node: Expression, text: string, scope: Scope): Value {
  if (node.kind !== "filter") return text;
  const value = node.of ? filtered(node.of, text, scope) : text;
  return applyFilter(node.name, value, callOf(node.call, scope));
}

function assign(target: Target, value: Value, scope: Scope): void {
  if (target.kind === "name") return scope.set(target.name, value);
  if (target.kind === "field") {
    const of = scope.get(target.of);
    if (!(of instanceof Namespace)) fail("cannot assign attribute on non-namespace object");
    checkField(target.name);
    return of.attributes.set(target.name, value);
  }
  const items = [...iterate(value, `cannot unpack non-iterable object`)];
  const { length } = target.items;
  if (items.length < length) fail(`not enough values to unpack (expected ${length}, got ${items.length})`);
  if (items.length > length) fail(`too many values to unpack (expected ${length})`);
  target.items.forEach((one, i) => assign(one, items[i], scope));
}

/** @throws TemplateError for what transformers keeps out of a namespace */
export function checkField(name: string): void {
  if (name.startsWith("_")) {
    fail(`Chat templates cannot store underscore-prefixed attributes on a namespace, but got '${name}'.`);
  }
}

type For = Extract<Statement, { kind: "for" }>;

function loop(node: For, over: Value, at: { scope: Scope; out: Out; depth: number }): Ends {
  const { scope, out, depth } = at;
  const again = (over: Value) =>
    nested(() => {
      const inside: Out = [];
      loop(node, over, { scope, out: inside, depth: depth + 1 });
      return made(inside.join(""));
    });
  const state = new Loop(node.test ? tested(node, over, scope) : over, node.recursive ? again : null, depth);
  let none = true; // until a body was done to its end
  for (let item = state.next(); item !== undefined; item = state.next()) {
    work(8);
    const within = inner(scope, node.body, [node.target]);
    assign(node.target, item, within);
    within.set("loop", state.value);
    const ends = run(node.body, within, out);
    if (ends === "break") break;
    if (ends !== "continue") none = false;
  }
  return none ? run(node.other, inner(scope, node.other), out) : undefined;
}

/** The items that a loop's `if` lets through, each asked for when it is its turn. */
function tested({ target, test }: For, over: Value, scope: Scope): Lazy {
  return new Lazy((function* () {
    for (const item of iterate(over)) {
      const within = new Scope(scope);
      assign(target, item, within);
      if (truth(evaluate(test!, within))) yield item;
    }
  })());
}

/** A macro as a value. */
function macro({ name, parameters, body, speaksOf }: Body, outer: Scope): Callable {
  const called = name ?? "None";
  const run = ({ args, named, worn }: Call): Value => {
    const scope = inner(outer, body, parameters.map(({ name }) => ({ kind: "name", name })));
    const rest = new Map(named);
    const caller = rest.get("caller");
    if (caller !== undefined && speaksOf.has("caller")) rest.delete("caller");
    const given = parameters.map(({ name }, i) => {
      if (i < args.length) {
        if (rest.has(name)) fail(`macro '${called}' got multiple values for argument '${name}'`);
        return args[i];
      }
      const value = rest.get(name);
      rest.delete(name);
      return value;
    });
    if (args.length > parameters.length && !speaksOf.has("varargs")) {
      fail(`macro '${called}' takes not more than ${parameters.length} argument(s)`);
    }
    const [strange] = rest.keys();
    if (strange !== undefined && !speaksOf.has("kwargs")) {
      fail(`macro '${called}' takes no keyword argument '${strange}'`);
    }
    for (const { name } of parameters) scope.set(name, new Undefined(`parameter '${name}' was not provided`));
    parameters.forEach(({ name, value }, i) => {
      const chosen = given[i] === undefined && value ? evaluate(value, scope) : given[i];
      if (chosen !== undefined) scope.set(name, chosen);
    });
    if (speaksOf.has("caller")) scope.set("caller", caller ?? new Undefined("No caller defined"));
    if (speaksOf.has("varargs")) scope.set("varargs", new Tuple(args.slice(parameters.length)));
    if (speaksOf.has("kwargs")) {
      scope.set("kwargs", new Dict([...rest].map(([name, value]) => [worn?.get(name) ?? name, value])));
    }
    if (parameters.some(({ name }) => ["caller", "varargs", "kwargs"].includes(name))) {
      cannot("a parameter called caller, varargs or kwargs");
    }
    return execute(body, scope);
  };
  return new Callable("macro", run);
}
