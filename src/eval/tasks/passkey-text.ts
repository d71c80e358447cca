/** A key of five digits in filler, asked for at the end: Mohtashami and Jaggi, arXiv 2305.16300. */
const HEAD = "There is an important info hidden inside a lot of irrelevant text. Find it and memorize it. " +
  "I will quiz you about the important information there.";
const FILLER = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.";
const ASK = "What is the pass key? The pass key is ";

/** A text of so many lines of filler, with the key told in front of line `at`. */
export function passkeyText(key: string, lines: number, at: number): string {
  const told = `The pass key is ${key}. Remember it. ${key} is the pass key.`;
  const filler = (count: number) => new Array(count).fill(FILLER);
  return [HEAD, ...filler(at), told, ...filler(lines - at), ASK].join("\n");
}
