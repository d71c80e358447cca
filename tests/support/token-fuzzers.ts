// Fuzzers of what tokenizers are made of.
import * as assert from "uvu/assert";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { changedJson, type Roll } from "./damage.ts";
import { readJson, repoPath } from "./files.ts";

const TEXT = "the <s> 12 é\n<|im_start|> \u0085 a-b 漢 😀";

// deno-lint-ignore no-explicit-any
type Json = any;

/** Uses a tokenizer. */
function use(...files: Parameters<typeof createTokenizer>): void {
  const { encode, decode } = createTokenizer(...files);
  assert.type(decode(encode(TEXT, { bos: true })), "string");
}

const { kinds, models } = await readJson(repoPath("tests/golden/tokenizer-steps.json"));
const { Unigram: { vocab, ...unigram }, BPE: bpe } = models;
const SMALL: Json[] = [{ ...unigram, vocab: vocab.slice(0, 60) }, {
  ...bpe,
  vocab: Object.fromEntries(Object.entries(bpe.vocab).slice(0, 60)),
  merges: [],
}];

/** Steps and a small model with other values. */
// deno-lint-ignore require-await
export async function steps(roll: Roll): Promise<void> {
  const { normalizer, pre_tokenizer, decoder } = kinds[roll(kinds.length)];
  const given: Json = changedJson({ normalizer, pre_tokenizer, decoder, model: SMALL[roll(2)] }, roll);
  use(given);
}

const { base, cases } = await readJson(repoPath("tests/golden/special-tokens.json"));
const { added_tokens } = await readJson(repoPath(base));

/** Files that name and describe special tokens, with other values. */
// deno-lint-ignore require-await
export async function special(roll: Roll): Promise<void> {
  const { patch, files } = cases[roll(cases.length)];
  const { tokenizer, config, map, added }: Json = changedJson({
    tokenizer: { added_tokens, ...patch },
    ...{ config: files.tokenizer_config, map: files.special_tokens_map ?? {}, added: files.added_tokens ?? {} },
  }, roll);
  const whole = typeof tokenizer === "object" && tokenizer !== null && !Array.isArray(tokenizer);
  use(whole ? { decoder: { type: "Fuse" }, model: SMALL[1], ...tokenizer } : tokenizer, config, { map, added });
}
