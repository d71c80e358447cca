/**
 * The paper's tasks (Ren and Zhu, arXiv 2402.06262, section 5): summarise a text, write it down again, follow an instruction about
 * it; what a capped cache writes is scored against what the full cache writes.
 */
import type { SessionOptions } from "../../options/index.ts";
import { sentenceBleu } from "../scores/bleu.ts";
import { meteor } from "../scores/meteor.ts";
import { rouge } from "../scores/rouge.ts";
import { Draws } from "../draws.ts";
import { pieces } from "./cut.ts";
import { type Asked, type Bench, costOf, type Document, type Measured, type Task } from "./task.ts";

const INSTRUCTIONS = [
  "Write a letter to a friend about what happens in this text.",
  "List five things that are mentioned in this text.",
  "Explain to a child what this text is about.",
  "What is the mood of this text? Give three reasons.",
  "Who is speaking in this text, and what does the speaker want?",
  "Write three questions that this text answers, each with its answer.",
  "Rewrite this text as a short dialogue between two people.",
  "Which sentence of this text is the most important, and why?",
  "Continue this text with a paragraph of your own.",
  "Give this text a title, and say in two sentences why it fits.",
];

/** What is asked of a text, and where it stands. */
interface Way {
  readonly before: string;
  readonly after: (draws: Draws) => string;
  /** Where the model knows no chat: what its answer begins behind. */
  readonly lead: string;
}

const documentsOf = (name: string, { before, after, lead }: Way) =>
(
  { seed, settings: { documents = 1, length = 0 }, text, tokens, prompt, decode }: Asked,
): Document[] =>
  pieces(tokens(text), length, documents, `${name}/${seed}`).map((piece, i) => {
    const asked = `${before}\n\n${decode(piece).trim()}\n\n${after(new Draws(`${name}/${seed}/${i}`))}`.trim();
    return { ids: prompt(`${asked}\n\n${lead}`), text: asked, answers: [], told: {} };
  });

/** What a session writes: a chat's answer where the model has a template, else what stands behind the lead. */
async function written({ model }: Bench, options: SessionOptions, { ids, text = "" }: Document, newTokens: number) {
  const session = model.session(options);
  try {
    const asked = { maxNewTokens: newTokens, temperature: 0 };
    let answer = "";
    for await (const piece of model.chatTemplate === null ? session.generate(ids, asked) : session.chat(text, asked)) {
      answer += piece;
    }
    return { answer, cost: costOf(session.report()) };
  } finally {
    session.dispose();
  }
}

async function measure(bench: Bench, document: Document, { newTokens = 64 }: Task["settings"]): Promise<Measured> {
  const { stride, kv } = bench.session;
  const full: SessionOptions = { policy: "full", ...stride ? { stride } : {}, ...kv ? { kv } : {} };
  const name = `written/${stride ?? 0}/${kv ?? ""}/${newTokens}/${document.text}`;
  const reference = await bench.once(name, () => written(bench, full, document, newTokens));
  const { answer: text, cost } = await written(bench, bench.session, document, newTokens);
  const { rouge1, rouge2, rougeL } = rouge(reference.answer, text, true);
  const bleu = sentenceBleu({ reference: reference.answer, text });
  const values = { rouge1: rouge1.f, rouge2: rouge2.f, rougeL: rougeL.f, bleu, meteor: meteor(reference.answer, text) };
  return { values, cost };
}

const scores = ["rougeL", "rouge1", "rouge2", "bleu", "meteor"].map((name) => ({ name, higher: true }));

const task = (name: string, words: string, way: Way): Task => ({
  ...{ words, usesText: true, scores, measure },
  settings: { documents: 4, length: 256, newTokens: 64 },
  documents: documentsOf(name, way),
});

export const summarise = task("summarise", "a summary, scored against the full cache's", {
  before: "Summarise the following text in a few sentences.",
  after: () => "",
  lead: "Summary:",
});

export const reconstruct = task("reconstruct", "the text written down again, scored against the full cache's", {
  before: "Here is a text.",
  after: () => "Write this text down again, word for word.",
  lead: "The text:",
});

export const instruct = task("instruct", "an instruction about a text followed, scored against the full cache's", {
  before: "Here is a text.",
  after: (draws) => INSTRUCTIONS[draws.below(INSTRUCTIONS.length)],
  lead: "Answer:",
});
