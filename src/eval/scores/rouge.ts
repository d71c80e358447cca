/** ROUGE-1, -2 and -L: Lin, "ROUGE: A Package for Automatic Evaluation of Summaries", 2004; as the package rouge-score 0.1.2. */
import { common, countGrams } from "./count.ts";
import { plainWords } from "./words.ts";

/** Shares of the text, of the reference, and both in one. */
export interface Overlap {
  readonly precision: number;
  readonly recall: number;
  readonly f: number;
}

/** All three. */
export interface Rouge {
  /** Of single words. */
  readonly rouge1: Overlap;
  /** Of pairs of words. */
  readonly rouge2: Overlap;
  /** Of the longest common subsequence of words. */
  readonly rougeL: Overlap;
}

/** @param stemmed compares stems of words */
export function rouge(reference: string, text: string, stemmed = false): Rouge {
  const [wanted, found] = [plainWords(reference, stemmed), plainWords(text, stemmed)];
  const grams = (n: number) => {
    const shared = common(countGrams(found, n), countGrams(wanted, n));
    return overlap(shared, Math.max(0, found.length - n + 1), Math.max(0, wanted.length - n + 1));
  };
  return {
    rouge1: grams(1),
    rouge2: grams(2),
    rougeL: overlap(longestCommon(wanted, found), found.length, wanted.length),
  };
}

function overlap(shared: number, found: number, wanted: number): Overlap {
  const [precision, recall] = [shared / Math.max(found, 1), shared / Math.max(wanted, 1)];
  return { precision, recall, f: precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0 };
}

/** Words in the longest common subsequence. */
function longestCommon(a: readonly string[], b: readonly string[]): number {
  let row = new Uint32Array(b.length + 1);
  for (const word of a) {
    const next = new Uint32Array(b.length + 1);
    for (let j = 1; j <= b.length; j++) {
      next[j] = word === b[j - 1] ? row[j - 1] + 1 : Math.max(row[j], next[j - 1]);
    }
    row = next;
  }
  return row[b.length];
}
