// What is refused, in one sentence each, and that whatever strangers send is answered soon.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { KvcapError } from "../../src/errors.ts";
import { Automaton } from "../../src/grammar/automaton.ts";
import { schemaGrammar, textGrammar } from "../../src/grammar/grammar.ts";

const test = suite("schemas and grammars that are refused");

const said = (use: () => unknown): string => {
  try {
    use();
  } catch (error) {
    assert.ok(error instanceof KvcapError, String(error));
    return error.message;
  }
  return "nothing";
};

const nested = (depth: number): unknown => depth === 0 ? {} : { items: nested(depth - 1) };
const many = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** Schemas, and what is said of them. */
const SCHEMAS: [schema: unknown, said: RegExp][] = [
  [{ type: "strin" }, /type must be one of null, .* got "strin"/],
  [{ type: [] }, /type must be one of/],
  [{ not: {} }, /keywords that can be held while it is written, got "not"/],
  ...["if", "contains", "unevaluatedProperties", "dependentSchemas", "$dynamicRef", "minimun"].map((
    name,
  ): [unknown, RegExp] => [
    { [name]: {} },
    new RegExp(`keywords that can be held .* got "${name.replace("$", "\\$")}"`),
  ]),
  [{ uniqueItems: true, type: "array" }, /uniqueItems can be held of at most one item/],
  [{ $ref: "other.json#/a" }, /a \$ref must lead to a part of the schema/],
  [{ $ref: "#/$defs/none" }, /a \$ref must lead/],
  [{ $ref: "#/%zz" }, /a \$ref must lead/],
  [{ $ref: "#" }, /must not lead back to itself/],
  [{ $defs: { a: { anyOf: [{ $ref: "#/$defs/a" }, true] } }, $ref: "#/$defs/a" }, /must not lead back to itself/],
  [{ type: "object", properties: { a: { $ref: "#" } }, required: ["a"] }, /some text must fit it/],
  [{ allOf: [{ type: "string" }, { type: "integer" }] }, /some text must fit it/],
  [{ type: "integer", minimum: 5, maximum: 4 }, /some text must fit it/],
  [{ type: "integer", minimum: 0.2, maximum: 0.8 }, /some text must fit it/],
  [{ minLength: 3, maxLength: 2, type: "string" }, /some text must fit it/],
  [{ enum: [] }, /enum must be a list/],
  [{ enum: [1], type: "string" }, /some text must fit it/],
  [{ anyOf: [] }, /anyOf must be a list of schemas/],
  [{ anyOf: [3] }, /a schema must be an object, true or false, got 3/],
  [{ properties: { a: 1 } }, /a schema must be an object, true or false, got 1/],
  [{ properties: [] }, /properties must be an object/],
  [{ required: "a" }, /required must be a list of names/],
  [{ minLength: -1 }, /minLength must be a whole number of at least 0, got -1/],
  [{ maximum: "3" }, /maximum must be a number, got "3"/],
  [{ minLength: 100_000 }, /minLength must be at most 8192/],
  [{ minItems: 100_000 }, /minItems must be at most 8192/],
  [{ minimum: 1e20 }, /bounds of numbers must leave some below/],
  [{ multipleOf: 0.1 }, /multipleOf must be a whole number/],
  [{ format: "idn-email" }, /format must be one of date, .* got "idn-email"/],
  [{ oneOf: [{ type: "number" }, { type: "integer" }] }, /branches of oneOf must exclude each other/],
  [{ oneOf: [{ properties: { a: {} } }, { properties: { b: {} } }] }, /branches of oneOf must exclude each other/],
  [{ type: "object", additionalProperties: {}, minProperties: 2 }, /minProperties can be held up to one more/],
  ...[
    "(?=a)",
    "(?<!a)b",
    "\\bword",
    "(a)\\1",
    "[b-a]",
    "(",
    "a)",
    "a{2,1}",
    "*",
    "\\u{}",
    "a^b",
    "\\",
    "[a",
    "x{",
    "\\p{L}",
    "\\ud800",
    "\\ud83d\\u0041",
  ].map((
    pattern,
  ): [unknown, RegExp] => [{ pattern }, /^Cannot read the schema: .*pattern/]),
  [nested(250), /nested at most 200 deep/],
];

for (const [schema, wanted] of SCHEMAS) {
  test(`${JSON.stringify(schema).slice(0, 80)}`, () => {
    const message = said(() => schemaGrammar(schema as object));
    assert.match(message, /^Cannot read the schema: [^\n]+, got [^\n]+$/);
    assert.match(message, wanted);
  });
}

/** Grammars, and what is said of them. */
const GRAMMARS: [grammar: string, said: RegExp][] = [
  ["", /there must be a rule root, got no rules/],
  ["a ::= b", /there must be a rule root/],
  ["root ::= a", /every rule that is named must be there, got "a"/],
  ["root ::= root", /./],
  ['root ::= root "a" | "b"', /no rule may begin with itself, got "root"/],
  ['root ::= a* root "x" | "b"\na ::= "y"', /no rule may begin with itself/],
  ['root ::= a "x"\na ::= b | "c"\nb ::= "d"? a', /no rule may begin with itself/],
  ['root ::= "a" root', /some text must fit it/],
  ['root ::= ("a"', /line 1: there must be a \) for every \(/],
  ['root ::= "a', /line 1: there must be a " for every "/],
  ['root ::= "a"\nx = "b"', /line 2: there must be a ::= behind/],
  ['root ::= "a"\nroot ::= "b"', /line 2: a rule must be there once/],
  ['root ::= "a" ) "b"', /a rule must end with its line/],
  ["root ::= [b-a]", /a range must go from/],
  ["root ::= [a", /there must be a \]/],
  ['root ::= "\\q"', /a \\ must be one of/],
  ['root ::= "\\u12"', /must have 4 digits/],
  ['root ::= "a"{3,2}', /must not have less behind the comma/],
  ['root ::= "a"{', /a \{ must begin/],
  ["root ::= <[12]>", /must be made of text, not of tokens/],
  ['root ::= "a"{999999}', /at most 200000 states/],
  ["root ::= %json", /there must be a whole schema behind %json/],
  ["root ::= %json 3", /what stands behind %json must be a schema, {…}, or true, got "3"/],
  ['root ::= %json "text"', /must be a schema, {…}, or true, got "\\"text\\""/],
  ["root ::= %jsn {}", /line 1: a % must be that of %json, got "%jsn {}"/],
  ['root ::= %json {"type": "object"', /line 1: there must be a whole schema/],
  ['root ::= %json {"type": strin}', /must be a schema, got "{\\"type\\": strin}"/],
  ['root ::= %json {"type": "strin"}', /type must be one of/],
  [`root ::= %json ${'{"items":'.repeat(300)}true${"}".repeat(300)}`, /a schema must be nested at most 200 deep/],
  ["root ::= " + "(".repeat(200) + '"a"' + ")".repeat(200), /groups must be nested at most 100 deep/],
];

for (const [grammar, wanted] of GRAMMARS) {
  test(JSON.stringify(grammar).slice(0, 80), () => {
    const message = said(() => textGrammar(grammar));
    assert.match(message, /^Cannot read the grammar: [^\n]+, got [^\n]+$/);
    assert.match(message, wanted);
  });
}

/** What takes long where nobody bounds it: taken or refused, but soon. */
const HOSTILE: Readonly<Record<string, () => unknown>> = {
  "a pattern of doubling": () => schemaGrammar({ pattern: "^(a|b)*a(a|b){20}$" }),
  "a pattern of huge counts": () => schemaGrammar({ pattern: "^((a{1000}){1000}){1000}$" }),
  "a pattern of many groups": () => schemaGrammar({ pattern: "(^a|b$|c)".repeat(30) }),
  "a deep pattern": () => schemaGrammar({ pattern: "(".repeat(5000) + ")".repeat(5000) }),
  "patterns of doubling": () =>
    schemaGrammar({
      properties: Object.fromEntries(many(30, (i) => [`p${i}`, { pattern: `^(a|b)*a(a|b){10}${i}$` }])),
    }),
  "classes that each have many bytes": () =>
    schemaGrammar({
      pattern: `(${
        many(300, (i) => `[\\u{${(256 + 7 * i).toString(16)}}-\\u{${(8192 + i).toString(16)}}]`).join("|")
      })*x.{5}`,
    }),
  "many patterns": () => schemaGrammar({ allOf: many(20, (i) => ({ pattern: `a.{${i}}b` })) }),
  "choices of choices": () =>
    schemaGrammar({ allOf: many(30, () => ({ anyOf: [{ minimum: 1 }, { maximum: 2 }, { multipleOf: 3 }] })) }),
  "references that double": () =>
    schemaGrammar({
      $defs: Object.fromEntries(
        many(60, (i) => [`d${i}`, { anyOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] }])
          .concat([["d60", { const: 1 } as never]]),
      ),
      $ref: "#/$defs/d0",
    }),
  "products of recursions": () =>
    schemaGrammar({
      $defs: Object.fromEntries(many(12, (i) => [`p${i}`, {
        properties: Object.fromEntries(many(12, (j) => [`n${j}`, { $ref: `#/$defs/p${(i * 5 + j * 7 + 1) % 12}` }])),
      }])),
      allOf: many(12, (i) => ({ $ref: `#/$defs/p${i}` })),
    }),
  "oneOf of many": () =>
    schemaGrammar({ oneOf: many(200, (i) => ({ properties: { k: { const: i } }, required: ["k"] })) }),
  "many properties": () =>
    schemaGrammar({ properties: Object.fromEntries(many(1500, (i) => [`p${i}`, {}])), minProperties: 700 }),
  "a long list": () => schemaGrammar({ enum: many(20_000, (i) => `value ${i}`) }),
  "a tuple without end": () => schemaGrammar({ prefixItems: many(6000, () => ({ type: "integer" })) }),
  "a chain of references": () =>
    schemaGrammar({
      $defs: Object.fromEntries(many(3000, (i) => [`d${i}`, { $ref: `#/$defs/d${i + 1}` }])),
      $ref: "#/$defs/d0",
    }),
  "large multiples": () => schemaGrammar({ multipleOf: 9999, type: "integer" }),
  "tiny numbers": () => schemaGrammar({ minimum: 5e-324, maximum: 1e-300 }),
  "parts that may be left out": () => textGrammar("root ::= " + many(3000, () => '"a"?').join(" ")),
  "a word without end": () => textGrammar(`root ::= "${"a".repeat(190_000)}"`),
  "a line without end": () => textGrammar("root ::= " + '"a" '.repeat(190_000)),
  "numbers without end": () => schemaGrammar({ enum: many(150_000, (i) => i) }),
  "copies of copies": () => textGrammar('root ::= (((("a"{100}){100}){100}){100}){100}'),
  "one text read in many ways": () => {
    const { machine, root } = textGrammar('root ::= "a" root "b" | "a" root "c" | "a"');
    return read(new Automaton(machine, root), "a".repeat(3000));
  },
  "all ends of a text": () => {
    const { machine, root } = textGrammar('root ::= ("a" | "a" x | x x "a")*\nx ::= "a" x "a" | "a"');
    return read(new Automaton(machine, root), "a".repeat(2000));
  },
  "brackets without end": () => {
    const { machine, root } = schemaGrammar(true);
    return read(new Automaton(machine, root), "[".repeat(50_000));
  },
};

test("what was forgotten on the way is not missed: a deep text is whole where its brackets are", () => {
  const { machine, root } = schemaGrammar(true);
  const automaton = new Automaton(machine, root), depth = 30_000;
  const open = read(automaton, "[".repeat(depth));
  assert.ok(automaton.age > 0, "places were forgotten");
  const close = machine.classes["]".charCodeAt(0)];
  let place = open;
  for (let i = 0; i < depth; i++) {
    assert.not.ok(automaton.accepts(place), `${i} of ${depth}`);
    place = automaton.settle(automaton.step(place, close));
  }
  assert.ok(automaton.accepts(place) && automaton.isOver(place));
});

function read(automaton: Automaton, text: string): number {
  let place = automaton.start();
  for (const letter of text) {
    place = automaton.settle(automaton.step(place, automaton.classes[letter.charCodeAt(0)]));
    assert.ok(place >= 0);
  }
  return place;
}

for (const [name, use] of Object.entries(HOSTILE)) {
  test(`soon: ${name}`, () => {
    const begun = performance.now();
    const message = said(use);
    const took = performance.now() - begun;
    console.log(`    ${name}: ${took.toFixed(0)} ms, ${message.slice(0, 110)}`);
    assert.match(message, /^(nothing|Cannot .+)$/);
    assert.ok(took < 30_000, `${took} ms`);
  });
}

test.run();
