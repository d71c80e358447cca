// Scores and victims against other authors' code: what kvpress and R-KV make of every key of a text that fable-2m has read.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import { livePositions } from "../../src/eviction/outlook.ts";
import { checkSession, type SessionOptions } from "../../src/options/index.ts";
import { presetOf } from "../../src/policies/own.ts";
import type { OwnScore } from "../../src/policies/parts.ts";
import { Stepper } from "../../src/session/stepper.ts";
import { inside } from "../support/inside.ts";
import { checkedCase, listGolden, modelFolder, readJson } from "../support/files.ts";

const CLOSE = 1e-5; // of a lane's largest: f32, in another order

const PHASES = 1e-3; // likewise: its authors' f32 is 2⁻⁸ radians off in the phase of a distance of 2¹⁶ positions

/** Scores with mean 0 and deviation 1. */
function levelled(scores: number[]): number[] {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  const squares = scores.reduce((sum, score) => sum + (score - mean) ** 2, 0);
  return scores.map((score) => (score - mean) / Math.sqrt(squares / scores.length));
}

type Scores = number[][][]; // [layers][kvHeads][tokens]
interface Golden {
  model: string;
  ids: number[];
  window: number;
  width: number;
  presses: Record<"KeyDiff" | "Knorm" | "TOVA" | "SnapKV" | "ExpectedAttention" | "ObservedAttention", { scores: Scores; kept: Scores }>;
  similarities: Scores;
  triattention: Scores; // [layers][heads][tokens]
}

const test = suite("golden presses");
for (const { name, json } of await listGolden("presses")) {
  const golden: Golden = await readJson(json);
  let model: Model;
  test(`${name} is loaded`, async () => {
    model = await load((await modelFolder(golden.model))!, { device: "wasm", precision: "exact" });
  });

  /** What a session that has read the text, and evicted nothing, makes of every token: by layer and KV head, in order. */
  const scoresOf = async (options: SessionOptions): Promise<Scores> => {
    const session = model.session({ budget: 2 * golden.ids.length, stride: 16, kv: "f32", ...options });
    for await (const _ of session.generate(golden.ids, { maxNewTokens: 0 }));
    const outlook = session.outlook();
    const lanes = session.laneViews().map(({ positions }, lane) => {
      const scores: number[] = [];
      positions.forEach((position, slot) => position >= 0 && (scores[position] = outlook[lane].scores[slot]));
      return scores;
    });
    session.dispose();
    return byLayer(lanes);
  };
  const byLayer = <T>(lanes: T[]): T[][] => {
    const heads = lanes.length / golden.similarities.length;
    return golden.similarities.map((_, layer) => lanes.slice(layer * heads, (layer + 1) * heads));
  };
  /** Asserts that scores agree at places [from, to). */
  const agree = (mine: Scores, theirs: Scores, from = 0, to = golden.ids.length, close = CLOSE) => {
    theirs.forEach((heads, layer) =>
      heads.forEach((scores, head) => {
        const most = Math.max(...scores.slice(from, to).map(Math.abs));
        for (let at = from; at < to; at++) {
          const away = Math.abs(mine[layer][head][at] - scores[at]) / most;
          assert.ok(away < close, `layer ${layer}, head ${head}, place ${at}: ${mine[layer][head][at]}, recorded ${scores[at]}`);
        }
      })
    );
    checkedCase(`${theirs.flat(2).length} scores`);
  };
  const { KeyDiff, Knorm, TOVA, SnapKV, ExpectedAttention, ObservedAttention } = golden.presses;
  const last = golden.ids.length - 1;

  test(`${name}: keydiff is kvpress's KeyDiff, knorm its Knorm`, async () => {
    agree(await scoresOf({ policy: "keydiff" }), KeyDiff.scores);
    agree(await scoresOf({ policy: "knorm" }), Knorm.scores);
  });

  test(`${name}: a layer's mean of tova is kvpress's TOVA, mean attention its ObservedAttention`, async () => {
    const tova = (await scoresOf({ policy: "tova" })).map((heads) => {
      const mean = heads[0].map((_, at) => heads.reduce((sum, scores) => sum + scores[at], 0) / heads.length);
      return heads.map(() => mean);
    });
    agree(tova, TOVA.scores, 0, last); // its last token is given the most
    agree(await scoresOf({ score: "mean", scope: "all" }), ObservedAttention.scores);
  });

  test(`${name}: snapkv is kvpress's SnapKV, where neither edge is among the neighbours`, async () => {
    const { window, width } = golden;
    const sums = await scoresOf({ policy: "snapkv", window, pool: "mean", width, stride: 1 });
    const means = sums.map((heads) => heads.map((scores) => scores.map((sum) => sum / window)));
    agree(means, SnapKV.scores, (width - 1) / 2, golden.ids.length - window - (width - 1) / 2);
  });

  test(`${name}: expected is kvpress's ExpectedAttention without covariance`, async () => {
    agree(await scoresOf({ policy: "expected" }), ExpectedAttention.scores);
  });

  test(`${name}: triattention is its authors' score, levelled and at its most over a group`, async () => {
    const theirs = golden.triattention.map((all, layer) => {
      const heads = golden.similarities[layer].length;
      return golden.similarities[layer].map((_, lane) => {
        const group = all.slice(lane * all.length / heads, (lane + 1) * all.length / heads).map(levelled);
        return golden.ids.map((_, at) => Math.max(...group.map((scores) => scores[at])));
      });
    });
    agree(await scoresOf({ policy: "triattention" }), theirs, 0, golden.ids.length, PHASES);
  });

  test(`${name}: rkv's redundancy is R-KV's, but for the first key`, async () => {
    const session = model.session({ policy: "rkv", budget: 2 * golden.ids.length, stride: 16, kv: "f32" });
    for await (const _ of session.generate(golden.ids, { maxNewTokens: 0 }));
    const lanes = session.laneViews().map((views, lane) => {
      const scores = new Float32Array(views.positions.length); // no attention
      (presetOf("rkv").score as OwnScore)(lane, views, scores, golden.ids.length);
      return golden.ids.map((_, position) => scores[views.positions.indexOf(position)]);
    });
    session.dispose();
    // They are shares: of another sum, as the first key's is another.
    const shares = (scores: number[]) => scores.map((score) => score / scores[1]);
    const of = (all: Scores) => all.map((heads) => heads.map(shares));
    agree(of(byLayer(lanes)), of(golden.similarities), 1);
  });

  test(`${name}: of half of the tokens the same stay`, async () => {
    const { ids } = golden;
    const setups: [SessionOptions, Scores][] = [
      [{ policy: "keydiff" }, KeyDiff.kept],
      [{ policy: "knorm" }, Knorm.kept],
      [{ policy: "tova-layer", newest: 1 }, TOVA.kept],
      [{ score: "mean", scope: "all" }, ObservedAttention.kept],
    ];
    for (const [options, kept] of setups) {
      const plain = { budget: ids.length / 2, stride: ids.length, sinks: 0, newest: 0, kv: "f32" } as const;
      const stepper = new Stepper(inside(model), checkSession({ ...plain, ...options }), { slots: 1.5 * ids.length });
      await stepper.step({ ids, begin: 0, count: ids.length }, "nothing");
      assert.equal(byLayer(livePositions(stepper.books)), kept, JSON.stringify(options));
      stepper.release();
    }
  });

  test(`${name} is given back`, () => model.dispose());
}
test.run();
