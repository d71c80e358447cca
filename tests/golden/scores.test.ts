// ROUGE, BLEU and METEOR against what rouge-score, sacrebleu and nltk make of 200 pairs of texts.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { corpusBleu, sentenceBleu } from "../../src/eval/scores/bleu.ts";
import { meteor } from "../../src/eval/scores/meteor.ts";
import { type Overlap, rouge } from "../../src/eval/scores/rouge.ts";
import { stem } from "../../src/eval/scores/stem.ts";
import { checkedCase, repoPath } from "../support/files.ts";

const CLOSE = 1e-9; // the same sums in f64, in another order

type Found = Record<"rouge1" | "rouge2" | "rougeL", [precision: number, recall: number, f: number]>;
interface Golden {
  pairs: { reference: string; text: string; rouge: { plain: Found; stemmed: Found }; bleu: number; meteor: number }[];
  corpusSize: number;
  corpora: number[];
  stems: Record<string, string>;
}

const { pairs, corpusSize, corpora, stems }: Golden = JSON.parse(
  await Deno.readTextFile(repoPath("tests/golden/scores.json")),
);
const close = (found: number, wanted: number, what: unknown) =>
  assert.ok(Math.abs(found - wanted) <= CLOSE * Math.max(1, wanted), `${what}: ${found}, recorded ${wanted}`);

const test = suite("golden scores");

test("stems are those of nltk's PorterStemmer", () => {
  assert.equal(Object.fromEntries(Object.keys(stems).map((word) => [word, stem(word)])), stems);
  checkedCase(`${Object.keys(stems).length} stems`);
});

test("ROUGE-1, -2 and -L are those of rouge-score, with stems and without", () => {
  for (const { reference, text, rouge: wanted } of pairs) {
    for (const stemmed of [false, true]) {
      const found = rouge(reference, text, stemmed);
      for (const [kind, values] of Object.entries(wanted[stemmed ? "stemmed" : "plain"])) {
        const { precision, recall, f }: Overlap = found[kind as keyof Found];
        [precision, recall, f].forEach((value, i) => close(value, values[i], [kind, stemmed, reference, text]));
      }
    }
  }
  checkedCase(`ROUGE of ${pairs.length} pairs`);
});

test("BLEU is that of sacrebleu, of a text and of a corpus", () => {
  for (const pair of pairs) close(sentenceBleu(pair), pair.bleu, pair);
  corpora.forEach((wanted, i) => close(corpusBleu(pairs.slice(i * corpusSize, (i + 1) * corpusSize)), wanted, i));
  checkedCase(`BLEU of ${pairs.length} pairs and ${corpora.length} corpora`);
});

test("METEOR is that of nltk with a WordNet that knows no word", () => {
  for (const { reference, text, meteor: wanted } of pairs) close(meteor(reference, text), wanted, [reference, text]);
  checkedCase(`METEOR of ${pairs.length} pairs`);
});

test("the records tell scores apart", () => {
  const between = (values: number[], most: number) => values.filter((value) => value > 0 && value < most).length;
  assert.ok(between(pairs.map(({ bleu }) => bleu), 99.99) > 100);
  assert.ok(between(pairs.map(({ meteor }) => meteor), 0.99) > 100);
  assert.ok(pairs.filter(({ rouge: { plain, stemmed } }) => plain.rouge1[2] !== stemmed.rouge1[2]).length > 20);
});

test.run();
