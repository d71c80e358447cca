/** BLEU: Papineni et al., ACL 2002; as sacrebleu 2.6: tokenizer 13a, up to four words, smoothing "exp", one reference a text. */
import { exp, log } from "../../engine/elementary.ts";
import { common, countGrams } from "./count.ts";
import { words13a } from "./words.ts";

const ORDERS = 4; // words

/** A text and what it is measured by. */
export interface Pair {
  readonly reference: string;
  readonly text: string;
}

/** BLEU of one text, 0 to 100: over as many orders as the text has (sacrebleu's "effective order"). */
export function sentenceBleu(pair: Pair): number {
  return bleu([pair], true);
}

/** BLEU of many texts together, 0 to 100. */
export function corpusBleu(pairs: readonly Pair[]): number {
  return bleu(pairs, false);
}

function bleu(pairs: readonly Pair[], effective: boolean): number {
  const [correct, total] = [new Array(ORDERS).fill(0), new Array(ORDERS).fill(0)];
  let [length, wanted] = [0, 0]; // words
  for (const { reference, text } of pairs) {
    const [found, words] = [words13a(text), words13a(reference)];
    length += found.length;
    wanted += words.length;
    for (let n = 1; n <= ORDERS; n++) {
      correct[n - 1] += common(countGrams(found, n), countGrams(words, n));
      total[n - 1] += Math.max(0, found.length - n + 1);
    }
  }
  if (!correct.some((count) => count > 0)) return 0;
  let [sum, orders, smooth] = [0, 0, 1];
  for (let n = 0; n < ORDERS && total[n] > 0; n++) {
    if (correct[n] === 0) smooth *= 2;
    sum += log(100 * (correct[n] || 1 / smooth) / total[n]);
    orders++;
  }
  if (orders < ORDERS && !effective) return 0; // an order without a word: the logarithm of nothing
  const brevity = length < wanted ? exp(1 - wanted / length) : 1;
  return brevity * exp(sum / orders);
}
