// JSON of a schema within a grammar, as `%json {…}`.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Automaton } from "../../src/grammar/automaton.ts";
import { textGrammar } from "../../src/grammar/grammar.ts";

const test = suite("JSON in grammars");

function fits(source: string, text: string): boolean {
  const { machine, root } = textGrammar(source), automaton = new Automaton(machine, root);
  let place = automaton.start();
  for (const byte of new TextEncoder().encode(text)) {
    place = automaton.step(place, automaton.classes[byte]);
    if (place < 0) return false;
  }
  return automaton.accepts(place);
}

test("what stands there is JSON of the schema, and the rest is the grammar's", () => {
  const schema = {
    type: "object",
    properties: { 'a}"': { $ref: "#/$defs/n" } },
    required: ['a}"'],
    $defs: { n: { enum: [1, 2] } },
  };
  const source = `root ::= "<" pair ("," pair)* ">" # twice, or more
pair ::= %json ${JSON.stringify(schema, null, 1)} | "none" | %json true "!"`;
  for (const text of ['<{"a}\\"": 1}>', '<none,{"a}\\"":2}>', "<[1, {}]!>", '<"x"!,none>']) {
    assert.ok(fits(source, text), text);
  }
  for (const text of ['<{"a}\\"": 3}>', '{"a}\\"": 1}', "<[1, {}]>", "<>", '<{"a": 1}>']) {
    assert.not.ok(fits(source, text), text);
  }
});

test("schemas of one grammar do not know of each other", () => {
  const one = (value: string) => JSON.stringify({ $ref: "#/$defs/v", $defs: { v: { const: value } } });
  const source = `root ::= %json ${one("a")} %json ${one("b")}`;
  assert.equal([fits(source, '"a""b"'), fits(source, '"a""a"'), fits(source, '"b""b"')], [true, false, false]);
});

test.run();
