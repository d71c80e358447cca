/** Statements, by the grammar of Jinja's parser (`parser.py`), and the `generation`, `break` and `continue` of transformers. */
import { cannot, TemplateError } from "./error.ts";
import { expression, filters, isReserved, tuple } from "./expressions.ts";
import { tokenize } from "./lexer.ts";
import { Stream } from "./stream.ts";
import type { Body, Expression, Statement, Target } from "./tree.ts";

const UNDONE = ["autoescape", "block", "extends", "from", "import", "include"];

/** Reads a template. @throws TemplateError where it is no Jinja, or something that is not done here */
export function parse(template: string): Statement[] {
  return statements(new Stream(tokenize(template)), []);
}

/** Statements up to a tag with one of the names, which is not taken; none: to the end. */
function statements(stream: Stream, ends: readonly string[]): Statement[] {
  const body: Statement[] = [];
  for (;;) {
    const { type, value } = stream.current;
    if (type === "eof") {
      if (ends.length > 0) stream.broken(`expected ${ends.join(" or ")}`);
      return body;
    }
    stream.next();
    if (type === "data") body.push({ kind: "data", text: value });
    else if (type === "print") {
      body.push({ kind: "print", value: tuple(stream) });
      stream.take("printed");
    } else if (stream.isName(...ends)) return body;
    else {
      body.push(stream.deeper(() => statement(stream)));
      stream.take("end");
    }
  }
}

/** What a block holds: its own tag's end, statements, and the tag that ends it, but for that tag's end. */
function block(stream: Stream, ...ends: readonly string[]): [body: Statement[], end: string] {
  stream.skip(":");
  stream.take("end");
  return [statements(stream, ends), stream.next().value];
}

function statement(stream: Stream): Statement {
  const name = stream.take("name");
  switch (name) {
    case "for":
      return loop(stream);
    case "if":
      return condition(stream);
    case "set":
      return assignment(stream);
    case "with":
      return scoped(stream);
    case "macro": {
      const name = stream.take("name");
      if (isReserved(name)) stream.broken("expected name");
      return { kind: "macro", macro: body(stream, { name, end: "endmacro" }) };
    }
    case "call": {
      const signature = stream.is("(") ? parameters(stream) : [];
      const call = expression(stream);
      if (call.kind !== "call") stream.broken("expected call");
      return { kind: "call", call, caller: body(stream, { name: null, end: "endcall", signature }) };
    }
    case "filter":
      return stream.scope(() => {
        const filter = filters(stream, null, true);
        return { kind: "filter", filter, body: block(stream, "endfilter")[0] };
      });
    case "print": {
      const items: Expression[] = [];
      while (stream.current.type !== "end") {
        if (items.length > 0) stream.expect(",");
        items.push(expression(stream));
      }
      return { kind: "print", value: { kind: "concat", items } };
    }
    case "generation":
      return { kind: "generation", caller: body(stream, { name: null, end: "endgeneration", signature: [] }) };
    case "break":
    case "continue":
      if (!stream.inLoop) throw new TemplateError("syntax", `'${name}' outside loop`);
      return { kind: name };
    default:
      if (UNDONE.includes(name)) cannot(`the tag ${name}`);
      throw new TemplateError("syntax", `Encountered unknown tag '${name}'`);
  }
}

function loop(stream: Stream): Statement {
  const to = target(stream, { end: "in" });
  if (!stream.skipName("in")) stream.broken("expected 'in'");
  const over = tuple(stream, { ternary: false, end: "recursive" });
  const { inLoop } = stream;
  if (speaksOfLoop(to)) stream.broken("can't assign to special loop variable in for-loop");
  return stream.scope(() => {
    const test = stream.skipName("if") ? expression(stream) : null;
    const recursive = stream.skipName("recursive");
    const [body, end] = block(stream, "endfor", "else");
    const other = end === "else" ? stream.scope(() => block(stream, "endfor")[0], inLoop) : [];
    return { kind: "for", target: to, over, test, recursive, body, other };
  }, true);
}

const speaksOfLoop = (target: Target): boolean =>
  target.kind === "tuple" ? target.items.some(speaksOfLoop) : target.kind === "name" && target.name === "loop";

function condition(stream: Stream): Statement {
  const branches: { test: Expression | null; body: readonly Statement[] }[] = [];
  return stream.softly(() => {
    for (let end = "elif"; end !== "endif";) {
      const test = end === "elif" ? tuple(stream, { ternary: false }) : null;
      const [body, next] = test ? block(stream, "elif", "else", "endif") : block(stream, "endif");
      branches.push({ test, body });
      end = next;
    }
    return { kind: "if", branches };
  });
}

function assignment(stream: Stream): Statement {
  const to = target(stream, { field: true });
  if (stream.skip("=")) return { kind: "set", target: to, value: tuple(stream) };
  return stream.scope(() => {
    const filter = stream.is("|") ? filters(stream, null) : null;
    return { kind: "capture", target: to, filter, body: block(stream, "endset")[0] };
  });
}

function scoped(stream: Stream): Statement {
  const sets: [Target, Expression][] = [];
  while (stream.current.type !== "end") {
    if (sets.length > 0) stream.expect(",");
    const to = target(stream);
    stream.expect("=");
    sets.push([to, expression(stream)]);
  }
  return stream.scope(() => ({ kind: "with", sets, body: block(stream, "endwith")[0] }));
}

/** What is written to: a name, several, or an attribute of a namespace. */
function target(stream: Stream, { field = false, end = "" } = {}): Target {
  const items: Target[] = [];
  let isTuple = false;
  for (;;) {
    if (items.length > 0) stream.expect(",");
    if (stream.current.type === "end" || stream.is("=") || stream.is(")") || end && stream.isName(end)) break;
    items.push(oneTarget(stream, { field, end }));
    if (!stream.is(",")) break;
    isTuple = true;
  }
  if (items.length === 0) stream.broken("expected name");
  return isTuple ? { kind: "tuple", items } : items[0];
}

function oneTarget(stream: Stream, options: { field: boolean; end: string }): Target {
  if (stream.skip("(")) {
    const inner = stream.deeper(() => target(stream, options));
    stream.expect(")");
    return inner;
  }
  const name = stream.take("name");
  if (isReserved(name)) stream.broken(`can't assign to '${name}'`);
  if (!options.field || !stream.skip(".")) return { kind: "name", name };
  stream.names.add(name);
  return { kind: "field", of: name, name: stream.take("name") };
}

function parameters(stream: Stream): { name: string; value: Expression | null }[] {
  stream.expect("(");
  const all: { name: string; value: Expression | null }[] = [];
  while (!stream.skip(")")) {
    if (all.length > 0) stream.expect(",");
    const name = stream.take("name");
    if (isReserved(name) || all.some((one) => one.name === name)) stream.broken("expected another name");
    const value = stream.skip("=") ? expression(stream) : null;
    if (!value && all.at(-1)?.value) stream.broken("non-default argument follows default argument");
    all.push({ name, value });
  }
  return all;
}

/** What is compiled as a function. */
function body(
  stream: Stream,
  { name, end, signature }: { name: string | null; end: string; signature?: Body["parameters"] },
): Body {
  const outer = stream.names;
  const speaksOf = stream.names = new Set();
  const made = stream.scope(() => {
    const all = signature ?? parameters(stream);
    return { name, parameters: all, body: block(stream, end)[0], speaksOf };
  }, false);
  for (const name of speaksOf) outer.add(name);
  stream.names = outer;
  return made;
}
