/** A key of five digits in filler, asked for at the end: Mohtashami and Jaggi, arXiv 2305.16300. */
import { Draws } from "../draws.ts";
import { FOUND, measureBeginning } from "./ask.ts";
import { linesFor } from "./cut.ts";
import type { Task } from "./task.ts";

const HEAD = "There is an important info hidden inside a lot of irrelevant text. Find it and memorize it. " +
  "I will quiz you about the important information there.";
const FILLER = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.";
const ASK = "What is the pass key? The pass key is ";

function textOf(key: string, lines: number, at: number): string {
  const told = `The pass key is ${key}. Remember it. ${key} is the pass key.`;
  const filler = (count: number) => new Array(count).fill(FILLER);
  return [HEAD, ...filler(at), told, ...filler(lines - at), ASK].join("\n");
}

export const passkey: Task = {
  words: "a key of five digits in filler, asked for at the end",
  settings: { documents: 20, length: 480 },
  usesText: false,
  scores: FOUND,
  documents: ({ seed, settings: { documents = 1, length = 0 }, prompt }) => {
    const lines = linesFor(length, (lines) => prompt(textOf("12345", lines, 0)).length);
    return Array.from({ length: documents }, (_, i) => {
      const draws = new Draws(`passkey/${seed}/${i}`);
      const key = draws.digits(5);
      const at = draws.below(lines + 1);
      const text = textOf(key, lines, at);
      return { ids: prompt(text), text, answers: [key], told: { depth: lines === 0 ? 0 : at / lines } };
    });
  },
  measure: measureBeginning,
};
