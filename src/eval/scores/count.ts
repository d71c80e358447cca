/** Sequences of n words, counted. */

/** How often each sequence of `n` words occurs. */
export function countGrams(words: readonly string[], n: number): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = 0; i + n <= words.length; i++) {
    const gram = words.slice(i, i + n).join(" "); // no word has a space in it
    counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

/** How many of `found` are in `wanted`, each as often at most as it is there. */
export function common(found: ReadonlyMap<string, number>, wanted: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const [gram, count] of found) sum += Math.min(count, wanted.get(gram) ?? 0);
  return sum;
}
