// Every option is checked before use, and refused with one sentence.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { LOAD } from "../../src/options/load.ts";
import { SESSION } from "../../src/options/session.ts";
import { namesOf } from "../../src/options/row.ts";
import { checkGenerate, checkLoad, checkPromptIds, checkRoom, checkSession } from "../../src/options/index.ts";
import type { Demand } from "../../src/options/room.ts";
import { SCORES } from "../../src/core/rule.ts";
import { ruleName } from "../../src/eviction/rule.ts";
import { policies } from "../../src/policies/index.ts";
import { refusal } from "../support/spies.ts";

const VOCAB = 100;
const test = suite("options");

const session: [Record<string, unknown>, string][] = [
  [
    { policy: "best" },
    `Cannot create session: policy must be one of ${Object.keys(policies).join(", ")}, got "best"`,
  ],
  [{ policy: "toString" }, "policy must be one of"],
  [{ policy: null, budget: 0 }, "budget must be a whole number from 1 to 4194304, got 0"],
  [{ budget: -3 }, "Cannot create session: budget must be a whole number from 1 to 4194304, got -3"],
  [{ budget: 2.5 }, "got 2.5"],
  [{ budget: NaN }, "got NaN"],
  [{ budget: Infinity }, "got Infinity"],
  [{ budget: "64" }, 'got "64"'],
  [{ budget: 1e9 }, "got 1000000000"],
  [{ stride: 0 }, "stride must be a whole number from 1 to 4096, got 0"],
  [{ stride: 5000 }, "got 5000"],
  [{ sinks: -1 }, "sinks must be a whole number"],
  [{ newest: NaN }, "newest must be a whole number"],
  [{ unsettled: 0.3 }, "unsettled must be a whole number"],
  [{ budget: 12, sinks: 4, newest: 8 }, "budget must be above sinks + newest = 12, got 12"],
  [{ newest: { share: 1 } }, "newest must be a number of tokens or { share } of the budget, from 0 to below 1, got"],
  [
    { sinks: { share: -0.1 } },
    'sinks must be a number of tokens or { share } of the budget, from 0 to below 1, got {"sh',
  ],
  [{ unsettled: { share: "0.1" } }, "unsettled must be a number of tokens or { share }"],
  [{ newest: { share: 0.1, bytes: 3 } }, "newest must be a number of tokens or { share }"],
  [{ budget: 20, sinks: { share: 0.5 }, newest: { share: 0.5 } }, "budget must be above sinks + newest = 20, got 20"],
  [{ pin: [0, 4] }, "a pinned span must be [from, to], got 0"],
  [{ pin: "0:4" }, 'pin must be a list of [from, to], got "0:4"'],
  [{ pin: [[4, 4]] }, "a pinned span's to must be a whole number from 5 to 4194304, got 4"],
  [{ pin: [[-1, 4]] }, "a pinned span's from must be a whole number from 0"],
  [{ pin: [[0, 4, 8]] }, "a pinned span must be [from, to]"],
  [
    { budget: 30, sinks: 4, newest: 6, pin: [[2, 10], [8, 20], [500, 504]] },
    "budget must be above sinks and pinned tokens + newest = 30, got 30",
  ],
  [
    { score: "best" },
    `score must be one of ${SCORES.join(", ")} or a function, got`,
  ],
  [{ score: 3 }, "or a function, got 3"],
  [{ peaks: -1 }, "peaks must be a whole number from 0 to 4194304"],
  [{ policy: "h2o", peaks: -1 }, "peaks must be a whole number from 0 to 4194304"],
  [{ policy: "roco", peaks: 3 }, "peaks goes with the scope peak only, got 3"],
  [{ unsettled: { share: 0.5 } }, 'unsettled goes with the scope low-spread only, got {"share":0.5}'],
  [{ policy: "roco", halfLife: 8 }, "halfLife goes with the scores ema and fading only"],
  [{ policy: "crest", halfLife: 0 }, "halfLife must be a whole number from 1 to 1048576"],
  [{ scope: "some" }, 'scope must be one of all, low-spread, peak, got "some"'],
  [{ shared: 1 }, "shared must be true or false, got 1"],
  [{ score: "windowed", window: 0 }, "window must be a whole number from 1 to 65535, got 0"],
  [{ policy: "snapkv", window: 0 }, "window must be a whole number from 1 to 65535, got 0"],
  [{ policy: "scissorhands", window: 70000 }, "got 70000"],
  [{ window: 8 }, "window goes with the scores windowed, persistence and fading only, got 8"],
  [{ policy: "snapkv", score: "sum", width: 3 }, "width goes with the scores windowed and persistence only, got 3"],
  [{ score: () => {}, pool: "max" }, "pool goes with the scores windowed and persistence only"],
  [{ score: "windowed", pool: "median" }, "pool must be one of none, max, mean"],
  [{ score: "windowed", width: 3 }, "width goes with the pools max and mean only, got 3"],
  [{ policy: "snapkv", width: 4 }, "width must be an odd number from 1 to 255, got 4"],
  [{ policy: "snapkv", width: 257 }, "got 257"],
  [{ policy: "full", score: "sum" }, 'score must be left out with the policy full, which evicts nothing, got "sum"'],
  [{ policy: "full", shared: true }, "shared must be left out with the policy full"],
  [{ allocation: "adaptive", score: "random" }, 'allocation adaptive needs a score of attention, got "random"'],
  [{ allocation: "adaptive", score: () => {} }, "allocation adaptive needs a score by name"],
  [
    { policy: "defensive", scope: "all" },
    'scope must be left out with the policy defensive, whose score reads peaks, got "all"',
  ],
  [{ policy: "keydiff", window: 8 }, "window goes with the scores windowed, persistence and fading only, got 8"],
  [{ allocation: "adaptive", policy: "tova-layer" }, "allocation adaptive needs lanes that choose for themselves"],
  [{ record: 3 }, "record must be a function, got 3"],
  [{ onEvict: "yes" }, 'onEvict must be a function, got "yes"'],
  [{ pinPrompt: "yes" }, 'pinPrompt must be true or false, got "yes"'],
  [{ positions: "relative" }, 'positions must be absolute or cache, got "relative"'],
  [{ exactBudget: 1 }, "exactBudget must be true or false, got 1"],
  [{ onWarning: 1 }, "onWarning must be a function, got 1"],
  [{ kv: "q4" }, 'kv must be one of f32, f16, q8, got "q4"'],
  [{ seed: -1 }, "seed must be a whole number from 0 to 4294967295, got -1"],
  [{ seed: 2 ** 32 }, "got 4294967296"],
  [{ bugdet: 3 }, `options are ${namesOf(SESSION).join(", ")}, got "bugdet"`],
];
for (const [options, words] of session) {
  test(`session ${Object.entries(options).map(String)}`, () => {
    const message = refusal(() => checkSession(options));
    assert.match(message, /^Cannot create session: /);
    assert.ok(message.includes(words), message);
  });
}

const generate: [Record<string, unknown>, string][] = [
  [{ maxNewTokens: -1 }, "maxNewTokens must be a whole number from 0"],
  [{ maxNewTokens: -Infinity }, "got -Infinity"],
  [{ maxNewTokens: 1.5 }, "got 1.5"],
  [{ temperature: NaN }, "temperature must be a number from 0 to 100, got NaN"],
  [{ temperature: -1 }, "got -1"],
  [{ temperature: Infinity }, "got Infinity"],
  [{ temperature: "1" }, 'got "1"'],
  [{ topP: NaN }, "topP must be a number above 0 and at most 1, got NaN"],
  [{ topP: 0 }, "got 0"],
  [{ topP: -0.5 }, "got -0.5"],
  [{ topP: 1.1 }, "got 1.1"],
  [{ topK: 1.5 }, "topK must be a whole number from 0"],
  [{ minP: 1.1 }, "minP must be a number from 0 to 1, got 1.1"],
  [{ typicalP: 0 }, "typicalP must be a number above 0 and at most 1, got 0"],
  [{ repetitionPenalty: 0 }, "repetitionPenalty must be a number above 0 and at most 100, got 0"],
  [{ presencePenalty: NaN }, "presencePenalty must be a number from -100 to 100, got NaN"],
  [{ frequencyPenalty: "1" }, 'got "1"'],
  [{ penaltyWindow: 4097 }, "penaltyWindow must be a whole number from 0 to 4096, got 4097"],
  [{ logitBias: 3 }, "logitBias must be an object of biases by id, or a list of [id, bias], got 3"],
  [{ logitBias: [3] }, "logitBias must be pairs of [id, bias], got 3"],
  [{ logitBias: { 100: 1 } }, "an id with a bias must be a whole number from 0 to 99, got 100"],
  [{ logitBias: { x: 1 } }, "an id with a bias must be a whole number from 0 to 99, got NaN"],
  [{ logitBias: [["3", 1]] }, 'an id with a bias must be a whole number from 0 to 99, got "3"'],
  [
    { logitBias: [[3, Infinity]] },
    "a bias of logitBias must be a number from -10000 to 10000, or -Infinity, got Infinity",
  ],
  [{ logitBias: [[3, NaN]] }, "got NaN"],
  [{ logprobs: 21 }, "logprobs must be a whole number from 0 to 20, got 21"],
  [{ seed: 0.5 }, "seed must be a whole number"],
  [{ stopAtEnd: 1 }, "stopAtEnd must be true or false, got 1"],
  [{ stop: [""] }, "a stop string must not be empty"],
  [{ stop: 3 }, "stop must be a string or a list of strings, got 3"],
  [{ stopIds: 3 }, "stopIds must be a list of ids, got 3"],
  [{ stopIds: [VOCAB] }, "a stop id must be a whole number from 0 to 99, got 100"],
  [{ banned: 3 }, "banned must be a list of ids, got 3"],
  [{ banned: [VOCAB] }, "a banned id must be a whole number from 0 to 99, got 100"],
  [{ banned: Array.from({ length: VOCAB }, (_, i) => i) }, "banned must leave an id to choose, got 100"],
  [{ signal: false }, "signal must be an AbortSignal, got false"],
  [{ seed: () => 3 }, "seed must be a whole number"],
  [{ signal: {} }, "signal must be an AbortSignal"],
  [{ onPrefill: 1 }, "onPrefill must be a function, got 1"],
  [{ onToken: 1 }, "onToken must be a function, got 1"],
  [{ onLogits: 1 }, "onLogits must be a function, got 1"],
  [{ maxTokens: 1 }, "options are maxNewTokens"],
];
for (const [options, words] of generate) {
  test(`generate ${Object.keys(options)} ${Object.values(options)}`, () => {
    const message = refusal(() => checkGenerate(options, VOCAB));
    assert.match(message, /^Cannot generate: /);
    assert.ok(message.includes(words), message);
  });
}

test("defaults fit one another under any budget that leaves something to evict", () => {
  for (let budget = 1; budget <= 2000; budget++) {
    const checked = checkSession({ budget });
    assert.ok(checked.budget > checked.sinks + checked.newest, `budget ${budget}`);
    assert.ok(checked.stride >= 1);
    if (budget >= 3) {
      assert.is(
        refusal(() => checkRoom(checked, { seen: 0, prompt: 5000, spans: [], maxNewTokens: 10 })),
        "nothing was thrown",
        `budget ${budget}`,
      );
    }
  }
  assert.is(checkSession().budget, 256);
  assert.is(checkSession().stride, 64);
  assert.is(checkSession({ policy: "full" }).budget, 0);
});

test("shares of the budget, and the parts of a rule", () => {
  const { sinks, newest, unsettled, stride, peaks } = checkSession({
    policy: "roco",
    budget: 50,
    sinks: { share: 0.2 },
    newest: { share: 0.25 },
    unsettled: { share: 0.3 },
    peaks: 0,
  });
  assert.equal([sinks, newest, unsettled, stride, peaks], [10, 12, 15, 27, 0]);
  assert.is(checkSession({ budget: { share: 0.5 }, newest: { share: 0.1 } }).newest, 0); // not known yet
  assert.is(checkSession({ budget: { share: 0.5 }, newest: { share: 0.1 } }, undefined, 100).newest, 5);
  const parts = (options: Parameters<typeof checkSession>[0]) => {
    const { score, scope, window, pool, width, shared } = checkSession(options);
    return [score, scope, window, pool, width, shared];
  };
  assert.equal(parts({}), ["ema", "peak", 0, "none", 1, false]);
  assert.equal(parts({ policy: "snapkv" }), ["windowed", "all", 32, "max", 7, false]);
  assert.equal(parts({ policy: "snapkv", pool: "none", shared: true }), ["windowed", "all", 32, "none", 1, true]);
  assert.equal(parts({ policy: "snapkv", score: "sum" }), ["sum", "all", 0, "none", 1, false]);
  assert.equal(parts({ policy: "snapkv", score: "persistence" }), ["persistence", "all", 64, "none", 1, false]);
  assert.equal(parts({ score: "windowed", pool: "mean" }), ["windowed", "peak", 32, "mean", 7, false]);
  assert.equal(parts({ score: "windowed", window: 9, pool: "mean", width: 3 }).slice(2, 5), [9, "mean", 3]);
  assert.equal(parts({ policy: "tova-layer", scope: "low-spread" }), ["last", "low-spread", 0, "none", 1, true]);
});

test("a policy whose score is a function has the parts of what it builds on", () => {
  const parts = (options: Parameters<typeof checkSession>[0]) => {
    const { scope, window, pool, width, peaks } = checkSession({ budget: 40, ...options });
    return [scope, window, pool, width, peaks];
  };
  assert.equal(parts({ policy: "vase" }), ["all", 32, "mean", 5, 0]);
  assert.equal(parts({ policy: "rkv", window: 3 }), ["all", 3, "none", 1, 0]);
  assert.equal(parts({ policy: "keydiff" }), ["all", 0, "none", 1, 0]);
  assert.equal(parts({ policy: "defensive" }), ["peak", 0, "none", 1, 0]);
  assert.equal(parts({ policy: "defensive", peaks: 5 }), ["peak", 0, "none", 1, 5]);
  assert.equal(parts({ policy: "defensive", score: "sum", scope: "all" }), ["all", 0, "none", 1, 0]);
  assert.is(ruleName(checkSession({ policy: "vase", budget: 40 })), "vase");
  assert.is(
    ruleName(checkSession({ policy: "vase", budget: 40, window: 9, shared: true })),
    "vase, window 9, shared true",
  );
  assert.is(ruleName(checkSession({ policy: "keydiff", budget: 40, score: "mean" })), "keydiff, score mean");
  assert.is(checkSession({ policy: "caote", allocation: "adaptive" }).allocation, "adaptive");
});

test("room for what must stay", () => {
  const session = checkSession({ budget: 20, stride: 4, sinks: 2, newest: 3 });
  const room = (demand: Demand) => refusal(() => checkRoom(session, demand));
  assert.is(room({ seen: 0, prompt: 30, spans: [[0, 8]], maxNewTokens: 10 }), "nothing was thrown");
  assert.is(room({ seen: 0, prompt: 30, spans: [[0, 10], [5, 10]], maxNewTokens: 10 }), "nothing was thrown");
  assert.match(
    room({ seen: 0, prompt: 30, spans: [[0, 10], [20, 23]], maxNewTokens: 10 }),
    "for a prompt beyond the budget, budget must be above sinks and pinned tokens + newest + stride = 20, got 20",
  );
  // 16 are kept; no chunk of a prompt among them
  assert.is(room({ seen: 0, prompt: 10, spans: [[0, 10], [20, 23]], maxNewTokens: 30 }), "nothing was thrown");
  assert.match(
    room({ seen: 0, prompt: 10, spans: [[0, 10], [20, 27]], maxNewTokens: 30 }),
    "Cannot generate: budget must be above sinks and pinned tokens + newest = 20, got 20",
  );
  // the second span is never reached
  assert.is(room({ seen: 0, prompt: 10, spans: [[0, 10], [20, 27]], maxNewTokens: 8 }), "nothing was thrown");
  // of 90 pinned ones only nine are still there
  assert.is(room({ seen: 90, prompt: 5, spans: [[0, 90]], maxNewTokens: 8, held: 9 }), "nothing was thrown");
  assert.match(
    room({ seen: 90, prompt: 5, spans: [[0, 90]], maxNewTokens: 8 }),
    "sinks and pinned tokens + newest = 93",
  );
});

test("prompts and loading", () => {
  assert.match(refusal(() => checkPromptIds([], VOCAB)), "the prompt must have at least one token");
  assert.match(
    refusal(() => checkPromptIds([VOCAB], VOCAB)),
    "a prompt id must be a whole number from 0 to 99, got 100",
  );
  for (const length of [NaN, -1, 0.5, 2 ** 40]) {
    assert.match(refusal(() => checkPromptIds({ length }, VOCAB)), "the prompt's length must be a whole number");
  }
  assert.equal(checkPromptIds(new Uint32Array([1, 2]), VOCAB), [1, 2]);
  assert.match(refusal(() => checkLoad({ maxBinding: 0 })), "Cannot load model: maxBinding must be");
  assert.match(
    refusal(() => checkLoad({ gpu: 1 } as never)),
    `options are ${namesOf(LOAD).join(", ")}`,
  );
  assert.match(
    refusal(() => checkLoad({ kv: "f8" } as never)),
    'Cannot load model: kv must be one of f32, f16, q8, got "f8"',
  );
  assert.match(
    refusal(() => checkLoad({ weights: "q5" } as never)),
    'Cannot load model: weights must be one of q8, q4, got "q5"',
  );
  for (const memory of [0, -1, NaN, 1.5, "512MB"]) {
    assert.match(
      refusal(() => checkLoad({ memory } as never)),
      "Cannot load model: memory must be a whole number from 1",
    );
  }
  const alone = "Cannot load model: ropeFactor must go with a ropeScaling of linear, dynamic or yarn, got ";
  assert.is(refusal(() => checkLoad({ ropeFactor: 2 })), `${alone}2`);
  assert.is(refusal(() => checkLoad({ ropeScaling: "none", ropeFactor: 2 })), `${alone}2`);
  assert.is(refusal(() => checkLoad({ ropeScaling: "yarn" })), `${alone}yarn without one`);
  assert.match(
    refusal(() => checkLoad({ ropeScaling: "yarn", ropeFactor: 0.5 })),
    "ropeFactor must be a number from 1 to 1024",
  );
  assert.match(refusal(() => checkLoad({ ropeLength: 0 })), "ropeLength must be a whole number from 1");
  assert.is(checkLoad({}).kv, "f16");
  assert.match(refusal(() => checkLoad({ onProgress: 1 } as never)), "onProgress must be a function");
});

test.run();
