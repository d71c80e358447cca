// Perplexity under a budget: the same tokens for every policy, exact where nothing is evicted, the twin's where something is.
// The quick run takes three policies where nothing is evicted, drawn anew every day.
import { exp } from "../../src/engine/elementary.ts";
import * as assert from "uvu/assert";
import { evaluate } from "../../src/session/evaluate.ts";
import { load, type Model } from "../../src/load.ts";
import type { Session } from "../../src/session/session.ts";
import type { SessionOptions } from "../../src/options/index.ts";
import { policies, type PolicyName } from "../../src/policies/index.ts";
import { chosen } from "../support/depth.ts";
import { repoPath } from "../support/files.ts";
import { refusal, rejection } from "../support/spies.ts";
import { inside } from "../support/inside.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const TEXT =
  "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day she saw a cat.";

const test = await engineSuite("perplexity");
let model: Model;
test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

/** Mean -ln p over the tokens after the first `first`, from logits, in float64. */
async function lossOf(ids: number[], first: number): Promise<number> {
  const { vocab } = model.config;
  const { logits } = await evaluate(inside(model), ids);
  let sum = 0;
  for (let i = first; i < ids.length; i++) {
    const row = logits.subarray((i - 1) * vocab, i * vocab);
    const top = Math.max(...row);
    sum += Math.log(row.reduce((total, logit) => total + Math.exp(logit - top), 0)) - (row[ids[i]] - top);
  }
  return sum / (ids.length - first);
}

test("where nothing is evicted it is the full cache's, whatever policy and stride", async () => {
  const ids = model.tokenizer.encode(TEXT, { bos: true });
  for (const first of [1, 10]) {
    const expected = await lossOf(ids, first);
    for (const policy of chosen(Object.keys(policies) as PolicyName[], () => "any", 3)) {
      for (const stride of [1, 7, 64]) {
        const { loss, tokens, perplexity, evictions } = await model.perplexity(TEXT, {
          policy,
          stride,
          budget: 200,
          first,
          kv: "f32",
        });
        assert.ok(Math.abs(loss - expected) < 1e-5, `${policy} ${stride}: ${loss} and ${expected}`);
        assert.is(perplexity, exp(loss));
        assert.is(tokens, ids.length - first);
        assert.is(evictions, 0);
      }
    }
  }
});

test("under a budget the same tokens are counted, and what is forgotten shows", async () => {
  const full = await model.perplexity(TEXT, { policy: "full" });
  const before = model.gpuBytes;
  for (const policy of ["roco", "h2o", "recency"] as const) {
    const capped = await model.perplexity(TEXT, { policy, budget: 10, stride: 2, sinks: 1, newest: 2 });
    assert.is(capped.tokens, full.tokens);
    assert.is(capped.liveSlots, 10);
    assert.ok(Math.abs(capped.loss - full.loss) > 0.01, `${policy}: ${capped.loss} and ${full.loss}`);
  }
  assert.is(model.gpuBytes, before);
});

test("evicted from while the first tokens are read only, or behind them only", async () => {
  const ids = model.tokenizer.encode(TEXT, { bos: true });
  const first = 16;
  /** The same by a session that generates: it is made to say the text. */
  const forced = async (options: SessionOptions) => {
    const session = model.session(options);
    let sum = 0;
    let at = first;
    const onLogits = (logits: Float32Array) => {
      const top = Math.max(...logits);
      sum += Math.log(logits.reduce((total, logit) => total + Math.exp(logit - top), 0)) - (logits[ids[at]] - top);
      logits.fill(-Infinity).fill(0, ids[at], ids[at] + 1);
      at++;
    };
    const maxNewTokens = ids.length - first;
    for await (const _ of session.generate(ids.slice(0, first), { maxNewTokens, stopAtEnd: false, onLogits }));
    const { liveSlots, evictions } = session.report();
    session.dispose();
    return { loss: sum / maxNewTokens, liveSlots, evictions };
  };
  for (const policy of ["roco", "tova"] as const) {
    const parts = { policy, sinks: 1, newest: 2, kv: "f32" } as const;
    for (const budget of [12, { share: 0.5 }, { generated: 6 }]) {
      const options = {
        ...parts,
        budget,
        stride: 1,
        ...(typeof budget === "number" || "share" in budget ? { evict: "prompt" } as const : {}),
      };
      const found = await model.perplexity(ids, { ...options, first });
      const said = await forced(options);
      assert.ok(Math.abs(found.loss - said.loss) < 1e-4, `${policy}: ${found.loss} and ${said.loss}`);
      assert.equal([found.liveSlots, found.evictions], [said.liveSlots, said.evictions]);
      assert.ok(found.evictions > 0);
    }
  }
});

test("of several texts, read together, each is as alone", async () => {
  const texts = [
    TEXT,
    TEXT.slice(0, 60),
    "Once upon a time there was a dog.",
    [5, 9, 12, 300, 77],
    TEXT.slice(20),
    "One day, Tom",
  ];
  for (const stride of [1, 4]) {
    const options = { policy: "roco", budget: 12, stride, sinks: 1, newest: 2 } as const;
    const alone = [];
    for (const text of texts) alone.push(await model.perplexity(text, options));
    const before = model.gpuBytes;
    assert.equal(await model.perplexities(texts, options), alone);
    assert.is(model.gpuBytes, before);
  }
  assert.equal(await model.perplexities([]), []);
  const ended = rejection(model.perplexities([TEXT, [5], TEXT]));
  assert.is(await ended, "Cannot measure perplexity: the text must have at least 2 tokens, got 1");
  assert.match(
    await rejection(model.perplexities(TEXT as never)),
    "Cannot measure perplexity: texts must be a list, got ",
  );
  assert.match(await rejection(model.perplexities([TEXT], null as never)), "options must be an object, got null");
  const record = () => {};
  assert.match(await rejection(model.perplexities([TEXT, TEXT], { record })), "a recording must be of one text, got 2");
});

test("of several texts each is as alone where memory is for one, and all is given back when one cannot be measured", async () => {
  const texts = [TEXT, TEXT.slice(20), TEXT.slice(0, 60)];
  const bounded = await load(repoPath("models/fable-2m"), { ...await onEngine(), memory: 12e6 });
  try {
    const fill: Session[] = [];
    for (const budget of [400, 64, 8]) {
      while (refusal(() => fill.push(bounded.session({ budget }))) === "nothing was thrown");
    }
    fill.splice(-3).forEach((session) => session.dispose());
    const held = bounded.gpuBytes;
    for (const options of [{ budget: 12, stride: 1 }, { budget: 12, stride: 4 }, { stride: 1 }] as const) {
      const alone = [];
      for (const text of texts) alone.push(await bounded.perplexity(text, options));
      assert.equal(await bounded.perplexities(texts, options), alone, JSON.stringify(options));
      assert.is(bounded.gpuBytes, held);
      await rejection(bounded.perplexities([TEXT, [5]], options));
      assert.is(bounded.gpuBytes, held);
    }
  } finally {
    bounded.dispose();
  }
});

test("refusals", async () => {
  const refused = async (words: string, ...args: Parameters<Model["perplexity"]>) =>
    assert.match(await rejection(model.perplexity(...args)), words);
  await refused("Cannot measure perplexity: the text must have at least 2 tokens, got 1", [5]);
  await refused("Cannot measure perplexity: the text must have at least 41", TEXT, { first: 40 });
  await refused("first must be a whole number from 1", TEXT, { first: 0 });
  await refused("Cannot measure perplexity: options are policy", TEXT, { frist: 0 } as never);
  await refused("Cannot create session: budget must be", TEXT, { budget: -1 });
  await refused("a prompt id must be a whole number", [5, 4096]);
  await refused("Cannot measure perplexity: a text must be text or token ids, got number", 7 as never);
  await refused("Cannot measure perplexity: a text must be text or token ids, got null", null as never);
});
test.run();
