// Every option is checked before use, and refused with one sentence.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { checkGenerate, checkLoad, checkPromptIds, checkRoom, checkSession } from "../src/options.ts";
import { refusal } from "./spies.ts";

const VOCAB = 100;
const test = suite("options");

const session: [Record<string, unknown>, string][] = [
  [
    { policy: "best" },
    'Cannot create session: policy must be one of roco, h2o, tova, recency, random, full, got "best"',
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
  [{ pinPrompt: "yes" }, 'pinPrompt must be true or false, got "yes"'],
  [{ positions: "relative" }, 'positions must be absolute or cache, got "relative"'],
  [{ seed: -1 }, "seed must be a whole number from 0 to 4294967295, got -1"],
  [{ seed: 2 ** 32 }, "got 4294967296"],
  [{ bugdet: 3 }, "options are policy, budget"],
];
for (const [options, words] of session) {
  test(`session ${Object.entries(options).map(String)}`, () => {
    const message = refusal(() => checkSession(options));
    assert.match(message, /^Cannot create session: /);
    assert.ok(message.includes(words), message);
  });
}

const generate: [Record<string, unknown>, string][] = [
  [{ maxNewTokens: 0 }, "maxNewTokens must be a whole number from 1"],
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
  [{ seed: 0.5 }, "seed must be a whole number"],
  [{ stopAtEnd: 1 }, "stopAtEnd must be true or false, got 1"],
  [{ stop: [""] }, "a stop string must not be empty"],
  [{ stop: 3 }, "stop must be a string or a list of strings, got 3"],
  [{ banned: 3 }, "banned must be a list of ids, got 3"],
  [{ banned: [VOCAB] }, "a banned id must be a whole number from 0 to 99, got 100"],
  [{ banned: Array.from({ length: VOCAB }, (_, i) => i) }, "banned must leave an id to choose, got 100"],
  [{ signal: false }, "signal must be an AbortSignal, got false"],
  [{ seed: () => 3 }, "seed must be a whole number"],
  [{ signal: {} }, "signal must be an AbortSignal"],
  [{ onPrefill: 1 }, "onPrefill must be a function, got 1"],
  [{ onToken: 1 }, "onToken must be a function, got 1"],
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
      assert.is(refusal(() => checkRoom(checked, 0, 5000, 0, 10)), "nothing was thrown", `budget ${budget}`);
    }
  }
  assert.is(checkSession().budget, 256);
  assert.is(checkSession().stride, 64);
  assert.is(checkSession({ policy: "full" }).budget, 0);
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
  assert.match(refusal(() => checkLoad({ gpu: 1 } as never)), "options are device, maxBinding, onProgress");
  assert.match(refusal(() => checkLoad({ onProgress: 1 } as never)), "onProgress must be a function");
});

test.run();
