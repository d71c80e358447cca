/** The tokenizer of a GGUF file, from its metadata, put as the tokenizer.json and tokenizer_config.json that it was made from. */
import { refuseFile } from "../files/checks.ts";
import type { Metadata } from "../formats/gguf/file.ts";
import { SPLITTINGS } from "./splits.ts";

/** ggml's kinds of tokens. */
const UNKNOWN = 2, CONTROL = 3, USER = 4, BYTE = 6;
const LONGEST = 512; // UTF-16 units of a token whose parts are looked for; trained vocabularies stay far below

/**
 * Builds what createTokenizer takes.
 * @throws RangeError, one sentence, for a kind of tokenizer that we cannot run or metadata that makes no sense.
 */
export function ggufTokenizer(metadata: Metadata): { tokenizer: unknown; settings: Record<string, unknown> } {
  const get = (key: string) => metadata.get(`tokenizer.ggml.${key}`);
  const tokens = strings("tokens");
  const ids = new Map(tokens.map((token, id) => [token, id]));
  if (tokens.length === 0) refuseFile("tokenizer.ggml.tokens must not be empty", tokens);
  if (ids.size !== tokens.length) {
    const twice = tokens.find((token, id) => ids.get(token) !== id);
    refuseFile("tokenizer.ggml.tokens must have every token once", twice);
  }
  const given = get("token_type") ?? tokens.map(() => 1);
  if (!Array.isArray(given) || given.length !== tokens.length || !given.every(Number.isInteger)) {
    refuseFile(`tokenizer.ggml.token_type must have an integer for each of ${tokens.length} tokens`, given);
  }
  const types = given as number[];
  const added = tokens.flatMap((content, id) => {
    const special = types[id] === CONTROL || types[id] === UNKNOWN;
    return special || types[id] === USER ? [{ id, content, special, normalized: false }] : [];
  });

  const model = get("model");
  if (model !== "llama" && model !== "gpt2") {
    refuseFile("tokenizer.ggml.model must be llama or gpt2", model, { code: "unsupported" });
  }
  const pre = get("pre") ?? "default";
  const vocab = Object.fromEntries(ids); // own names, "__proto__" too
  const bos = named("bos_token_id"), unknown = named("unknown_token_id");
  const splitting = typeof pre === "string" ? SPLITTINGS.get(pre) : undefined;
  const addBos = flag("add_bos_token", model === "llama" || splitting?.addBos === true);
  const settings = { bos_token: bos, eos_token: named("eos_token_id") };
  const begin = { SpecialToken: { id: bos } }, text = { Sequence: { id: "A" } };
  const post_processor = addBos && bos !== null ? { type: "TemplateProcessing", single: [begin, text] } : null;
  if (model === "llama") return { tokenizer: sentencePiece(), settings };

  if (!splitting) {
    refuseFile("tokenizer.ggml.pre must be a name that llama.cpp has for byte-level tokens", pre, {
      code: "unsupported",
    });
  }
  const merges = strings("merges").map((merge) => {
    const at = merge.indexOf(" ", 1); // a token may begin with a space
    if (at < 0) refuseFile("tokenizer.ggml.merges must have two tokens each", merge);
    return [merge.slice(0, at), merge.slice(at + 1)];
  });
  const split = (Regex: string) => ({ type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false });
  const bytes = { type: "ByteLevel", add_prefix_space: false, use_regex: false };
  const tokenizer = {
    model: { type: "BPE", vocab, merges, unk_token: null, ignore_merges: splitting.ignoreMerges === true },
    added_tokens: added,
    normalizer: splitting.nfc ? { type: "NFC" } : null,
    pre_tokenizer: { type: "Sequence", pretokenizers: [...splitting.patterns.map(split), bytes] },
    decoder: { type: "ByteLevel" },
    post_processor,
  };
  return { tokenizer, settings };

  function strings(key: string): string[] {
    const list = get(key);
    if (Array.isArray(list) && list.every((one) => typeof one === "string")) return list as string[];
    refuseFile(`tokenizer.ggml.${key} must be a list of strings`, list);
  }

  function flag(key: string, absent: boolean): boolean {
    const value = get(key) ?? absent;
    if (typeof value !== "boolean") refuseFile(`tokenizer.ggml.${key} must be true or false`, value);
    return value;
  }

  function named(key: string): string | null {
    const id = get(key);
    if (id === undefined) return null;
    const token = typeof id === "number" ? tokens[id] : undefined;
    if (token === undefined) refuseFile(`tokenizer.ggml.${key} must be one of ${tokens.length} ids`, id);
    return token;
  }

  /** SentencePiece's BPE: of all pairs that make a token, the one of the highest score first. */
  function sentencePiece() {
    const scores = get("scores");
    if (!Array.isArray(scores) || scores.length !== tokens.length || !scores.every(Number.isFinite)) {
      refuseFile(`tokenizer.ggml.scores must have a number for each of ${tokens.length} tokens`, scores);
    }
    const prefixed = flag("add_space_prefix", true);
    const replace = { type: "Replace", pattern: { String: " " }, content: "▁" };
    const back = { type: "Replace", pattern: { String: "▁" }, content: " " };
    const strip = { type: "Strip", content: " ", start: 1, stop: 0 };
    const prepend = { type: "Prepend", prepend: "▁" };
    return {
      model: {
        type: "BPE",
        vocab,
        merges: mergesByScore(tokens, types, scores as number[], ids),
        unk_token: unknown,
        byte_fallback: types.includes(BYTE),
        fuse_unk: true,
      },
      added_tokens: added,
      normalizer: { type: "Sequence", normalizers: [...prefixed ? [prepend] : [], replace] },
      pre_tokenizer: null,
      decoder: {
        type: "Sequence",
        decoders: [back, { type: "ByteFallback" }, { type: "Fuse" }, ...prefixed ? [strip] : []],
      },
      post_processor,
    };
  }
}

/** Every way to make a token of two others, the token of the highest score first, the older ones first among equals. */
function mergesByScore(
  tokens: string[],
  types: number[],
  scores: number[],
  ids: Map<string, number>,
): [string, string][] {
  const plain = (id: number | undefined) => id !== undefined && ![UNKNOWN, CONTROL, USER, BYTE].includes(types[id]);
  const found: { score: number; left: number; right: number }[] = [];
  tokens.forEach((token, id) => {
    if (!plain(id)) return;
    if (token.length > LONGEST) {
      refuseFile(`the tokens of tokenizer.ggml.tokens must have at most ${LONGEST} characters`, token);
    }
    for (let at = 1; at < token.length; at++) {
      const left = ids.get(token.slice(0, at)), right = ids.get(token.slice(at));
      if (plain(left) && plain(right)) found.push({ score: scores[id], left: left!, right: right! });
    }
  });
  found.sort((a, b) => b.score - a.score || a.left - b.left || a.right - b.right);
  return found.map(({ left, right }) => [tokens[left], tokens[right]]);
}
