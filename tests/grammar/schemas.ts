// 200 schemas of the kinds that public suites have (JSON Schema's own test suite, those of llama.cpp, Outlines, XGrammar and what OpenAI and Pydantic make).

type Json = Record<string, unknown> | boolean;
const [string, integer, number, boolean, nothing] = ["string", "integer", "number", "boolean", "null"].map((type) => ({
  type,
}));
const object = (properties: Record<string, unknown>, more: object = {}): Json => ({
  ...{ type: "object", properties, required: Object.keys(properties), additionalProperties: false },
  ...more,
});
const list = (items: unknown, more: object = {}): Json => ({ type: "array", items, ...more });
const short = { type: "string", maxLength: 8 };

/** By kind. */
export const SCHEMAS: Readonly<Record<string, readonly Json[]>> = {
  types: [
    ...[true, {}, string, integer, number, boolean, nothing, { type: "object" }, { type: "array" }] as Json[],
    ...[["string", "null"], ["integer", "boolean"], ["number", "integer"], ["array", "object"]].map((type) => ({
      type,
    })),
    { type: ["string", "integer"], maxLength: 3, maximum: 9, minimum: 0 },
    { title: "A", description: "B", default: 1, examples: [2], $comment: "C", type: "integer" },
    { $schema: "https://json-schema.org/draft/2020-12/schema", $id: "https://example.com/a", type: "boolean" },
  ],
  values: [
    ...[1, "a", null, true, 1.5, -3, 1e21, 'é\n"\\/', [1, [2]], { a: { b: [] } }, "", {}, []].map((value) => ({
      const: value,
    })),
    { enum: ["red", "green", "blue"] },
    { enum: [1, 2, 3, "four", null, false] },
    { enum: ["a", "ab", "abc", "abcd"] },
    { enum: [{ a: 1 }, { a: 2, b: 3 }, [1, 2]] },
    { type: "string", enum: ["x", 1, "y"] },
    { type: "integer", enum: [1, 1.5, 2, "3"] },
    { enum: [1, 5, 10, 20], minimum: 4, maximum: 10 },
    { enum: ["a", "bb", "ccc"], minLength: 2 },
    { enum: ["日本", "🦊", "naïve"] },
  ],
  integers: [
    ...[[0, 9], [0, 120], [-5, 5], [10, 10], [-100, -7], [1, 1_000_000], [99, 101], [-1, 0], [256, 65535]].map((
      [minimum, maximum],
    ) => ({ type: "integer", minimum, maximum })),
    ...[0, 1, -20, 17, 1000].map((minimum) => ({ type: "integer", minimum })),
    ...[0, -1, 20, 999].map((maximum) => ({ type: "integer", maximum })),
    { type: "integer", exclusiveMinimum: 0, exclusiveMaximum: 10 },
    { type: "integer", exclusiveMinimum: -3.5, exclusiveMaximum: 3.5 },
    { type: "integer", minimum: 0.5, maximum: 4.5 },
    { type: "integer", multipleOf: 7, minimum: 0, maximum: 100 },
    { type: "integer", multipleOf: 5 },
    { type: "integer", multipleOf: 12, minimum: -100, maximum: -1 },
  ],
  numbers: [
    ...[[0, 1], [-1, 1], [0.5, 0.75], [-273.15, 100], [1e-3, 2e-3], [99.9, 1000], [3, 3]].map(([minimum, maximum]) => ({
      ...{ type: "number", minimum, maximum },
    })),
    ...[0, -1.5, 0.25].map((minimum) => ({ type: "number", minimum })),
    ...[0, -1.5, 12.125].map((maximum) => ({ type: "number", maximum })),
    { type: "number", exclusiveMinimum: 0, exclusiveMaximum: 1 },
    { type: "number", exclusiveMinimum: 0 },
    { type: "number", exclusiveMaximum: 0 },
    { type: "number", minimum: 0, exclusiveMaximum: 100 },
    { type: "number", multipleOf: 10, minimum: 0, maximum: 100 },
  ],
  strings: [
    ...[[0, 0], [1, 1], [2, 5], [0, 3], [10, 20]].map(([minLength, maxLength]) => ({
      type: "string",
      minLength,
      maxLength,
    })),
    { type: "string", minLength: 3 },
    { type: "string", maxLength: 100 },
    { type: "string", maxLength: 100_000 },
    { maxLength: 2 },
  ],
  patterns: [
    ...[
      "^[a-z]+$",
      "^\\d{3}-\\d{4}$",
      "^(foo|bar)baz$",
      "^a.c$",
      "abc",
      "^x",
      "y$",
      "^$",
      "^[^a-z]{2,4}$",
      "^\\w+@\\w+\\.com$",
    ],
    ...[
      "^(\\+\\d{1,2} )?\\d{3}$",
      "^[A-Z]{2}\\d{2}[A-Z0-9]{4,10}$",
      "^\\s*$",
      "^[\\u00e0-\\u00ff]+$",
      "^(a|b)*c$",
      '^"\\\\/$',
    ],
    ...[
      "^(?:v)?\\d+\\.\\d+\\.\\d+$",
      "^#[0-9a-fA-F]{6}$",
      "^.{2,3}$",
      "(^a|b$)",
      "^[\\]\\-^]+$",
      "^🦊{1,2}$",
      "^\\S+$",
      "^a{0}b$",
    ],
  ].map((pattern) => ({ type: "string", pattern })),
  combined: [
    { type: "string", pattern: "^[a-z]+$", minLength: 2, maxLength: 4 },
    { type: "string", pattern: "a", maxLength: 3 },
    { allOf: [{ type: "string", pattern: "^a" }, { pattern: "z$" }, { maxLength: 6 }] },
    { allOf: [{ type: "integer", minimum: 3 }, { maximum: 7 }, { multipleOf: 2 }] },
  ],
  formats: ["date", "time", "date-time", "duration", "uuid", "ipv4", "ipv6", "hostname", "email", "uri"].map((
    format,
  ) => ({
    ...{ type: "string", format },
  })),
  arrays: [
    list(integer, { minItems: 2, maxItems: 2 }),
    list(short, { maxItems: 3 }),
    list(boolean, { minItems: 1 }),
    list({ enum: ["a", "b"] }, { minItems: 3, maxItems: 6 }),
    list(list(integer, { maxItems: 2 }), { maxItems: 2 }),
    list(object({ x: integer }), { maxItems: 2 }),
    list(true, { maxItems: 2 }),
    list(false),
    { type: "array", maxItems: 0 },
    { type: "array", items: integer, uniqueItems: true, maxItems: 1 },
    { type: "array", prefixItems: [string, integer] },
    { type: "array", prefixItems: [short, integer], minItems: 2 },
    { type: "array", prefixItems: [short, integer], items: boolean, minItems: 3, maxItems: 5 },
    { type: "array", prefixItems: [{ const: "a" }, { const: "b" }], items: false, minItems: 2 },
    { type: "array", items: integer, minItems: 0, maxItems: 50 },
    { items: { type: "null" }, minItems: 2, maxItems: 3 },
  ],
  objects: [
    object({}),
    object({ a: integer }),
    object({ name: short, age: { type: "integer", minimum: 0, maximum: 120 } }),
    object({ a: integer, b: boolean, c: nothing }, { required: ["b"] }),
    object({ a: integer, b: boolean, c: nothing }, { required: [] }),
    object({ a: integer, b: integer, c: integer, d: integer, e: integer, f: integer }, { required: ["a", "f"] }),
    { properties: { a: integer } },
    { type: "object", properties: { a: integer, b: short } },
    { type: "object", required: ["z"], properties: { a: integer } },
    { type: "object", additionalProperties: integer },
    { type: "object", additionalProperties: false },
    { type: "object", properties: { a: short }, additionalProperties: { type: "boolean" } },
    { type: "object", properties: { ab: nothing, abc: nothing }, required: ["ab"], additionalProperties: integer },
    { type: "object", additionalProperties: short, maxProperties: 2 },
    { type: "object", additionalProperties: short, minProperties: 1 },
    object({ a: integer, b: integer, c: integer }, { required: [], minProperties: 2 }),
    object({ a: integer, b: integer, c: integer }, { required: [], maxProperties: 1 }),
    { type: "object", patternProperties: { "^x-": integer }, additionalProperties: false },
    {
      type: "object",
      patternProperties: { "^a": integer, "z$": { type: "integer", minimum: 5 } },
      additionalProperties: boolean,
    },
    { type: "object", propertyNames: { pattern: "^[a-c]{1,2}$" }, additionalProperties: integer },
    { type: "object", propertyNames: { enum: ["x", "y"] }, additionalProperties: integer, maxProperties: 2 },
    object({ a: integer, b: integer }, { required: [], dependentRequired: { a: ["b"] } }),
    object({ a: object({ b: object({ c: object({ d: integer }) }) }) }),
    object({ 'quote"d': integer, "né": integer, "new\nline": integer, "": integer, "日本": integer }),
    object({ a: true, b: { type: ["string", "null"] } }),
    object({
      id: { type: "string", format: "uuid" },
      at: { type: "string", format: "date-time" },
      tags: list(short, { maxItems: 3 }),
    }),
    object({ a: false, b: integer }, { required: ["b"] }),
    object({ toString: integer, constructor: integer }),
  ],
  choices: [
    { anyOf: [string, integer] },
    { anyOf: [{ type: "integer", maximum: 3 }, { type: "integer", minimum: 7 }] },
    { anyOf: [object({ a: integer }), object({ b: short })] },
    { anyOf: [{ const: 1 }, { const: "1" }, nothing] },
    { oneOf: [string, integer, nothing] },
    { oneOf: [{ const: "a" }, { const: "b" }, { const: "c" }] },
    { oneOf: [{ type: "integer", maximum: 3 }, { type: "integer", minimum: 7 }] },
    {
      oneOf: [
        object({ kind: { const: "circle" }, radius: number }),
        object({ kind: { const: "square" }, side: number }),
      ],
    },
    {
      type: "object",
      properties: { a: integer, b: integer },
      oneOf: [{ required: ["a"], properties: { b: false } }, { required: ["b"], properties: { a: false } }],
    },
    { type: "object", properties: { a: short, b: short }, anyOf: [{ required: ["a"] }, { required: ["b"] }] },
    {
      allOf: [{ type: "object", properties: { a: integer }, required: ["a"] }, {
        properties: { b: short },
        required: ["b"],
      }],
    },
    { allOf: [{ enum: [1, 2, 3] }, { enum: [2, 3, 4] }] },
    { allOf: [{ anyOf: [{ const: 1 }, { const: 2 }, { const: 3 }] }, { minimum: 2 }] },
    {
      anyOf: [{ allOf: [{ type: "string" }, { maxLength: 2 }] }, {
        type: "array",
        items: { anyOf: [integer, nothing] },
        maxItems: 2,
      }],
    },
    {
      type: "object",
      properties: { a: integer },
      anyOf: [{ properties: { a: { minimum: 5 } } }, { properties: { a: { maximum: -5 } } }],
    },
    { type: ["object", "null"], properties: { v: { anyOf: [integer, nothing] } }, required: ["v"] },
  ],
  references: [
    { $ref: "#/$defs/a", $defs: { a: integer } },
    { $ref: "#/definitions/a~1b", definitions: { "a/b": short } },
    { $ref: "#/$defs/a%25", $defs: { "a%": boolean } },
    object({ a: { $ref: "#/$defs/p" }, b: { $ref: "#/$defs/p" } }, {
      $defs: { p: object({ x: integer, y: integer }) },
    }),
    object({ v: integer, next: { $ref: "#" } }, { required: ["v"] }),
    { $defs: { t: object({ v: integer, kids: list({ $ref: "#/$defs/t" }, { maxItems: 2 }) }) }, $ref: "#/$defs/t" },
    {
      $defs: {
        a: { anyOf: [integer, list({ $ref: "#/$defs/b" }, { maxItems: 2 })] },
        b: { anyOf: [boolean, { $ref: "#/$defs/a" }] },
      },
      $ref: "#/$defs/a",
    },
    object({ a: { $ref: "#/properties/b" }, b: short }),
    {
      $defs: { base: { type: "object", properties: { id: integer }, required: ["id"] } },
      allOf: [{ $ref: "#/$defs/base" }, { properties: { name: short }, required: ["name"] }],
    },
    { $defs: { s: { type: "string" } }, allOf: [{ $ref: "#/$defs/s" }, { maxLength: 3 }] },
    { $defs: { s: short }, type: "object", additionalProperties: { $ref: "#/$defs/s" }, maxProperties: 3 },
    {
      $defs: {
        e: {
          anyOf: [
            { type: "number" },
            object({ op: { enum: ["+", "-"] }, l: { $ref: "#/$defs/e" }, r: { $ref: "#/$defs/e" } }),
          ],
        },
      },
      $ref: "#/$defs/e",
    },
    {
      $defs: {
        n: {
          type: ["object", "null"],
          properties: { n: { $ref: "#/$defs/n" } },
          required: ["n"],
          additionalProperties: false,
        },
      },
      $ref: "#/$defs/n",
    },
  ],
  made: [ // as Pydantic and OpenAI's helpers write them
    object({ steps: list(object({ explanation: short, output: short }), { maxItems: 2 }), final_answer: short }),
    object({
      name: { title: "Name", ...short },
      email: { format: "email", title: "Email", type: "string" },
      age: { anyOf: [integer, nothing], default: null },
    }, { title: "User", required: ["name", "email"] }),
    object({ city: short, unit: { type: "string", enum: ["celsius", "fahrenheit"], description: "which" } }),
    object({
      name: { const: "weather" },
      arguments: object({ city: short, days: { type: "integer", minimum: 1, maximum: 14 } }),
    }),
    object({
      sentiment: { enum: ["positive", "negative", "neutral"] },
      score: { type: "number", minimum: 0, maximum: 1 },
    }),
    {
      $defs: {
        Item: object({
          sku: { type: "string", pattern: "^[A-Z]{3}-\\d{4}$" },
          n: { type: "integer", exclusiveMinimum: 0 },
        }),
      },
      ...object({ items: list({ $ref: "#/$defs/Item" }, { minItems: 1, maxItems: 3 }) }) as object,
    },
    list({
      oneOf: [
        object({ type: { const: "text" }, text: short }),
        object({ type: { const: "image" }, url: { type: "string", format: "uri" } }),
      ],
    }, { minItems: 1, maxItems: 2 }),
    object({ matrix: list(list(number, { minItems: 2, maxItems: 2 }), { minItems: 2, maxItems: 2 }) }),
    object({
      who: { enum: ["Zoë", "Łukasz", "李"] },
      when: { type: "string", format: "date" },
      where: { type: "array", prefixItems: [number, number], minItems: 2, maxItems: 2 },
    }),
    object({ thought: { type: "string", minLength: 1, maxLength: 40 }, answer: boolean }),
    {
      type: "object",
      properties: {
        config: {
          type: "object",
          additionalProperties: { anyOf: [short, number, boolean, nothing] },
          maxProperties: 3,
        },
      },
      required: ["config"],
    },
    { type: "string", enum: ["yes", "no"] },
  ],
};
