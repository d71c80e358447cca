/** Pre-tokenizers that few language models have. */
import { refuseFile } from "../files/checks.ts";
import { checkBehavior, cut, matches, type PreTokenize, type Step } from "./patterns.ts";

const SPACE = /\p{White_Space}/gu, SIGN = /[\p{P}!-/:-@[-`{-~]/gu;
/** What stands for a word in Rust's patterns. */
const WORD = "[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]";
const OTHER = WORD.replace("[", "[^\\p{White_Space}");

export const RARE_PRE_TOKENIZERS: Readonly<Record<string, (step: Step) => PreTokenize>> = {
  WhitespaceSplit: () => (piece) => cut(piece, SPACE, "Removed"),
  Whitespace() {
    const of = new RegExp(`${WORD}+|${OTHER}+`, "gu");
    return (piece) => cut(piece, of, "Removed", true);
  },
  BertPreTokenizer: () => (piece) => cut(piece, SPACE, "Removed").flatMap((one) => cut(one, SIGN, "Isolated")),
  Punctuation(step) {
    const behavior = checkBehavior(step);
    return (piece) => cut(piece, SIGN, behavior);
  },
  CharDelimiterSplit({ delimiter }) {
    const of = matches({ String: delimiter });
    return (piece) => cut(piece, of, "Removed");
  },
  FixedLength({ length = 5 }) {
    if (!Number.isInteger(length) || (length as number) < 1 || (length as number) > 1 << 16) {
      refuseFile(`the length of a FixedLength of tokenizer.json must be a positive integer up to ${1 << 16}`, length);
    }
    const of = new RegExp(`[^]{1,${length}}`, "gu");
    return (piece) => cut(piece, of, "Isolated");
  },
};
