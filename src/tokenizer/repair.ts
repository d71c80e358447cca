// What @huggingface/tokenizers 0.2 reads otherwise than the Rust library, put so that both agree, and what it cannot do.
import { isRecord, refuseFile } from "../files/checks.ts";
import { GPT2 } from "./splits.ts";

/**
 * A pre-tokenizer with the parts that JavaScript's own regular expressions would read wrongly spelt out as Split, whose
 * patterns the library translates with care:
 * - ByteLevel splits at JavaScript's `\s`, which takes U+FEFF for a space and U+0085 for none;
 * - Digits splits at JavaScript's `\d`, the ASCII digits, instead of at every numeral (`½`, `٣`, `Ⅻ`).
 *
 * @throws RangeError for a Split that the library would do wrongly without a word.
 */
export function repairPreTokenizer(step: unknown): unknown {
  if (!isRecord(step)) return step;
  const split = (pattern: string) => ({
    type: "Split",
    pattern: { Regex: pattern },
    behavior: "Isolated",
    invert: false,
  });
  switch (step.type) {
    case "Sequence":
      if (!Array.isArray(step.pretokenizers)) return step;
      return { ...step, pretokenizers: step.pretokenizers.map(repairPreTokenizer) };
    case "Digits":
      return split(step.individual_digits ? "\\p{N}" : "\\p{N}+");
    case "ByteLevel":
      // A prefix space comes before splitting, which no sequence can say: rare, and left as it is.
      if (step.use_regex === false || step.add_prefix_space === true) return step;
      return { type: "Sequence", pretokenizers: [split(GPT2), { ...step, use_regex: false }] };
    case "Split":
      if (step.behavior === "Isolated" || step.behavior === "Removed") return step;
      return refuseFile("the behavior of a Split pre-tokenizer must be Isolated or Removed", step.behavior, {
        code: "unsupported",
      });
    default:
      return step;
  }
}

/** @throws RangeError for a token model that the library would run wrongly without a word. */
export function checkModel(model: unknown): void {
  if (!isRecord(model)) refuseFile("model of tokenizer.json must be an object", model);
  const type = model.type ?? (Array.isArray(model.merges) ? "BPE" : undefined); // old files name no type
  if (type !== "BPE" && type !== "Unigram") {
    refuseFile("the token model must be BPE or Unigram", type, { code: "unsupported" });
  }
  if (type === "Unigram" && model.byte_fallback === true) {
    refuseFile("byte_fallback must be false in a Unigram token model", true, { code: "unsupported" });
  }
  for (const affix of ["continuing_subword_prefix", "end_of_word_suffix"]) {
    if (model[affix]) refuseFile(`${affix} of the token model must be empty`, model[affix], { code: "unsupported" });
  }
}
