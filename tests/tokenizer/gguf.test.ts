// Tokenizers out of GGUF metadata: the named pre-tokenizers against what Hugging Face's library recorded, and bos and spaces.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { ggufTokenizer } from "../../src/tokenizer/gguf.ts";
import { createTokenizer, type Tokenizer } from "../../src/tokenizer/tokenizer.ts";
import { readJson, repoPath } from "../support/files.ts";
import { smallLlama } from "../support/gguf.ts";
import { checkCases } from "../support/tokenizer-cases.ts";

const open = (entries: Record<string, unknown>): Tokenizer => {
  const { tokenizer, settings } = ggufTokenizer(
    new Map(Object.entries(entries)) as Parameters<typeof ggufTokenizer>[0],
  );
  return createTokenizer(tokenizer, settings);
};

const test = suite("gguf: tokenizer");

interface Kind {
  name: string;
  base: string;
  merges: [string, string][];
  cases: { text: string; ids: number[]; plain: number[]; decoded: string }[];
}
const kinds = await readJson<Kind[]>(repoPath("tests/golden/tokenizer-kinds.json"));
const NAMED: [pre: string, kind: string][] = [
  ["smollm", "digits and byte-level"],
  ["gpt-2", "GPT-2"],
  ["qwen2", "Qwen"],
  ["llama-bpe", "Llama 3"],
];
for (const [pre, kind] of NAMED) {
  test(`${pre} splits as ${kind}`, async () => {
    const { base, merges, cases } = kinds.find(({ name }) => name === kind)!;
    const json = await readJson(repoPath(base));
    const tokens: string[] = [];
    for (const [token, id] of Object.entries<number>(json.model.vocab)) tokens[id] = token;
    for (const { id, content } of json.added_tokens) tokens[id] = content;
    const special = new Set<number>(json.added_tokens.map(({ id }: { id: number }) => id));
    const tokenizer = open({
      "tokenizer.ggml.model": "gpt2",
      "tokenizer.ggml.pre": pre,
      "tokenizer.ggml.tokens": [...tokens, ...merges.map((pair) => pair.join(""))],
      "tokenizer.ggml.token_type": [...tokens, ...merges].map((_, id) => special.has(id) ? 3 : 1),
      "tokenizer.ggml.merges": [...json.model.merges, ...merges].map((pair) =>
        typeof pair === "string" ? pair : pair.join(" ")
      ),
    });
    checkCases(tokenizer, cases);
  });
}

const small = (more: Record<string, unknown> = {}) => {
  const { metadata } = smallLlama();
  const entries = Object.entries(metadata).filter(([key]) => key.startsWith("tokenizer.ggml."));
  return open({ ...Object.fromEntries(entries.map(([key, value]) => [key, value![1]])), ...more });
};

test("bos where the file says so, and where it says nothing but is SentencePiece's", () => {
  const ids = small().encode("the");
  assert.equal(small().encode("the", { bos: true }), [1, ...ids]);
  assert.equal(small({ "tokenizer.ggml.add_bos_token": false }).encode("the", { bos: true }), ids);
  assert.is(small({ "tokenizer.ggml.add_bos_token": false }).bosId, 1);
});

test("a space before the text, unless the file says no", () => {
  const text = (tokenizer: Tokenizer) =>
    tokenizer.encode("the").map((id) => new TextDecoder().decode(tokenizer.bytes(id)));
  assert.equal(text(small()), [" the"]);
  assert.equal(text(small({ "tokenizer.ggml.add_space_prefix": false })), ["t", "he"]);
});

test("the pair of the highest score is merged first", () => {
  const { metadata } = smallLlama();
  const tokens = (metadata["tokenizer.ggml.tokens"]![1] as string[]).map((token) => token === "é" ? "ah" : token);
  const scores = metadata["tokenizer.ggml.scores"]![1] as number[]; // "he", then "ah", then "▁a"
  const pieces = (scores: number[]) => {
    const tokenizer = small({ "tokenizer.ggml.tokens": tokens, "tokenizer.ggml.scores": scores });
    return tokenizer.encode("ahe").map((id) => tokens[id]);
  };
  assert.equal(pieces(scores), ["▁a", "he"]);
  assert.equal(pieces(scores.map((score, id) => tokens[id] === "ah" ? 1 : score)), ["▁", "ah", "e"]);
});

test.run();
