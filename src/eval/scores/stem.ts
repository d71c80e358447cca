/**
 * Porter's stemmer ("An algorithm for suffix stripping", 1980) with the extensions of NLTK's PorterStemmer, which ROUGE and
 * METEOR are defined by: irregular words, short words in -ies and -ied, y after a vowel, -fulli and -logi.
 */

const IRREGULAR: ReadonlyMap<string, string> = new Map([
  ...[["sky", "sky"], ["skies", "sky"], ["dying", "die"], ["lying", "lie"], ["tying", "tie"], ["news", "news"]],
  ...[["innings", "inning"], ["inning", "inning"], ["outings", "outing"], ["outing", "outing"]],
  ...[["cannings", "canning"], ["canning", "canning"], ["howe", "howe"]],
  ...[["proceed", "proceed"], ["exceed", "exceed"], ["succeed", "succeed"]],
] as [string, string][]);

/** For every letter whether it is a consonant: y is one at the beginning and after a vowel. */
function consonants(word: string): boolean[] {
  const found: boolean[] = [];
  for (const [i, letter] of [...word].entries()) {
    found.push(letter === "y" ? i === 0 || !found[i - 1] : !"aeiou".includes(letter));
  }
  return found;
}

/** How often a vowel is followed by a consonant. */
function measure(word: string): number {
  return consonants(word).filter((is, i, all) => is && i > 0 && !all[i - 1]).length;
}

const positive = (word: string) => measure(word) > 0;
const hasVowel = (word: string) => consonants(word).includes(false);

/** Ends with consonant, vowel, consonant, the last none of w, x, y; or is a vowel and a consonant. */
function isShort(word: string): boolean {
  const [a, b, c] = consonants(word).slice(-3);
  if (word.length === 2) return !a && b;
  return word.length > 2 && a && !b && c && !"wxy".includes(word.at(-1)!);
}

/** A suffix, what stands in its place, and what must hold of the word without it. */
type Rule = readonly [suffix: string, place: string, holds?: (base: string) => boolean];

/** By the first rule whose suffix fits; as it is where that rule does not hold. */
function apply(word: string, rules: readonly Rule[]): string {
  for (const [suffix, place, holds] of rules) {
    if (!word.endsWith(suffix)) continue;
    const base = word.slice(0, word.length - suffix.length);
    return !holds || holds(base) ? base + place : word;
  }
  return word;
}

const PLURALS: readonly Rule[] = [["sses", "ss"], ["ies", "i"], ["ss", "ss"], ["s", ""]];

const DOUBLE: readonly Rule[] = ([
  ...[["ational", "ate"], ["tional", "tion"], ["enci", "ence"], ["anci", "ance"], ["izer", "ize"], ["bli", "ble"]],
  ...[["alli", "al"], ["entli", "ent"], ["eli", "e"], ["ousli", "ous"], ["ization", "ize"], ["ation", "ate"]],
  ...[["ator", "ate"], ["alism", "al"], ["iveness", "ive"], ["fulness", "ful"], ["ousness", "ous"], ["aliti", "al"]],
  ...[["iviti", "ive"], ["biliti", "ble"], ["fulli", "ful"]],
] as [string, string][]).map((rule) => [...rule, positive]);

const ENDINGS: readonly Rule[] = ([
  ...[["icate", "ic"], ["ative", ""], ["alize", "al"], ["iciti", "ic"], ["ical", "ic"], ["ful", ""], ["ness", ""]],
] as [string, string][]).map((rule) => [...rule, positive]);

const twice = (base: string) => measure(base) > 1;
const LAST: readonly Rule[] = [
  ...["al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent"],
  ...["ion", "ou", "ism", "ate", "iti", "ous", "ive", "ize"],
].map((suffix) => [suffix, "", suffix === "ion" ? (base) => twice(base) && /[st]$/.test(base) : twice]);

/** Step 1b: -eed, -ed, -ing. */
function past(word: string): string {
  if (word.endsWith("ied")) return word.slice(0, word.length === 4 ? -1 : -2);
  if (word.endsWith("eed")) return positive(word.slice(0, -3)) ? word.slice(0, -1) : word;
  const suffix = ["ed", "ing"].find((suffix) => word.endsWith(suffix) && hasVowel(word.slice(0, -suffix.length)));
  if (suffix === undefined) return word;
  const base = word.slice(0, -suffix.length);
  if (/(at|bl|iz)$/.test(base)) return `${base}e`;
  const last = base.at(-1)!;
  if (base.length > 1 && last === base.at(-2) && consonants(base).at(-1)) {
    return "lsz".includes(last) ? base : base.slice(0, -1);
  }
  return measure(base) === 1 && isShort(base) ? `${base}e` : base;
}

/** Step 2. */
function doubled(word: string): string {
  if (word.endsWith("alli") && positive(word.slice(0, -4))) return doubled(word.slice(0, -2));
  return apply(word, [...DOUBLE, ["logi", "log", () => positive(word.slice(0, -3))]]);
}

/** Steps 5a and 5b. */
function tidied(word: string): string {
  let found = word;
  if (word.endsWith("e")) {
    const base = word.slice(0, -1);
    if (twice(base) || measure(base) === 1 && !isShort(base)) found = base;
  }
  return found.endsWith("ll") && twice(found.slice(0, -1)) ? found.slice(0, -1) : found;
}

/** The stem of a word in small letters. */
export function stem(word: string): string {
  const irregular = IRREGULAR.get(word);
  if (irregular !== undefined) return irregular;
  if (word.length <= 2) return word;
  const singular = word.endsWith("ies") && word.length === 4 ? word.slice(0, -1) : apply(word, PLURALS);
  const present = past(singular);
  const ended = apply(present, [["y", "i", (base) => base.length > 1 && consonants(base).at(-1)!]]);
  return tidied(apply(apply(doubled(ended), ENDINGS), LAST));
}
