/** Expressions, by the grammar of Jinja's parser (`parser.py`). */
import { cannot, TemplateError } from "./error.ts";
import { UNDONE_FILTERS, UNDONE_TESTS } from "./undone.ts";
import { FILTERS } from "./sequences.ts";
import type { Stream } from "./stream.ts";
import { TESTS } from "./tests.ts";
import type { Arguments, Expression } from "./tree.ts";

const NONE: Arguments = { args: [], named: [], rest: null, restNamed: null };
const CONSTANTS = new Map<string, boolean | null>([
  ...([["true", true], ["True", true], ["false", false], ["False", false], ["none", null], ["None", null]] as const),
]);

/** Whether a name is none, but a value. */
export const isReserved = (name: string): boolean => CONSTANTS.has(name);

/** One expression. @param ternary whether `a if b else c` is one */
export function expression(stream: Stream, ternary = true): Expression {
  return stream.deeper(() => ternary ? conditional(stream) : either(stream));
}

/** Expressions with commas between them are a tuple; one without a comma is itself. */
export function tuple(
  stream: Stream,
  { ternary = true, end = "", parentheses = false } = {},
): Expression {
  const items: Expression[] = [];
  let isTuple = false;
  const ended = () =>
    ["printed", "end"].includes(stream.current.type) || stream.is(")") || end !== "" && stream.isName(end);
  for (;;) {
    if (items.length > 0) stream.expect(",");
    if (ended()) break;
    items.push(expression(stream, ternary));
    if (!stream.is(",")) break;
    isTuple = true;
  }
  if (!isTuple) {
    if (items.length > 0) return items[0];
    if (!parentheses) stream.broken("expected an expression");
  }
  return { kind: "tuple", items };
}

function conditional(stream: Stream): Expression {
  let value = either(stream);
  while (stream.skipName("if")) {
    const then = value;
    const test = stream.softly(() => either(stream));
    const other = stream.skipName("else") ? stream.softly(() => conditional(stream)) : null;
    value = { kind: "if", test, then, other };
  }
  return value;
}

function either(stream: Stream): Expression {
  let left = both(stream);
  while (stream.skipName("or")) left = { kind: "or", left, right: both(stream) };
  return left;
}

function both(stream: Stream): Expression {
  let left = negation(stream);
  while (stream.skipName("and")) left = { kind: "and", left, right: negation(stream) };
  return left;
}

function negation(stream: Stream): Expression {
  if (!stream.skipName("not")) return comparison(stream);
  return stream.deeper(() => ({ kind: "not", of: negation(stream) }));
}

const COMPARISONS = ["==", "!=", "<", "<=", ">", ">="];

function comparison(stream: Stream): Expression {
  const first = sum(stream);
  const rest: { operator: string; to: Expression }[] = [];
  for (;;) {
    let operator: string;
    if (stream.current.type === "operator" && COMPARISONS.includes(stream.current.value)) {
      operator = stream.next().value;
    } else if (stream.skipName("in")) operator = "in";
    else if (stream.isName("not") && stream.after.type === "name" && stream.after.value === "in") {
      stream.next(), stream.next();
      operator = "not in";
    } else break;
    rest.push({ operator, to: sum(stream) });
  }
  return rest.length > 0 ? { kind: "compare", first, rest } : first;
}

/** Operators of one rank, from the left. */
const binary =
  (operators: readonly string[], below: (stream: Stream) => Expression) => (stream: Stream): Expression => {
    let left = below(stream);
    while (operators.some((operator) => stream.is(operator))) {
      const operator = stream.next().value;
      left = { kind: "binary", operator, left, right: below(stream) };
    }
    return left;
  };
const power = binary(["**"], (stream) => unary(stream, true));
const product = binary(["*", "/", "//", "%"], power);
const sum = binary(["+", "-"], concat);

function concat(stream: Stream): Expression {
  const items = [product(stream)];
  while (stream.skip("~")) items.push(product(stream));
  return items.length > 1 ? { kind: "concat", items } : items[0];
}

function unary(stream: Stream, filters: boolean): Expression {
  let value: Expression;
  if (stream.is("-") || stream.is("+")) {
    const kind = stream.next().value as "+" | "-";
    value = stream.deeper(() => ({ kind, of: unary(stream, false) }));
  } else value = postfix(stream, primary(stream));
  return filters ? filtered(stream, value) : value;
}

function number(text: string): number {
  return Number(text.replaceAll("_", ""));
}

function primary(stream: Stream): Expression {
  const { type, value } = stream.current;
  if (type === "name") {
    stream.next();
    if (CONSTANTS.has(value)) return { kind: "constant", value: CONSTANTS.get(value)! };
    stream.names.add(value);
    return { kind: "name", name: value };
  }
  if (type === "string") {
    let text = "";
    while (stream.current.type === "string") text += stream.next().value;
    return { kind: "constant", value: text };
  }
  if (type === "int") {
    stream.next();
    if (!Number.isSafeInteger(number(value))) cannot("an integer beyond 2^53");
    return { kind: "constant", value: number(value) };
  }
  if (type === "float") return { kind: "float", value: number(stream.next().value) };
  if (stream.skip("(")) {
    const inner = stream.deeper(() => tuple(stream, { parentheses: true }));
    stream.expect(")");
    return inner;
  }
  if (stream.skip("[")) return { kind: "list", items: listed(stream, "]", () => expression(stream)) };
  if (stream.skip("{")) {
    const entries = listed(stream, "}", (): [Expression, Expression] => {
      const key = expression(stream);
      stream.expect(":");
      return [key, expression(stream)];
    });
    return { kind: "dict", entries };
  }
  return stream.broken("unexpected token");
}

/** What stands between commas, up to the bracket that closes it. */
function listed<T>(stream: Stream, end: string, read: () => T): T[] {
  const items: T[] = [];
  while (!stream.skip(end)) {
    if (items.length > 0) stream.expect(",");
    if (stream.skip(end)) break;
    items.push(read());
  }
  return items;
}

function postfix(stream: Stream, value: Expression): Expression {
  for (;;) {
    if (stream.is(".") || stream.is("[")) value = subscript(stream, value);
    else if (stream.is("(")) value = { kind: "call", of: value, call: callArguments(stream) };
    else return value;
  }
}

function subscript(stream: Stream, of: Expression): Expression {
  if (stream.skip(".")) {
    const { type, value } = stream.current;
    if (type === "name") return { kind: "attribute", of, name: stream.next().value };
    if (type !== "int") stream.broken("expected name or number");
    stream.next();
    return { kind: "item", of, at: { kind: "constant", value: number(value) } };
  }
  stream.expect("[");
  const items: Expression[] = [];
  while (!stream.skip("]")) {
    if (items.length > 0) stream.expect(",");
    items.push(subscribed(stream));
  }
  return { kind: "item", of, at: items.length === 1 ? items[0] : { kind: "tuple", items } };
}

function subscribed(stream: Stream): Expression {
  const part = () => stream.is(":") || stream.is("]") || stream.is(",") ? null : expression(stream);
  const first = part();
  if (!stream.skip(":")) return first ?? stream.broken("expected an expression");
  const second = part();
  return { kind: "slice", parts: [first, second, stream.skip(":") ? part() : null] };
}

/** The brackets of a call. */
export function callArguments(stream: Stream): Arguments {
  stream.expect("(");
  const args: Expression[] = [], named: [string, Expression][] = [];
  let rest: Expression | null = null, restNamed: Expression | null = null;
  const must = (right: boolean) => {
    if (!right) stream.broken("invalid syntax for function call expression");
  };
  for (let first = true; !stream.skip(")"); first = false) {
    if (!first) {
      stream.expect(",");
      if (stream.skip(")")) break;
    }
    if (stream.skip("*")) {
      must(rest === null && restNamed === null);
      rest = expression(stream);
    } else if (stream.skip("**")) {
      must(restNamed === null);
      restNamed = expression(stream);
    } else if (stream.current.type === "name" && stream.after.type === "operator" && stream.after.value === "=") {
      must(restNamed === null);
      const { value: name } = stream.next();
      stream.next();
      if (named.some(([other]) => other === name)) stream.broken(`keyword argument repeated: ${name}`);
      named.push([name, expression(stream)]);
    } else {
      must(rest === null && restNamed === null && named.length === 0);
      args.push(expression(stream));
    }
  }
  return { args, named, rest, restNamed };
}

function filtered(stream: Stream, value: Expression): Expression {
  for (;;) {
    if (stream.is("|")) value = filters(stream, value);
    else if (stream.isName("is")) value = test(stream, value);
    else if (stream.is("(")) value = { kind: "call", of: value, call: callArguments(stream) };
    else return value;
  }
}

/** Checks that there is such a filter or test. @throws TemplateError where it is missed at once */
function known(stream: Stream, name: string, kind: "filter" | "test"): void {
  const [done, undone] = kind === "filter" ? [FILTERS, UNDONE_FILTERS] : [TESTS, UNDONE_TESTS];
  if (Object.hasOwn(done, name) || stream.soft) return;
  if (undone.includes(name)) cannot(`the ${kind} ${name}`);
  throw new TemplateError("syntax", `No ${kind} named '${name}'`);
}

const dotted = (stream: Stream) => {
  let name = stream.take("name");
  while (stream.skip(".")) name += `.${stream.take("name")}`;
  return name;
};

/** `|a|b`. @param inline whether the first one stands without its stroke, in a tag of its own */
export function filters(stream: Stream, value: Expression | null, inline = false): Expression {
  while (inline || stream.skip("|")) {
    inline = false;
    const name = dotted(stream);
    known(stream, name, "filter");
    value = { kind: "filter", of: value, name, call: stream.is("(") ? callArguments(stream) : NONE };
  }
  return value!;
}

function test(stream: Stream, of: Expression): Expression {
  stream.next();
  const not = stream.skipName("not");
  const name = dotted(stream);
  let call = NONE;
  const { type } = stream.current;
  if (stream.is("(")) call = callArguments(stream);
  else if (
    ["name", "string", "int", "float"].includes(type) && !stream.isName("else", "or", "and") || stream.is("[") ||
    stream.is("{")
  ) {
    if (stream.isName("is")) stream.broken("You cannot chain multiple tests with is");
    call = { ...NONE, args: [postfix(stream, primary(stream))] };
  }
  known(stream, name, "test");
  const value: Expression = { kind: "test", of, name, call };
  return not ? { kind: "not", of: value } : value;
}
