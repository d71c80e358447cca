/** Tasks with a question at the end: the model goes on greedily, and its answer is looked at. */
import type { Bench, Document, Measured, Score } from "./task.ts";
import { costOf } from "./task.ts";

/** The share of the answers that were found. */
export const FOUND: readonly Score[] = [{ name: "found", higher: true }];

/** What a model writes behind ids, and at what cost. */
export async function answerTo(
  { model, session: options }: Bench,
  ids: readonly number[],
  newTokens: number,
): Promise<{ answer: string; cost: Measured["cost"] }> {
  const session = model.session(options);
  try {
    let answer = "";
    for await (const piece of session.generate(ids, { maxNewTokens: newTokens, temperature: 0 })) answer += piece;
    return { answer, cost: costOf(session.report()) };
  } finally {
    session.dispose();
  }
}

/** Whether the answer begins with the one that is wanted. */
export async function measureBeginning(bench: Bench, { ids, answers: [wanted] }: Document): Promise<Measured> {
  const { answer, cost } = await answerTo(bench, ids, bench.model.tokenizer.encode(wanted).length);
  return { values: { found: answer.trim().startsWith(wanted) ? 1 : 0 }, cost };
}

/** The share of the wanted words that are in the answer. */
export async function measureNamed(
  bench: Bench,
  { ids, answers }: Document,
  { newTokens = 32 }: { readonly newTokens?: number },
): Promise<Measured> {
  const { answer, cost } = await answerTo(bench, ids, newTokens);
  const named = answers.filter((word) => new RegExp(`\\b${word}\\b`).test(answer)).length;
  return { values: { found: named / answers.length }, cost };
}
