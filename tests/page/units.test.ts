// The parts of the lab that need no page: the log against a naive one, messages, addresses, scales, recorded scores, sentences.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { explain, explainUnkept, type Failed, WAYS } from "../../page/failures.ts";
import { RunLog } from "../../page/log.ts";
import { readSteps, type Scores, type Step, toldOf, writeStep } from "../../page/protocol.ts";
import { DEFAULTS, NAMES, optionsOf } from "../../page/settings.ts";
import { Turns } from "../../page/turns.ts";
import { LEVELS, ramp } from "../../page/view/colour.ts";
import { levelOf, number, scaleOf, ticksOf } from "../../page/view/scale.ts";
import { buffersOf, copyOf, readScores, ScoreMemory } from "../../page/worker/scores.ts";
import { type ErrorCode, type More, refuse, words } from "../../src/errors.ts";
import { load } from "../../src/load.ts";
import { repoPath } from "../support/files.ts";
import { checkGenerate, checkSession } from "../../src/options/index.ts";
import { Random } from "../../src/session/random.ts";

const test = suite("lab units");

/** Random steps under a budget, and after each the live positions of every lane. */
function run(lanes: number, budget: number, seed: number): { steps: Step[]; live: number[][][] } {
  const { next } = new Random(seed);
  const draw = (below: number) => Math.floor(next() * below);
  const now: number[][] = Array.from({ length: lanes }, () => []);
  const [steps, live]: [Step[], number[][][]] = [[], []];
  for (let step = 1, seen = 0; step <= 60; step++) {
    const ids = Array.from({ length: step < 5 ? 1 + draw(9) : 1 }, () => draw(500));
    const went: number[] = [];
    const gone: number[] = [];
    for (const lane of now) {
      ids.forEach((_, i) => lane.push(seen + i));
      went.push(Math.max(0, lane.length - budget));
      while (lane.length > budget) gone.push(...lane.splice(draw(lane.length - 1), 1));
    }
    const scores = gone.map(() => Math.fround(next()));
    steps.push({ step, first: seen, ids, went, gone, scores, next: now.map(() => Math.fround(next())) });
    live.push(now.map((lane) => [...lane]));
    seen += ids.length;
  }
  return { steps, live };
}

test("a log tells every step as it was, and so after it went through the protocol", () => {
  const lanes = 6;
  const { steps, live } = run(lanes, 11, 4);
  let [words, end] = [new Int32Array(8), 0];
  for (const step of steps) [words, end] = writeStep(words, end, step);
  const log = new RunLog(lanes);
  const touched = new Set<number>();
  for (const step of readSteps(words.subarray(0, end))) log.add(step, (position) => touched.add(position));
  assert.is(log.steps, 60);
  assert.is(touched.size, log.seen);
  live.forEach((now, i) => {
    const step = i + 1;
    for (let position = 0; position <= log.seen; position++) {
      const holders = now.map((lane) => lane.includes(position));
      assert.equal(now.map((_, lane) => log.holds(lane, position, step)), holders);
      assert.is(log.held(position, step), holders.filter(Boolean).length);
    }
    assert.is(log.liveAt(step), now.reduce((sum, lane) => sum + lane.length, 0) / lanes);
    assert.is(log.seenAt(step), steps[i].first + steps[i].ids.length);
  });
  for (const { step, went, gone, scores, next } of steps) {
    let i = 0;
    for (let lane = 0; lane < lanes; lane++) {
      for (const last = i + went[lane]; i < last; i++) {
        assert.equal(log.fate(lane, gone[i]), { left: step, score: scores[i], next: next[lane] });
      }
    }
  }
});

test("settings become the library's options; what is no setting is refused in a sentence", () => {
  const { session, generate } = optionsOf({ ...DEFAULTS, newest: "20%", shared: "no", stopAtEnd: "no", stride: "8" });
  assert.equal(session, { policy: "crest", budget: 96, seed: 2, newest: { share: 0.2 }, shared: false, stride: 8 });
  assert.equal(generate, { temperature: 0.7, topP: 0.95, stopAtEnd: false });
  checkSession(session), checkGenerate(generate, 10);
  const bytes = optionsOf({ ...DEFAULTS, budget: "512KB" }).session.budget;
  assert.equal(bytes, { bytes: 512_000 });
  assert.throws(
    () => optionsOf({ ...DEFAULTS, budget: "much" }),
    /^Cannot run: budget must be slots \(96\).*, got much$/,
  );
  assert.throws(() => optionsOf({ ...DEFAULTS, topP: "x" }), "Cannot run: top-p must be a number, got x");
  assert.is(new Set(NAMES).size, NAMES.length);
});

test("a text that goes on is one longer turn, and one that was stopped ends where it was", () => {
  const turns = new Turns();
  const [one, on, more] = [{ text: "a", max: 5 }, { text: "", max: 3 }, { text: "b", max: 2 }];
  turns.run(DEFAULTS, [one]);
  turns.began();
  turns.turned({ ended: "length", newTokens: 5 });
  turns.more(on);
  assert.equal(turns.list, [{ text: "a", max: 8 }]);
  assert.equal([DEFAULTS, { ...DEFAULTS, seed: "3" }].map((settings) => turns.differ(settings)), [false, true]);
  turns.turned({ ended: "caller", newTokens: 1 });
  assert.equal(turns.list, [{ text: "a", max: 6 }]);
  turns.more(more);
  assert.equal(turns.failed(true), "b");
  assert.equal(turns.list, [{ text: "a", max: 6 }]);
  turns.more(more);
  turns.turned({ ended: "end", newTokens: 1 });
  turns.more(on);
  assert.equal(turns.list, [{ text: "a", max: 6 }, more, on]);
  assert.is(turns.tokens, 11);
  turns.run(DEFAULTS, turns.list);
  turns.turned({ ended: "length", newTokens: 6 });
  turns.turned({ ended: "caller", newTokens: 1 });
  assert.equal(turns.list, [{ text: "a", max: 6 }, { text: "b", max: 1 }]);
  assert.is(turns.more({ text: "c", max: 4 }).type, "turn");
  assert.is(turns.turned({ ended: "caller", newTokens: 0 }), "c"); // stopped while it read: taken back
  assert.equal(turns.list, [{ text: "a", max: 6 }, { text: "b", max: 1 }]);
  turns.run(DEFAULTS, [one]);
  assert.is(turns.turned({ ended: "caller", newTokens: 0 }), "a");
  assert.equal([turns.list, turns.settings, turns.ended], [[], null, "reading"]);
  turns.run(DEFAULTS, [one]);
  turns.began();
  turns.turned({ ended: "length", newTokens: 5 });
  assert.equal([turns.run({ ...DEFAULTS, budget: "much" }, [more]).type, turns.failed(true)], ["run", "b"]); // it did not begin
  assert.equal([turns.list, turns.settings, turns.ended], [[one], DEFAULTS, "length"]);
  turns.run({ ...DEFAULTS, budget: "much" }, turns.list);
  assert.equal([turns.failed(true), turns.list], ["", [one]]); // nothing was in the box
  turns.run(DEFAULTS, [one, more]);
  turns.began();
  turns.turned({ ended: "length", newTokens: 5 });
  assert.equal([turns.failed(true), turns.list], ["b", [one]]); // the second of two did not come about
  turns.run(DEFAULTS, [one, more]);
  turns.began();
  turns.turned({ ended: "caller", newTokens: 2 });
  assert.equal([turns.failed(true), turns.list], ["", [{ text: "a", max: 2 }]]); // something else failed, after it was stopped
  turns.run(DEFAULTS, [one]);
  assert.is(turns.failed(false), "a");
  assert.equal([turns.list, turns.settings, turns.differ(DEFAULTS)], [[], null, false]);
});

test("equal steps of value are equal steps of lightness, in both themes", () => {
  for (const theme of ["dark", "light"] as const) {
    const colours = ramp(theme);
    assert.is(colours.length, LEVELS);
    const lightness = colours.map(([r, g, b]) => {
      const [x, y, z] = [r, g, b].map((part) =>
        part <= 10 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4
      );
      const l = Math.cbrt(0.4122214708 * x + 0.5363325363 * y + 0.0514459929 * z);
      const m = Math.cbrt(0.2119034982 * x + 0.6806995451 * y + 0.1073969566 * z);
      const s = Math.cbrt(0.0883024619 * x + 0.2817188376 * y + 0.6299787005 * z);
      return 0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s;
    });
    const step = (lightness.at(-1)! - lightness[0]) / (LEVELS - 1);
    lightness.forEach((l, i) => assert.ok(Math.abs(l - lightness[0] - i * step) < 0.02, `${theme} ${i}: ${l}`));
  }
});

test("scales: decades for attention, the least and the largest for the rest", () => {
  const values = Float32Array.from([0, 0.0123, 0.5, 0.04]);
  const scale = scaleOf(values, "score", "mean");
  assert.equal(scale, { log: true, low: 0.01, high: 1 });
  assert.equal([0, 0.01, 0.1, 1, 7].map((value) => levelOf(value, scale)), [1, 1, 128, LEVELS, LEVELS]);
  assert.equal(ticksOf(scale).map(({ text }) => text), ["0.01", "0.1", "1"]);
  assert.equal(scaleOf(Float32Array.from([3, 90]), "score", "recency"), { log: false, low: 0, high: 90 });
  assert.equal(scaleOf(new Float32Array(0), "mean", "recency"), { log: true, low: 1e-4, high: 1 });
  assert.equal([0, 3, 0.01234, 123.456, 0.0000123, NaN].map((x) => number(x)), [
    "0",
    "3",
    "0.012",
    "123.5",
    "1.2e−5",
    "–",
  ]);
});

test("recorded scores: the last at or before a step; every second goes where they are too many", () => {
  const scores = (step: number): Scores => {
    const floats = () => new Float32Array(25).fill(step);
    return {
      step,
      begins: new Int32Array(5),
      positions: new Int32Array(20),
      score: floats(),
      mean: floats(),
      spread: floats(),
    };
  };
  const memory = new ScoreMemory(400 * 10);
  for (let step = 10; step <= 500; step += 10) memory.add(scores(step));
  assert.is(memory.at(9), null);
  assert.is(memory.at(500)!.step, 500);
  assert.is(memory.at(10_000)!.score[0], 500);
  const kept = new Set(Array.from({ length: 500 }, (_, step) => memory.at(step)?.step));
  assert.ok(kept.has(10) && kept.size >= 4 && kept.size <= 12, `${kept.size} kept`);
  for (let step = 0; step <= 500; step++) assert.ok((memory.at(step)?.step ?? 0) <= step);
  const one = scores(1);
  assert.equal(copyOf(one), one);
  assert.not.ok(buffersOf(copyOf(one)).some((buffer) => buffersOf(one).includes(buffer)));
});

test("the spread is the peak where the rule goes by peaks", async () => {
  const model = await load(repoPath("models/fable-2m"), { device: "wasm", sampling: "greedy" });
  for (const policy of ["crest", "roco"] as const) {
    const session = model.session({ policy, budget: 24, stride: 8 });
    for await (const _ of session.generate("Once upon a time there was a fox", { maxNewTokens: 40, stopAtEnd: false }));
    const { spread, mean, positions } = readScores(session, 1);
    const [{ positions: places, squares, births }] = session.laneViews(); // of the first lane, whose tokens come first
    const slots = Array.from(places.keys()).filter((slot) => places[slot] >= 0);
    assert.equal(Array.from(positions.subarray(0, slots.length)), slots.map((slot) => places[slot]));
    for (const [at, slot] of slots.entries()) {
      const variance = squares[slot] / (session.seen - births[slot]) - mean[at] ** 2;
      const expected = policy === "crest" ? squares[slot] : Math.sqrt(Math.max(0, variance));
      assert.ok(Math.abs(spread[at] - expected) <= 1e-6 + 1e-3 * expected, `${policy}: ${spread[at]}, ${expected}`);
    }
    if (policy === "crest") {
      assert.ok(slots.every((_, at) => spread[at] * 1.001 >= mean[at]), "no mean is above its peak");
    }
    session.dispose();
  }
  model.dispose();
});

test("every failure has a plain sentence and a way on", () => {
  /** What a worker tells of a refusal of the library. */
  const told = (action: string, rule: string, got: string | number, more: More) => {
    try {
      refuse(action, rule, words(got), more);
    } catch (error) {
      return structuredClone(toldOf(error));
    }
  };
  const plain = (code: ErrorCode) => ({ code, kind: "plain" } as const);
  const noAdapter = told("open the GPU", "WebGPU must offer an adapter", "none", plain("device"));
  const run = { during: "run" } as const;
  const cases: [Partial<Failed>, RegExp, string][] = [
    [{ error: noAdapter, webgpu: false, adapter: false }, /has no WebGPU/, "retry"],
    [{ error: noAdapter, adapter: false }, /offers no GPU/, "retry"],
    [
      { error: told("open the GPU", "the adapter's maxX must be at least 256", 64, plain("device")) },
      /too small.*must be at least 256, got 64/,
      "retry",
    ],
    [{ error: told("generate", "anything", "x", {}), lost: true, ...run }, /GPU was lost/, "retry"],
    [
      { error: told("load model", "the device must hold 5 bytes of weights", "lost", plain("device")) },
      /was lost/,
      "retry",
    ],
    [
      { error: told("load model", "the device must hold 5 bytes of weights", "x", plain("no-memory")) },
      /not fit/,
      "model",
    ],
    [{ error: { name: "RangeError", message: "Array buffer allocation failed" } }, /does not fit/, "model"],
    [
      { error: told("create session", "the device must hold 5 bytes of cache", "x", plain("no-memory")), ...run },
      /no room for a cache.*smaller budget/,
      "settings",
    ],
    [
      {
        error: told("create session", "this adapter holds at most 9 slots", 10, {
          code: "no-memory",
          option: "budget",
        }),
        ...run,
      },
      /at most 9.*smaller budget/,
      "settings",
    ],
    [
      { error: told("load model", "https://x/config.json must be reachable", "TypeError", plain("unreachable")) },
      /does not answer/,
      "model",
    ],
    [
      { error: told("load model", "config.json must be JSON", "x", plain("bad-file")) },
      /no model that runs here \(config\.json must be JSON, got x\)/,
      "model",
    ],
    [
      { error: told("generate", "the prompt must not be empty", "an empty string", {}), ...run },
      /^The prompt must not be empty, got an empty string\.$/,
      "settings",
    ],
    [{ error: { name: "Error", message: "something else" }, ...run }, /^Something else\.$/, "retry"],
  ];
  for (const [given, text, way] of cases) {
    const error = { name: "Error", message: "" };
    const found = explain({ during: "load", error, lost: false, webgpu: true, adapter: true, ...given });
    assert.match(found.text, text);
    assert.is(found.way, way, found.text);
    assert.ok(WAYS[found.way]);
  }
  assert.match(explainUnkept("full"), "this disk");
  assert.match(explainUnkept("broken"), "does not keep");
});
test.run();
