/** Normalizers that few language models have. */
import { spelt } from "./bytes.ts";
import { readCharsmap } from "./charsmap.ts";
import type { Normalize, Step } from "./patterns.ts";

/** Character by character: JavaScript's sees where a word ends. */
const lower: Normalize = (text) => Array.from(text, (one) => one.toLowerCase()).join("");

const HAN =
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;

export const RARE_NORMALIZERS: Readonly<Record<string, (step: Step) => Normalize>> = {
  Lowercase: () => lower,
  StripAccents: () => (text) => text.replace(/\p{M}/gu, ""),
  ByteLevel: () => spelt,
  Nmt: () => (text) =>
    // deno-lint-ignore no-control-regex -- the table of SentencePiece
    text.replace(/[\x01-\x08\x0b\x0e-\x1f\x7f\x8f\x9f]/g, "")
      .replace(/[\t\n\f\r\u1680\u200b-\u200f\u2028\u2029\u2581\ufeff\ufffd]/g, " "),
  Precompiled: (step) => readCharsmap(step.precompiled_charsmap),
  BertNormalizer({ clean_text = true, handle_chinese_chars = true, strip_accents, lowercase = true }) {
    const bare = strip_accents ?? lowercase;
    return (text) => {
      if (clean_text) {
        text = text.replace(/(?![\t\n\r])[\0\ufffd\p{Cc}\p{Cf}\p{Co}]/gu, "").replace(/\p{White_Space}/gu, " ");
      }
      if (handle_chinese_chars) text = text.replace(HAN, " $& ");
      if (bare) text = text.normalize("NFD").replace(/\p{Mn}/gu, "");
      return lowercase ? lower(text) : text;
    };
  },
};
