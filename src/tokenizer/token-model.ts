/** The model of a tokenizer.json, which makes tokens of a stretch of text. BPE is @huggingface/tokenizers'. */
import { BPE } from "@huggingface/tokenizers";
import { messageOf, words } from "../errors.ts";
import { isRecord, refuseFile } from "../files/checks.ts";
import { readUnigram, type TokenModel } from "./unigram.ts";

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
  return {
    vocab,
    ids: (stretch) => tokens([stretch]).map((token) => vocab.get(token)).filter((id) => id !== undefined),
  };
}
