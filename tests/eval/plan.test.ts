// Plans: what is refused, which units there are, and that a unit's command is that unit.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { commandOf } from "../../src/eval/command.ts";
import { checkPlan, type Json } from "../../src/eval/plan.ts";
import { lineOf, readResults, resultOf } from "../../src/eval/results.ts";
import { TASK_NAMES } from "../../src/eval/tasks/index.ts";
import { idOf, type Unit, unitsOf } from "../../src/eval/units.ts";
import { readPlan } from "../../src/cli/plan.ts";
import { Arguments } from "../../src/cli/usage.ts";
import type { AnyKind, Written } from "../../src/options/kinds.ts";
import { namesOf } from "../../src/options/row.ts";
import { SESSION } from "../../src/options/session.ts";
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
  [{ load: { kv: "q8" } }, /options are device, .*, ropeLength, got "kv"/, "kv"],
  [{ load: { token: "secret" } }, /options are device, .*, ropeLength, got "token"/, "token"],
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

/** The only unit that a command measures. */
async function again(command: string): Promise<Unit> {
  const [npm, start, dashes, ...args] = split(command);
  assert.equal([npm, start, dashes], ["npm", "start", "--"]);
  const [unit, ...more] = unitsOf(await readPlan(new Arguments(args), undefined), "text");
  assert.is(more.length, 0, command);
  return unit;
}

/** Values of every kind that a session's options may have in a plan: as text and as they are, yes and no. */
const VALUES: Record<Written, Json[]> = {
  number: [1, "3", null],
  flag: [true, false, null],
  name: [], // its own
  count: [2, "12.5%", { share: 1 / 3 }, { share: 0 }, { share: 1e-7 }],
  budget: [],
  bytes: [5e6, "1.5MB"],
  spans: [[], [[0, 4]], [[0, 4], [8, 9]]],
  biases: [],
  texts: [],
  text: [],
};

test("the command of a unit is that unit, with every option that a plan may hold", async () => {
  const sayable = namesOf(SESSION).filter((name) => !["policy", "budget", "stride", "evict", "seed"].includes(name));
  const varied = sayable.filter((name) => SESSION[name].kind.written !== null).map((name) => {
    const { names, written } = SESSION[name].kind as AnyKind;
    return { vary: { [name]: names ?? VALUES[written!] } };
  });
  assert.ok(varied.length > 15 && varied.every(({ vary }) => Object.values(vary)[0].length > 0));
  const loads = [
    ...["wasm", "auto"].map((device) => ({ load: { device } })),
    ...VALUES.bytes.map((memory) => ({ load: { memory } })),
    { load: { weights: "q8", precision: "exact", memory: null } },
    { load: { ropeScaling: "dynamic", ropeFactor: 2.5, ropeLength: 4096 } },
  ];
  const shapes = [
    { budgets: [40, "12.5%", "512KB", { bytes: 1e6 }, "+9", { share: 1 / 3 }, "100%"], modes: ["both", "prompt"] },
    { budgets: [40], modes: ["decode"] },
    { policies: ["full"], modes: ["decode"] },
    { models: ["-x", "a,b", "it's a model"], policies: ["full", "-mine.ts", "./a,b.ts", "./my policy's.ts"] },
    { tasks: TASK_NAMES, strides: [null, 8], seeds: [7] },
    { tasks: [{ task: "needle", depths: [0, 1e-7, 1 / 3], lengths: [64, 128] }, { task: "agreement", draft: 4 }] },
  ];
  let count = 0;
  for (const plan of [...varied, ...loads, ...shapes]) {
    for (const unit of units({ tasks: ["passkey"], policies: ["snapkv"], budgets: ["50%"], ...plan })) {
      assert.equal({ ...await again(commandOf(unit)) }, { ...unit }, commandOf(unit));
      count++;
    }
  }
  assert.ok(count > 100, `${count} units`);
});

test("what is said of an option that a command says no to", async () => {
  const read = async (...args: string[]) => (await readPlan(new Arguments(args), undefined)).session;
  assert.equal(await read("--shared", "--no-shared"), { shared: false });
  assert.equal(await read("--no-shared", "--shared"), { shared: true });
  assert.equal(await read("--no-pin", "--pin", "0:4"), { pin: [[0, 4]] });
  await refused(() => new Arguments(["--no-shared=1"]), /--no-shared takes no value; see --help/);
  await refused(() => new Arguments(["--no-sinks"]), /a flag must be one that --help lists, got "--no-sinks"/);
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
