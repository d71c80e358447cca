// kvcap/eval from code: what is measured again and what not, policies of one's own, failures, and what is refused.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { evaluate, isMeasured, type Measurement, type PlanOptions, type Result } from "../../src/eval/index.ts";
import { definePolicy } from "../../src/options/own.ts";
import { load } from "../../src/load.ts";
import { repoPath } from "../support/files.ts";
import { refused } from "../support/refused.ts";

const model = await load(repoPath("models/fable-2m"), { device: "wasm" });
const models = { fable: model };
const plan: PlanOptions = { tasks: "passkey", documents: 1, length: 80, policies: ["recency", "h2o"], budgets: "50%" };

async function all(plan: PlanOptions, options: Partial<Parameters<typeof evaluate>[1]> = {}): Promise<Result[]> {
  return await Array.fromAsync(evaluate(plan, { models, ...options }));
}
const next = (plan: PlanOptions, options: Partial<Parameters<typeof evaluate>[1]> = {}) =>
  evaluate(plan, { models, ...options }).next();

const test = suite("evaluate");

test("results of before are given as they are, failures are measured again, and all is told of", async () => {
  const told: number[] = [];
  const onProgress = (done: number, total: number) => told.push(done / total);
  const [first, second] = await all(plan, { onProgress });
  assert.equal([first, second].map(({ unit }) => unit.policy), ["recency", "h2o"]);
  assert.equal(told, [0, 0.5, 0.5, 1]);
  assert.ok(isMeasured(first) && isMeasured(second) && !("times" in first));
  const changed = { ...first, metrics: { found: 0.125 } } as Measurement; // as no measurement would find it
  const { id, unit, command, versions } = second;
  const failed: Result = { id, unit, command, versions, error: "no room" };
  const again = await all(plan, { known: [changed, failed], times: true });
  assert.equal(again[0], changed);
  const { times, ...rest } = again[1];
  assert.ok(times!.ms >= 0);
  assert.equal(rest, second);
});

test("a policy of one's own is measured by its name; what it throws is its unit's result", async () => {
  const own = (name: string, score: Parameters<typeof definePolicy>[0]["score"]) => definePolicy({ name, score });
  const policies = {
    oldest: own("oldest", "recency"),
    broken: own("broken", () => {
      throw new Error("a mistake");
    }),
  };
  const results = await all({ ...plan, policies: ["recency", "oldest", "broken"], baseline: "oldest" }, { policies });
  assert.equal(results.map(isMeasured), [true, true, false]);
  assert.equal((results[1] as Measurement).documents, (results[0] as Measurement).documents);
  assert.match((results[2] as { error: string }).error, /a mistake/);
});

test("documents are cut from the text that is given", async () => {
  const text = "A fox ran over the hill and saw a red ball. ".repeat(40);
  const task = { ...plan, tasks: "perplexity", policies: "full" } as const;
  const [given, named] = [await all(task, { text }), await all({ ...task, text: "foxes" }, { text })];
  const [shipped] = await all(task);
  assert.equal((given[0] as Measurement).metrics, (named[0] as Measurement).metrics);
  assert.is(named[0].unit.text!.file, "foxes");
  assert.is.not((given[0] as Measurement).metrics.loss, (shipped as Measurement).metrics.loss);
});

test("refuses what it cannot measure before it begins", async () => {
  await refused(() => next({ models: ["other"] }), /^Cannot read the plan: models must be of fable, got "other"$/, [
    "bad-option",
  ], "models");
  await refused(
    () => next({ ...plan, load: { weights: "q8" } } as PlanOptions),
    /load must be left out where models are loaded, got/,
  );
  await refused(() => next({ ...plan, text: "foxes" }), /the text must be given where the plan names one, got "foxes"/);
  await refused(() => next({ ...plan, policies: "mine" }), /policy must be one of roco, .*, got "mine"/);
  await refused(() => next(plan, { models: {} }), /models must name at least one, got none/);
});

test.after(() => model.dispose());
test.run();
