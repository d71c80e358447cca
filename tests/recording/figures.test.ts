// The figures of a recording: against sums of the recorded attention taken naively, and where they must be 1.
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { overlapOf, spreadOf } from "../../src/recording/figures.ts";
import { checkReplay } from "../../src/recording/options.ts";
import { type Pass, readRecording } from "../../src/recording/read.ts";
import { replayChecked } from "../../src/recording/replay.ts";
import { repoPath } from "../support/files.ts";
import { PROMPT } from "../support/say.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const BUDGET = 20;
const ROUNDED = 1e-4; // σ² in f32 is off by 1e-8 or less: σ near 0 by as much
const KEPT = { sinks: 2, newest: 3 };
const test = await engineSuite("figures of a recording");

async function recorded() {
  const model = await load(repoPath("models/fable-2m"), await onEngine());
  const pieces: Uint8Array[] = [];
  const record = (piece: Uint8Array) => void pieces.push(piece.slice());
  const session = model.session({ policy: "full", stride: 4, kv: "f32", record });
  for await (const _ of session.generate(PROMPT, { maxNewTokens: 60, stopAtEnd: false }));
  session.dispose();
  model.dispose();
  return readRecording(new Uint8Array(pieces.flatMap((piece) => [...piece])));
}
const recording = await recorded();
const lanes = recording.layers * recording.kvHeads;
const passes = recording.events.filter((event): event is Pass => event.kind === "pass");

/** Σp, Σp² and queries of every token of a full cache, [lanes][tokens], when so many were taken in. */
function naive(tokens: number) {
  const books = Array.from(
    { length: lanes },
    () => Array.from({ length: tokens }, () => ({ sum: 0, square: 0, n: 0 })),
  );
  let seen = 0;
  for (const { queries, live, planes } of passes) {
    if (seen === tokens) break;
    seen += queries;
    let at = 0;
    for (let lane = 0; lane < lanes; lane++) {
      for (let position = 0; position < live[lane]; position++, at++) {
        const token = books[lane][position];
        token.sum += planes[0][at];
        token.square += queries === 1 ? planes[0][at] ** 2 : planes[1][at];
        token.n = seen - position; // its own query saw it first
      }
    }
  }
  return books;
}

test("what would be held is what sums of all attention choose", () => {
  const found = overlapOf(recording, { policy: "h2o", budget: BUDGET, ...KEPT });
  assert.equal(found.moments.at(-1)!.tokens, recording.tokens);
  const held = new Map<number, number[][]>();
  const checked = checkReplay(recording, { policy: "h2o", budget: BUDGET, ...KEPT });
  replayChecked(recording, checked, (books) => {
    const mine: number[][] = [];
    books.forEachLane((lane, live, { core }, inGroup) => {
      mine[lane] = Array.from(live, (slot) => core.positions[inGroup * core.capacity + slot]);
    });
    held.set(books.seen, mine);
  });
  for (const { tokens, share } of found.moments) {
    const shares = naive(tokens).map((lane, i) => {
      const kept = (position: number) => position < KEPT.sinks || position >= tokens - KEPT.newest;
      const all = lane.map(({ sum }, position) => ({ position, worth: kept(position) ? Infinity : sum }));
      const mine = held.get(tokens)![i];
      const best = all.sort((a, b) => b.worth - a.worth || b.position - a.position).slice(0, mine.length);
      return best.filter(({ position }) => mine.includes(position)).length / mine.length;
    });
    const mean = shares.reduce((sum, share) => sum + share) / lanes;
    assert.ok(Math.abs(share - mean) < 1e-9, `${tokens} tokens: ${share}, ${mean}`);
  }
  assert.ok(found.mean < 0.99, `${found.mean}`);
});

test("what attention does not choose is always what it would be; so is all where nothing goes", () => {
  for (const policy of ["recency", "streaming"] as const) {
    assert.is(overlapOf(recording, { policy, budget: BUDGET, ...KEPT }).mean, 1);
  }
  assert.is(overlapOf(recording, { policy: "roco", budget: recording.longest }).mean, 1);
  const random = overlapOf(recording, { policy: "random", budget: BUDGET, ...KEPT });
  assert.ok(random.moments.at(-1)!.share < 0.8);
});

test("σ is that of the recorded attention", () => {
  for (const { tokens, parts } of spreadOf(recording)) {
    const sums = parts.map(() => ({ sum: 0, count: 0 }));
    for (const lane of naive(tokens)) {
      lane.forEach(({ sum, square, n }, position) => {
        const part = sums[Math.floor(position / tokens * parts.length)];
        part.sum += Math.sqrt(Math.max(0, square / n - (sum / n) ** 2));
        part.count++;
      });
    }
    parts.forEach((value, i) => {
      const expected = sums[i].sum / sums[i].count;
      assert.ok(Math.abs(value - expected) < ROUNDED, `${tokens} tokens, part ${i}: ${value}, ${expected}`);
    });
  }
});
test.run();
