import process from "node:process";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { readNormalizer } from "../../src/tokenizer/normalizers.ts";
import { readPreTokenizer } from "../../src/tokenizer/pretokenizers.ts";
import { checkTokenizer, createTokenizer } from "../../src/tokenizer/tokenizer.ts";
import { readJson, repoPath } from "../support/files.ts";
import { FILE_CODES, refused } from "../support/refused.ts";
import { checkCases } from "../support/tokenizer-cases.ts";

// deno-lint-ignore no-explicit-any
type Json = Record<string, any>;
const base: Json = await readJson(repoPath("models/fable-2m/tokenizer.json"));
const sp: Json = await readJson(repoPath("tests/golden/models/tiny-qwen2/tokenizer.json"));

const against = suite("tokenizer: as Hugging Face tokenizers");

interface Kind {
  name: string;
  base: string;
  patch: Json;
  merges: [string, string][]; // put behind those of the base, their tokens behind its vocabulary
  cases: { text: string; ids: number[]; plain: number[]; decoded: string }[];
}
for (
  const { name, base, patch, merges, cases } of await readJson<Kind[]>(repoPath("tests/golden/tokenizer-kinds.json"))
) {
  against(`${name}: ${cases.length} texts`, async () => {
    const json = { ...await readJson(repoPath(base)), ...patch };
    for (const pair of merges) {
      json.model.vocab[pair.join("")] = Object.keys(json.model.vocab).length;
      json.model.merges.push(pair);
    }
    const tokenizer = createTokenizer(json);
    checkCases(tokenizer, cases);
  });
}

against.run();

const added = suite("tokenizer: tokens that are added, as Hugging Face tokenizers 0.23 has them");

const letters = Object.fromEntries(Array.from("aorwd ", (letter, id) => [letter, id]));
const withToken = (content: string, flags: Json) =>
  createTokenizer({
    model: { type: "BPE", vocab: letters, merges: [] },
    decoder: null,
    added_tokens: [{ id: 6, content, ...flags }],
  });

added("a letter beyond U+FFFF makes a word longer", () => {
  const { encode } = withToken("word", { single_word: true });
  assert.equal(encode("word \u{1d518}"), [6, 5]);
  for (const text of ["\u{10400}word", "word\u{10400}"]) assert.equal(encode(text), [3, 1, 2, 4], text);
});

added("white space that a token took is no other token's", () => {
  assert.equal(withToken("\n", { lstrip: true, rstrip: true }).encode("a\n\n\na"), [0, 6, 0]);
});

added("a long text has many tokens that take the white space before them", () => {
  const ids = withToken("<m>", { lstrip: true }).encode("a <m>".repeat(200_000));
  assert.is(ids.length, 400_000); // 5 minutes where each looks at all the text before it
});

added("characters that nothing stands for keep nothing apart", () => {
  const vocab = { a: 0, aa: 1 };
  const { encode } = createTokenizer({ model: { type: "BPE", vocab, merges: [["a", "a"]] } });
  assert.equal(encode("a_a_\u{1d518}a"), [1, 0]);
});

/** What tokenizers 0.23.3 makes of a text with a pattern: replaced by "-", and split at it. */
const EDGES: [pattern: string, text: string, replaced: string, split: string[]][] = [
  ["\\n*$", "𘱥𘱥", "𘱥𘱥-", ["𘱥𘱥"]],
  ["\\n*$", "a\nb\n", "a-\nb-", ["a", "\nb", "\n"]],
  ["\\n*$", "𝔘\n\nx", "𝔘-\nx-", ["𝔘", "\n", "\nx"]],
  ["^", "𘱥𘱥", "-𘱥𘱥", ["𘱥𘱥"]],
  ["^", "a\nb\n", "-a\n-b\n", ["a\n", "b\n"]],
  ["^", "𝔘\n\nx", "-𝔘\n-\n-x", ["𝔘\n", "\n", "x"]],
  ["x*", "𘱥𘱥", "-𘱥-𘱥-", ["𘱥", "𘱥"]],
  ["x*", "a\nb\n", "-a-\n-b-\n-", ["a", "\n", "b", "\n"]],
  ["x*", "𝔘\n\nx", "-𝔘-\n-\n-", ["𝔘", "\n", "\n", "x"]],
];

added("patterns meet lines' edges where the Rust library's do, and nothing twice", () => {
  for (const [Regex, text, replaced, split] of EDGES) {
    const pattern = { Regex };
    assert.is(readNormalizer({ type: "Replace", pattern, content: "-" })(text), replaced, `${Regex} ${text}`);
    const cut = readPreTokenizer({ type: "Split", pattern, behavior: "Isolated", invert: false });
    assert.equal(cut({ text, first: true }).map((piece) => piece.text), split, `${Regex} ${text}`);
  }
});

added.run();

const begin = suite("tokenizer: beginning of a text");

const template = (...ids: number[]) => ({
  type: "TemplateProcessing",
  single: [
    ...ids.map((id) => ({ SpecialToken: { id: `t${id}`, type_id: 0 } })),
    { Sequence: { id: "A", type_id: 0 } },
    {
      SpecialToken: { id: "t2", type_id: 0 },
    },
  ],
  special_tokens: Object.fromEntries(
    [...ids, 2].map((id) => [`t${id}`, { id: `t${id}`, ids: [id], tokens: [`t${id}`] }]),
  ),
});

begin("a template puts bos first, once, and nothing last", () => {
  const tokenizer = createTokenizer({ ...sp, post_processor: template(1) }, { bos_token: "<s>", add_bos_token: true });
  const text = tokenizer.encode("the");
  assert.equal(tokenizer.encode("the", { bos: true }), [1, ...text]);
  assert.equal(tokenizer.encode("<s>the", { bos: true }), [1, ...text]);
  assert.equal(tokenizer.encode("<s><s>the", { bos: true }), [1, 1, ...text], "what the text says twice stays");
  assert.equal(tokenizer.encode("", { bos: true }), [1]);
  const plain = tokenizer.encode("<s>the", { bos: true, special: false });
  assert.is(plain.filter((id) => id === 1).length, 1);
  assert.is(tokenizer.bosId, 1);
});

begin("a template may have other tokens, and stand in a sequence", () => {
  const post_processor = { type: "Sequence", processors: [{ type: "ByteLevel" }, template(7, 1)] };
  const tokenizer = createTokenizer({ ...sp, post_processor }, {});
  assert.equal(tokenizer.encode("", { bos: true }), [7, 1]);
});

begin("without a template, nothing comes first, whatever add_bos_token says", () => {
  assert.is(sp.post_processor, null);
  const tokenizer = createTokenizer(sp, { bos_token: "<s>", add_bos_token: true });
  assert.equal(tokenizer.encode("the", { bos: true }), tokenizer.encode("the"));
  assert.is(tokenizer.bosId, 1);
  assert.is(createTokenizer(sp).bosId, null);
});

begin.run();

const ids = suite("tokenizer: ids and bytes");

ids("every id has its bytes, those of the text", () => {
  for (const json of [base, sp]) {
    const tokenizer = createTokenizer(json);
    const vocab: Record<string, number> = json.model.vocab;
    assert.is(tokenizer.vocab, Object.keys(vocab).length);
    for (const id of Object.values(vocab)) assert.ok(tokenizer.bytes(id).length > 0, `id ${id}`);
  }
  const tokenizer = createTokenizer(sp);
  assert.equal([...tokenizer.bytes(sp.model.vocab["<0xE2>"])], [0xe2]);
  assert.equal([...tokenizer.bytes(sp.model.vocab["▁t"])], [0x20, 0x74]);
});

ids("ids without a token have no text", () => {
  const tokenizer = createTokenizer({ ...base, added_tokens: [{ id: 3000, content: "<far é>", special: true }] });
  assert.is(tokenizer.vocab, 3001);
  assert.is(tokenizer.decode([2500, 3000, 9999, -1, 0.5]), "<far é>");
  assert.is(tokenizer.decode([]), "");
});

ids("U+FFFD for bad bytes alone, and a byte-order mark is text", () => {
  const tokenizer = createTokenizer(sp);
  const bytes = (...list: number[]) =>
    tokenizer.decode(list.map((byte) => sp.model.vocab[`<0x${byte.toString(16).toUpperCase().padStart(2, "0")}>`]));
  assert.is(bytes(0x41, 0xe2, 0x82, 0x42), "A\ufffdB");
  assert.is(bytes(0xe2, 0x82, 0xac), "€");
  assert.is(bytes(0xef, 0xbb, 0xbf, 0x41), "\ufeffA");
});

ids("any text comes back, lone surrogates aside", () => {
  const tokenizer = createTokenizer(base);
  const all = Array.from({ length: 0x3000 }, (_, code) => String.fromCodePoint(code)).join("") +
    "😀\u{10ffff}\ufeff\ufffd";
  for (const text of [all, "", "   ", "\ufeff"]) {
    assert.is(tokenizer.decode(tokenizer.encode(text)), text);
    assert.is(tokenizer.decode(tokenizer.encode(text, { special: false })), text);
  }
  assert.is(tokenizer.decode(tokenizer.encode("a\ud800b")), "a\ufffdb");
});

ids("a long text without spaces takes no time", () => {
  const text = "abcdefgh".repeat(20000);
  const tokenizer = createTokenizer(sp);
  const begun = process.cpuUsage();
  assert.is(tokenizer.decode(tokenizer.encode(text)), text);
  assert.ok(process.cpuUsage(begun).user < 1e7, "microseconds");
});

ids.run();

const bad = suite("tokenizer: refusals");

const cases: [string, unknown, unknown?][] = [
  ["tokenizer.json must be an object, got null", null],
  ['tokenizer_config.json must be an object, got "x"', base, "x"],
  ["model of tokenizer.json must be an object, got nothing", {}],
  ['the token model must be BPE or Unigram, got "WordPiece"', { ...base, model: { ...base.model, type: "WordPiece" } }],
  ['an entry of a Unigram\'s vocab must be [token, score], got ["a",null]', {
    ...base,
    model: { type: "Unigram", unk_id: 0, vocab: [["a", null]] },
  }],
  ["unk_id of a Unigram token model must be one of its ids, got 1", {
    ...base,
    model: { type: "Unigram", unk_id: 1, vocab: [["a", 0]] },
  }],
  ['end_of_word_suffix of the token model must be empty, got "</w>"', {
    ...base,
    model: { ...base.model, end_of_word_suffix: "</w>" },
  }],
  ['the decoder of tokenizer.json must be byte-level or SentencePiece-like, got {"type":"WordPiece"}', {
    ...base,
    decoder: { type: "WordPiece" },
  }],
  [
    'the decoder of tokenizer.json must be byte-level or SentencePiece-like, got {"type":"Strip","content":" ","start":1,"stop":0}',
    { ...base, decoder: { type: "Sequence", decoders: [{ type: "Strip", content: " ", start: 1, stop: 0 }] } },
  ],
  [
    'the behavior of a Split of tokenizer.json must be one of Removed, Isolated, MergedWithPrevious, MergedWithNext, Contiguous, got "Kept"',
    { ...base, pre_tokenizer: { type: "Split", pattern: { String: " " }, behavior: "Kept" } },
  ],
  ["a pattern of tokenizer.json must be { String } or { Regex }, got {}", {
    ...base,
    pre_tokenizer: { type: "Split", pattern: {} },
  }],
  [
    'the pre-tokenizer of tokenizer.json must be one of Sequence, Split, ByteLevel, Metaspace, Digits, WhitespaceSplit, Whitespace, BertPreTokenizer, Punctuation, CharDelimiterSplit, FixedLength, got "UnicodeScripts"',
    { ...base, pre_tokenizer: { type: "UnicodeScripts" } },
  ],
  ["the precompiled_charsmap of tokenizer.json must have a trie of its length, got 99", {
    ...base,
    normalizer: { type: "Precompiled", precompiled_charsmap: "YwAAAA==" },
  }],
  ['added_tokens_decoder of tokenizer_config.json must be an object, got ["<s>"]', base, {
    added_tokens_decoder: ["<s>"],
  }],
  ["a list of special tokens must be a list or an object, got 3", base, { extra_special_tokens: 3 }],
  ['a special token must be a text or have a content, got {"lstrip":true}', base, { bos_token: { lstrip: true } }],
  ["added_tokens of tokenizer.json must be a list, got 3", { ...base, added_tokens: 3 }],
  ['an added token of tokenizer.json must have an id and a content, got {"id":-1,"content":"<s>"}', {
    ...base,
    added_tokens: [{ id: -1, content: "<s>" }],
  }],
  ["the id of token a in tokenizer.json must be a small non-negative integer, got 4000000000", {
    ...base,
    model: { ...base.model, vocab: { a: 4e9 }, merges: [] },
  }],
  [
    'the normalizer of tokenizer.json must be one of NFC, NFD, NFKC, NFKD, Sequence, Replace, Prepend, Strip, Lowercase, StripAccents, ByteLevel, Nmt, Precompiled, BertNormalizer, got "Nope"',
    { ...base, normalizer: { type: "Nope" } },
  ],
];
for (const [rule, json, config] of cases) {
  bad(rule, () => refused(() => createTokenizer(json, config), `Cannot load model: ${rule}`, FILE_CODES));
}

bad("a tokenizer and a model that disagree", async () => {
  const tokenizer = createTokenizer(base);
  assert.equal(checkTokenizer({ vocab: 2048, eosIds: [1] }, tokenizer), []);
  assert.equal(checkTokenizer({ vocab: 2304, eosIds: [2047] }, tokenizer), []); // padded embeddings are usual
  assert.equal(checkTokenizer({ vocab: 2047, eosIds: [1] }, tokenizer), [
    "the tokenizer has ids up to 2047, but the model takes those below 2047 alone",
  ]);
  await refused(
    () => checkTokenizer({ vocab: 2304, eosIds: [1, 2048] }, tokenizer),
    "Cannot load model: eos_token_id must be one of the 2048 ids of tokenizer.json, got 2048",
  );
});

bad.run();
