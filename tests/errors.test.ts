// How kvcap says no: sentences, their parts, classes, and what may have been meant.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { KvcapError, KvcapRangeError, KvcapTypeError, type More, nearest, quote, reasonOf } from "../src/errors.ts";
import { refuse, words } from "../src/errors.ts";

const test = suite("errors");

function thrown(rule: string, found: unknown, more?: More): KvcapError {
  try {
    refuse("do it", rule, found, more);
  } catch (error) {
    return error as KvcapError;
  }
}

/** The parts of a refusal, as they stand on it. */
const partsOf = (error: KvcapError) => ({ ...error });

test("is what the built-in class says and a KvcapError, and nothing else is one", () => {
  const [range, type, plain] = (["range", "type", "plain"] as const).map((kind) => thrown("it must be", 1, { kind }));
  const classes = [RangeError, TypeError, KvcapRangeError, KvcapTypeError];
  const of = (error: unknown) => classes.map((one) => error instanceof one);
  assert.equal(of(range), [true, false, true, false]);
  assert.equal(of(type), [false, true, false, true]);
  assert.equal(of(plain), [false, false, false, false]);
  for (const error of [range, type, plain]) {
    assert.ok(error instanceof KvcapError && error instanceof Error);
    assert.is(error.message, "Cannot do it: it must be, got 1");
  }
  assert.equal([range, type, plain].map(({ name }) => name), ["RangeError", "TypeError", "Error"]);
  for (const other of [new RangeError("x"), new Error("x"), null, undefined, "x", {}]) {
    assert.not.ok((other as unknown) instanceof KvcapError);
  }
});

test("a subclass has its own instances alone", () => {
  class Passing extends KvcapError {}
  const passing = thrown("it must be", 1, { make: (refusal, cause) => new Passing(refusal, cause) });
  assert.ok(passing instanceof Passing && passing instanceof KvcapError);
  assert.not.ok(thrown("it must be", 1, { kind: "plain" }) instanceof Passing);
  assert.is(passing.code, "bad-input");
});

test("is one where another copy of the library made it", () => {
  class Theirs extends Error {}
  Object.defineProperty(Theirs.prototype, Symbol.for("kvcap.error"), { value: true });
  assert.ok(new Theirs() instanceof KvcapError);
  assert.not.ok(new Theirs() instanceof KvcapRangeError);
});

test("carries its parts, and what was thrown before", () => {
  const parts = { action: "do it", rule: "it must be", got: "1" };
  assert.equal(partsOf(thrown("it must be", 1)), { code: "bad-input", ...parts });
  assert.equal(partsOf(thrown("it must be", 1, { option: "size" })), { code: "bad-option", ...parts, option: "size" });
  assert.equal(partsOf(thrown("it must be", 1, { option: "size", code: "no-room" })).code, "no-room");
  const cause = new Error("before");
  assert.is(thrown("it must be", 1, { cause }).cause, cause);
  assert.not.ok("cause" in thrown("it must be", 1));
  assert.equal(structuredClone(partsOf(thrown("it must be", 1))), { code: "bad-input", ...parts });
});

test("shows values as JSON, words as they are, and what others said behind a colon", () => {
  const cases: [unknown, string][] = [
    [undefined, "nothing"],
    ['a "b"', '"a \\"b\\""'],
    [NaN, "NaN"],
    [12n, "12"],
    [{ a: [1] }, '{"a":[1]}'],
    ["x".repeat(99), `"${"x".repeat(76)}...`],
    [words("a disposed one"), "a disposed one"],
    [words(-0.5), "-0.5"],
  ];
  for (const [found, got] of cases) {
    const error = thrown("it must be", found);
    assert.equal([error.got, error.message], [got, `Cannot do it: it must be, got ${got}`]);
  }
  const said = thrown("it must be", quote(new Error("no\n room")));
  assert.equal([said.got, said.message], ["no room", "Cannot do it: it must be, got: no room"]);
  assert.is(reasonOf(said), "it must be, got: no room");
});

test("stays on one line, whatever is in a name", () => {
  const error = thrown("the file a\nb\u2028 must be", words("c\u0007\td"));
  assert.is(error.message, "Cannot do it: the file a\\u000ab\\u2028 must be, got c\\u0007\\u0009d");
  assert.equal([error.rule, error.got], ["the file a\\u000ab\\u2028 must be", "c\\u0007\\u0009d"]);
});

test("says what may have been meant", () => {
  const names = ["roco", "h2o", "tova", "tova-layer", "recency"];
  const error = thrown("policy must be one of them", "rocko", { names, option: "policy" });
  assert.equal([error.meant, error.got], ["roco", '"rocko"']);
  assert.is(error.message, 'Cannot do it: policy must be one of them, got "rocko"; did you mean roco?');
  assert.is(reasonOf(error), 'policy must be one of them, got "rocko"; did you mean roco?');
  assert.is(thrown("x", words("tova-layr"), { names }).meant, "tova-layer");
  assert.is(thrown("x", words("nothing there"), { meant: nearest("h20", names) }).meant, "h2o");
  const cases: [string, string | undefined][] = [
    ["rcency", "recency"],
    ["RECENCY", "recency"],
    ["recnecy", "recency"],
    ["rexxxcy", undefined],
    ["best", undefined], // half of it is another letter
    ["roco", undefined],
    ["", undefined],
  ];
  for (const [text, meant] of cases) assert.is(nearest(text, names), meant, text);
  for (const found of [5, undefined, { name: "rocko" }]) assert.not.ok("meant" in thrown("x", found, { names }));
});
test.run();
