/** Tests: `x is …`. */
import { arithmetic, compare, contains, same, truth } from "./operators.ts";
import { str } from "./print.ts";
import { TEXT } from "./methods.ts";
import { Callable, Dict, Float, Lazy, Range, Tuple, Undefined, type Value, View } from "./values.ts";

/** Parameters besides the value, as `take` reads them, and whether it holds. */
export type Test = readonly [
  parameters: string,
  holds: (value: Value, args: readonly (Value | undefined)[]) => boolean,
];

const compared = (operator: string): Test => ["other", (value, [other]) => compare(operator, value, other!)];
const [eq, ne, gt, ge, lt, le] = ["==", "!=", ">", ">=", "<", "<="].map(compared);
const is = (value: Value, ...types: readonly (new (...args: never[]) => unknown)[]) =>
  types.some((type) => value instanceof type);
const isInteger = (value: Value) => typeof value === "number";
const rest = (value: Value, by: Value): Value => arithmetic("%", value, by);
const sized = (value: Value) => typeof value === "string" || is(value, Array, Tuple, Dict, Range, Undefined);

/** By name. */
export const TESTS: Readonly<Record<string, Test>> = {
  ...{ "==": eq, eq, equalto: eq, "!=": ne, ne, ">": gt, gt, greaterthan: gt, ">=": ge, ge },
  ...{ "<": lt, lt, lessthan: lt, "<=": le, le },
  boolean: ["", (value) => typeof value === "boolean"],
  callable: ["", (value) => is(value, Callable, Undefined)],
  defined: ["", (value) => !is(value, Undefined)],
  divisibleby: ["num", (value, [by]) => compare("==", rest(value, by!), 0)],
  even: ["", (value) => compare("==", rest(value, 2), 0)],
  false: ["", (value) => value === false],
  float: ["", (value) => is(value, Float)],
  in: ["seq", (value, [all]) => contains(all!, value)],
  integer: ["", isInteger],
  iterable: ["", (value) => sized(value) || is(value, Lazy, View) || isLoop(value)],
  lower: ["", (value) => truth(TEXT.islower[1](str(value), []))],
  mapping: ["", (value) => is(value, Dict)],
  none: ["", (value) => value === null],
  number: ["", (value) => ["number", "boolean"].includes(typeof value) || is(value, Float)],
  odd: ["", (value) => compare("==", rest(value, 2), 1)],
  sameas: ["other", (value, [other]) => same(value, other!)],
  sequence: ["", sized],
  string: ["", (value) => typeof value === "string"],
  true: ["", (value) => value === true],
  undefined: ["", (value) => is(value, Undefined)],
  upper: ["", (value) => truth(TEXT.isupper[1](str(value), []))],
};

const isLoop = (value: Value) => value instanceof Callable && value.name === "loop";
