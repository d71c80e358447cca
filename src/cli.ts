/** The command line: `generate` and help. Exit codes: 0 done, 1 an error, 2 wrong usage, 130 stopped by Ctrl-C. */
import { parseArgs } from "node:util";
import { parseBudget } from "./budget.ts";
import { load } from "./model.ts";
import { checkGenerate, checkSession, type GenerateOptions, type SessionOptions } from "./options.ts";
import { policies, type PolicyName } from "./policies/index.ts";
import type { Report } from "./report.ts";
import { ClosedPipe, harmless, note, print, Progress } from "./terminal.ts";

const SHIPPED = new URL("../models/fable-2m", import.meta.url);
const PROMPT =
  "Once upon a time, there was a little girl named Lily. One day she found an old map in the garden, and on it";
/** The main job: what runs when nothing is asked for. */
const MAIN_JOB = [
  ...["generate", PROMPT, "--policy", "roco", "--budget", "96", "--max-new-tokens", "400"],
  ...["--temperature", "0.7", "--top-p", "0.9", "--seed", "7", "--ignore-eos"],
];

const HELP = `kvcap: language models inside a fixed KV-cache budget

usage: npm start                                     the main job: a story under RoCo, 96 slots per lane
       npm start -- generate PROMPT [options]        continue PROMPT; "-" reads it from standard input
       npm start -- --help

model
  --model DIR|FILE|URL  Hugging Face folder with safetensors, or a .gguf file  (the shipped fable-2m)
cache (slots are tokens, per KV head of every layer)
  --policy NAME         ${Object.keys(policies).join(", ")}  (roco)
  --budget N|N%|NKB     live slots after a step, a share of the prompt, or bytes of K and V  (256; full: as needed)
  --stride N            prompt tokens read at once  (64, less under a small budget)
  --sinks N             first tokens always kept  (4)
  --newest N            last tokens always kept  (a tenth of the budget)
  --unsettled N         RoCo: tokens of largest spread left out of the eviction scope  (three tenths of the budget)
  --aggregate NAME      how attention is taken over a KV head's query heads: mean or max  (mean)
  --pin-prompt          never evict the prompt
  --positions NAME      absolute, or cache: count live slots, so that no position passes the budget  (absolute)
text
  --max-new-tokens N    (256)
  --temperature T       0 is greedy  (0)
  --top-p P             share of the probability to sample from  (1)
  --seed N              of the sampling and of the policy random  (0)
  --stop TEXT           ends the text; may be given more than once
  --ignore-eos          never end: the end-of-sequence token is never chosen
output
  --json                one JSON object on stdout, nothing else
  -h, --help

Text goes to stdout, progress and the report to stderr.
Exit codes: 0 done, 1 error, 2 wrong usage, 130 stopped by Ctrl-C.`;

/** A fault in how the program was called. */
class Usage extends Error {}

interface Job {
  prompt: string;
  model: string | URL;
  session: SessionOptions;
  generate: GenerateOptions;
  ignoreEos: boolean;
  json: boolean;
}

const FLAGS = {
  ...Object.fromEntries(
    [
      "model",
      "policy",
      "positions",
      "aggregate",
      "budget",
      "stride",
      "sinks",
      "newest",
      "unsettled",
      "max-new-tokens",
      "temperature",
      "top-p",
      "seed",
    ]
      .map((name) => [name, { type: "string" }] as const),
  ),
  stop: { type: "string", multiple: true },
  "pin-prompt": { type: "boolean" },
  "ignore-eos": { type: "boolean" },
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

/** The library's names of options, which a user of the command line does not know. */
const FLAG_OF: Record<string, string> = {
  maxNewTokens: "--max-new-tokens",
  topP: "--top-p",
  pinPrompt: "--pin-prompt",
};
const CAMEL = new RegExp(Object.keys(FLAG_OF).join("|"), "g");

/** Reads the command line. @returns null where help is asked for. @throws Usage */
export function readJob(args: string[]): Job | null {
  let parsed;
  try {
    parsed = parseArgs({ args, options: FLAGS, allowPositionals: true, strict: true });
  } catch (error) {
    throw new Usage(
      `Cannot read the command line: ${(error as Error).message.split(/[.?]\s/)[0].replace(/\.$/, "")}; see --help`,
    );
  }
  const values = parsed.values as Record<string, string | boolean | string[] | undefined>;
  if (values.help) return null;
  const number = (name: string) => {
    const text = values[name] as string | undefined;
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text.trim() === "" || Number.isNaN(value)) {
      throw new Usage(`Cannot read the command line: --${name} must be a number, got ${JSON.stringify(text)}`);
    }
    return value;
  };
  const budget = () => {
    const text = values.budget as string | undefined;
    const parsed = text === undefined ? undefined : parseBudget(text);
    if (parsed === null) {
      const rule = "--budget must be slots (128), a share of the prompt (25%) or bytes (512KB)";
      throw new Usage(`Cannot read the command line: ${rule}, got ${JSON.stringify(text)}`);
    }
    return parsed;
  };
  const [command, prompt, ...rest] = parsed.positionals;
  if (command !== "generate") {
    throw new Usage(`Cannot read the command line: the command must be generate, got ${command ?? "none"}; see --help`);
  }
  if (prompt === undefined || rest.length > 0) {
    throw new Usage(
      `Cannot read the command line: generate takes one prompt (in quotes), got ${
        rest.length ? rest.length + 1 : "none"
      }`,
    );
  }
  const seed = number("seed");
  const job: Job = {
    prompt,
    model: (values.model as string | undefined) ?? SHIPPED,
    session: {
      policy: values.policy as PolicyName | undefined,
      budget: budget(),
      stride: number("stride"),
      sinks: number("sinks"),
      newest: number("newest"),
      unsettled: number("unsettled"),
      pinPrompt: values["pin-prompt"] as boolean | undefined,
      aggregate: values.aggregate as SessionOptions["aggregate"],
      positions: values.positions as SessionOptions["positions"],
      seed,
    },
    generate: {
      maxNewTokens: number("max-new-tokens"),
      temperature: number("temperature"),
      topP: number("top-p"),
      seed,
      stop: values.stop as string[] | undefined,
    },
    ignoreEos: Boolean(values["ignore-eos"]),
    json: Boolean(values.json),
  };
  try {
    const { budget: asked } = job.session;
    // How many slots bytes hold is known once the model is.
    const inBytes = typeof asked === "object" && "bytes" in asked;
    checkSession(inBytes ? { ...job.session, budget: undefined } : job.session);
    checkGenerate(job.generate, 1);
  } catch (error) {
    throw new Usage((error as Error).message.replace(CAMEL, (name) => FLAG_OF[name]));
  }
  return job;
}

async function run(job: Job): Promise<number> {
  const progress = new Progress();
  const stopper = new AbortController();
  const prompt = job.prompt === "-" ? await readStdin() : job.prompt;
  const onProgress = (done: number, total: number) => progress.show("loading", done, total);
  const model = await load(job.model, { onProgress }).finally(() => progress.clear());
  // From here on Ctrl-C ends the text and still gives the report; a second one ends at once. (The first may arrive twice:
  // as the terminal's and handed on by npm's shell.)
  let stoppedAt = 0;
  Deno.addSignalListener("SIGINT", () => {
    if (!stopper.signal.aborted) stoppedAt = performance.now();
    else if (performance.now() - stoppedAt > 500) Deno.exit(130);
    stopper.abort();
  });
  try {
    const session = model.session(job.session);
    let begun = false; // there is text on stdout
    const pieces = session.generate(prompt, {
      ...job.generate,
      banned: job.ignoreEos ? model.config.eosIds : [],
      signal: stopper.signal,
      onPrefill: (done, total) => {
        if (done < total) return progress.show("reading the prompt", done, total);
        progress.clear();
        if (!job.json) print(harmless(prompt));
        begun = true;
      },
    });
    let text = "";
    try {
      for await (const piece of pieces) {
        text += piece;
        if (!job.json) print(harmless(piece));
      }
    } catch (error) {
      progress.clear();
      if (!stopper.signal.aborted) {
        if (begun && !job.json && !(error instanceof ClosedPipe)) print("\n");
        throw error;
      }
    }
    const report = session.report();
    if (job.json) print(`${JSON.stringify(summary(text, report))}\n`);
    else {
      if (begun) print("\n");
      note(`\n${describe(report)}`);
    }
    return stopper.signal.aborted ? 130 : 0;
  } finally {
    progress.clear();
    model.dispose();
  }
}

/** What --json prints. */
function summary(text: string, report: Report) {
  const { ids, promptTokens, newTokens, policy, budget, liveSlots, maxLiveSlots, kvBytes, fullKvBytes, ...rest } =
    report;
  const { evictions, tokensPerSecond, stepMs, adapter, ended } = rest;
  const counts = { promptTokens, newTokens, policy, budget, liveSlots, maxLiveSlots, kvBytes, fullKvBytes, evictions };
  return { text, ids, ...counts, tokensPerSecond, stepMs, adapter, ended };
}

function describe(report: Report): string {
  const { stepMs: step } = report;
  const kib = (bytes: number) => `${(bytes / 1024).toFixed(0)} KiB`;
  const ms = (value: number) => value.toFixed(2);
  const lines = [
    `tokens      ${report.promptTokens} prompt (read in ${
      (report.prefillMs / 1000).toFixed(2)
    } s) + ${report.newTokens} new`,
    `policy      ${report.policy}, budget ${report.budget} slots per lane`,
    `live slots  ${report.liveSlots} per lane, at most ${report.maxLiveSlots} during a step`,
    `KV cache    ${kib(report.kvBytes)} held; a full cache would hold ${kib(report.fullKvBytes)}`,
    `evictions   ${report.evictions} per lane`,
  ];
  if (step.total === 0) return lines.join("\n");
  return [
    ...lines,
    `speed       ${report.tokensPerSecond.toFixed(1)} tokens/s on ${report.adapter}`,
    `a step      ${ms(step.total)} ms = ${ms(step.wait)} GPU and readback wait + ${ms(step.wasm)} Wasm bookkeeping + ${
      ms(step.other)
    } the rest`,
  ].join("\n");
}

async function readStdin(): Promise<string> {
  const bytes = await new Response(Deno.stdin.readable).bytes();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\r?\n$/, "");
  } catch {
    throw new Error("Cannot read the prompt: standard input must be UTF-8 text, got other bytes");
  }
}

/** Runs the program. @returns its exit code */
export async function main(args: string[]): Promise<number> {
  try {
    const job = readJob(args.some((arg) => !["--json"].includes(arg)) ? args : [...MAIN_JOB, ...args]);
    if (job) return await run(job);
    print(`${HELP}\n`);
    return 0;
  } catch (error) {
    if (error instanceof ClosedPipe) return 0;
    note(harmless((error as Error).message.replace(/\s*\n\s*/g, " ")));
    return error instanceof Usage ? 2 : 1;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
