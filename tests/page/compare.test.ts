// The parts of the lab's comparison that need no page: distributions against naive ones, addresses, results, exports.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import {
  type Choice,
  type Comparison,
  comparisonFrom,
  comparisonHash,
  FIRST,
  PRESETS,
  settingsOf,
} from "../../page/compare/comparison.ts";
import { toCsv, toJson } from "../../page/compare/export.ts";
import { Result } from "../../page/compare/result.ts";
import { fromHash, optionsOf } from "../../page/settings.ts";
import { compareLogits } from "../../src/eval/scores/logits.ts";
import { checkGenerate, checkSession } from "../../src/options/index.ts";
import type { Report } from "../../src/session/report.ts";
import { Random } from "../../src/session/random.ts";

const test = suite("compare");
const choice = (policy: string, budget = ""): Choice => ({ policy, budget, positions: "", kv: "" });

test("KL and the likeliest token are the naive ones, however large the logits are", () => {
  const { next } = new Random(5);
  for (let round = 0; round < 50; round++) {
    const scale = 10 ** (round % 3);
    const row = () => Float32Array.from({ length: 37 }, () => scale * (next() - 0.5));
    const [p, q] = [row(), row()];
    const share = (row: Float32Array) => {
      const top = Math.max(...row);
      const sum = row.reduce((sum, logit) => sum + Math.exp(logit - top), 0);
      return (id: number) => row[id] - top - Math.log(sum); // ln
    };
    const [a, b] = [share(p), share(q)];
    let kl = 0;
    for (let id = 0; id < 37; id++) kl += Math.exp(a(id)) * (a(id) - b(id));
    const found = compareLogits(p, q);
    assert.ok(Math.abs(found.kl - kl) < 1e-6 * (1 + kl), `${found.kl}, ${kl}`);
    assert.is(found.same, p.indexOf(Math.max(...p)) === q.indexOf(Math.max(...q)));
    const moved = compareLogits(p.map((logit) => logit + 8), p);
    assert.ok(moved.same && moved.kl < 1e-5);
    assert.equal(compareLogits(p, p), { same: true, kl: 0 });
  }
  assert.is(compareLogits(Float32Array.of(1, 3, 3), Float32Array.of(0, 2, 5)).same, false); // of equals the smaller id
  const forbidden = compareLogits(Float32Array.of(0, 0, -Infinity), Float32Array.of(1, 1, -Infinity));
  assert.ok(forbidden.kl < 1e-12);
});

test("an address gives back the comparison, and no run of the first view", () => {
  const asked: Comparison = {
    ...FIRST,
    prompt: "a,b & c\n#“d”=%41",
    text: "x&run=y",
    seed: "7",
    runs: PRESETS[1].runs,
    answer: "9&x",
  };
  for (const model of ["", "https://example.org/a b.gguf?x=1#y"]) {
    const hash = comparisonHash(asked, model);
    assert.equal(comparisonFrom(hash), { comparison: asked, model, bad: [] });
    assert.is(fromHash(hash), null);
  }
  for (const hash of ["", "#view=compare", "#view=cost&run=full", "#turn=5:x"]) assert.is(comparisonFrom(hash), null);
  assert.is(
    comparisonFrom("#view=compare&run=full&run=roco,9&run=h2o&run=tova&run=full&max=x")!.comparison.runs.length,
    4,
  );
});

test("every preset is something that the library takes", () => {
  for (const { name: _, ...preset } of PRESETS) {
    preset.runs.forEach((_, run) => {
      const { session, generate } = optionsOf(settingsOf({ ...FIRST, ...preset }, run));
      checkSession(session, undefined, 170);
      checkGenerate(generate, 10);
    });
  }
});

test("a result knows where texts part; its files hold its numbers", () => {
  const result = new Result({ ...FIRST, answer: '"b",', runs: [choice("full"), choice("roco", "25%")] }, "m", "a");
  const token = (id: number, text: string) => ({ id, text, kvBytes: 1024 * id, ms: id === 1 ? null : id / 3 });
  result.take({ of: "tokens", run: 0, tokens: [token(1, "a"), token(2, '"b",\n'), token(3, "c"), token(0, "<end>")] });
  assert.is(result.parted(1), -1);
  assert.is(result.agreement(0), null);
  result.take({ of: "tokens", run: 1, tokens: [token(1, "a"), token(9, "z")] });
  assert.is(result.parted(1), 1);
  result.take({ of: "report", run: 0, report: { newTokens: 3, ids: [] } as unknown as Report });
  assert.is(result.runs[0].tokens.length, 3);
  result.take({ of: "agreement", steps: [{ id: 1, same: [true, false], kl: [0, 0.5] }] });
  result.take({ of: "agreement", steps: [{ id: 2, same: [true, true], kl: [0, 0.25] }] });
  assert.equal(result.agreement(1), { same: 0.5, kl: 0.375 });
  assert.equal([result.found(0), result.found(1)], [true, null]); // which has not ended
  result.take({ of: "report", run: 1, report: { newTokens: 2, ids: [] } as unknown as Report });
  assert.is(result.found(1), false);
  const csv = toCsv(result);
  assert.match(csv, '\r\nA,full,,,,1,2,"""b"",\n",2048,0.6666666666666666,2,1,0\r\n');
  assert.match(csv, "\r\nB,roco,25%,,,0,1,a,1024,,1,0,0.5\r\n");
  const { runs, reference } = JSON.parse(toJson(result));
  assert.equal(runs[0].report.ids, [1, 2, 3]);
  assert.equal([reference.ids, runs[1].firstDifference, runs[1].report.ids], [[1, 2], 1, [1, 9]]);
  assert.equal(runs.map(({ found }: { found: boolean }) => found), [true, false]);
});
test.run();
