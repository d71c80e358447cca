// A policy of your own: a name, and a score over the books of a lane. Here attention counts for less the longer ago it was given:
// a token is worth its Σp divided by its age. `deno run -A examples/own-policy.ts` compares it with RoCo on one story; as the
// default export of a module it goes on the command line, too: `npm start -- generate "Once" --policy examples/own-policy.ts`.
import { definePolicy, load, type Model, readRecording, replay } from "kvcap";

/** Bigger is more worth keeping. It is asked for every lane before every eviction. */
const fading = definePolicy({
  name: "fading",
  scope: "all",
  score: (_lane, { positions, sums, births }, scores, clock) => {
    for (let slot = 0; slot < positions.length; slot++) {
      if (positions[slot] >= 0) scores[slot] = sums[slot] / (1 + clock - births[slot]); // else it is free
    }
  },
});
export default fading;

/** The share of a recorded story's attention that each policy would have kept, by its name. */
export async function run(model: Model, tokens: number, budget: number): Promise<Record<string, number>> {
  const pieces: Uint8Array[] = [];
  const session = model.session({ policy: "full", record: (piece) => pieces.push(piece.slice()) });
  for await (
    const _ of session.generate("Once upon a time", { maxNewTokens: tokens, temperature: 0, stopAtEnd: false })
  );
  session.dispose(); // ends the recording
  const recording = readRecording(new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer()));
  const found = [fading, "roco" as const].map((policy) => replay(recording, { policy, budget }));
  return Object.fromEntries(found.map(({ policy, meanShare }) => [policy, meanShare]));
}

if (import.meta.main) {
  const model = await load(new URL("../models/fable-2m", import.meta.url));
  console.log(await run(model, 200, 48));
  model.dispose();
}
