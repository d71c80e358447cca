/** The command `profile`: what a model takes on this machine, and where a step's time goes. */
import { describeModel } from "../engine/config.ts";
import ferry from "../eval/texts/ferry.txt" with { type: "text" };
import { load, type Model } from "../load.ts";
import { checkGenerate, type GenerateOptions, type SessionOptions } from "../options/index.ts";
import type { Report } from "../session/report.ts";
import type { Command } from "./command.ts";
import { loadOptions, megabytes, MODEL_FLAGS } from "./model.ts";
import { cacheLine, stepLine } from "./report-lines.ts";
import { print, printJson, Progress } from "./terminal.ts";
import { type Arguments, checked, SESSION_FLAGS, sessionOptions, SHIPPED } from "./usage.ts";

const [READ, WRITTEN] = [512, 128]; // tokens

/** What a run told, and its times from id to id, ascending, in milliseconds. */
interface Run {
  readonly report: Report;
  readonly stride: number;
  readonly times: readonly number[];
}

async function once(model: Model, ids: number[], options: SessionOptions, generate: GenerateOptions): Promise<Run> {
  const session = model.session({ onWarning: () => {}, ...options });
  const times: number[] = [];
  let last = 0;
  const onToken = () => {
    const now = performance.now();
    if (last > 0) times.push(now - last);
    last = now;
  };
  for await (const _ of session.generate(ids, { ...generate, onToken }));
  const [report, { stride }] = [session.report(), session.options];
  session.dispose();
  return { report, stride, times: times.sort((a, b) => a - b) };
}

async function profile(args: Arguments): Promise<number> {
  const text = args.atMostOne("profile", "text (in quotes)") ?? ferry;
  const session = await sessionOptions(args);
  const asked: GenerateOptions = { maxNewTokens: WRITTEN, temperature: 0, ...args.options("generate", "profile") };
  const generate = { ...asked, stopAtEnd: false };
  checked(() => checkGenerate(generate, Infinity));
  const progress = new Progress();
  const began = performance.now();
  const model = await load(args.text("model") ?? SHIPPED, loadOptions(args, progress)).finally(() => progress.clear());
  const loadMs = performance.now() - began;
  try {
    const ids = model.tokenizer.encode(text, { bos: true }).slice(0, READ);
    await once(model, ids, session, generate); // warms up
    const run = await once(model, ids, session, generate);
    if (args.has("json")) printJson(numbers(model, loadMs, run));
    else print(`${describe(model, loadMs, run)}\n`);
    return 0;
  } finally {
    model.dispose();
  }
}

/** The time that so much of all was within. */
const within = (times: readonly number[], share: number) =>
  times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0;

/** What --json prints. */
function numbers(model: Model, loadMs: number, { report, stride, times }: Run) {
  const { adapter, promptTokens, prefillMs, newTokens, policy, budget, liveSlots, ...rest } = report;
  const { kvBytes, usedKvBytes, fullKvBytes } = rest;
  const stepMs = { median: within(times, 0.5), p95: within(times, 0.95), ...report.stepMs };
  const about = { model: describeModel(model.config), adapter, loadMs, weightBytes: model.gpuBytes };
  return {
    ...{ ...about, promptTokens, stride, prefillMs, newTokens, stepMs },
    ...{ policy, budget, liveSlots, kvBytes, usedKvBytes, fullKvBytes },
  };
}

function describe(model: Model, loadMs: number, { report, stride, times }: Run): string {
  const { adapter, device, promptTokens, prefillMs, newTokens, tokensPerSecond, policy } = report;
  const seconds = (ms: number) => (ms / 1000).toFixed(2);
  const [median, most] = [0.5, 0.95].map((share) => within(times, share).toFixed(2));
  const speed = (1000 * promptTokens / prefillMs).toFixed(0);
  return [
    `model       ${describeModel(model.config)}, loaded in ${seconds(loadMs)} s`,
    `computes    ${adapter}: ${device.why}`,
    `weights     ${megabytes(model.gpuBytes)}`,
    `reads       ${promptTokens} tokens in ${seconds(prefillMs)} s, ${stride} at once: ${speed} tokens/s`,
    `writes      ${newTokens} tokens, the median in ${median} ms, 95 of 100 within ${most} ms: ${
      tokensPerSecond.toFixed(0)
    } tokens/s`,
    `a step      ${stepLine(report)}`,
    `policy      ${policy}`,
    `KV cache    ${cacheLine(report)}`,
  ].join("\n");
}

export const profileCommand: Command = {
  run: profile,
  takes: "[TEXT]",
  about:
    `what a model takes here: to load, to read up to ${READ} tokens, to write ${WRITTEN}, and where a step's time goes`,
  flags: [...SESSION_FLAGS, ...MODEL_FLAGS, "max-new-tokens", "temperature"],
  examples: [
    ["profile --budget 128", "of the shipped model, under the default policy"],
    ["profile --policy full --threads 1 --json", "under the full cache, as JSON"],
  ],
};
