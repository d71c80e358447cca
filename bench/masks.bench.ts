// What keeping a text to a form costs a step: SmolLM2 with 49 152 ids, the same prompt and as many steps with and without, in turns. Every
// session begins without a mask, so that those are in it which no text has needed yet; a vocabulary is sorted once, before. Times are those of the
// processor, and the least of some rounds, so that it may be a machine that others use.
import process from "node:process";
import { load } from "../src/load.ts";
import type { GenerateOptions } from "../src/options/index.ts";
import { deviceOf } from "./device.ts";

const STEPS = 48, ROUNDS = 8;
const LONG = { type: "string", minLength: 400 };

/** What does not end within so many steps. */
const FORMS: Readonly<Record<string, GenerateOptions>> = {
  "any JSON, a long string": { jsonSchema: LONG },
  "an object with a long string": {
    jsonSchema: {
      properties: { id: { type: "integer", minimum: 1, maximum: 999 }, text: LONG },
      required: ["id", "text"],
    },
  },
  "a list of objects": {
    jsonSchema: {
      ...{ type: "array", minItems: 20 },
      items: {
        properties: { kind: { enum: ["fox", "hen", "owl"] }, n: { type: "number", minimum: 0, maximum: 1 } },
        required: ["kind", "n"],
      },
    },
  },
  "strings of at most 12 characters": {
    jsonSchema: { type: "array", minItems: 50, items: { type: "string", maxLength: 12 } },
  },
  "a grammar of moves": {
    grammar: 'root ::= ([1-9] [0-9]? ". " move " " move "\\n")+\nmove ::= [KQRBN]? [a-h] [1-8] | "O-O"',
  },
  "ten banned strings": { bannedStrings: [" the", " and", "Once", " a ", "fox", "!", "?", " very", " was", " so"] },
};

const model = await load(Deno.args.find((arg) => !arg.startsWith("-")) ?? "smollm2-135m", {
  device: deviceOf(Deno.args),
});
console.log(
  `SmolLM2-135M on ${model.adapter}: ${STEPS} steps, ${ROUNDS} times, in turns; a step of the fastest, in ms`,
);

/** Milliseconds of the processor that a step takes. */
async function step(options: GenerateOptions): Promise<number> {
  const session = model.session({ budget: 256 });
  let begun = 0, count = 0;
  const spent = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const onToken = () => {
    if (count++ === 0) begun = spent(); // the prompt is read, and the first id chosen
  };
  const all = { maxNewTokens: STEPS + 1, stopAtEnd: false, onToken, ...options };
  for await (const _ of session.generate("Write about a fox:", all)) if (_ === null) break;
  const cost = (spent() - begun) / (count - 1);
  session.dispose();
  return cost;
}

for (const sampling of [{ temperature: 0 }, { temperature: 0.8, topP: 0.9, seed: 1 }]) {
  console.log(`\ntemperature ${sampling.temperature}`);
  for (const [name, form] of Object.entries(FORMS)) {
    await step({ ...sampling, ...form });
    const without: number[] = [], within: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      without.push(await step(sampling));
      within.push(await step({ ...sampling, ...form }));
    }
    const [a, b] = [Math.min(...without), Math.min(...within)]; // what others take of caches is in neither
    console.log(`${name}: ${a.toFixed(2)} without, ${b.toFixed(2)} within: ${(b / a).toFixed(3)}`);
  }
}
model.dispose();
