// Recordings: a replay of what was recorded gives the same victims, other policies what a naive replay gives, and a file that
// is no recording, or not a whole one, is refused whatever is wrong with it.
import * as assert from "uvu/assert";
import { ruleFor } from "../../src/policies/index.ts";
import { load, type Model } from "../../src/load.ts";
import { checkSession, type SessionOptions } from "../../src/options/index.ts";
import { corePolicies as policies } from "../../src/policies/core.ts";
import type { PolicyName } from "../../src/policies/index.ts";
import { checksum } from "../../src/recording/format.ts";
import { type Pass, readRecording, type Recording } from "../../src/recording/read.ts";
import { replay } from "../../src/recording/replay.ts";
import { repoPath } from "../support/files.ts";
import { CoreTwin } from "../reference/core.ts";
import { refusal } from "../support/spies.ts";
import { PROMPT } from "../support/say.ts";
import { engineSuite, fewOnGpu, onEngine } from "../support/engine.ts";

const LANES = 10;
const test = await engineSuite("recordings");
let model: Model;
let full: Uint8Array<ArrayBuffer>; // a recording of a full cache, that grew between two prompts

/** Bytes as they come, each piece copied before the next. */
function collector() {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  const bytes = () => new Uint8Array(pieces.flatMap((piece) => [...piece]));
  return { record: (piece: Uint8Array<ArrayBuffer>) => void pieces.push(piece.slice()), bytes };
}

async function record(options: SessionOptions, maxNewTokens = 30, pinned = false) {
  const { record, bytes } = collector();
  const session = model.session({ stride: 4, ...options, record });
  const generate = { maxNewTokens, banned: model.config.eosIds };
  for await (const _ of session.generate(PROMPT, generate));
  if (pinned) session.pin(20, 23);
  for await (const _ of session.generate(" Then she", generate));
  const report = session.report();
  const live = session.livePositions();
  session.dispose();
  return { bytes: bytes(), report, live };
}

test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
  full = (await record({ policy: "full" })).bytes;
});
test.after(() => model.dispose());

const passes = ({ events }: Recording) => events.filter((event): event is Pass => event.kind === "pass");

const NAMES = Object.keys(policies).filter((name) => name !== "full") as (keyof typeof policies)[];
const SETUPS: [options: SessionOptions, pinned?: boolean][] = [
  ...NAMES.map((policy): [SessionOptions] => [{ policy, budget: 22 }]),
  [{ policy: "roco", budget: { share: 0.9 }, sinks: { share: 0.2 }, unsettled: 9, positions: "cache" }],
  [{ policy: "h2o", budget: 30, pin: [[5, 8], [40, 42]], newest: 3 }, true],
  [{ policy: "tova", budget: 40, pinPrompt: true, aggregate: "max" }],
  [{ policy: "crest", budget: 24, halfLife: 9, peaks: 6 }],
  [{ policy: "crest", budget: 22, allocation: "adaptive" }],
  [{ policy: "roco", budget: 22, allocation: "pyramid" }],
  [{ policy: "h2o", budget: 22, allocation: "adaptive" }],
  [{ policy: "random", budget: 22, allocation: "pyramid", seed: 9 }],
  [{ score: "windowed", pool: "mean", width: 5, window: 7, scope: "all", shared: true, budget: 20 }],
];
for (const [options, pinned] of fewOnGpu(SETUPS, ([options]) => `${options.allocation}`, 3)) {
  test(`as recorded: ${JSON.stringify(options)}`, async () => {
    const { bytes, report } = await record(options, 30, pinned);
    const recording = readRecording(bytes);
    const found = replay(recording);
    assert.is(found.reproduced, true);
    assert.is(found.policy, report.policy);
    assert.is(found.budget, report.budget);
    assert.ok(Math.abs(found.evictions - report.evictions) < 1e-9);
    assert.equal([found.meanShare, found.leastShare, found.unknown], [1, 1, 0]);
    assert.is(recording.tokens, report.evictions + report.liveSlots);
    // Another policy, or budget, is another run; of what was lost nothing is known.
    assert.is(replay(recording, { policy: options.policy, budget: report.budget - 1 }).reproduced, null);
    const other = replay(recording, {
      policy: options.policy === "recency" ? "h2o" : "recency",
      budget: report.budget,
    });
    assert.is(other.reproduced, null);
    if (options.policy !== "streaming") assert.ok(other.unknown > 0 && other.leastShare < 1);
  });
}

test("a victim that was not the rule's is found out", async () => {
  const { bytes } = await record({ policy: "h2o", budget: 22 });
  const words = new Uint32Array(bytes.buffer);
  const frames = framesOf(words);
  // In the last pass of one query: the victim of the first lane becomes the token before or behind it.
  const at = frames.findLast((at) => words[at] === 1)!;
  const end = at + 2 + words[at + 1];
  const positions = words.subarray(at + 2 + 4 + 1 + 2 * LANES, end);
  const victim = positions.indexOf(words[end - LANES]);
  assert.ok(victim >= 0 && victim < 23);
  words[end - LANES] = positions[victim > 0 ? victim - 1 : 1];
  words[end] = checksum(words, at, end);
  assert.is(replay(readRecording(bytes)).reproduced, false);
});

test("a reset begins anew, also for random draws and shared-out budgets", async () => {
  for (
    const options of [{ policy: "random", seed: 3 }, { policy: "h2o", allocation: "adaptive" }] as SessionOptions[]
  ) {
    const { record, bytes } = collector();
    const session = model.session({ budget: 20, stride: 3, pin: [[4, 6]], ...options, record });
    const lives: number[][][] = [];
    for (let i = 0; i < 2; i++) {
      for await (const _ of session.generate(PROMPT, { maxNewTokens: 21, banned: model.config.eosIds }));
      lives.push(session.livePositions());
      session.reset();
    }
    assert.equal(lives[0], lives[1]);
    session.dispose();
    const recording = readRecording(bytes());
    assert.is(recording.events.filter(({ kind }) => kind === "reset").length, 2);
    assert.is(replay(recording).reproduced, true);
  }
});

test("perplexity records too, and a recording changes nothing", async () => {
  for (const policy of ["full", "recency", "roco"] as const) {
    const { record, bytes } = collector();
    const options = { policy, budget: policy === "full" ? undefined : 16, stride: 2 };
    const { loss } = await model.perplexity(PROMPT, { ...options, record });
    assert.is(loss, (await model.perplexity(PROMPT, options)).loss);
    const recording = readRecording(bytes());
    assert.ok(recording.tokens > 16);
    if (policy !== "full") assert.is(replay(recording).reproduced, true);
  }
});

test("other policies over a full cache, against a naive replay", () => {
  const recording = readRecording(full);
  for (const policy of NAMES.filter((name) => name !== "tova-layer")) {
    for (const budget of [20, 45]) {
      const found = replay(recording, { policy, budget });
      const naive = naiveReplay(recording, policy, budget);
      assert.is(found.evictions, recording.tokens - budget, policy);
      assert.ok(
        Math.abs(found.meanShare - naive.mean) < 1e-4,
        `${policy} ${budget}: ${found.meanShare}, ${naive.mean}`,
      );
      assert.ok(Math.abs(found.leastShare - naive.least) < 1e-3, `${policy}: ${found.leastShare}, ${naive.least}`);
      assert.is(found.unknown, 0);
    }
  }
  assert.equal(replay(recording, { policy: "full" }).meanShare, 1);
  const { budget } = replay(recording, { policy: "h2o" });
  assert.is(budget, Math.floor(recording.tokens / 2));
  assert.is(replay(recording, { budget: { share: 0.25 } }).budget, Math.floor(recording.tokens / 4));
});

test("a policy that reads keys and values is recorded as any other, and not replayed, as a recording has none", async () => {
  const recording = readRecording((await record({ policy: "keydiff", budget: 22 })).bytes);
  assert.equal([recording.options.policy, recording.options.score], ["keydiff", "own"]);
  const rule = /^Cannot replay: policy must read attention alone, which is all that a recording has, got "keydiff"$/;
  assert.match(refusal(() => replay(recording)), rule);
  assert.match(refusal(() => replay(readRecording(full), { policy: "keydiff" })), rule);
  assert.is(replay(recording, { policy: "h2o" }).budget, 22);
  const { policy, reproduced } = replay(recording, { policy: "keydiff", score: "sum" });
  assert.equal([policy, reproduced], ["keydiff, score sum", null]);
});

/** The same with the core's naive twin and maps from position to p, one lane at a time. */
function naiveReplay(recording: Recording, policy: keyof typeof policies, budget: number) {
  const { sinks, newest, unsettled } = checkSession({ policy, budget, stride: 4 });
  const rule = ruleFor(policies[policy], budget, { sinks, newest, unsettled });
  const shape = {
    layers: recording.layers,
    kvHeads: recording.kvHeads,
    capacity: budget + 4,
    window: checkWindow(policy),
  };
  const twin = new CoreTwin(shape, rule);
  const shares: number[] = [];
  for (const { queries, live, planes } of passes(recording)) {
    twin.claim(queries);
    const plane = LANES * shape.capacity;
    const rows = new Float32Array(3 * plane);
    twin.lanes.forEach(({ tokens }, lane) => {
      const given = planes.map((row) => [...row].slice(lane * live[0], (lane + 1) * live[0]));
      const of = (k: number) => tokens.reduce((sum, { position }) => sum + given[k][position], 0);
      const all = (k: number) => given[k].reduce((sum, p) => sum + p, 0);
      const whole = tokens.length === live[0];
      shares.push(whole ? 1 : of(0) / all(0));
      const grown = whole ? 1 : all(0) / of(0);
      for (const { slot, position } of tokens) {
        const at = lane * shape.capacity + slot;
        rows[at] = given[0][position] * grown;
        if (queries === 1) continue;
        rows[plane + at] = given[1][position] * grown * grown;
        rows[2 * plane + at] = given[2][position] * (whole ? 1 : all(2) / of(2));
      }
    });
    twin.observe(queries, rows);
    twin.evict(Math.max(0, twin.live - budget));
  }
  return { mean: shares.reduce((sum, share) => sum + share, 0) / shares.length, least: Math.min(...shares) };
}

const checkWindow = (policy: PolicyName) => checkSession({ policy }).window;

test("a recording tells what was read and written", async () => {
  const { bytes, report } = await record({ policy: "roco", budget: 22, onEvict: () => {} });
  const recording = readRecording(bytes);
  assert.equal([recording.layers, recording.kvHeads, recording.options.policy], [5, 2, "roco"]);
  assert.match(recording.model, "llama, 5 layers of 192");
  const ids = passes(recording).flatMap((pass) => [...pass.ids]);
  assert.equal(ids.slice(-report.newTokens + 1), report.ids.slice(0, -1));
  assert.is(recording.stride, 4);
  for (const { queries, planes, live } of passes(recording)) {
    for (let lane = 0, at = 0; lane < LANES; at += live[lane++]) {
      const sum = planes[0].subarray(at, at + live[lane]).reduce((sum, p) => sum + p, 0);
      assert.ok(Math.abs(sum - queries) < 1e-4, "every query's attention adds up to 1");
    }
  }
  const own = await record({ score: (_, { sums }, scores) => scores.set(sums), budget: 22 });
  const { options } = readRecording(own.bytes);
  assert.is(options.score, "own");
  assert.is(replay(readRecording(own.bytes)).reproduced, null);
});

test("refusals of a replay", async () => {
  const recording = readRecording(full);
  const refused = (asked: unknown, words: string) =>
    assert.match(refusal(() => replay(recording, asked as never)), words);
  refused({ policy: "best" }, "Cannot replay: policy must be one of roco, ");
  refused({ budget: 0 }, "Cannot replay: budget must be a whole number from 1");
  refused({ budget: { bytes: 4096 } }, "Cannot replay: budget must be slots or a share of the tokens recorded, got");
  refused({ budget: { share: 2 } }, "Cannot replay: budget.share must be above 0 and at most 1, got 2");
  refused({ window: 3 }, "Cannot replay: window goes with the scores windowed, persistence and fading only");
  refused({ stride: 3 }, "Cannot replay: options are policy");
  const { bytes } = await record({ policy: "recency", budget: 40, pin: [[0, 30]] });
  assert.match(
    refusal(() => replay(readRecording(bytes), { budget: 20, policy: "h2o" })),
    "Cannot replay: budget must be at least the 23 tokens protected by then, got 20",
  );
});

/** Where each frame of a recording begins, in words. */
function framesOf(words: Uint32Array): number[] {
  const frames: number[] = [];
  for (let at = 4 + words[3] / 4 + 1; at < words.length; at += 3 + words[at + 1]) frames.push(at);
  return frames;
}

test("damaged, truncated and foreign files are refused in one sentence", () => {
  const refused = (bytes: Uint8Array, words: string | RegExp) =>
    assert.match(refusal(() => replay(readRecording(bytes), { policy: "roco" })), words);
  refused(
    new Uint8Array(0),
    "Cannot read the recording: it must be a recording of kvcap, got 0 bytes of something else",
  );
  refused(new TextEncoder().encode("not a recording, but long enough to be one"), "must be a recording of kvcap");
  const words = new Uint32Array(full.slice().buffer);
  const frames = framesOf(words);
  for (const cut of [1, 4, 8, 20, ...frames.slice(0, 6).map((at) => full.length - 4 * at), full.length - 41]) {
    refused(full.subarray(0, full.length - cut), /^Cannot read the recording: it must be (whole|a recording)/);
  }
  refused(full.subarray(0, 4 * frames.at(-1)!), "it must be whole, got one that ends after ");
  const longer = new Uint8Array(full.length + 4);
  longer.set(full);
  refused(longer, "it must end with its last frame, got more behind it");
  const version = full.slice();
  version[8] = 9;
  refused(version, "Cannot read the recording: its version must be 1, got 9");
});

test("whatever is wrong with a file, it is refused or replayed, and never crashes", async () => {
  const { bytes: capped } = await record({ policy: "roco", budget: 22, pin: [[1, 3]] }, 6);
  let state = 12345;
  const below = (n: number) => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % n;
  let damaged = 0;
  let followed = 0;
  for (let i = 0; i < 1500; i++) {
    const bytes = capped.slice();
    const words = new Uint32Array(bytes.buffer);
    const headerEnd = 4 + words[3] / 4;
    const kind = i % 4;
    let cut = bytes.length;
    if (kind === 0) bytes[below(bytes.length)] ^= 1 << below(8); // one bit: a checksum or a length finds it
    else if (kind === 1) cut = below(bytes.length);
    else {
      // A frame, or the header, says something else under a checksum that holds.
      const frames = framesOf(words);
      const at = kind === 2 ? frames[below(frames.length)] : 0;
      const end = kind === 2 ? at + 2 + words[at + 1] : headerEnd;
      const first = kind === 2 ? at : 4;
      const word = first + below(Math.min(end - first, kind === 2 ? 40 : Infinity));
      if (kind === 2) words[word] = [0, 1, 2, 3, 22, 2 ** 31, 2 ** 32 - 1, words[word] + 1][below(8)];
      else bytes[4 * word + below(4)] = 32 + below(95);
      words[end] = checksum(words, at, end);
    }
    const said = refusal(() => replay(readRecording(bytes.subarray(0, cut)), {}));
    if (said !== "nothing was thrown") assert.match(said, /^Cannot (read the recording|replay|create)/);
    if (kind < 2) assert.match(said, /^Cannot read the recording: /);
    else if (said === "nothing was thrown") followed++;
    else damaged++;
  }
  assert.ok(damaged > 200, `${damaged} refused, ${followed} replayed`);
});
test.run();
