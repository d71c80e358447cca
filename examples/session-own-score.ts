// A score of your own in a session: one function over the books of a lane. Here a token is worth the attention it got per
// query, and more if few tokens near it are left. `deno run -A examples/session-own-score.ts`
import { load, type Model, type OwnScore } from "kvcap";

/** Bigger is more worth keeping. It is asked for every lane before every eviction. */
const lonely: OwnScore = (_lane, { positions, sums, births }, scores, clock) => {
  for (let slot = 0; slot < positions.length; slot++) {
    if (positions[slot] < 0) continue; // a free slot
    const near = positions.filter((other) => other >= 0 && Math.abs(other - positions[slot]) <= 4).length;
    const seen = clock - births[slot]; // queries that could attend to the token
    scores[slot] = sums[slot] / Math.max(1, seen) / near;
  }
};

/** Writes a story; returns it, and the positions that the first lane still holds. */
export async function run(model: Model, maxNewTokens: number): Promise<{ text: string; kept: number[] }> {
  const session = model.session({ score: lonely, scope: "all", budget: 32, sinks: 2, newest: { share: 0.25 } });
  let text = "";
  const options = { maxNewTokens, temperature: 0, stopAtEnd: false };
  for await (const piece of session.generate("Once upon a time", options)) text += piece;
  const [kept] = session.livePositions();
  session.dispose();
  return { text, kept };
}

if (import.meta.main) {
  const model = await load(new URL("../models/fable-2m", import.meta.url));
  const { text, kept } = await run(model, 120);
  console.log(`${text}\n\nkept: ${kept.join(" ")}`);
  model.dispose();
}
