// What results say together: pairs over seeds, ratios to the full cache, text tables, spans of time.
import { exp } from "../../src/engine/elementary.ts";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkPlan } from "../../src/eval/plan.ts";
import { isMeasured, type Result, resultOf } from "../../src/eval/results.ts";
import { summarise } from "../../src/eval/summary.ts";
import { shortNumber, tableText } from "../../src/eval/table.ts";
import { span, timeLeft } from "../../src/eval/time.ts";
import { unitsOf } from "../../src/eval/units.ts";

const versions = { kvcap: "0", runtime: "deno", device: "wasm" };

/** Results of a plan, a document's loss made of its number, its seed, its policy and its budget. */
function results(plan: object, documents = 4): Result[] {
  return unitsOf(checkPlan({ tasks: ["perplexity"], ...plan }), "").map((unit) => {
    const share = (unit.budget as { share: number } | undefined)?.share ?? 1;
    const worse = { full: 0, roco: 0.1, h2o: 0.3, recency: 0.1 }[unit.policy as "roco"] * (1 - share);
    const losses = Array.from({ length: documents }, (_, i) => 2 + i / 7 + unit.seed / 3 + worse);
    return resultOf(unit, versions, {
      ...{ metrics: {}, cost: { budget: 100 * share, kvBytes: 2048 } },
      documents: losses.map((loss) => ({ told: {}, values: { loss } })),
    });
  });
}

const test = suite("eval: summary");

test("a ratio is to the full cache with the same options, where it has them", () => {
  const plan = { policies: ["full", "roco"], budgets: ["50%"], vary: { positions: ["absolute", "cache"] } };
  const worse = results(plan, 6).map((result): Result => {
    if (!isMeasured(result) || result.unit.session.positions === "absolute") return result;
    const documents = result.documents.map(({ told, values }) => ({ told, values: { loss: values.loss + 1 } }));
    return { ...result, documents };
  });
  const [{ rows }] = summarise(worse, "roco");
  const ratios = rows.filter(({ unit }) => unit.policy === "roco").map(({ ratio }) => ratio!.mean);
  assert.is(ratios.length, 2);
  for (const ratio of ratios) assert.ok(Math.abs(ratio - Math.exp(0.05)) < 1e-12, `${ratio}`);
});

test("seeds are one row, compared document by document at the same budget and options", () => {
  const plan = {
    policies: ["full", "roco", "h2o"],
    budgets: ["50%", "20%"],
    seeds: [0, 1],
    vary: { kv: ["f16", "q8"] },
  };
  const [{ rows }, ...more] = summarise(results(plan), "roco");
  assert.is(more.length, 0);
  assert.is(rows.length, 2 * (1 + 2 * 2));
  for (const { unit, documents, metrics, against, ratio } of rows) {
    assert.is(documents.length, 8);
    const share = (unit.budget as { share: number } | undefined)?.share ?? 1;
    const worse = { full: 0, roco: 0.1, h2o: 0.3 }[unit.policy as "roco"] * (1 - share);
    assert.ok(Math.abs(metrics.loss - (2 + 1.5 / 7 + 1 / 6 + worse)) < 1e-12);
    assert.is(metrics.perplexity, exp(metrics.loss));
    if (unit.policy === "full") assert.is(ratio, null);
    else assert.ok(Math.abs(ratio!.mean - Math.exp(worse)) < 1e-12 && ratio!.count === 8);
    assert.is(against === null, unit.policy !== "h2o");
    if (!against) continue;
    const { difference: { mean, low, high, count }, verdict } = against.loss;
    for (const end of [mean, low, high]) assert.ok(Math.abs(end - 0.2 * (1 - share)) < 1e-12); // all pairs differ alike
    assert.equal([count, verdict], [8, "worse"]);
  }
});

test("order does not matter, failures do not count, and few pairs say nothing", () => {
  const all = results({ policies: ["roco", "h2o"], budgets: ["50%"], seeds: [0, 1] });
  const [forth] = summarise(all, "roco");
  const [back] = summarise([...all].reverse(), "roco");
  const told = ({ rows }: typeof forth) =>
    rows.map(({ unit, metrics }) => `${unit.policy} ${metrics.loss.toFixed(9)}`).sort();
  assert.equal(told(back), told(forth));
  const failed = all.map((result) => ({ ...resultOf(result.unit, null, { error: new Error("x") }) }));
  assert.equal(summarise(failed, "roco"), []);
  assert.ok(failed.every((result) => !isMeasured(result)));
  const [few] = summarise(results({ policies: ["roco", "h2o"], budgets: ["50%"] }), "roco");
  assert.is(few.rows[1].against!.loss.verdict, "not told apart");
});

test("documents of a seed that the baseline lacks are left out", () => {
  const roco = results({ policies: ["roco"], budgets: ["50%"], seeds: [0] });
  const h2o = results({ policies: ["h2o"], budgets: ["50%"], seeds: [0, 1] });
  const [{ rows }] = summarise([...roco, ...h2o], "roco");
  assert.equal(rows.map(({ documents, against }) => [documents.length, against?.loss.difference.count]), [
    [4, undefined],
    [8, 4],
  ]);
});

test("options that all rows share are said once", () => {
  const asked = { policies: ["full", "roco"], budgets: ["50%"], strides: [8] };
  const [shared] = summarise(results(asked), "roco");
  assert.is(shared.settings, "documents 4; length 512; stride 8");
  assert.ok(shared.rows.every(({ options }) => options === ""));
  const [apart] = summarise(results({ ...asked, session: { newest: 3 } }), "roco");
  assert.equal([apart.settings, ...apart.rows.map(({ options }) => options)], [
    ...["documents 4; length 512", "stride 8", "stride 8, newest 3"],
  ]);
});

test("a table in text", () => {
  const [table] = summarise(results({ policies: ["full", "roco", "recency"], budgets: ["50%"] }, 6), "roco");
  assert.is(
    tableText(table),
    `fable-2m: perplexity (documents 4; length 512)
policy   budget  documents    loss  perplexity  ratio to full  slots  KiB  loss less roco's
full     all             6  2.3571     10.5607              -    100    2  -
roco     50%             6  2.4071     11.1022         1.0513     50    2  -
recency  50%             6  2.4071     11.1022         1.0513     50    2  +0 [+0, +0]       not told apart`,
  );
});

test("numbers and spans of time in few words", () => {
  assert.equal([0, 1, 1.23456, 0.0004, -12.5].map(shortNumber), ["0", "1", "1.2346", "4.0e-4", "-12.5"]);
  assert.equal([0, 99_000, 100_000, 5_940_000, 7_500_000].map(span), ["0 s", "99 s", "2 min", "99 min", "2 h 5 min"]);
  assert.is(timeLeft(5000, 0, 10), "");
  assert.is(timeLeft(30_000, 2.5, 5), ", 60 s left");
});

test.run();
