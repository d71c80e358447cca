// Several sessions at once, one by one and as a batch: how many tokens all of them write a second, in turns, the best of some rounds; and that
// each writes the same either way.
import { load } from "../src/load.ts";
import { deviceOf } from "./device.ts";

const STEPS = 48, ROUNDS = 7, BUDGET = 256;
const PROMPTS = [
  "The history of the",
  "Once upon a time there",
  "In the middle of",
  "A good way to",
  "Water is",
  "My name",
];
const COUNTS = [1, 2, 4, 8];

const threads = Deno.args.map((arg) => /^--threads=(\d+)$/.exec(arg)?.[1]).find(Boolean);
const model = await load(Deno.args.find((arg) => !arg.startsWith("-")) ?? "smollm2-135m", {
  device: deviceOf(Deno.args),
  ...(threads ? { threads: Number(threads) } : {}),
});
console.log(`${model.adapter}: ${STEPS} greedy steps under RoCo in ${BUDGET} slots, the best of ${ROUNDS} rounds`);

/** Writes with `count` sessions at once. @returns tokens a second, and the texts */
async function write(count: number, batched: boolean): Promise<{ speed: number; texts: string[] }> {
  const sessions = Array.from({ length: count }, () => model.session({ budget: BUDGET }));
  const batch = batched ? model.batch(sessions) : null;
  const texts = sessions.map(() => "");
  for (const [i, session] of sessions.entries()) { // prompts are read before
    for await (const _ of session.generate(PROMPTS[i % PROMPTS.length], { maxNewTokens: 1, temperature: 0 }));
  }
  const options = { maxNewTokens: STEPS, stopAtEnd: false, temperature: 0 };
  const began = performance.now();
  await Promise.all(sessions.map(async (session, i) => {
    for await (const piece of session.generate("", options)) texts[i] += piece;
  }));
  const speed = count * STEPS / (performance.now() - began) * 1000;
  batch?.dispose();
  for (const session of sessions) session.dispose();
  return { speed, texts };
}

const best = new Map<string, number>();
for (let round = 0; round < ROUNDS; round++) {
  for (const count of COUNTS) {
    const alone = await write(count, false), together = await write(count, true);
    if (alone.texts.join("\n") !== together.texts.join("\n")) throw new Error(`${count} sessions: texts differ`);
    for (const [how, { speed }] of Object.entries({ alone, together })) {
      best.set(`${count} ${how}`, Math.max(speed, best.get(`${count} ${how}`) ?? 0));
    }
  }
}
const one = best.get("1 alone")!;
for (const count of COUNTS) {
  const [alone, together] = [best.get(`${count} alone`)!, best.get(`${count} together`)!];
  console.log(
    `${count} session${count > 1 ? "s" : " "}   one by one ${alone.toFixed(1)} tokens/s, batch ${
      together.toFixed(1)
    } (${(together / one).toFixed(2)} × one)`,
  );
}
model.dispose();
