/**
 * How far a capped cache's next tokens are those of the full cache, over what the full cache writes behind a piece of text: both
 * read the same. Accepted is what a check would take on average, where the capped cache writes `draft` tokens ahead and the full
 * cache reads them all at once: as many as agree, from where the last check ended (with the full cache's own token behind them).
 */
import { compareLogits } from "../scores/logits.ts";
import { pieces } from "./cut.ts";
import { type Bench, costOf, type Document, type Measured, type Task } from "./task.ts";

/** What the full cache wrote, and its logits before each token. */
interface Free {
  readonly ids: number[];
  readonly logits: Float32Array[]; // [tokens][vocab]
}

async function writeFreely({ model, session }: Bench, { ids }: Document, newTokens: number): Promise<Free> {
  const { stride, kv } = session;
  const full = model.session({ policy: "full", ...stride ? { stride } : {}, ...kv ? { kv } : {} });
  const found: Free = { ids: [], logits: [] };
  try {
    const pieces = full.generate(ids, {
      maxNewTokens: newTokens,
      temperature: 0,
      stopAtEnd: false,
      onLogits: (logits) => void found.logits.push(logits.slice()),
      onToken: (id) => void found.ids.push(id),
    });
    for await (const _ of pieces);
    return found;
  } finally {
    full.dispose();
  }
}

/** The mean of accepted tokens over checks. @param same whether the tokens agree, one after another */
export function acceptedPerCheck(same: readonly boolean[], draft: number): number {
  let [checks, accepted] = [0, 0];
  for (let at = 0; at < same.length; checks++) {
    let run = 0;
    while (run < draft && at + run < same.length && same[at + run]) run++;
    accepted += run;
    at += run + 1;
  }
  return checks === 0 ? 0 : accepted / checks;
}

async function measure(bench: Bench, document: Document, settings: Task["settings"]): Promise<Measured> {
  const { newTokens = 64, draft = 8 } = settings;
  const { model, session: options } = bench;
  const { stride = 0, kv = "" } = options;
  const name = `free/${stride}/${kv}/${newTokens}/${document.ids.join()}`;
  const free = await bench.once(name, () => writeFreely(bench, document, newTokens));
  const session = model.session(options);
  const same: boolean[] = [];
  let kl = 0;
  try {
    const pieces = session.generate(document.ids, {
      maxNewTokens: newTokens,
      temperature: 0,
      stopAtEnd: false,
      onLogits: (logits) => {
        const at = same.length;
        const found = compareLogits(free.logits[at], logits);
        same.push(found.same);
        kl += found.kl;
        logits.fill(-Infinity);
        logits[free.ids[at]] = 0; // it reads what the full cache wrote
      },
    });
    for await (const _ of pieces);
    const agreeing = same.filter((is) => is).length;
    const accepted = acceptedPerCheck(same, draft);
    return { values: { same: agreeing / same.length, kl: kl / same.length, accepted }, cost: costOf(session.report()) };
  } finally {
    session.dispose();
  }
}

export const agreement: Task = {
  words: "how often the full cache's next token is chosen, and how far its distribution is missed, over free text",
  settings: { documents: 4, length: 256, newTokens: 64, draft: 8 },
  usesText: true,
  scores: [{ name: "kl", higher: false }, { name: "same", higher: true }, { name: "accepted", higher: true }],
  documents: ({ seed, settings: { documents = 1, length = 0 }, text, tokens, prompt }) =>
    pieces(tokens(text), length, documents, `agreement/${seed}`)
      .map((piece) => ({ ids: [...prompt(""), ...piece], answers: [], told: {} })),
  measure,
};
