/**
 * A folder's tokenizer.model, where it has no tokenizer.json, put as the tokenizer.json that transformers 5 makes of it
 * (`build_tokenizer_from_spm_proto` of convert_slow_tokenizer.py; LlamaTokenizer, which builds its own).
 *
 * One that is Unigram is read as Unigram, whatever the class: LlamaTokenizer would make a BPE of it, which it is not.
 */
import { isRecord, refuseFile } from "../files/checks.ts";
import type { TokenFiles } from "./special.ts";
import { CONTROL, NORMAL, readSpm, type SpmFile, USER } from "./spm-file.ts";

type Fields = Record<string, unknown>;

const LONGEST = 512; // UTF-16 units of a token whose parts are looked for; trained vocabularies stay far below

/** What createTokenizer takes. */
export interface Converted {
  readonly tokenizer: Fields;
  readonly config: Fields;
  readonly older: Omit<TokenFiles, "config">;
}

/**
 * @param family `model_type` of config.json: with the class of tokenizer_config.json it decides which way is transformers'
 * @throws RangeError for a file that is none, or of a kind that we cannot run
 */
export function fromSentencePiece(bytes: Uint8Array<ArrayBuffer>, family: unknown, files: TokenFiles): Converted {
  const file = readSpm(bytes);
  const { config: given = {}, map = {}, added } = files;
  if (!isRecord(given)) refuseFile("tokenizer_config.json must be an object", given);
  if (!isRecord(map)) refuseFile("special_tokens_map.json must be an object", map);
  const own = family === "llama" && /^LlamaTokenizer(Fast)?$/.test(String(given.tokenizer_class)) &&
    file.kind === "BPE";

  const config: Fields = {
    ...own ? { bos_token: "<s>", eos_token: "</s>", unk_token: "<unk>" } : file.names,
    ...given,
  };
  const { additional_special_tokens: _, ...names } = map;
  if (!("extra_special_tokens" in given) && !("additional_special_tokens" in given)) {
    config.extra_special_tokens = file.pieces.filter(({ kind }) => kind === CONTROL || own && kind === USER)
      .map(({ text, kind }) => ({ content: text, special: kind === CONTROL, normalized: false }));
  }
  const decoder = config.added_tokens_decoder;
  if (!own && file.dummyPrefix && isRecord(decoder)) { // looked for in the text as it is
    const entries = Object.entries(decoder).map(([id, entry]) => [
      id,
      isRecord(entry) ? { ...entry, normalized: false } : entry,
    ]);
    config.added_tokens_decoder = Object.fromEntries(entries);
  }
  const tokenizer = own ? llama(file, config) : plain(file, config);
  const bos = !("added_tokens_decoder" in config) && "bos_token" in names ? names.bos_token : config.bos_token;
  const id = isRecord(bos) ? bos.content : bos;
  const begins = config.add_bos_token === true && typeof id === "string";
  const post_processor = begins
    ? { type: "TemplateProcessing", single: [{ SpecialToken: { id } }, { Sequence: { id: "A" } }] }
    : null;
  return { tokenizer: { ...tokenizer, post_processor }, config, older: { map: names, added } };
}

const replace = (pattern: Fields, content: string) => ({ type: "Replace", pattern, content });
const metaspace = (prepend_scheme: string) => ({ type: "Metaspace", replacement: "▁", prepend_scheme, split: false });
const BACK = replace({ String: "▁" }, " "), BYTES = { type: "ByteFallback" }, FUSE = { type: "Fuse" };
const STRIP = { type: "Strip", content: " ", start: 1, stop: 0 };

/** As SentencePiece reads text. */
function plain(file: SpmFile, { added_tokens_decoder, legacy = true }: Fields): Fields {
  const { pieces, kind, byteFallback: byte_fallback, dummyPrefix, charsmap } = file;
  const texts = kind === "BPE" ? renamed(file, added_tokens_decoder) : pieces.map(({ text }) => text);
  const user = texts.filter((_, id) => pieces[id].kind === USER);
  const model = kind === "Unigram"
    ? { type: "Unigram", vocab: pieces.map(({ text, score }) => [text, score]), unk_id: file.unkId, byte_fallback }
    : {
      ...{ type: "BPE", vocab: idsOf(texts), unk_token: file.unkPiece, fuse_unk: true, byte_fallback },
      merges: mergesOf(texts, (id) => pieces[id].kind === NORMAL ? -pieces[id].score : null),
      ignore_merges: user.length > 0,
    };

  const always = legacy !== false && legacy !== null;
  // Spaces in a row are made one first, so that no pattern looks at a run of them again and again.
  const spaces = [replace({ Regex: " {2,}" }, " "), replace({ Regex: "\\A +| +\\z" }, "")];
  const normalizers = [
    ...charsmap.length > 0 ? [{ type: "Precompiled", precompiled_charsmap: base64(charsmap) }] : [],
    ...file.removesSpaces ? spaces : [],
    ...file.escapesSpaces ? [replace({ String: " " }, "▁")] : [],
    ...dummyPrefix && always ? [replace({ Regex: "\\A▁" }, "▁▁")] : [],
  ];
  const pattern = [...user].sort((a, b) => b.length - a.length).map((text) =>
    text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&")
  );
  const pretokenizers = [
    ...dummyPrefix ? [metaspace(always ? "always" : "first")] : [],
    ...user.length > 0 ? [{ type: "Split", pattern: { Regex: pattern.join("|") }, behavior: "Isolated" }] : [],
  ];
  const decoders = [
    BACK,
    ...byte_fallback ? [BYTES] : [],
    ...dummyPrefix ? [FUSE, STRIP] : byte_fallback ? [FUSE] : [],
  ];
  return {
    ...{ model, normalizer: { type: "Sequence", normalizers }, pre_tokenizer: { type: "Sequence", pretokenizers } },
    decoder: { type: "Sequence", decoders },
  };
}

/** As LlamaTokenizer does, which knows the vocabulary alone. */
function llama({ pieces }: SpmFile, { legacy = false, add_prefix_space: prefixed }: Fields): Fields {
  const texts = pieces.map(({ text }) => text);
  const prefixes = prefixed !== false;
  return {
    model: {
      ...{ type: "BPE", vocab: idsOf(texts), merges: mergesOf(texts, (id) => id), unk_token: null },
      ...{ fuse_unk: true, byte_fallback: true },
    },
    pre_tokenizer: metaspace(!prefixes ? "never" : legacy ? "always" : "first"),
    decoder: { type: "Sequence", decoders: [BACK, BYTES, FUSE, ...prefixes ? [STRIP] : []] },
  };
}

/** Every way to make a token of two others, the token of the least rank first, then by ids and how long the first one is. */
function mergesOf(texts: readonly string[], rank: (id: number) => number | null): [string, string][] {
  const ranks = new Map<string, number>();
  texts.forEach((text, id) => {
    const of = rank(id);
    if (of !== null) ranks.set(text, of);
  });
  const found: { rank: number; id: number; at: number }[] = [];
  texts.forEach((text, id) => {
    const of = ranks.get(text);
    if (of === undefined) return;
    if (text.length > LONGEST) {
      refuseFile(`the pieces of tokenizer.model must have at most ${LONGEST} characters`, text);
    }
    for (let at = 1; at < text.length; at++) {
      if (ranks.has(text.slice(0, at)) && ranks.has(text.slice(at))) found.push({ rank: of, id, at });
    }
  });
  found.sort((a, b) => a.rank - b.rank || a.id - b.id || a.at - b.at);
  return found.map(({ id, at }) => [texts[id].slice(0, at), texts[id].slice(at)]);
}

/** Pieces under the names that `added_tokens_decoder` has for their ids, where no piece that keeps its own has that name. */
function renamed({ pieces }: SpmFile, decoder: unknown): string[] {
  const names = new Map(
    Object.entries(isRecord(decoder) ? decoder : {}).map((
      [id, entry],
    ) => [Number(id), isRecord(entry) ? entry.content : entry]),
  );
  const kept = new Set(pieces.filter((_, id) => !names.has(id)).map(({ text }) => text));
  return pieces.map(({ text }, id) => {
    const name = names.get(id);
    return typeof name === "string" && !kept.has(name) ? name : text;
  });
}

const idsOf = (texts: readonly string[]) => Object.fromEntries(texts.map((text, id) => [text, id])); // own names, "__proto__" too

function base64(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
