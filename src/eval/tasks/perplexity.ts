/** How well the next token is foreseen, over documents cut from a text. */
import { pieces } from "./cut.ts";
import { costOf, type Task } from "./task.ts";

export const perplexity: Task = {
  words: "mean -ln p over documents cut from a text",
  settings: { documents: 4, length: 512 },
  usesText: true,
  scores: [{ name: "loss", higher: false }],
  documents: ({ seed, settings: { documents = 1, length = 0 }, text, tokens, prompt }) => {
    const head = prompt(""); // what a text begins with
    return pieces(tokens(text), length, documents, `perplexity/${seed}`)
      .map((piece) => ({ ids: [...head, ...piece], answers: [], told: {} }));
  },
  measure: async ({ model, session, apart }, { ids }) => {
    const found = await model.perplexity(ids, apart ? { ...session, first: ids.length >> 1 } : session);
    return { values: { loss: found.loss }, cost: costOf(found) };
  },
};
