// Fuzzers of what tokenizers are made of.
import * as assert from "uvu/assert";
import { fromSentencePiece } from "../../src/tokenizer/sentencepiece.ts";
import { createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { changedJson, damaged, type Roll } from "./damage.ts";
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

const spm: { models: Record<string, string>; cases: Json[] } = await readJson(
  repoPath("tests/golden/sentencepiece.json"),
);
const FILES = Object.entries(spm.models).map(([name, base64]) => {
  const bytes = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
  return { bytes, cases: spm.cases.filter(({ model }) => model === name) };
});

/** A tokenizer.model, damaged at its beginning or its end, where its settings are; or other settings beside it. */
// deno-lint-ignore require-await
export async function sentencePiece(roll: Roll): Promise<void> {
  const { bytes, cases } = FILES[roll(FILES.length)];
  const { family, files: { tokenizer_config, special_tokens_map, added_tokens } } = cases[roll(cases.length)];
  const settings: Json = { config: tokenizer_config ?? {}, map: special_tokens_map ?? {}, added: added_tokens ?? {} };
  const kind = roll(4), half = bytes.length - 600;
  const given: Json = kind === 0 ? changedJson(settings, roll) : settings;
  const file = kind === 0
    ? bytes
    : kind === 1
    ? new Uint8Array([...bytes.subarray(0, half), ...damaged(bytes.slice(half), 600, roll)])
    : damaged(bytes, 400, roll);
  const { tokenizer, config, older } = fromSentencePiece(file, family, given);
  use(tokenizer, config, older);
}
