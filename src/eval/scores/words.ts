/** Texts cut into words, as the scores' reference implementations cut them. */
import { stem } from "./stem.ts";

// deno-lint-ignore no-control-regex
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/; // what Python calls space

/** Words between spaces. */
function split(text: string): string[] {
  return text.split(SPACE).filter((word) => word !== "");
}

/** Words of ROUGE: small letters of ASCII and digits. @param stemmed words of more than three letters by their stems */
export function plainWords(text: string, stemmed: boolean): string[] {
  const words = text.toLowerCase().split(/[^a-z0-9]+/).filter((word) => word !== "");
  return stemmed ? words.map((word) => word.length > 3 ? stem(word) : word) : words;
}

const ENTITIES: readonly (readonly [string, string])[] = [["&quot;", '"'], ["&amp;", "&"], ["&lt;", "<"], [
  "&gt;",
  ">",
]];

/** Words of BLEU: those of mteval-v13a, punctuation apart, as sacrebleu's tokenizer 13a cuts them. */
export function words13a(text: string): string[] {
  let line = split(text).length === 0 ? "" : text.replace(new RegExp(`${SPACE.source}$`), "");
  line = line.replaceAll("<skipped>", "").replaceAll("-\n", "").replaceAll("\n", " ");
  for (const [entity, character] of ENTITIES) line = line.replaceAll(entity, character);
  const apart = ` ${line} `
    .replace(/([{-~[-` -&(-+:-@/])/gu, " $1 ")
    .replace(/([^0-9])([.,])/gu, "$1 $2 ") // unless a digit stands before it
    .replace(/([.,])([^0-9])/gu, " $1 $2")
    .replace(/([0-9])(-)/gu, "$1 $2 ");
  return split(apart);
}
