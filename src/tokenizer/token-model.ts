/** The model of a tokenizer.json, which makes tokens of a stretch of text. BPE is @huggingface/tokenizers'. */
import { BPE } from "@huggingface/tokenizers";
import { messageOf, words } from "../errors.ts";
import { isRecord, refuseFile } from "../files/checks.ts";
import { bytesIn, readUnigram, type TokenModel } from "./unigram.ts";

/** @throws RangeError for a model that there is not, or one that is malformed */
export function readModel(model: unknown): TokenModel {
  if (!isRecord(model)) refuseFile("model of tokenizer.json must be an object", model);
  const type = model.type ?? (Array.isArray(model.merges) ? "BPE" : undefined); // old files name no type
  if (type === "Unigram") return readUnigram(model);
  if (type !== "BPE") refuseFile("the token model must be BPE or Unigram", type, { code: "unsupported" });
  for (const affix of ["continuing_subword_prefix", "end_of_word_suffix"]) {
    if (model[affix]) refuseFile(`${affix} of the token model must be empty`, model[affix], { code: "unsupported" });
  }
  let made: BPE;
  try {
    made = new BPE(model as unknown as ConstructorParameters<typeof BPE>[0]);
  } catch (error) { // of a malformed file: it says little
    refuseFile("tokenizer.json must have a model that @huggingface/tokenizers can read", words(messageOf(error)), {
      cause: error,
    });
  }
  const vocab = made.tokens_to_ids;
  const tokens = made as unknown as (stretches: string[]) => string[]; // which the library has it be called as
  const { unk_token, byte_fallback, ignore_merges } = model;
  const drops = !(typeof unk_token === "string" && vocab.has(unk_token)) && !(byte_fallback === true && bytesIn(vocab));
  return {
    vocab,
    ids: (stretch) =>
      tokens([drops ? known(stretch) : stretch]).map((token) => vocab.get(token)).filter((id) => id !== undefined),
  };
  /** A stretch without what there is no token for: what stands around it may merge. */
  function known(stretch: string): string {
    if (ignore_merges === true && vocab.has(stretch)) return stretch;
    for (const character of stretch) {
      if (!vocab.has(character)) return Array.from(stretch).filter((one) => vocab.has(one)).join("");
    }
    return stretch;
  }
}
