// Text to ids and back, by the rules of a tokenizer.json.
import type { ModelConfig } from "../engine/config.ts";
import { words } from "../errors.ts";
import { isRecord, refuseFile } from "../files/checks.ts";
import { type AddedToken, isId, splitter } from "./added.ts";
import { readDecoder } from "./decoder.ts";
import { readNormalizer } from "./normalizers.ts";
import type { Normalize } from "./patterns.ts";
import { readPreTokenizer } from "./pretokenizers.ts";
import { takeUp, type TokenFiles } from "./special.ts";
import { readModel } from "./token-model.ts";

/** How a text is turned into ids. */
export interface EncodeOptions {
  /** Begin with what the model expects at the beginning of a text, never twice; default false. */
  bos?: boolean;
  /** Read special tokens in the text ("<|im_end|>") as such, not as ordinary text; default true. */
  special?: boolean;
  /** Takes off a disguise, letter for letter: no special token is made of a letter in one. Default: there is none. */
  off?: (text: string) => string;
}

/** Text to ids and back. */
export interface Tokenizer {
  /** The largest id plus one, added tokens included. */
  readonly vocab: number;
  /** The begin-of-sequence token, null where the tokenizer names none. */
  readonly bosId: number | null;
  /** The end-of-sequence token, null where the tokenizer names none. */
  readonly eosId: number | null;
  /** Special tokens that have a name, by that name ("bos_token", "pad_token"), as they are written. */
  readonly names: Readonly<Record<string, string>>;
  /** Tokens that stand for no text, as they are written. */
  readonly specialTokens: readonly { readonly id: number; readonly text: string }[];
  /** How many spaces `decode` drops at the beginning of a text: SentencePiece-style tokenizers put one there. */
  readonly leadingSpaces: number;
  /** The ids of a text. */
  encode(text: string, options?: EncodeOptions): number[];
  /** The text of ids, special tokens included; U+FFFD where bytes are no valid UTF-8. An id without a token has no text. */
  decode(ids: ArrayLike<number>): string;
  /** The UTF-8 bytes that an id adds to a text: a part of a character, one, or many. Not to be written to. */
  bytes(id: number): Uint8Array;
}

const MOST_NESTED = 32;
const NO_BYTES = new Uint8Array(0);

/**
 * Makes a tokenizer from the parsed files of a Hugging Face folder.
 *
 * @param tokenizerJson Parsed tokenizer.json.
 * @param config Parsed tokenizer_config.json, if there is one: names and flags of special tokens. `add_bos_token` and `add_eos_token`
 *   are not heeded, as in transformers 5: the template of tokenizer.json says what a text begins with.
 * @param older What older folders have beside it.
 * @throws RangeError or Error, one sentence, for a tokenizer that we cannot run.
 */
export function createTokenizer(
  tokenizerJson: unknown,
  config?: unknown,
  older: Omit<TokenFiles, "config"> = {},
): Tokenizer {
  if (!isRecord(tokenizerJson)) refuseFile("tokenizer.json must be an object", tokenizerJson);
  for (const part of ["normalizer", "pre_tokenizer", "decoder", "post_processor"]) {
    checkNesting(tokenizerJson[part], part);
  }
  const { vocab: ids, ids: idsOf } = readModel(tokenizerJson.model);
  const normalize = readNormalizer(tokenizerJson.normalizer), split = readPreTokenizer(tokenizerJson.pre_tokenizer);
  const { leadingSpaces, bytes: bytesOf } = readDecoder(tokenizerJson.decoder);
  const { added, names } = takeUp(tokenizerJson, ids, { config, ...older });
  const tokens = tokensOf(ids, added, normalize);
  const all = cuttersOf(added, normalize), ordinary = cuttersOf(added.filter((token) => !token.special), normalize);

  const named = (content = "") => added.find((one) => one.content === content)?.id ?? ids.get(content);
  const bos = named(names.bos_token);
  const prefix = prefixOf(tokenizerJson.post_processor, named);

  const known: (Uint8Array | undefined)[] = []; // bytes by id, made when first asked for
  const bytes = (id: number) => tokens[id] === undefined ? NO_BYTES : known[id] ??= bytesOf(tokens[id]);

  /** Whether normalisation takes away what a text begins with: what is left stands at its beginning no more, for the Rust library. */
  const vanishes = (text: string) => normalize(String.fromCodePoint(text.codePointAt(0)!)) === "";

  function encode(text: string, options: EncodeOptions = {}): number[] {
    const { bos = false, special = true, off = (text) => text } = options;
    const { raw, normal } = special ? all : ordinary;
    const out: number[] = [];
    /** Cut at the normalised tokens; at none that is special where normalisation does more than to put letters beside others. */
    const sections = (section: string, worn: string) => {
      const normalized = normalize(section);
      if (section === worn) return normal(normalized);
      const disguised = normalize(worn);
      return off(disguised) === normalized ? normal(normalized, disguised) : ordinary.normal(normalized);
    };
    raw(off(text), text).forEach((worn, i) => {
      if (typeof worn !== "string") return void out.push(worn.id);
      const section = off(worn);
      sections(section, worn).forEach((part, j) => {
        if (typeof part !== "string") return void out.push(part.id);
        if (part === "") return;
        const first = i + j === 0 && !vanishes(section);
        for (const { text } of split({ text: off(part), first })) {
          for (const id of idsOf(text)) out.push(id);
        }
      });
    });
    return bos && prefix.some((id, i) => out[i] !== id) ? [...prefix, ...out] : out;
  }

  function decode(ids: ArrayLike<number>): string {
    const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(joined(Array.from(ids, bytes)));
    let dropped = 0;
    while (dropped < leadingSpaces && text[dropped] === " ") dropped++;
    return text.slice(dropped);
  }

  return {
    vocab: tokens.length,
    bosId: bos ?? null,
    eosId: named(names.eos_token) ?? null,
    names,
    specialTokens: added.filter(({ special }) => special).map(({ id, content }) => ({ id, text: content })),
    leadingSpaces,
    encode,
    decode,
    bytes,
  };
}

/** @throws RangeError where steps are made of steps more often than any tokenizer's are */
function checkNesting(value: unknown, part: string, depth = 0): void {
  if (depth > MOST_NESTED) {
    refuseFile(`${part} of tokenizer.json must be nested at most ${MOST_NESTED} deep`, words("more"));
  }
  if (typeof value === "object" && value !== null) {
    for (const one of Object.values(value)) checkNesting(one, part, depth + 1);
  }
}

/**
 * Checks that tokenizer and model speak of the same ids.
 * @returns what a user should know: of tokens that the model has not, which a prompt may not have (transformers loads such files, too)
 * @throws RangeError if the model ends with an id that is no token
 */
export function checkTokenizer(
  { vocab, eosIds }: Pick<ModelConfig, "vocab" | "eosIds">,
  tokenizer: Tokenizer,
): string[] {
  const strange = eosIds.find((id) => id >= tokenizer.vocab);
  if (strange !== undefined) {
    refuseFile(`eos_token_id must be one of the ${tokenizer.vocab} ids of tokenizer.json`, strange);
  }
  const last = tokenizer.vocab - 1;
  return last < vocab ? [] : [`the tokenizer has ids up to ${last}, but the model takes those below ${vocab} alone`];
}

/** What ids stand for in the tokenizer's own writing, by id, with holes. @throws RangeError for an id that cannot be one */
function tokensOf(ids: ReadonlyMap<string, number>, added: readonly AddedToken[], normalize: Normalize): string[] {
  const tokens: string[] = [];
  for (const [token, id] of ids) {
    if (!isId(id)) refuseFile(`the id of token ${token} in tokenizer.json must be a small non-negative integer`, id);
    tokens[id] = token;
  }
  for (const token of added) {
    // A normalised added token reads as its normalised content, as in the Rust library since 0.23.
    tokens[token.id] = token.normalized ? normalize(token.content) : token.content;
  }
  return tokens;
}

/** The unnormalised tokens are cut from the text as it is, the normalised ones from what normalisation makes of the rest. */
function cuttersOf(added: readonly AddedToken[], normalize: Normalize) {
  const raw = added.filter((token) => !token.normalized);
  const normal = added.filter((token) => token.normalized);
  return {
    raw: splitter(raw.map((token) => ({ text: token.content, token }))),
    normal: splitter(normal.map((token) => ({ text: normalize(token.content), token }))),
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** The ids that a post-processor puts before a text: those of its template, if it has one. */
function prefixOf(processor: unknown, named: (token: string) => number | undefined): number[] {
  if (!isRecord(processor)) return [];
  if (processor.type === "Sequence" && Array.isArray(processor.processors)) {
    return processor.processors.flatMap((part) => prefixOf(part, named));
  }
  if (/^(Bert|Roberta)Processing$/.test(String(processor.type)) && Array.isArray(processor.cls)) {
    const id = processor.cls[1];
    if (isId(id)) return [id];
  }
  if (processor.type !== "TemplateProcessing" || !Array.isArray(processor.single)) return [];
  const special = isRecord(processor.special_tokens) ? processor.special_tokens : {};
  const prefix: number[] = [];
  for (const item of processor.single) {
    if (!isRecord(item) || !isRecord(item.SpecialToken)) break; // the text itself
    const name = String(item.SpecialToken.id);
    const entry = Object.hasOwn(special, name) ? special[name] : undefined;
    const ids = isRecord(entry) && Array.isArray(entry.ids) ? entry.ids : [named(name)];
    if (!ids.every(isId)) refuseFile(`the template of tokenizer.json must name tokens`, name);
    prefix.push(...ids);
  }
  return prefix;
}
