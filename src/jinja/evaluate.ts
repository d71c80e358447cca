/** The value of an expression. */
import { attribute, item } from "./attributes.ts";
import { plain } from "./disguise.ts";
import { cannot, fail, work } from "./error.ts";
import { percent } from "./format.ts";
import { arithmetic, compare, defined, iterate, joined, numberOf, slice, truth } from "./operators.ts";
import { int } from "./operators.ts";
import type { Scope } from "./scope.ts";
import { applyFilter, applyTest } from "./sequences.ts";
import type { Arguments, Expression } from "./tree.ts";
import { type Call, Callable, Dict, Float, Slice, Tuple, typeName, Undefined, type Value } from "./values.ts";
import { UNDONE_GLOBALS } from "./undone.ts";

/** What an expression is worth. @throws TemplateError */
export function evaluate(node: Expression, scope: Scope): Value {
  work(1);
  switch (node.kind) {
    case "constant":
      return node.value;
    case "float":
      return new Float(node.value);
    case "name": {
      const value = scope.get(node.name);
      return value instanceof Undefined && UNDONE_GLOBALS.includes(node.name)
        ? cannot(`the global ${node.name}`)
        : value;
    }
    case "list":
      return node.items.map((one) => evaluate(one, scope));
    case "tuple":
      return new Tuple(node.items.map((one) => evaluate(one, scope)));
    case "dict":
      return new Dict(node.entries.map(([key, value]) => [evaluate(key, scope), evaluate(value, scope)] as const));
    case "concat":
      return joined(node.items.map((one) => evaluate(one, scope)));
    case "attribute":
      return attribute(evaluate(node.of, scope), node.name);
    case "item": {
      const of = evaluate(node.of, scope), at = evaluate(node.at, scope);
      return at instanceof Slice ? slice(of, at) : item(of, at);
    }
    case "slice": {
      const [start, stop, step] = node.parts.map((part) => part ? evaluate(part, scope) : null);
      return new Slice(start, stop, step);
    }
    case "call":
      return callValue(evaluate(node.of, scope), callOf(node.call, scope));
    case "filter":
      return applyFilter(node.name, evaluate(node.of!, scope), callOf(node.call, scope));
    case "test":
      return applyTest(node.name, evaluate(node.of, scope), callOf(node.call, scope));
    case "not":
      return !truth(evaluate(node.of, scope));
    case "+":
    case "-":
      return sign(node.kind, evaluate(node.of, scope));
    case "and":
    case "or": {
      const left = evaluate(node.left, scope);
      return truth(left) === (node.kind === "or") ? left : evaluate(node.right, scope);
    }
    case "binary": {
      const left = evaluate(node.left, scope), right = evaluate(node.right, scope);
      return node.operator === "%" && typeof left === "string"
        ? percent(left, right)
        : arithmetic(node.operator, left, right);
    }
    case "compare":
      return chain(node, scope);
    case "if":
      if (truth(evaluate(node.test, scope))) return evaluate(node.then, scope);
      return node.other ? evaluate(node.other, scope) : new Undefined(NO_ELSE);
  }
}

const NO_ELSE = "the inline if-expression evaluated to false and no else section was defined.";

function sign(operator: "+" | "-", value: Value): Value {
  const number = numberOf(defined(value)) ?? fail(`bad operand type for unary ${operator}: '${typeName(value)}'`);
  const signed = operator === "-" ? -number : number;
  return value instanceof Float ? new Float(signed) : int(signed);
}

function chain({ first, rest }: Extract<Expression, { kind: "compare" }>, scope: Scope): boolean {
  let left = evaluate(first, scope);
  for (const { operator, to } of rest) {
    const right = evaluate(to, scope);
    if (!compare(operator, left, right)) return false;
    left = right;
  }
  return true;
}

/** The values of a call's brackets. */
export function callOf({ args, named, rest, restNamed }: Arguments, scope: Scope): Call {
  const values = args.map((one) => evaluate(one, scope));
  const names = new Map(named.map(([name, value]) => [name, evaluate(value, scope)]));
  const worn = new Map<string, string>();
  if (rest) values.push(...iterate(evaluate(rest, scope)));
  if (restNamed) {
    const more = evaluate(restNamed, scope);
    if (!(more instanceof Dict)) fail(`argument after ** must be a mapping, not ${typeName(more)}`);
    for (const [key, value] of more.entries()) {
      if (typeof key !== "string") fail("keywords must be strings");
      const name = plain(key);
      if (names.has(name)) fail(`got multiple values for keyword argument '${name}'`);
      names.set(name, value);
      worn.set(name, key);
    }
  }
  return { args: values, named: names, worn };
}

/** Calls a value. @throws TemplateError where it is no function */
export function callValue(value: Value, call: Call): Value {
  if (defined(value) instanceof Callable) return (value as Callable).call(call);
  return fail(`'${typeName(value)}' object is not callable`);
}
