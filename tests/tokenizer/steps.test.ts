// Every normalizer, pre-tokenizer and token model, against what Hugging Face's library recorded on hard texts (record/README.md).
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { readJson, repoPath } from "../support/files.ts";

interface Kind {
  name: string;
  model: string;
  normalizer: unknown;
  pre_tokenizer: unknown;
  decoder: unknown;
  found: number[]; // for each text, which of the ids
  decoded?: string[];
}

const { texts, models, kinds, ids } = await readJson<{
  texts: string[];
  models: Record<string, unknown>;
  kinds: Kind[];
  ids: number[][];
}>(repoPath("tests/golden/tokenizer-steps.json"));

const test = suite("tokenizer: steps");

for (const { name, model, found, decoded, ...steps } of kinds) {
  test(name, () => {
    const tokenizer = createTokenizer({ model: models[model], ...steps });
    texts.forEach((text, i) => {
      const wanted = ids[found[i]], what = JSON.stringify(text);
      assert.equal(tokenizer.encode(text), wanted, what);
      if (decoded) assert.is(tokenizer.decode(wanted), decoded[i], what);
    });
  });
}

// But for what is the same with no decoder, inverted, or with Metaspace at a text's beginning alone.
test("texts tell the kinds apart", () => {
  const told = new Set(kinds.map(({ model, found }) => `${model} ${found}`));
  assert.is(told.size, kinds.length - 7);
});

test.run();
