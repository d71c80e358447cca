/** Tasks of many keys and values, of which one is asked for, and of names that are given on: RULER, Hsieh et al., arXiv 2404.06654. */
import { Draws } from "../draws.ts";
import { FOUND, measureBeginning, measureNamed } from "./ask.ts";
import { linesFor } from "./cut.ts";
import type { Asked, Document, Task } from "./task.ts";

const NAMES =
  ("apple basket candle dragon engine forest garden hammer island jacket kettle lantern meadow needle orange " +
    "pepper quartz ribbon saddle temple umbrella velvet window yellow zipper anchor bridge copper desert eagle feather goblet " +
    "harbour ivory jungle kitten ladder marble napkin oyster pencil rabbit silver thunder valley walnut barrel castle")
    .split(" ");

/** So many names of two words each, none twice. */
function names(draws: Draws, count: number): string[] {
  const taken = new Set<string>();
  while (taken.size < count) taken.add(`${NAMES[draws.below(NAMES.length)]} ${NAMES[draws.below(NAMES.length)]}`);
  return [...taken];
}

/** A document of lines that each hold a pair, one of which is asked for. */
function pairs(
  { seed, settings: { documents = 1, length = 0 }, prompt }: Asked,
  task: string,
  { keys, textOf }: { keys: typeof names; textOf: (pairs: string[][], asked: string) => string },
): Document[] {
  const sample = keys(new Draws(task), 8).map((key) => [key, "1234567"]);
  const lines = Math.max(2, linesFor(length, (lines) => prompt(textOf(sample.slice(0, lines), sample[0][0])).length));
  return Array.from({ length: documents }, (_, i) => {
    const draws = new Draws(`${task}/${seed}/${i}`);
    const all = keys(draws, lines).map((key) => [key, draws.digits(7)]);
    const at = draws.below(lines);
    const text = textOf(all, all[at][0]);
    return { ids: prompt(text), text, answers: [all[at][1]], told: { depth: at / (lines - 1) } };
  });
}

export const multikey: Task = {
  words: "many numbers told, one asked for",
  settings: { documents: 20, length: 480 },
  usesText: false,
  scores: FOUND,
  documents: (asked) =>
    pairs(asked, "multikey", {
      keys: names,
      textOf: (all, asked) =>
        [
          "Some special magic numbers are hidden in the following text. Memorize them.",
          ...all.map(([key, value]) => `One of the special magic numbers for ${key} is: ${value}.`),
          `What is the special magic number for ${asked}? The special magic number for ${asked} is: `,
        ].join("\n"),
    }),
  measure: measureBeginning,
};

export const keyvalue: Task = {
  words: "the value of a key of a long JSON object",
  settings: { documents: 20, length: 480 },
  usesText: false,
  scores: FOUND,
  documents: (asked) =>
    pairs(asked, "keyvalue", {
      keys: (draws, count) => names(draws, count).map((name) => name.replace(" ", "_")),
      textOf: (all, asked) =>
        `JSON data:\n{${all.map(([key, value]) => `"${key}": "${value}"`).join(",\n ")}}\n` +
        `The value of the key "${asked}" is:\n"${asked}": "`,
    }),
  measure: measureBeginning,
};

const HOPS = 3;
const NOISE = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again.";

/** A chain of variables that hand a number on, its links in noise. */
function chain(draws: Draws, lines: number): { text: string; answers: string[] } {
  const letters = () => Array.from({ length: 5 }, () => String.fromCharCode(65 + draws.below(26))).join("");
  const variables = Array.from({ length: HOPS + 1 }, letters);
  const value = draws.digits(5);
  const links = variables.map((name, i) => `VAR ${name} = ${i === 0 ? value : `VAR ${variables[i - 1]}`}.`);
  const text: string[] = new Array(lines).fill(NOISE);
  const places = draws.some(Array.from({ length: lines + 1 }, (_, i) => i), links.length).sort((a, b) => b - a);
  [...links].reverse().forEach((link, i) => text.splice(places[i] ?? 0, 0, link));
  return {
    answers: variables,
    text: [
      "Memorize and track the chain of variable assignments hidden in the following text.",
      ...text,
      `Question: Find all variables that are assigned the value ${value} in the text above.`,
      `Answer: The ${variables.length} variables that are assigned the value ${value} are:`,
    ].join("\n"),
  };
}

export const variables: Task = {
  words: "all names that a number was handed on to",
  settings: { documents: 20, length: 480, newTokens: 40 },
  usesText: false,
  scores: FOUND,
  documents: ({ seed, settings: { documents = 1, length = 0 }, prompt }) => {
    const lines = linesFor(length, (lines) => prompt(chain(new Draws("variables"), lines).text).length);
    return Array.from({ length: documents }, (_, i) => {
      const { text, answers } = chain(new Draws(`variables/${seed}/${i}`), lines);
      return { ids: prompt(text), text, answers, told: {} };
    });
  },
  measure: measureNamed,
};
