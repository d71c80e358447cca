/** Normalizers of tokenizer.json, by the rules of the Rust library tokenizers 0.23: what becomes of text before it is split. */
import { isRecord, refuseFile } from "../files/checks.ts";
import { found, matches, type Normalize, spacesBefore, type Step } from "./patterns.ts";
import { RARE_NORMALIZERS } from "./rare-normalizers.ts";

const form = (name: string) => () => (text: string) => text.normalize(name);

const NORMALIZERS: Readonly<Record<string, (step: Step) => Normalize>> = {
  NFC: form("NFC"),
  NFD: form("NFD"),
  NFKC: form("NFKC"),
  NFKD: form("NFKD"),
  Sequence({ normalizers: steps }) {
    if (!Array.isArray(steps)) refuseFile("a Sequence of tokenizer.json must have normalizers", steps);
    const all = steps.map(readNormalizer);
    return (text) => all.reduce((text, one) => one(text), text);
  },
  Replace({ pattern, content }) {
    const of = matches(pattern);
    if (typeof content !== "string") refuseFile("a Replace of tokenizer.json must have a content", content);
    return (text) => {
      const parts: string[] = [];
      let done = 0;
      for (const { from, to } of found(text, of)) {
        parts.push(text.slice(done, from), content);
        done = to;
      }
      return parts.join("") + text.slice(done);
    };
  },
  Prepend({ prepend }) {
    if (typeof prepend !== "string") refuseFile("a Prepend of tokenizer.json must have a text", prepend);
    return (text) => text === "" ? text : prepend + text;
  },
  Strip({ strip_left: left = true, strip_right: right = true }) {
    // Unicode's white space, which is not JavaScript's: U+0085 is, U+FEFF is none.
    return (text) => {
      const begun = left ? text.replace(/^\p{White_Space}+/u, "") : text;
      return right ? begun.slice(0, begun.length - spacesBefore(begun, begun.length)) : begun;
    };
  },
  ...RARE_NORMALIZERS,
};

/** @throws RangeError for a normalizer that there is not */
export function readNormalizer(step: unknown): Normalize {
  if (step === null || step === undefined) return (text) => text;
  const type = isRecord(step) ? String(step.type) : "";
  if (isRecord(step) && Object.hasOwn(NORMALIZERS, type)) return NORMALIZERS[type](step);
  const known = Object.keys(NORMALIZERS).join(", ");
  return refuseFile(`the normalizer of tokenizer.json must be one of ${known}`, isRecord(step) ? step.type : step, {
    code: "unsupported",
  });
}
