// onEvict tells of every victim, with its id and its score: against the live positions, and against the session's twin.
import * as assert from "uvu/assert";
import type { Evicted } from "../../src/options/events.ts";
import { load, type Model } from "../../src/load.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import { corePolicies } from "../../src/policies/core.ts";
import type { PolicyName } from "../../src/policies/index.ts";
import { repoPath } from "../support/files.ts";
import { rejection } from "../support/spies.ts";
import { PROMPT } from "../support/say.ts";
import { engineSuite, fewOnGpu, onEngine } from "../support/engine.ts";

const BUDGET = 22;
const NEW = 40; // tokens
const test = await engineSuite("onEvict");
let model: Model;
test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

/** A session's evictions, the ids it saw and what its lanes hold in the end. */
async function run(options: SessionOptions) {
  const evicted: Evicted[] = [];
  const session = model.session({ budget: BUDGET, stride: 4, onEvict: (one) => evicted.push(one), ...options });
  const prompt = model.tokenizer.encode(PROMPT, { bos: true });
  const generate = { maxNewTokens: NEW, banned: model.config.eosIds };
  for await (const _ of session.generate(prompt, generate));
  const ids = [...prompt, ...session.report().ids];
  const { seen } = session;
  const live = session.livePositions();
  session.dispose();
  return { evicted, ids, seen, live };
}

const NAMES = Object.keys(corePolicies).filter((name) => name !== "full") as PolicyName[];
const SETUPS: [name: string, options: SessionOptions][] = [
  ...NAMES.map((policy): [string, SessionOptions] => [policy, { policy }]),
  ["keydiff", { policy: "keydiff" }],
  ["vase", { policy: "vase" }],
  ["pyramid", { allocation: "pyramid" }],
  ["adaptive", { allocation: "adaptive" }],
  ["a score of its own", { score: (_, { lasts }, scores) => scores.set(lasts), scope: "all" }],
];
for (const [name, options] of fewOnGpu(SETUPS, ([, options]) => `${options.allocation}`, 3)) {
  test(`${name}: who went and who is left are all there were, none twice`, async () => {
    const { evicted, ids, seen, live } = await run(options);
    assert.is(evicted.length, live.reduce((sum, lane) => sum + seen - lane.length, 0));
    live.forEach((lane, i) => {
      const gone = evicted.filter(({ layer, head }) => 2 * layer + head === i).map(({ position }) => position);
      assert.equal([...gone, ...lane].sort((a, b) => a - b), Array.from({ length: seen }, (_, at) => at));
    });
    for (const { token, position, score } of evicted) {
      assert.is(token, ids[position]);
      assert.ok(Number.isFinite(score));
    }
    // A session that nobody watches evicts the same.
    assert.equal((await run({ ...options, onEvict: undefined })).live, live);
  });
}

test("scores are those of the books when the victim was chosen", async () => {
  for (const policy of ["roco", "h2o", "tova", "recency"] as const) {
    const evicted: Evicted[] = [];
    const options: SessionOptions = { policy, budget: BUDGET, stride: 1, onEvict: (one) => evicted.push(one) };
    const session = model.session(options);
    // The same session with one slot more: its books still hold what the first one has just evicted.
    const other = model.session({ ...options, onEvict: undefined, budget: BUDGET + 1, sinks: 2, newest: 2 });
    const prompt = model.tokenizer.encode(PROMPT, { bos: true }).slice(0, BUDGET + 1);
    for (const one of [session, other]) for await (const _ of one.generate(prompt, { maxNewTokens: 1 }));
    assert.is(evicted.length, 10);
    for (const { layer, head, position, score } of evicted) {
      const lane = other.laneViews()[2 * layer + head];
      const slot = lane.positions.indexOf(position);
      const expected = {
        roco: Math.fround(lane.sums[slot] / (BUDGET + 1 - lane.births[slot])),
        h2o: lane.sums[slot],
        tova: lane.lasts[slot],
        recency: position,
      }[policy];
      assert.ok(Math.abs(score - expected) <= 1e-6 * expected, `${policy}: ${score} and ${expected}`);
    }
    session.dispose();
    other.dispose();
  }
});

test("what throws in it ends the generation, and the session can go on", async () => {
  let wrong = true;
  const onEvict = () => {
    if (wrong) throw new Error("mine");
  };
  const session = model.session({ budget: BUDGET, stride: 4, onEvict });
  const talk = async () => {
    for await (const _ of session.generate(PROMPT, { maxNewTokens: 9, banned: model.config.eosIds }));
  };
  assert.is(await rejection(talk()), "mine");
  wrong = false;
  assert.is(await rejection(talk()), "nothing was thrown");
  assert.is(session.report().liveSlots, BUDGET);
  session.dispose();
});
test.run();
