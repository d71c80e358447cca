/** A key of five digits in filler, asked for at the end: Mohtashami and Jaggi, arXiv 2305.16300. */
import { Draws } from "../draws.ts";
import { FOUND, measureBeginning } from "./ask.ts";
import { linesFor } from "./cut.ts";
import { passkeyText } from "./passkey-text.ts";
import type { Task } from "./task.ts";

export const passkey: Task = {
  words: "a key of five digits in filler, asked for at the end",
  settings: { documents: 20, length: 480 },
  usesText: false,
  scores: FOUND,
  documents: ({ seed, settings: { documents = 1, length = 0 }, prompt }) => {
    const lines = linesFor(length, (lines) => prompt(passkeyText("12345", lines, 0)).length);
    return Array.from({ length: documents }, (_, i) => {
      const draws = new Draws(`passkey/${seed}/${i}`);
      const key = draws.digits(5);
      const at = draws.below(lines + 1);
      const text = passkeyText(key, lines, at);
      return { ids: prompt(text), text, answers: [key], told: { depth: lines === 0 ? 0 : at / lines } };
    });
  },
  measure: measureBeginning,
};
