// session.outlook: the scores that the next eviction goes by, and the token that it takes.
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import { repoPath } from "../support/files.ts";
import { PROMPT } from "../support/say.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const test = await engineSuite("outlook");
let model: Model;
test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

/** A run of which every step is asked beforehand, if `ask`, who will go. @returns the positions that went, and those foreseen */
async function run(options: SessionOptions, ask: boolean) {
  const went: number[][] = []; // per step and victim: lane, position, score
  const foreseen: number[][] = [];
  const session = model.session({
    budget: 16,
    stride: 4,
    ...options,
    onEvict: ({ layer, head, position, score }) => went.push([2 * layer + head, position, score]),
  });
  const look = () => {
    const books = session.laneViews();
    session.outlook().forEach(({ scores, next }, lane) => {
      if (next >= 0) foreseen.push([lane, books[lane].positions[next], scores[next]]);
    });
  };
  const generate = { maxNewTokens: 30, banned: model.config.eosIds, ...ask ? { onToken: look } : {} };
  for await (const _ of session.generate(PROMPT, generate));
  const live = session.livePositions();
  session.dispose();
  return { went, foreseen, live };
}

const SETUPS: [string, SessionOptions][] = [
  ["roco", { policy: "roco" }],
  ["snapkv", { policy: "snapkv" }],
  ["random", { policy: "random", seed: 3 }],
  ["adaptive", { policy: "h2o", allocation: "adaptive" }],
  ["a score of its own", { score: (_, { sums }, scores) => scores.set(sums) }],
];
for (const [name, options] of SETUPS) {
  test(`${name}: asking changes nothing`, async () => {
    const [asked, not] = [await run(options, true), await run(options, false)];
    assert.equal(asked.went, not.went);
    assert.equal(asked.live, not.live);
  });
}

test("the oldest unprotected token is foreseen to go, and goes", async () => {
  const { went, foreseen } = await run({ policy: "recency" }, true);
  // Each answer is about the step after it; the last step's comes true in no step.
  const steps = foreseen.length / 10;
  assert.is(steps, 30);
  assert.equal(foreseen.slice(0, -10), went.slice(-(steps - 1) * 10));
});

test("scores are those of the books, next is the least that may go, and nothing goes from a full cache", async () => {
  const session = model.session({ policy: "h2o", budget: 16, sinks: 2, newest: 3 });
  for await (const _ of session.generate(PROMPT, { maxNewTokens: 9, banned: model.config.eosIds }));
  const books = session.laneViews();
  session.outlook().forEach(({ scores, next }, lane) => {
    const { positions, sums } = books[lane];
    const live = [...positions.keys()].filter((slot) => positions[slot] >= 0)
      .sort((a, b) => positions[a] - positions[b]);
    assert.is(live.length, 16);
    for (const slot of live) assert.is(scores[slot], sums[slot]);
    const may = live.slice(2, -3);
    assert.is(sums[next], Math.min(...may.map((slot) => sums[slot])));
  });
  session.dispose();
  const full = model.session({ policy: "full" });
  assert.equal(full.outlook(), []);
  for await (const _ of full.generate(PROMPT, { maxNewTokens: 3 }));
  assert.ok(full.outlook().every(({ next }) => next === -1));
  full.dispose();
});

test("a full cache that grows keeps its books", async () => {
  const books = [];
  for (const lengths of [[20], [7, 13]]) {
    const session = model.session({ policy: "full", kv: "f32", record: () => {} }); // recording has attention observed
    for (const [i, maxNewTokens] of lengths.entries()) {
      for await (const _ of session.generate(i === 0 ? PROMPT : "", { maxNewTokens, banned: model.config.eosIds }));
    }
    const { seen } = session;
    books.push(
      session.laneViews().map((lane) => [lane.births, lane.sums, lane.squares].map((part) => [...part.slice(0, seen)])),
    );
    session.dispose();
  }
  const [once, grown] = books;
  assert.is(once[0][0].length, grown[0][0].length);
  once.forEach((lane, i) =>
    lane.forEach((part, j) => part.forEach((value, at) => assert.ok(Math.abs(value - grown[i][j][at]) <= 1e-4 * value)))
  );
});
test.run();
