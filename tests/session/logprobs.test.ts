// What onToken hears of the model's own probabilities: against those of all logits, against perplexity, whatever is then drawn.
import * as assert from "uvu/assert";
import { load, type Model } from "../../src/load.ts";
import type { Logprobs } from "../../src/options/events.ts";
import type { GenerateOptions } from "../../src/options/index.ts";
import { engineSuite, onEngine } from "../support/engine.ts";
import { repoPath } from "../support/files.ts";

const test = await engineSuite("logprobs");
let model: Model;
test.before(async () => {
  model = await load(repoPath("models/fable-2m"), await onEngine());
});
test.after(() => model.dispose());

/** What is heard, and the logits behind it. */
async function heard(options: GenerateOptions) {
  const session = model.session({ policy: "full", kv: "f32" });
  const found: { id: number; told: Logprobs | undefined; logits: number[] }[] = [];
  const raw: number[][] = [];
  const prompt = model.tokenizer.encode("The little dog", { bos: true });
  const generate = session.generate(prompt, {
    ...{ maxNewTokens: 20, stopAtEnd: false },
    ...options,
    onLogits: (logits) => void raw.push([...logits]),
    onToken: (id, told) => void found.push({ id, told, logits: raw.at(-1)! }),
  });
  for await (const _ of generate);
  session.dispose();
  return { prompt, found };
}

const OWN: GenerateOptions[] = [
  { logprobs: 5 },
  { logprobs: 20, temperature: 1.3, seed: 4 },
  { logprobs: 3, temperature: 0.9, topK: 4, repetitionPenalty: 2, logitBias: { 20: 9 } },
  { logprobs: 0 },
];
for (const options of OWN) {
  test(`of the model alone: ${JSON.stringify(options)}`, async () => {
    const { prompt, found } = await heard(options);
    let sum = 0;
    for (const { id, told, logits } of found) {
      const largest = Math.max(...logits);
      const all = Math.log(logits.reduce((total, logit) => total + Math.exp(logit - largest), 0));
      const near = (logprob: number, id: number) => Math.abs(logprob - (logits[id] - largest - all)) < 1e-9;
      assert.ok(near(told!.logprob, id));
      const order = logits.map((_, id) => id).sort((a, b) => logits[b] - logits[a] || a - b).slice(0, options.logprobs);
      assert.equal(told!.top.map(({ id }) => id), order);
      assert.ok(told!.top.every(({ id, logprob }) => near(logprob, id)));
      sum -= told!.logprob;
    }
    const { loss } = await model.perplexity([...prompt, ...found.map(({ id }) => id)], {
      ...{ policy: "full", kv: "f32", first: prompt.length },
    });
    assert.ok(Math.abs(loss - sum / found.length) < 1e-4 * loss, `${loss} and ${sum / found.length}`);
  });
}

test("where nobody asks nobody is told, and asking changes nothing", async () => {
  const plain = await heard({});
  assert.ok(plain.found.every(({ told }) => told === undefined));
  const asked = await heard({ logprobs: 1 });
  assert.equal(asked.found.map(({ id }) => id), plain.found.map(({ id }) => id));
});
test.run();
