// A search over sampling settings of the shipped model, for its generation_config.json: stories as `npm start` writes them (crest, 96 slots,
// 400 tokens, from several beginnings and seeds), scored by how many of their n-grams are new, and by the model's own loss: the least loss is best
// among settings that repeat as little as a person's prose.
//   node_modules/deno/deno run -A bench/sampling.ts [--runs=N] [--penalties=1.05,1.1] [--temperatures=…] [--cuts=minP:0.05,topP:0.9,topK:40]
import ferry from "../src/eval/texts/ferry.txt" with { type: "text" };
import { load, type Model } from "../src/load.ts";
import type { GenerateOptions } from "../src/options/index.ts";
import { MOST_RECENT } from "../src/options/generate.ts";

const TOKENS = 400;
const BEGINNINGS = [
  "Once upon a time, there was a little girl named Lily. One day she found an old map in the garden, and on it",
  "Once upon a time, there was a little fox who",
  "Tom and his sister went to the river. There they met a crow",
  "One morning an old man opened his door, and in the snow",
];

/** The share of n-grams that are the first of their kind. */
export function distinct(ids: readonly number[], n: number): number {
  const grams = ids.slice(n - 1).map((_, i) => ids.slice(i, i + n).join());
  return new Set(grams).size / grams.length;
}

/** How many tokens the longest run has that stands in the text twice. */
export function longestRepeat(ids: readonly number[]): number {
  let most = 0, before = new Uint16Array(ids.length + 1);
  for (let i = 0; i < ids.length; i++) {
    const row = new Uint16Array(ids.length + 1);
    for (let j = 0; j < i; j++) if (ids[i] === ids[j]) most = Math.max(most, row[j + 1] = before[j] + 1);
    before = row;
  }
  return most;
}

interface Scores {
  readonly distinct3: number;
  readonly distinct4: number;
  readonly loss: number; // under the full cache, of what was written
  readonly repeat: number; // tokens
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

async function write(model: Model, beginning: string, options: GenerateOptions): Promise<Scores> {
  const session = model.session({ policy: "crest", budget: 96 });
  const prompt = model.tokenizer.encode(beginning, { bos: true });
  const asked = { maxNewTokens: TOKENS, banned: model.config.eosIds, ...options };
  for await (const _ of session.generate(prompt, asked));
  const { ids } = session.report();
  session.dispose();
  const { loss } = await model.perplexity([...prompt, ...ids], { policy: "full", first: prompt.length, kv: "f32" });
  return { distinct3: distinct(ids, 3), distinct4: distinct(ids, 4), loss, repeat: longestRepeat(ids) };
}

async function score(model: Model, options: GenerateOptions, runs: number): Promise<Scores> {
  const found: Scores[] = [];
  for (let i = 0; i < runs; i++) {
    found.push(await write(model, BEGINNINGS[i % BEGINNINGS.length], { ...options, seed: i }));
  }
  const of = (name: keyof Scores) => mean(found.map((one) => one[name]));
  return { distinct3: of("distinct3"), distinct4: of("distinct4"), loss: of("loss"), repeat: of("repeat") };
}

if (import.meta.main) {
  const given = (name: string, usual: string) =>
    (Deno.args.find((arg) => arg.startsWith(`--${name}=`))?.slice(name.length + 3) ?? usual).split(",");
  const runs = Number(given("runs", "8"));
  const model = await load(new URL("../models/fable-2m", import.meta.url), { device: "wasm", sampling: "greedy" });
  const row = (name: string, { distinct3, distinct4, loss, repeat }: Scores) =>
    console.log(
      [
        name.padEnd(52),
        ...[distinct3, distinct4, loss].map((value) => value.toFixed(3).padStart(8)),
        repeat.toFixed(1).padStart(8),
      ]
        .join(""),
    );
  console.log(`${"".padEnd(52)}${["dist-3", "dist-4", "loss", "repeat"].map((name) => name.padStart(8)).join("")}`);
  const prose = model.tokenizer.encode(ferry);
  const parts = Array.from(
    { length: Math.floor(prose.length / TOKENS) },
    (_, i) => prose.slice(i * TOKENS, (i + 1) * TOKENS),
  );
  row("prose by a person", {
    ...{ distinct3: mean(parts.map((ids) => distinct(ids, 3))), distinct4: mean(parts.map((ids) => distinct(ids, 4))) },
    ...{ loss: NaN, repeat: mean(parts.map(longestRepeat)) },
  });
  row("greedy", await score(model, { temperature: 0 }, BEGINNINGS.length));
  for (const temperature of given("temperatures", "0.5,0.6,0.7,0.8,0.9,1").map(Number)) {
    for (const cut of given("cuts", "minP:0.05,minP:0.1,topP:0.9,topP:0.95,topK:40")) {
      for (const repetitionPenalty of given("penalties", "1,1.05,1.1,1.15,1.2").map(Number)) {
        const [name, value] = cut.split(":");
        const options = { temperature, repetitionPenalty, penaltyWindow: MOST_RECENT, [name]: Number(value) };
        row(
          `temperature ${temperature}, ${name} ${value}, repetition ${repetitionPenalty}`,
          await score(model, options, runs),
        );
      }
    }
  }
  model.dispose();
}
