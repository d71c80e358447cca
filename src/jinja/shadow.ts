/** Names that a scope writes before it reads them: there they are its own from the beginning, as Jinja's compiler has it. */
import type { Arguments, Body, Expression, Statement, Target } from "./tree.ts";

/** What a body does with names, those of scopes within it left out. */
export interface Names {
  /** Names that it reads or writes. */
  readonly mentioned: ReadonlySet<string>;
  /** Those of them that are undefined until they are written, whatever they stand for in what is given to the template. */
  readonly shadowed: readonly string[];
}

const known = new WeakMap<readonly Statement[], Names>();

/** What a body does with names. @param targets what is written before it begins */
export function namesIn(body: readonly Statement[], targets: readonly string[] = []): Names {
  let found = known.get(body);
  if (!found) {
    const state: State = { first: new Map(targets.map((name) => [name, "given"])), written: new Set() };
    for (const node of body) statement(node, state);
    const names = [...state.first];
    found = {
      mentioned: new Set(state.first.keys()),
      shadowed: names.filter(([, first]) => first === "written").map(([name]) => name),
    };
    known.set(body, found);
  }
  return found;
}

/** How names stand at a point of a body. */
interface State {
  /** What is done to a name first. */
  readonly first: Map<string, "read" | "written" | "given">;
  readonly written: Set<string>;
}

function read(name: string, { first }: State): void {
  if (!first.has(name)) first.set(name, "read");
}

function write(target: Target, state: State): void {
  if (target.kind === "tuple") return target.items.forEach((one) => write(one, state));
  if (target.kind === "field") return read(target.of, state);
  state.written.add(target.name);
  if (!state.first.has(target.name)) state.first.set(target.name, "written");
}

function statement(node: Statement, state: State): void {
  switch (node.kind) {
    case "print":
      return expression(node.value, state);
    case "set":
      expression(node.value, state);
      return write(node.target, state);
    case "capture":
      return write(node.target, state);
    case "for":
      return expression(node.over, state);
    case "filter":
      return expression(node.filter, state);
    case "with":
      return node.sets.forEach(([, value]) => expression(value, state));
    case "macro":
      return write({ kind: "name", name: node.macro.name! }, state);
    case "call":
      expression(node.call, state);
      return defaults(node.caller, state);
    case "if":
      return branches(node.branches, state);
  }
}

function defaults({ parameters }: Body, state: State): void {
  for (const { value } of parameters) if (value) expression(value, state);
}

type Branches = Extract<Statement, { kind: "if" }>["branches"];

/** A name that a branch writes first is looked for in what was given. */
function branches(nodes: Branches, state: State): void {
  const [{ test }] = nodes;
  if (test) expression(test, state);
  const parts = nodes.map(({ test, body }, i) => {
    const part = { first: new Map(state.first), written: new Set(state.written) };
    if (i > 0 && test) expression(test, part);
    for (const node of body) statement(node, part);
    return part;
  });
  for (const { first, written } of parts) {
    for (const [name, how] of first) {
      state.first.set(name, written.has(name) && !state.written.has(name) ? "read" : how);
    }
  }
  for (const { written } of parts) for (const name of written) state.written.add(name);
}

function expressions(nodes: readonly (Expression | null)[], state: State): void {
  for (const node of nodes) if (node) expression(node, state);
}

function call({ args, named, rest, restNamed }: Arguments, state: State): void {
  expressions([...args, ...named.map(([, value]) => value), rest, restNamed], state);
}

function expression(node: Expression, state: State): void {
  switch (node.kind) {
    case "name":
      return read(node.name, state);
    case "list":
    case "tuple":
    case "concat":
      return expressions(node.items, state);
    case "dict":
      return expressions(node.entries.flat(), state);
    case "item":
      return expressions([node.of, node.at], state);
    case "slice":
      return expressions(node.parts, state);
    case "attribute":
    case "not":
    case "+":
    case "-":
      return expression(node.of, state);
    case "call":
    case "filter":
    case "test":
      if (node.of) expression(node.of, state);
      return call(node.call, state);
    case "and":
    case "or":
    case "binary":
      return expressions([node.left, node.right], state);
    case "compare":
      return expressions([node.first, ...node.rest.map(({ to }) => to)], state);
    case "if":
      return expressions([node.test, node.then, node.other], state);
  }
}
