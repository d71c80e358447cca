// A text far longer than any budget under crest: the fifth of its slots that the largest peaks hold is never given back, and yet no part
// of the text is harder to foresee than under RoCo. The text is none of the two's: stories, each written by a full cache. What one
// policy writes is easiest for that policy. And with remainders of all that went meanwhile, in as many bytes.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { load } from "../../src/load.ts";
import { repoPath } from "../support/files.ts";
import { losses } from "../support/losses.ts";

const TOKENS = 20_000;
const STORY = 600; // tokens
const BLOCK = 200; // tokens whose mean is one difference
const FIFTH = TOKENS / 5;

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** The mean over blocks, and 1.96 of its standard errors. */
function interval(differences: number[]): [mean: number, half: number] {
  const blocks = Array.from(
    { length: Math.floor(differences.length / BLOCK) },
    (_, i) => mean(differences.slice(i * BLOCK, (i + 1) * BLOCK)),
  );
  const middle = mean(blocks);
  const variance = blocks.reduce((sum, x) => sum + (x - middle) ** 2, 0) / (blocks.length - 1);
  return [middle, 1.96 * Math.sqrt(variance / blocks.length)];
}

const test = suite("crest, a long text");
test(`${TOKENS} tokens in 128 slots: no fifth is harder to foresee than under roco, and all of it is easier`, async () => {
  const model = await load(repoPath("models/fable-2m"), { device: "wasm", precision: "exact", sampling: "greedy" });
  const prompt = model.tokenizer.encode("Once upon a time", { bos: true });
  const ids = [...prompt];
  for (let seed = 1; ids.length <= TOKENS; seed++) {
    const session = model.session({ policy: "full", budget: STORY + prompt.length });
    const generate = { maxNewTokens: STORY, temperature: 1, seed, stopAtEnd: false };
    for await (const _ of session.generate(prompt, generate));
    ids.push(...session.report().ids);
    session.dispose();
  }
  ids.length = TOKENS + 1;
  const options = { budget: 128, stride: 16, positions: "cache" } as const;
  const roco = await losses(model, ids, { policy: "roco", ...options });
  const crest = await losses(model, ids, { policy: "crest", ...options });
  const summed = await losses(model, ids, { policy: "crest", ...options, budget: 120, remainder: 4 });
  model.dispose();
  const differences = crest.map((loss, i) => loss - roco[i]);
  const told = (values: number[]) => values.map((value) => value.toFixed(3)).join(" ± ");
  const fifthsOf = (differences: number[]) =>
    Array.from({ length: 5 }, (_, i) => interval(differences.slice(i * FIFTH, (i + 1) * FIFTH)));
  const fifths = fifthsOf(differences);
  const others = fifthsOf(summed.map((loss, i) => loss - roco[i]));
  const all = interval(differences);
  console.log(`    roco ${mean(roco).toFixed(3)}, crest ${mean(crest).toFixed(3)}: ${told(all)}`);
  console.log(`    by fifths: ${fifths.map(told).join(", ")}`);
  const kept = interval(summed.map((loss, i) => loss - crest[i]));
  console.log(
    `    with remainders ${mean(summed).toFixed(3)}, less crest: ${told(kept)}; less roco: ${
      others.map(told).join(", ")
    }`,
  );
  assert.ok(all[0] + all[1] < 0, "crest foresees the text better");
  [...fifths, ...others].forEach(([middle, half], i) =>
    assert.ok(middle < half, `fifth ${i % 5 + 1} is not worse beyond chance`)
  );
});
test.run();
