/**
 * METEOR: Lavie and Agarwal, WMT 2007; as nltk.translate.meteor_score (α 0.9, β 3, γ 0.5) of the words of tokenizer 13a: the same
 * words first, then the same stems. Synonyms need WordNet, and there are none here.
 */
import { stem } from "./stem.ts";
import { words13a } from "./words.ts";

const [ALPHA, GAMMA] = [0.9, 0.5];

/** A word and its place in its text. */
type Placed = readonly [place: number, word: string];

/** METEOR of a text, 0 to 1. */
export function meteor(reference: string, text: string): number {
  const placed = (words: string): Placed[] => words13a(words).map((word, i) => [i, word.toLowerCase()]);
  const [found, wanted] = [placed(text), placed(reference)];
  const same = match(found, wanted);
  const stems = (words: readonly Placed[]): Placed[] => words.map(([place, word]) => [place, stem(word)]);
  const alike = match(stems(same.found), stems(same.wanted));
  const pairs = [...same.pairs, ...alike.pairs].sort(([a], [b]) => a - b);
  if (pairs.length === 0) return 0;
  const [precision, recall] = [pairs.length / found.length, pairs.length / wanted.length];
  const mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall);
  const parted = chunksOf(pairs) / pairs.length;
  return (1 - GAMMA * parted * parted * parted) * mean; // β is 3
}

/** Pairs of places with one word, from the last of the text on, each with the last that is left of the reference; and the rest. */
function match(found: readonly Placed[], wanted: readonly Placed[]) {
  const places = new Map<string, Placed[]>();
  for (const one of wanted) places.set(one[1], [...places.get(one[1]) ?? [], one]);
  const pairs: [number, number][] = [];
  const taken = new Set<Placed>();
  for (const one of [...found].reverse()) {
    const other = places.get(one[1])?.pop();
    if (!other) continue;
    pairs.push([one[0], other[0]]);
    taken.add(one).add(other);
  }
  const left = (words: readonly Placed[]) => words.filter((word) => !taken.has(word));
  return { pairs, found: left(found), wanted: left(wanted) };
}

/** Runs of pairs that are neighbours in both texts. */
function chunksOf(pairs: readonly (readonly [number, number])[]): number {
  return pairs.filter(([a, b], i) => i === 0 || a !== pairs[i - 1][0] + 1 || b !== pairs[i - 1][1] + 1).length;
}
