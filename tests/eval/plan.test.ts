// Plans: what is refused, which units there are, and that a unit's command is that unit.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { commandOf } from "../../src/eval/command.ts";
import { checkPlan } from "../../src/eval/plan.ts";
import { lineOf, readResults, resultOf } from "../../src/eval/results.ts";
import { idOf, unitsOf } from "../../src/eval/units.ts";
import { readPlan, textOf } from "../../src/cli/plan.ts";
import { Arguments } from "../../src/cli/usage.ts";
import { refused } from "../support/refused.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const units = (plan: unknown) => unitsOf(checkPlan(plan), "text");

const test = suite("eval: plan");

const WRONG: [unknown, RegExp, string?][] = [
  [null, /options must be an object, got null/],
  [{ task: "x" }, /options are models, tasks, policies, .*, got "task"; did you mean tasks\?/],
  [{ tasks: ["perplexty"] }, /tasks must be of perplexity, .*, got "perplexty"; did you mean perplexity\?/, "tasks"],
  [{ tasks: [] }, /tasks must name at least one, got none/, "tasks"],
  [
    { tasks: [{ task: "passkey", lengths: [64] }] },
    /settings of the task passkey are documents, length, got/,
    "lengths",
  ],
  [{ tasks: ["passkey"], length: 3 }, /length must be a whole number from 16 to 1048576, got 3/, "length"],
  [{ tasks: ["needle"], depths: [0, 2] }, /depths must be a number from 0 to 1, got 2/, "depths"],
  [{ policies: ["rocco"] }, /policy must be one of roco, .*, got "rocco"; did you mean roco\?/, "policy"],
  [{ models: [3] }, /models must be text that is not empty, got 3/, "models"],
  [{ budgets: ["many"] }, /budget must be slots, .*, got "many"/, "budget"],
  [{ budgets: ["120%"] }, /budget.share must be above 0 and at most 1, got 1.2/, "budget"],
  [{ budgets: [0] }, /budget must be a whole number from 1 to 4096, got 0/, "budget"],
  [{ strides: [0] }, /stride must be a whole number from 1 to 4096, got 0/, "stride"],
  [{ seeds: [-1] }, /seed must be a whole number from 0/, "seed"],
  [{ modes: ["decoded"] }, /modes must be of both, prompt, decode, got "decoded"; did you mean decode\?/, "modes"],
  [{ modes: ["decode"] }, /budgets must be numbers of tokens with the mode decode, got {"share":0.5}/, "budgets"],
  [{ session: { budget: 3 } }, /options of session are .*, got "budget"/, "budget"],
  [{ session: { evict: "prompt" } }, /options of session are .*, got "evict"/, "evict"],
  [{ session: { kv: "q5" } }, /kv must be one of f32, f16, q8, got "q5"/, "kv"],
  [{ vary: { kv: "q8" } }, /kv must be a list of values under vary, got "q8"/, "kv"],
  [{ load: { weights: "q5" } }, /weights must be one of q8, q4, got "q5"/, "weights"],
  [{ load: { threads: 2 } }, /options are .*, got "threads"/, "threads"],
  [{ session: ["kv"] }, /session must be options, got/, "session"],
  [{ load: ["device"] }, /load must be options, got/, "load"],
  [{ vary: [1] }, /vary must be lists of options, got/, "vary"],
  [
    { seeds: Array.from({ length: 101 }, (_, i) => i), budgets: Array.from({ length: 1000 }, (_, i) => i + 1) },
    /combinations must be at most 100000, got 1010000/,
  ],
  [{ text: "" }, /text must be text that is not empty/, "text"],
  [{ baseline: "best" }, /policy must be one of roco/, "policy"],
];
for (const [plan, sentence, option] of WRONG) {
  test(`refuses ${JSON.stringify(plan).slice(0, 99)}`, () => refused(() => checkPlan(plan), sentence, [], option));
}

test("units are every combination, those of a full cache once", () => {
  const plan = {
    tasks: ["perplexity", { task: "needle", lengths: 64 }],
    policies: ["full", "roco", "h2o", "h2o"],
    budgets: ["50%", 32, "20%"],
    strides: [8, 16],
    seeds: [0, 1],
    vary: { kv: ["f16", "q8"], newest: ["10%", "20%"] },
    session: { remainder: 1 },
  };
  const found = units(plan);
  // Of the full cache budget and newest mean nothing, stride and kv do.
  assert.is(found.length, 2 * 2 * (2 * 2 + 2 * 3 * 2 * 2 * 2));
  assert.is(new Set(found.map(idOf)).size, found.length);
  const full = found.filter(({ policy }) => policy === "full");
  assert.ok(
    full.every(({ budget, session }) =>
      budget === undefined && !("newest" in session || "remainder" in session) && "kv" in session
    ),
  );
});

test("a unit's name follows from what it is, not from how it was written", () => {
  const [one] = units({ tasks: ["passkey"], policies: ["h2o"], budgets: ["50%"], session: { kv: "q8", sinks: 2 } });
  const [other] = units({
    session: { sinks: "2", kv: "q8" },
    budgets: [{ share: 0.5 }],
    policies: "h2o",
    tasks: "passkey",
  });
  assert.is(idOf(other), idOf(one));
  const reordered = Object.fromEntries(Object.entries(one).reverse()) as unknown as typeof one;
  assert.is(idOf(reordered), idOf(one));
  for (const plan of [{ seeds: [1] }, { budgets: ["51%"] }, { documents: 3 }, { session: { kv: "f32", sinks: 2 } }]) {
    const [changed] = units({
      ...{ tasks: ["passkey"], policies: ["h2o"], budgets: ["50%"], session: { kv: "q8", sinks: 2 } },
      ...plan,
    });
    assert.is.not(idOf(changed), idOf(one));
  }
});

test("documents of another text are another unit", () => {
  const plan = checkPlan({ tasks: ["perplexity"], policies: ["full"] });
  assert.is.not(idOf(unitsOf(plan, "one")[0]), idOf(unitsOf(plan, "two")[0]));
  const passkey = checkPlan({ tasks: ["passkey"], policies: ["full"] });
  assert.is(idOf(unitsOf(passkey, "one")[0]), idOf(unitsOf(passkey, "two")[0]));
});

/** The words of a command, as a shell splits them. */
const split = (command: string) =>
  [...command.matchAll(/'((?:[^']|'\\'')*)'|(\S+)/g)].map(([, quoted, plain]) =>
    quoted?.replaceAll("'\\''", "'") ?? plain
  );

test("the command of a unit is that unit", async () => {
  const all = units({
    tasks: ["passkey", { task: "needle", depths: [0, 1], lengths: [64, 128] }, { task: "agreement", draft: 4 }],
    policies: ["full", "snapkv", "./my policy's.ts"],
    budgets: ["12.5%", 40, "512KB", "+9"],
    modes: ["both", "prompt"],
    strides: [null, 8],
    seeds: [7],
    vary: { shared: [true, false], pin: [[[0, 4], [8, 9]]], newest: ["10%", 3], positions: ["cache"], pool: ["mean"] },
    load: { weights: "q8", precision: "exact" },
  });
  assert.ok(all.length > 100);
  for (const unit of all) {
    const [npm, start, dashes, ...args] = split(commandOf(unit));
    assert.equal([npm, start, dashes], ["npm", "start", "--"]);
    const plan = await readPlan(new Arguments(args), undefined);
    const [again, ...more] = unitsOf(plan, unit.text ? "text" : await textOf(plan));
    const session = Object.fromEntries(Object.entries(unit.session).filter(([, value]) => value !== false)); // not there
    assert.equal({ ...again }, { ...unit, session }, commandOf(unit));
    assert.is(more.length, 0);
  }
});

test("a torn last line of results is dropped, any other is refused", async () => {
  const [unit, other] = units({ tasks: ["passkey"], policies: ["h2o", "tova"], budgets: [8] });
  const [failed, next] = [unit, other].map((unit) => resultOf(unit, null, { error: new Error("no room") }));
  const found = resultOf(unit, null, { metrics: { found: 1 }, cost: { budget: 8, kvBytes: 1 }, documents: [] });
  const whole = lineOf(failed) + lineOf(found);
  for (const torn of ["", "{", lineOf(next).slice(0, -1), lineOf(next).slice(0, 9)]) {
    const read = readResults(bytes(whole + torn), "x");
    assert.is(read.whole, whole.length);
    assert.equal([...read.results.values()], [found]);
  }
  const late = readResults(bytes(lineOf(found) + lineOf(failed)), "x"); // a failure does not undo what was measured
  assert.equal([...late.results.values()], [found]);
  const forged = lineOf({ ...found, unit: other });
  for (const wrong of ["\n", "{}\n", "null\n", '{"unit":1}\n', lineOf(found).slice(5), forged]) {
    await refused(
      () => readResults(bytes(lineOf(failed) + wrong), "x.jsonl"),
      /x.jsonl must be a file of results, got .* line 2/,
    );
  }
});

test.run();
