/** Pre-tokenizers of tokenizer.json, by the rules of the Rust library tokenizers 0.23: text into stretches that tokens do not cross. */
import { isRecord, refuseFile } from "../files/checks.ts";
import { spelt } from "./bytes.ts";
import { checkBehavior, cut, matches, type PreTokenize, type Step } from "./patterns.ts";
import { RARE_PRE_TOKENIZERS } from "./rare-pretokenizers.ts";
import { GPT2 } from "./splits.ts";

const PRE_TOKENIZERS: Readonly<Record<string, (step: Step) => PreTokenize>> = {
  Sequence({ pretokenizers: steps }) {
    if (!Array.isArray(steps)) refuseFile("a Sequence of tokenizer.json must have pretokenizers", steps);
    const all = steps.map(readPreTokenizer);
    return (piece) => all.reduce((pieces, one) => pieces.flatMap(one), [piece]);
  },
  Split(step) {
    const of = matches(step.pattern), behavior = checkBehavior(step);
    return (piece) => cut(piece, of, behavior, step.invert === true);
  },
  ByteLevel({ add_prefix_space: prefixed, use_regex: split }) {
    const of = matches({ Regex: GPT2 });
    return ({ text, first }) => {
      const whole = { text: prefixed === true && !text.startsWith(" ") ? ` ${text}` : text, first };
      const pieces = split !== false ? cut(whole, of, "Isolated") : [whole];
      return pieces.map(({ text, first }) => ({ text: spelt(text), first }));
    };
  },
  Metaspace({ replacement = "▁", prepend_scheme, add_prefix_space: prefixed, split }) {
    if (typeof replacement !== "string" || replacement === "") {
      refuseFile("the replacement of a Metaspace of tokenizer.json must be a character", replacement);
    }
    const scheme = prepend_scheme ?? (prefixed === false ? "never" : "always");
    const of = matches({ String: replacement });
    return ({ text, first }) => {
      const marked = text.replaceAll(" ", replacement);
      const prepends = !marked.startsWith(replacement) && (scheme === "always" || scheme === "first" && first);
      const whole = { text: prepends ? replacement + marked : marked, first };
      return split !== false ? cut(whole, of, "MergedWithNext") : [whole];
    };
  },
  Digits({ individual_digits: each }) {
    return (piece) => cut(piece, /\p{N}/gu, each === true ? "Isolated" : "Contiguous");
  },
  ...RARE_PRE_TOKENIZERS,
};

/** @throws RangeError for a pre-tokenizer that there is not */
export function readPreTokenizer(step: unknown): PreTokenize {
  if (step === null || step === undefined) return (piece) => [piece];
  const type = isRecord(step) ? String(step.type) : "";
  if (isRecord(step) && Object.hasOwn(PRE_TOKENIZERS, type)) return PRE_TOKENIZERS[type](step);
  const known = Object.keys(PRE_TOKENIZERS).join(", ");
  return refuseFile(`the pre-tokenizer of tokenizer.json must be one of ${known}`, isRecord(step) ? step.type : step, {
    code: "unsupported",
  });
}
