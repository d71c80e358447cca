/** A number told in a paragraph of its own, at every depth of prose of every length: Kamradt's needle in a haystack. */
import { refuse, words } from "../../errors.ts";
import { Draws } from "../draws.ts";
import { FOUND, measureBeginning } from "./ask.ts";
import type { Asked, Document, Task } from "./task.ts";

const ASK = "\n\nWhat is the number of the old house? The number of the old house is ";
const DIGITS = 5;

function documentOf({ seed, text, prompt }: Asked, length: number, depth: number, name: string): Document {
  const draws = new Draws(`needle/${seed}/${name}`);
  const key = draws.digits(DIGITS);
  const told = `\n\nThe number of the old house is ${key}. Remember it: ${key}.\n\n`;
  const all = text.trim().split(/\s+/);
  const begin = draws.below(all.length);
  const prose = [...all.slice(begin), ...all.slice(0, begin)]; // the text from a word on, and round
  const part = (from: number, to: number) => prose.slice(from, to).join(" ");
  const at = (count: number) => Math.round(depth * count);
  const whole = (count: number) => `${part(0, at(count))}${told}${part(at(count), count)}${ASK}`.trimStart();
  let [least, most] = [0, all.length]; // words: as many as the length has room for
  while (least < most) {
    const middle = Math.ceil((least + most) / 2);
    if (prompt(whole(middle)).length <= length) least = middle;
    else most = middle - 1;
  }
  if (least === all.length) {
    const rule = `the text must have more than ${length} tokens`;
    refuse("make the documents", rule, words("a shorter one"), { option: "text" });
  }
  return { ids: prompt(whole(least)), text: whole(least), answers: [key], told: { length, depth } };
}

export const needle: Task = {
  words: "a number told in prose, by length and depth",
  settings: { documents: 2, lengths: [256, 512, 1024], depths: [0, 0.25, 0.5, 0.75, 1] },
  usesText: true,
  scores: FOUND,
  documents: (asked) => {
    const { documents = 1, lengths = [], depths = [] } = asked.settings;
    return lengths.flatMap((length) =>
      depths.flatMap((depth) =>
        Array.from({ length: documents }, (_, i) => documentOf(asked, length, depth, `${length}/${depth}/${i}`))
      )
    );
  },
  measure: measureBeginning,
};
