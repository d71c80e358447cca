// Scores that read keys and values, over the core's books of random numbers, step by step against their naive twins: what each token is
// worth, and who goes.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { Core, type LaneScore } from "../../src/core/core.ts";
import { ruleOf } from "../../src/eviction/rule.ts";
import { checkSession } from "../../src/options/index.ts";
import { policies, type PolicyName } from "../../src/policies/index.ts";
import { presetOf } from "../../src/policies/own.ts";
import type { OwnScore } from "../../src/policies/parts.ts";
import { Random } from "../../src/session/random.ts";
import { CoreTwin } from "../reference/core.ts";
import { fieldScore } from "../reference/field.ts";

const LANES = 2;
const CAPACITY = 26;
const BUDGET = 20;
const HEAD_DIM = 8;
const HEADS = 3; // of a group
const SCALE = 1.25;
const FACTOR = 0.3;
const ROPE = Float32Array.of(1, 0.3, 0.05, 0.001); // radians a position

/** Means of queries' first and second halves, and of the lengths of their pairs. */
function meansOf(queries: number[][]): number[] {
  const half = HEAD_DIM / 2;
  const mean = (of: (query: number[], i: number) => number) =>
    Array.from({ length: half }, (_, i) => queries.reduce((sum, query) => sum + of(query, i), 0) / queries.length);
  return [
    ...mean((query, i) => query[i]),
    ...mean((query, i) => query[half + i]),
    ...mean((query, i) => Math.hypot(query[i], query[half + i])),
  ];
}

const test = suite("scores that read keys and values");

for (const policy of (Object.keys(policies) as PolicyName[]).filter((name) => presetOf(name).readsVectors)) {
  test(`${policy} is what its naive twin makes of every token, and the same tokens go`, () => {
    const options = checkSession({ policy, budget: BUDGET, stride: 6, sinks: 1, newest: 2 });
    const rule = ruleOf(options, BUDGET);
    const shape = { layers: 1, kvHeads: LANES, capacity: CAPACITY, window: options.window };
    const [core, twin] = [Core.create(shape, rule), new CoreTwin(shape, rule)];
    const random = new Random(policy.length);
    const [keys, values] = [0, 1].map(() => new Float32Array(LANES * CAPACITY * HEAD_DIM));
    const stored = Array.from({ length: LANES }, () => new Map<number, { key: number[]; value: number[] }>());
    const past = Array.from({ length: LANES }, () => Array.from({ length: HEADS }, (): number[][] => []));
    const worth = fieldScore(policy);
    const score: LaneScore = (lane, books, scores) => {
      const part = (rows: Float32Array) => rows.subarray(lane * CAPACITY * HEAD_DIM, (lane + 1) * CAPACITY * HEAD_DIM);
      const means = new Float64Array(past[lane].flatMap((queries) => meansOf(queries)));
      const views = {
        ...books,
        keys: part(keys),
        values: part(values),
        queries: { means, rope: ROPE, scale: SCALE, factor: FACTOR, ranked: false },
      };
      (presetOf(policy).score as OwnScore)(lane, views, scores, core.clock);
    };
    const naive = (lane: number, token: CoreTwin["lanes"][0]["tokens"][0]) =>
      Math.fround(
        worth(twin, lane, token, stored[lane], {
          queries: past[lane],
          rope: ROPE,
          scale: SCALE,
          factor: FACTOR,
          ranked: false,
        }),
      );
    const vector = () => Array.from({ length: HEAD_DIM }, () => Math.fround(random.next() - 0.3));
    for (let step = 0; step < 60; step++) {
      const queries = 1 + Math.floor(6 * random.next() * random.next());
      const slots = core.claim(queries);
      assert.equal([...slots], twin.claim(queries).flat());
      slots.forEach((slot, i) => {
        const [lane, position] = [Math.floor(i / queries), core.seen - queries + i % queries];
        const [key, value] = [vector(), vector()];
        stored[lane].set(position, { key, value });
        keys.set(key, (lane * CAPACITY + slot) * HEAD_DIM);
        values.set(value, (lane * CAPACITY + slot) * HEAD_DIM);
      });
      past.forEach((heads) => heads.forEach((queries) => queries.push(vector())));
      const plane = LANES * CAPACITY;
      for (let at = 0; at < plane; at++) {
        const last = Math.fround(random.next() ** 8);
        const others = Math.fround((queries - 1) * random.next() ** 8);
        core.rows.set([last + others], at);
        core.rows.set([last * last + others * others / Math.max(1, queries - 1)], plane + at);
        core.rows.set([last], 2 * plane + at);
      }
      twin.observe(queries, core.rows.slice());
      core.observe(queries);
      if (presetOf(policy).basis) core.showScores();
      core.showScoresBy(score);
      twin.lanes.forEach(({ tokens }, lane) => {
        for (const token of tokens) {
          const [mine, theirs] = [core.scores[lane * CAPACITY + token.slot], naive(lane, token)];
          const away = Math.abs(mine - theirs) / Math.max(1e-9, Math.abs(theirs));
          assert.ok(away < 2e-6, `step ${step}, position ${token.position}: ${mine} and ${theirs}`); // f32, and its sums
        }
      });
      const n = Math.max(0, core.live - BUDGET);
      if (presetOf(policy).basis) core.showScores();
      const gone = [...core.evictBy(score, n)];
      assert.equal(gone, twin.evict(n, naive).flat(), `step ${step}`);
    }
    assert.ok(core.seen > 2 * BUDGET);
  });
}
test.run();
