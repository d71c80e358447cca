// kvcap beside its peers: `npm run bench -- peers` (options.ts says what for, and with which options).
import { agreement, textAgreement, timesOf } from "./numbers.ts";
import { type Case, casesOf, type Setup, setups } from "./cases.ts";
import { chart } from "./chart.ts";
import { type Done, runJob } from "./child.ts";
import { bundle, install, versions } from "./install.ts";
import { machine, mostThreads, runtimeBytes } from "./machine.ts";
import { models, promptsOf } from "./models.ts";
import { help, type Options, optionsOf } from "./options.ts";
import { agreementLine, ratioLines, tableOf } from "./report.ts";
import { ratiosOf, type Result, resultOf } from "./result.ts";

function asked(): Options {
  try {
    const options = optionsOf(Deno.args, models.map(({ name }) => name));
    if (options !== "help") return options;
    console.log(help);
    Deno.exit(0);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    Deno.exit(2);
  }
}

/** The cases that were asked for. What is left out for want of a file or a browser is said. */
async function chosenCases({ model: name, only, prompts, quick }: Options): Promise<Case[]> {
  const amount = quick ? { newTokens: 16, gpuTokens: 4, runs: 1 } : { newTokens: 128, gpuTokens: 16, runs: 2 };
  const browser = Deno.env.get("KVCAP_CHROMIUM") !== undefined;
  if (!browser) {
    console.error("no Chromium or Chrome (KVCAP_CHROMIUM names one): its cases are left out");
  }
  const usable = setups(mostThreads()).filter(({ host }) => browser || host !== "Chromium");
  const cases: Case[] = [];
  for (const model of models.filter((model) => name === undefined || model.name === name)) {
    if (!model.gguf) {
      console.error(`${model.name}: its GGUF file is not on this machine, its cases are left out`);
      continue;
    }
    if (!model.onnx) {
      console.error(`${model.name}: no ONNX files, transformers.js is left out`);
    }
    cases.push(...casesOf(model, await promptsOf(model, prompts), usable, amount));
  }
  return cases.filter(({ name }) => only.every((word) => name.split(" ").some((part) => part.includes(word))));
}

/** The first text of every prompt with a full cache, to which the others are compared. */
const references = new Map<string, Done>();

const few = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));

/** Runs a case once, its memory watched, and compares its text. Null where it fails, which is said. */
async function check(one: Case, sizes: Map<Setup["host"], number>): Promise<Result | null> {
  const { setup: { host, budget }, job, model, prompt } = one;
  try {
    const done = await runJob(host, { ...job, runs: 0, gaps: true }, true);
    const key = `${model.name} ${prompt}`;
    const evicts = budget > 0 && prompt + job.newTokens > budget;
    if (budget === 0 && done.ids.length && !references.has(key)) references.set(key, done);
    const reference = evicts ? undefined : references.get(key);
    const agrees = reference === undefined
      ? null
      : done.ids.length
      ? agreement(done.ids, reference.ids)
      : textAgreement(reference.ids, done.text, one.behind);
    if (!sizes.has(host)) sizes.set(host, runtimeBytes(host));
    const result = resultOf(one, done, agrees, sizes.get(host)!);
    console.log(agreementLine(result, reference?.gaps[agrees ?? 0]));
    return result;
  } catch (error) {
    console.error(`${one.name}: ${(error as Error).message}`);
    return null;
  }
}

/** Times the cases, which take turns, and hands on what is known after every round. Gives how many runs failed. */
async function time(cases: Case[], results: Result[], rounds: number, known: () => Promise<void>): Promise<number> {
  const done = new Map<string, Done[]>(cases.map(({ name }) => [name, []]));
  let failed = 0;
  for (let round = 1; round <= rounds; round++) {
    for (const [i, one] of cases.entries()) {
      few(`\r\x1b[Kround ${round} of ${rounds}, case ${i + 1} of ${cases.length}: ${one.name}`);
      try {
        done.get(one.name)!.push(await runJob(one.setup.host, one.job));
      } catch (error) {
        failed++;
        console.error(`\n${one.name}: ${(error as Error).message}`);
      }
    }
    few("\r\x1b[K");
    for (const result of results) {
      const own = done.get(result.name)!;
      if (own.length) result.times = timesOf(own, result.prompt);
    }
    await known();
  }
  return failed;
}

const options = asked();
const cases = await chosenCases(options);
if (!cases.length) {
  console.error("kvcap: no case of that name (--list names them)");
  Deno.exit(1);
}
if (options.list) {
  console.log(cases.map(({ name }) => name).join("\n"));
  Deno.exit(0);
}
const needed = cases.some(({ setup }) => setup.peer !== "kvcap" || setup.host === "Chromium");
if (cases.some(({ setup }) => setup.peer !== "kvcap")) await install();
await bundle(cases.some(({ setup }) => setup.peer !== "kvcap"), needed);
const where = machine();
console.log(`${where.processor}, ${where.processors} processors, ${where.system}, Deno ${where.deno}`);
console.log(Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(", "));
console.log(
  "Greedy texts, compared with the first case of each prompt. Programs round quantised weights' products each in its",
);
console.log("own way: after a near tie, two logits that are hardly apart, their texts go apart.");
const sizes = new Map<Setup["host"], number>();
const results: Result[] = [];
for (const one of cases) {
  const result = await check(one, sizes);
  if (result) results.push(result);
}
const sound = cases.filter(({ name }) => results.some((result) => result.name === name));
const failed = await time(sound, results, options.rounds, async () => {
  if (!options.json) return;
  const head = { machine: where, versions, rounds: options.rounds, date: new Date().toISOString() };
  const all = { ...head, results, ratios: ratiosOf(results) };
  await Deno.writeTextFile(options.json, `${JSON.stringify(all, null, 2)}\n`);
});
for (const line of [...tableOf(results), ...ratioLines(ratiosOf(results))]) console.log(line);
if (options.json) console.error(`wrote ${options.json}`);
if (options.chart && results.some(({ times }) => times)) {
  await Deno.writeTextFile(options.chart, chart(results, `${where.processor}, ${where.processors} processors`));
  console.error(`wrote ${options.chart}`);
}
if (failed || sound.length < cases.length) Deno.exit(1);
