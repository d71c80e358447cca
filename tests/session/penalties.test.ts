// Penalties and biases: the formula against a naive one, and in sessions, which go on with them from snapshots and forks.
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import type { GenerateOptions, SessionOptions } from "../../src/options/index.ts";
import { MOST_RECENT } from "../../src/options/generate.ts";
import { Penaliser, type Penalties, Recent } from "../../src/session/penalties.ts";
import { Random } from "../../src/session/random.ts";
import type { Session } from "../../src/session/session.ts";
import { engineSuite, onEngine } from "../support/engine.ts";
import { repoPath } from "../support/files.ts";

const test = await engineSuite("penalties");
let model: Model;
test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

const NONE: Penalties = {
  ...{ repetitionPenalty: 1, presencePenalty: 0, frequencyPenalty: 0, penaltyWindow: 64, logitBias: [] },
};

/** As OpenAI's documentation has presence and frequency, and CTRL's paper repetition; in float32, as others reckon. */
function naive(logits: ArrayLike<number>, text: number[], options: Penalties): number[] {
  const recent = options.penaltyWindow === 0 ? [] : text.slice(-options.penaltyWindow);
  const factor = Math.fround(options.repetitionPenalty);
  return Array.from(logits, (logit, id) => {
    for (const [one, bias] of options.logitBias) if (one === id) logit = Math.fround(logit + bias);
    const count = recent.filter((one) => one === id).length;
    if (count === 0) return logit;
    const repeated = Math.fround(logit > 0 ? logit / factor : logit * factor);
    return Math.fround(Math.fround(repeated - count * options.frequencyPenalty) - options.presencePenalty);
  });
}

test("logits are changed as the formulas say, in windows of any length", () => {
  const random = new Random(3).next, penaliser = new Penaliser();
  const below = (most: number) => Math.floor(random() * most);
  for (let round = 0; round < 1000; round++) {
    const text = Array.from({ length: below(90) }, () => below(30));
    const recent = new Recent();
    recent.take({ ids: [7, ...text, 9], begin: 1, count: text.length });
    const logits = Float32Array.from({ length: 30 }, () => random() < 0.1 ? -Infinity : 8 * random() - 4);
    const maybe = (value: number, none: number) => random() < 0.5 ? value : none;
    const options: Penalties = {
      repetitionPenalty: maybe(0.5 + 2 * random(), 1),
      presencePenalty: maybe(4 * random() - 2, 0),
      frequencyPenalty: maybe(4 * random() - 2, 0),
      penaltyWindow: below(70),
      logitBias: random() < 0.5 ? [] : [[below(30), 3 * random()], [below(30), random() < 0.5 ? -Infinity : -1]],
    };
    const wanted = naive(logits, text, options);
    penaliser.change(logits, recent, options);
    assert.equal([...logits], wanted, `round ${round}`);
  }
});

test("so many of the last tokens are known, and no more", () => {
  const recent = new Recent();
  const ids = Array.from({ length: MOST_RECENT + 10 }, (_, i) => i);
  recent.take({ ids, begin: 0, count: ids.length });
  assert.is(recent.length, MOST_RECENT);
  assert.equal(recent.list(), ids.slice(10));
  assert.is(recent.at(0), MOST_RECENT + 9);
  recent.clear();
  assert.equal(recent.list(), []);
});

/** The ids that a session writes, and each against what the formulas choose of the logits that it had. */
async function written(session: Session, prompt: string, options: GenerateOptions, text: number[]): Promise<number[]> {
  const wanted: number[] = [];
  const checked = { ...NONE, ...options } as Penalties;
  const onLogits = (logits: Float32Array) => {
    const changed = naive(logits, text, checked);
    wanted.push(changed.indexOf(Math.max(...changed)));
    text.push(wanted.at(-1)!);
  };
  if (prompt) text.push(...model.tokenizer.encode(prompt, { bos: text.length === 0 }));
  for await (const _ of session.generate(prompt, { ...options, onLogits, stopAtEnd: false }));
  assert.equal(session.report().ids, wanted);
  return wanted;
}

const SETUPS: [SessionOptions, GenerateOptions][] = [
  [{ policy: "full" }, { repetitionPenalty: 1.3 }],
  [{ budget: 24, stride: 4 }, { presencePenalty: 1.5, frequencyPenalty: 0.5, penaltyWindow: 20 }],
  [{ budget: 24, stride: 4, positions: "cache" }, {
    repetitionPenalty: 1.2,
    frequencyPenalty: 0.2,
    penaltyWindow: MOST_RECENT,
  }],
];
for (const [session, generate] of SETUPS) {
  test(`${JSON.stringify(generate)}: a session, what it goes on with, a fork and a snapshot`, async () => {
    const one = model.session(session), text: number[] = [];
    const options = { ...generate, maxNewTokens: 24 };
    const first = await written(one, "Once upon a time there was a little dog.", options, text);
    const plain = model.session(session);
    for await (
      const _ of plain.generate("Once upon a time there was a little dog.", { maxNewTokens: 24, stopAtEnd: false })
    );
    assert.is.not(first.join(), plain.report().ids.join(), "it makes a difference");
    const others = [await one.fork(), await model.restore(await one.snapshot())];
    const next = await written(one, " Then", options, text.slice());
    for (const other of others) assert.equal(await written(other, " Then", options, text.slice()), next);
    one.reset();
    assert.equal(await written(one, "Once upon a time there was a little dog.", options, []), first);
    for (const each of [one, plain, ...others]) each.dispose();
  });
}

test("a bias forces an id, or forbids it; without any the engine's own choice is the same", async () => {
  const session = model.session({ policy: "full" });
  const ids = async (options: GenerateOptions) => {
    session.reset();
    for await (const _ of session.generate("The cat", { maxNewTokens: 6, stopAtEnd: false, ...options }));
    return session.report().ids;
  };
  const own = await ids({});
  assert.equal(await ids({ logitBias: { 77: 1000 } }), Array(6).fill(77));
  assert.is((await ids({ logitBias: [[own[0], -Infinity]] })).includes(own[0]), false);
  assert.equal(await ids({ logitBias: {}, repetitionPenalty: 1 }), own);
  assert.equal(await ids({ penaltyWindow: 0, repetitionPenalty: 5 }), own);
  session.dispose();
});
test.run();
