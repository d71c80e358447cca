// Budgets that differ from lane to lane: shares add up, bounds hold, and a session holds no more than with equal budgets.
import * as assert from "uvu/assert";
import { ALLOCATIONS, boundsOf, layerBudgets, leastBudget, shareOut } from "../../src/policies/allocation.ts";
import { load, type Model } from "../../src/load.ts";
import type { PolicyName } from "../../src/policies/index.ts";
import { RowPool } from "../../src/eviction/row-pool.ts";
import { repoPath } from "../support/files.ts";
import { refusal } from "../support/spies.ts";
import { randomFrom } from "../support/trio.ts";
import { allocating } from "../support/inside.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const POLICIES: PolicyName[] = ["roco", "h2o", "tova"];
const PROMPT = "The fox and the crow met again and again. Once upon a time there was a little girl. ".repeat(4);
const UNEVEN = ALLOCATIONS.filter((allocation) => allocation !== "uniform");

const test = await engineSuite("allocation");
let model: Model;
test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

const sum = (numbers: ArrayLike<number>) => Array.from(numbers).reduce((a, b) => a + b, 0);

test("layers get less and less, and all in all the budget", () => {
  for (let budget = 1; budget < 300; budget += 7) {
    for (const layers of [1, 2, 3, 12, 32]) {
      const least = leastBudget("pyramid", budget, Math.floor(budget / 8), Math.floor(budget / 4));
      const parts = layerBudgets("pyramid", budget, least, layers);
      assert.is(sum(parts), budget * layers, `${budget} × ${layers}: ${parts}`);
      assert.ok(parts.every((part, i) => part >= least && (i === 0 || part <= parts[i - 1])), `${parts}`);
      assert.equal(layerBudgets("uniform", budget, budget, layers), Array(layers).fill(budget));
    }
  }
});

test("a layer's slots go where its best tokens are", () => {
  const share = (scores: number[][], total: number, least: number, most: number) => {
    const parts = new Int32Array(scores.length);
    const scored = {
      scores: scores.map((mine) => Float32Array.from(mine)),
      counts: scores.map((mine) => mine.length),
    };
    shareOut(scored, total, { least, most }, parts);
    return [...parts];
  };
  assert.equal(share([[9, 8, 7, 6], [5, 1, 1, 1]], 4, 1, 8), [3, 1]); // a lane keeps its least
  assert.equal(share([[9, 8, 7, 6], [5, 1, 1, 1]], 5, 1, 8), [4, 1]);
  assert.equal(share([[9, 8, 7, 6], [5, 4, 1, 1]], 6, 1, 3), [3, 3]); // and no more than its most
  assert.equal(share([[2, 2, 2], [2, 2, 2]], 4, 0, 4), [2, 2]); // ties go round
  assert.equal(share([[-5, -6], [-1, -2]], 2, 0, 4), [0, 2]); // any score will do
  assert.equal(share([[1], [1]], 6, 1, 4), [3, 3]); // room for tokens to come
  const random = randomFrom(1);
  for (let run = 0; run < 300; run++) {
    const kvHeads = 1 + Math.floor(random() * 4);
    const budget = 4 + Math.floor(random() * 12);
    const least = Math.floor(random() * budget);
    const bounds = boundsOf(budget, least, kvHeads);
    const scores = Array.from({ length: kvHeads }, () => {
      return Array.from({ length: Math.floor(random() * 2 * budget) }, () => random() ** 6);
    });
    const parts = share(scores, budget * kvHeads, bounds.least, bounds.most);
    assert.is(sum(parts), budget * kvHeads);
    assert.ok(parts.every((part, lane) => part <= bounds.most && part >= Math.min(least, scores[lane].length)));
  }
});

test("rows are held once each and come back", () => {
  const pool = new RowPool([3, 2], 2, 5);
  const taken = [0, 1, 2, 3, 4].map((slot) => pool.take(0, slot)).concat(pool.take(1, 0));
  assert.equal(taken.toSorted(), [0, 1, 2, 3, 4, 5]);
  assert.is(pool.take(2, 1), 0, "a layer of its own");
  pool.give(0, 3);
  assert.is(pool.take(1, 4), taken[3]);
  assert.is(pool.rows[1 * 5 + 4], taken[3]);
  pool.reset();
  assert.is(pool.take(1, 0), 0);
});

for (const allocation of UNEVEN) {
  test(`${allocation}: the same bytes, never more slots, nothing made on the way`, async () => {
    for (const policy of POLICIES) {
      const setup = { policy, budget: 40, stride: 8 };
      const uniform = model.session(setup);
      const session = model.session({ ...setup, allocation });
      assert.is(session.memory().kv, uniform.memory().kv);
      uniform.dispose();
      const before = model.gpuBytes;
      let different = 0;
      let made: ReturnType<typeof allocating> | null = null;
      const onToken = () => {
        made ??= allocating(model);
        const lives = session.livePositions().map((lane) => lane.length);
        assert.ok(sum(lives) <= 40 * lives.length, `${lives}`);
        for (let layer = 0; allocation === "adaptive" && layer < lives.length; layer += 2) {
          assert.ok(lives[layer] + lives[layer + 1] <= 80, `${lives}`);
        }
        different += lives.some((live) => live !== lives[0]) ? 1 : 0;
      };
      const run = async () => {
        for await (const _ of session.generate(PROMPT, { maxNewTokens: 80, banned: model.config.eosIds, onToken }));
        return session.report();
      };
      const first = await run();
      made!.stop();
      assert.is(made!.count, 0);
      assert.is(different, 80, "lanes differ after every step");
      assert.ok(first.maxLiveSlots <= 48);
      assert.is(model.gpuBytes, before);
      session.reset();
      assert.equal((await run()).ids, first.ids);
      session.dispose();
    }
  });

  test(`${allocation}: a budget that holds everything gives what full gives`, async () => {
    const generate = { maxNewTokens: 30, banned: model.config.eosIds };
    const say = async (options: Parameters<Model["session"]>[0]) => {
      const session = model.session(options);
      for await (const _ of session.generate("Once upon a time there was a fox", generate));
      const report = session.report();
      session.dispose();
      return report;
    };
    const { ids } = await say({ policy: "full" });
    const capped = await say({ policy: "h2o", budget: 128, stride: 8, allocation });
    assert.equal(capped.ids, ids);
    assert.is(capped.evictions, 0);
  });
}

test("refusals", () => {
  const refused = (options: object, words: string) => assert.match(refusal(() => model.session(options)), words);
  refused(
    { allocation: "fair" },
    "Cannot create session: allocation must be one of uniform, pyramid, adaptive, got " + '"fair"',
  );
  refused({ policy: "recency", allocation: "adaptive" }, "allocation adaptive needs a score of attention");
  const session = model.session({ budget: 36, stride: 30, allocation: "pyramid" });
  const words = refusal(() => session.generate(Array(200).fill(7), { maxNewTokens: 1 }));
  assert.match(words, "budget must be above sinks + newest + stride = 37, got 36");
  session.dispose();
});
test.run();
