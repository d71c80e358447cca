// Whoever writes into what a session hands out changes nothing: it goes on as one that nobody disturbs.
import * as assert from "uvu/assert";
import { definePolicy } from "../../src/options/own.ts";
import { load, type Model } from "../../src/load.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import type { LaneViews } from "../../src/core/core.ts";
import type { Evicted } from "../../src/options/events.ts";
import { engineSuite, fewOnGpu, onEngine } from "../support/engine.ts";
import { repoPath } from "../support/files.ts";
import { scribble } from "../support/scribble.ts";

const test = await engineSuite("what is handed out");
let model: Model;
test.before(async () => void (model = await load(repoPath("models/fable-2m"), await onEngine())));
test.after(() => model.dispose());

type Spoil = (value: unknown, kept?: readonly unknown[]) => void;

/** A policy that reads all there is, and then writes over it. */
const reader = (spoil: Spoil) =>
  definePolicy({
    name: "reader",
    basis: "sum",
    readsVectors: true,
    readsQueries: true,
    score(_, views: LaneViews, scores) {
      const { keys, values, queries } = views as Required<LaneViews>;
      const width = keys.length / scores.length;
      for (let slot = 0; slot < scores.length; slot++) {
        const of = (all: Float32Array) => all.subarray(slot * width, (slot + 1) * width).reduce((a, b) => a + b, 0);
        const asked = queries.means[slot % queries.means.length] + queries.rope[0];
        const books = views.sums[slot] - views.squares[slot] + views.births[slot] + views.positions[slot];
        scores[slot] += of(keys) + of(values) / 8 + asked + books / 64;
        if (!Number.isFinite(scores[slot])) scores[slot] = 0; // of a free slot
      }
      spoil(views);
    },
  });

const SETUPS: readonly (readonly [name: string, options: (spoil: Spoil) => SessionOptions])[] = [
  ["roco", () => ({ policy: "roco" })],
  ["snapkv", () => ({ policy: "snapkv" })],
  ["keydiff", () => ({ policy: "keydiff" })],
  ["expected", () => ({ policy: "expected" })],
  ["adaptive", () => ({ policy: "h2o", allocation: "adaptive" })],
  ["pyramid, ranked", () => ({ policy: "crest", allocation: "pyramid", positions: "cache" })],
  ["a policy of its own", (spoil) => ({ policy: reader(spoil) })],
  ["a score of its own", (spoil) => ({
    score: (_, views, scores) => (scores.set(views.sums), spoil(views)),
    scope: "all",
  })],
];

async function run(options: (spoil: Spoil) => SessionOptions, spoil: Spoil) {
  const gone: string[] = [];
  const told = ({ token, position, layer, head, score }: Evicted) =>
    void gone.push([token, position, layer, head, score].join());
  const session = model.session({
    ...{ budget: 22, stride: 4, sinks: 1, newest: 2, pin: [[3, 4]] },
    ...options(spoil),
    onEvict: (one) => (told(one), spoil(one)),
    onStep: (event) => {
      spoil([event.live(), event.scores(), event]);
      spoil([session.laneViews(), session.outlook(), session.livePositions(), session.options, session.memory()]);
    },
  });
  const ids: number[] = [];
  for (const question of ["Where is Lily?", "And then?"]) {
    const chat = {
      ...{ template: "{% for m in messages %}{{ m.content }} {% endfor %}", maxNewTokens: 24, stopAtEnd: false },
      ...{ temperature: 0.8, seed: 3, logprobs: 2 },
    };
    const onToken = (id: number, logprobs: unknown) => {
      ids.push(id);
      spoil([logprobs, session.laneViews(), session.outlook(), session.report(), session.conversation]);
    };
    for await (const _ of session.chat(question, { ...chat, onToken })) spoil(session.report());
  }
  const live = session.livePositions(), report = session.report(), { conversation } = session;
  session.dispose();
  spoil(session.report());
  return { gone, ids, live, conversation, ended: report.ended, held: report.kvBytes, again: session.report().ids };
}

for (const [name, options] of fewOnGpu(SETUPS, ([name]) => name.slice(0, 2), 1)) {
  test(`${name}: writing into it changes nothing`, async () => {
    const [alone, disturbed] = [await run(options, () => {}), await run(options, scribble)];
    assert.ok(alone.gone.length > 100);
    assert.equal(disturbed, alone);
  });
}
test.run();
