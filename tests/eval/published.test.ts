// docs/results: what each plan there asks for is what its file of results holds, each unit by its own name and command.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { parse } from "yaml";
import { commandOf } from "../../src/eval/command.ts";
import { canonical } from "../../src/eval/canonical.ts";
import { checkPlan } from "../../src/eval/plan.ts";
import { isMeasured, readResults } from "../../src/eval/results.ts";
import { idOf, type Unit, unitsOf } from "../../src/eval/units.ts";
import { repoPath } from "../support/files.ts";

const test = suite("published results");
const folder = repoPath("docs/results");
const names = Array.from(Deno.readDirSync(folder), ({ name }) => name);
const plans = names.filter((name) => name.endsWith(".yaml")).map((name) => name.slice(0, -".yaml".length));

/** A unit, whatever was in its text, which is not published. */
const known = ({ text, ...unit }: Unit) => canonical({ ...unit, text: text?.file ?? null });

test("every plan has its results, and no results are without one", () => {
  assert.ok(plans.length > 3);
  assert.equal(names.toSorted(), plans.flatMap((name) => [`${name}.jsonl`, `${name}.yaml`]).toSorted());
});

for (const name of plans) {
  test(`${name}: its results are those of its plan, of nothing else, and of no machine's paths`, () => {
    const written = Deno.readTextFileSync(`${folder}/${name}.yaml`);
    assert.match(written, `eval docs/results/${name}.yaml`);
    const units = unitsOf(checkPlan(parse(written)), "");
    const { results } = readResults(Deno.readFileSync(`${folder}/${name}.jsonl`), name);
    const found = [...results.values()];
    assert.equal(found.map(({ unit }) => known(unit)).toSorted(), units.map(known).toSorted());
    for (const result of found) {
      assert.ok(isMeasured(result));
      assert.equal([result.id, result.command], [idOf(result.unit), commandOf(result.unit)]);
      assert.not.match(JSON.stringify(result), /["' ]\/\w/);
    }
  });
}
test.run();
