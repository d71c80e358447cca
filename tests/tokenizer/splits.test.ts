// Texts split as the name in a GGUF file says, against what Hugging Face's library recorded with the models' own patterns.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ggufTokenizer } from "../../src/tokenizer/gguf.ts";
import { SPLITTINGS } from "../../src/tokenizer/splits.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { readJson, repoPath } from "../support/files.ts";

const { tokens, merges, texts, names, ids } = await readJson<{
  tokens: string[];
  merges: [string, string][];
  texts: string[];
  names: Record<string, number[]>; // for each text, which of the ids
  ids: number[][];
}>(repoPath("tests/golden/tokenizer-splits.json"));

const test = suite("gguf: splitting of text");

for (const [name, found] of Object.entries(names)) {
  test(name, () => {
    const metadata = new Map(Object.entries({
      "tokenizer.ggml.model": "gpt2",
      "tokenizer.ggml.pre": name,
      "tokenizer.ggml.tokens": tokens,
      "tokenizer.ggml.merges": merges.map((pair) => pair.join(" ")),
    }));
    const { tokenizer, settings } = ggufTokenizer(metadata);
    const { encode } = createTokenizer(tokenizer, settings);
    texts.forEach((text, i) => assert.equal(encode(text), ids[found[i]], JSON.stringify(text)));
  });
}

test("every way of splitting is recorded under one of its names", () => {
  const recorded = new Set(Object.keys(names).map((name) => SPLITTINGS.get(name)));
  const left = [...SPLITTINGS].filter(([, splitting]) => !recorded.has(splitting)).map(([name]) => name);
  assert.equal(left, []);
});

// But for minicpm5's, whose second pattern never sees a numeral, and bailingmoe's, whose spaces end alike: these are two others' in effect.
test("texts tell ways of splitting apart", () => {
  const seen = new Set(Object.values(names).map((found) => found.join()));
  assert.is(seen.size, Object.keys(names).length - 2);
});
test.run();
