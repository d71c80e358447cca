// onLogits: what it hears is what ids are chosen from; what it writes decides; forced texts have the losses of perplexity.
import * as assert from "uvu/assert";
import { evaluate } from "../../src/session/evaluate.ts";
import { load, type Model } from "../../src/load.ts";
import type { GenerateOptions, SessionOptions } from "../../src/options/index.ts";
import { repoPath } from "../support/files.ts";
import { inside } from "../support/inside.ts";
import { engineSuite, onEngine } from "../support/engine.ts";

const PROMPT = "Once upon a time, there was a little girl named Lily.";
const TEXT = `${PROMPT} She loved to play outside in the park with her dog.`;

const test = await engineSuite("session logits");
let model: Model;
test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

async function idsOf(session: SessionOptions, generate: GenerateOptions, prompt: string | number[] = PROMPT) {
  const made = model.session(session);
  for await (const _ of made.generate(prompt, generate));
  const { ids } = made.report();
  made.dispose();
  return ids;
}

test("it hears the model's logits, and hearing changes nothing", async () => {
  const options = { policy: "full", kv: "f32" } as const;
  const heard: Float32Array[] = [];
  const onLogits = (logits: Float32Array) => heard.push(logits.slice());
  const ids = await idsOf(options, { maxNewTokens: 12, onLogits });
  assert.equal(ids, await idsOf(options, { maxNewTokens: 12 }));
  assert.is(heard.length, 12);
  const prompt = model.tokenizer.encode(PROMPT, { bos: true, special: true });
  const { vocab } = model.config;
  const { logits } = await evaluate(inside(model), [...prompt, ...ids]);
  heard.forEach((row, i) => {
    assert.is(row.indexOf(Math.max(...row)), ids[i]);
    const at = (prompt.length - 1 + i) * vocab;
    row.forEach((logit, id) => assert.ok(Math.abs(logit - logits[at + id]) < 1e-3));
  });
  const drawn = { maxNewTokens: 12, temperature: 0.8, seed: 3 };
  assert.equal(await idsOf(options, { ...drawn, onLogits }), await idsOf(options, drawn));
});

test("it forbids ids, beside the bans", async () => {
  const [first] = await idsOf({}, { maxNewTokens: 1 });
  const onLogits = (logits: Float32Array) => void (logits[first] = -Infinity);
  const [second] = await idsOf({}, { maxNewTokens: 1, onLogits });
  assert.is.not(second, first);
  const [third] = await idsOf({}, { maxNewTokens: 1, banned: [second], onLogits });
  assert.ok(third !== first && third !== second);
});

test("a forced text has the losses that perplexity finds, under a budget too", async () => {
  const ids = model.tokenizer.encode(TEXT, { bos: true, special: true });
  const first = 8;
  for (const policy of ["full", "roco", "tova"] as const) {
    const session: SessionOptions = {
      policy,
      stride: 1,
      kv: "f32",
      ...policy === "full" ? {} : { budget: 10, newest: 1 },
    };
    let loss = 0;
    let at = first;
    const onLogits = (logits: Float32Array) => {
      const largest = Math.max(...logits);
      const sum = logits.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
      loss -= logits[ids[at]] - largest - Math.log(sum);
      logits.fill(-Infinity);
      logits[ids[at++]] = 0;
    };
    const counted = ids.length - first;
    const forced = await idsOf(session, { maxNewTokens: counted, stopAtEnd: false, onLogits }, ids.slice(0, first));
    assert.equal(forced, ids.slice(first));
    const found = await model.perplexity(ids, { ...session, first });
    assert.is(found.tokens, counted);
    assert.ok(Math.abs(found.loss - loss / counted) < 1e-5, `${policy}: ${found.loss}, ${loss / counted}`);
  }
});
test.run();
