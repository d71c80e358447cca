// Whether kvcap's steps stay what they are: `npm run bench -- steady [--quick] [--only=PART] [--json=FILE]`. What is
// compared takes turns, so that what else the machine does meets all of it; a busy machine is flagged all the same.
import { parseArgs } from "node:util";
import { load, type Model } from "../../src/index.ts";
import { refuse } from "../../src/errors.ts";
import { beside } from "./busy.ts";
import { runJob } from "./child.ts";
import { bundle } from "./install.ts";
import { machine, mostThreads } from "./machine.ts";
import { models, promptsOf, type TimedModel } from "./models.ts";
import { median } from "./numbers.ts";
import { BUSY } from "./report.ts";
import { othersBetween, used } from "./processes.ts";
import { means, medians, takeTurns } from "./turns.ts";

const BUDGET = 256; // slots
const LOAD = 16; // busy processes

const help = `Whether kvcap's steps stay what they are, on the processor.

  npm run bench -- steady [--quick] [--only=PART,PART] [--json=FILE]

  length     fable-2m on one thread, roco in ${BUDGET} slots: the step at token 20 000 against the step at token 1 000
  eviction   a step with roco in ${BUDGET} slots against the same step without observations or eviction: recency in as
             many slots, which observes nothing, and a full cache that holds as many tokens
  threads    a step on two threads against one
  load       the same beside ${LOAD} busy processes
  memory     peak memory of SmolLM2 in 1 024 slots, less its file

  --quick    a tenth of the steps, in length from token 400 to token 4 000`;

const PARTS = ["length", "eviction", "threads", "load", "memory"] as const;
type Part = typeof PARTS[number];

/** One number: a ratio, or bytes, and what it is made of. */
interface Line {
  what: string;
  value: number;
  unit: "×" | "MiB";
  of: Record<string, number>; // ms, or MiB
}

const flags = { quick: { type: "boolean" }, help: { type: "boolean" } } as const;
const texts = { only: { type: "string" }, json: { type: "string" } } as const;

function asked() {
  try {
    const { values } = parseArgs({ args: Deno.args, options: { ...flags, ...texts } });
    const only = values.only?.split(",") ?? [...PARTS];
    const wrong = only.find((part) => !PARTS.includes(part as Part));
    if (wrong !== undefined) refuse("bench steady", `a part must be one of ${PARTS.join(", ")}`, wrong);
    return { ...values, only: only as Part[] };
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${help}`);
    Deno.exit(2);
  }
}

const { quick = false, only, json, help: wanted } = asked();
if (wanted) {
  console.log(help);
  Deno.exit(0);
}

/** A part's share of what it does in full. */
const some = (all: number) => quick ? Math.max(2, Math.round(all / 10)) : all;

/** The models that are on this machine. */
const here = models.filter(({ gguf, name }) => {
  if (!gguf) console.error(`${name}: its GGUF file is not on this machine, it is left out`);
  return gguf !== null;
});

const loaded = (model: TimedModel, threads: number): Promise<Model> => load(model.gguf!, { device: "wasm", threads });

/** Rounds of a model: the larger one's steps take twenty times as long. */
const roundsOf = ({ name }: TimedModel) => some(name === "fable-2m" ? 60 : 15);

const AROUND = 200; // steps, half of them before the token that is asked for

async function length(): Promise<Line[]> {
  const small = here.find(({ name }) => name === "fable-2m");
  if (!small) return [];
  const [early, late] = quick ? [400, 4_000] : [1_000, 20_000]; // all slots are filled before
  const [{ ids }] = await promptsOf(small, [64]);
  const model = await loaded(small, 1); // whoever takes the second processor for a moment would be what is measured
  const runs: [before: number, after: number][] = [];
  // The two are seconds apart, and cannot take turns: so several texts, and the median of their ratios.
  for (let run = 0; run < (quick ? 1 : 5); run++) {
    const session = model.session({ policy: "roco", budget: BUDGET, positions: "cache" });
    const times: number[] = [];
    const onToken = () => times.push(performance.now());
    const maxNewTokens = late - ids.length + AROUND / 2 + 1;
    for await (
      const _ of session.generate(ids, { maxNewTokens, temperature: 0, banned: model.config.eosIds, onToken })
    );
    const at = (token: number) => {
      const first = token - ids.length - AROUND / 2;
      return median(times.slice(first, first + AROUND).map((time, i) => time - times[first + i - 1]));
    };
    runs.push([at(early), at(late)]);
    session.dispose();
  }
  model.dispose();
  const value = median(runs.map(([before, after]) => after / before));
  const [before, after] = [0, 1].map((side) => median(runs.map((run) => run[side])));
  const of = { [`token ${early}, ms`]: before, [`token ${late}, ms`]: after };
  return [{ what: `${small.name}: step at token ${late} / at token ${early}`, value, unit: "×", of }];
}

async function eviction(): Promise<Line[]> {
  const lines: Line[] = [];
  for (const one of here) {
    const [full, shorter] = await promptsOf(one, [BUDGET, BUDGET - 16]);
    for (const threads of new Set([1, Math.min(2, mostThreads())])) {
      const model = await loaded(one, threads);
      const of = (name: string, prompt: number[], options: Parameters<Model["session"]>[0]) => {
        return { name, model, prompt, options: options! };
      };
      const times = medians(
        await takeTurns([
          of("roco", full.ids, { policy: "roco", budget: BUDGET }),
          of("recency", full.ids, { policy: "recency", budget: BUDGET }),
          of("full", shorter.ids, { policy: "full" }), // it grows from 16 less to 16 more
        ], roundsOf(one)),
      );
      const [roco, recency, whole] = times;
      const parts = { "roco, ms": roco, "recency, ms": recency, "full cache, ms": whole };
      const title = `${one.name}, ${threads} ${threads === 1 ? "thread" : "threads"}: step with roco /`;
      lines.push({ what: `${title} with recency`, value: roco / recency, unit: "×", of: parts });
      lines.push({ what: `${title} with a full cache`, value: roco / whole, unit: "×", of: parts });
      model.dispose();
    }
  }
  return lines;
}

async function threads(what = "two threads / one"): Promise<Line[]> {
  const lines: Line[] = [];
  for (const one of here) {
    const [{ ids: prompt }] = await promptsOf(one, [128]);
    const [alone, both] = [await loaded(one, 1), await loaded(one, 2)];
    const options = { policy: "full" } as const;
    const players = [{ name: "1", model: alone, options, prompt }, { name: "2", model: both, options, prompt }];
    const times = await takeTurns(players, roundsOf(one));
    // Where threads wait for a processor, few steps take most of the time: the median does not see them, the mean does.
    for (const [name, all] of [["median", medians(times)], ["mean", means(times)]] as const) {
      const of = { "1 thread, ms": all[0], "2 threads, ms": all[1] };
      lines.push({ what: `${one.name}: ${name} step on ${what}`, value: all[1] / all[0], unit: "×", of });
    }
    alone.dispose();
    both.dispose();
  }
  return lines;
}

async function memory(): Promise<Line[]> {
  const large = here.filter(({ name }) => name === "smollm2-135m");
  if (large.length) await bundle(false, false);
  const lines: Line[] = [];
  for (const one of large) {
    const [{ ids, text }] = await promptsOf(one, [quick ? 200 : 1500]);
    const job = { peer: "kvcap", file: one.gguf!, device: "wasm", threads: mostThreads(), budget: 1024 } as const;
    const amounts = { newTokens: some(128), runs: 0, limitMs: 600_000 };
    const { peakBytes } = await runJob("Deno", { ...job, ids, text, ...amounts }, true);
    if (peakBytes === null) continue; // this system does not tell
    const [peak, file] = [peakBytes, (await Deno.stat(one.gguf!)).size].map((bytes) => bytes / 2 ** 20);
    const of = { "peak, MiB": peak, "file, MiB": file };
    lines.push({ what: `${one.name}: peak memory in 1024 slots less the file`, value: peak - file, unit: "MiB", of });
  }
  return lines;
}

const PROGRAMS: Record<Part, () => Promise<Line[]>> = {
  length,
  eviction,
  threads,
  load: () => beside(LOAD, () => threads(`two threads / one beside ${LOAD} busy processes`)),
  memory,
};

const where = machine();
console.log(`${where.processor}, ${where.processors} processors, ${where.system}, Deno ${where.deno}`);
const all: Line[] = [];
for (const part of only) {
  const before = used();
  const lines = await PROGRAMS[part]();
  const others = othersBetween(before, used());
  for (const { what, value, unit, of } of lines) {
    const parts = Object.entries(of).map(([name, number]) => `${name} ${number.toFixed(3)}`).join("; ");
    console.log(`${value.toFixed(unit === "×" ? 3 : 1).padStart(8)} ${unit}  ${what} (${parts})`);
  }
  if (others !== null) {
    const flag = others > BUSY ? " !" : "";
    console.log(`            others used ${(others * 100).toFixed(0)} % of the processors meanwhile${flag}`);
  }
  all.push(...lines);
}
if (json) {
  await Deno.writeTextFile(
    json,
    `${JSON.stringify({ machine: where, date: new Date().toISOString(), lines: all }, null, 2)}\n`,
  );
  console.error(`wrote ${json}`);
}
Deno.exit(0);
