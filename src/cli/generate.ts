/** The command `generate`: continues a prompt. */
import { load } from "../load.ts";
import { checkGenerate, type GenerateOptions, type SessionOptions } from "../options/index.ts";
import type { Report } from "../session/report.ts";
import { ClosedPipe, note, print, printJson, Progress } from "./terminal.ts";
import { readFile, readStdin } from "./input.ts";
import { ownOf } from "./policy.ts";
import { loadOptions, megabytes, MODEL_FLAGS, warning } from "./model.ts";
import { createRecordFile, type RecordFile } from "./record.ts";
import { createSaveFile, type SaveFile } from "./save.ts";
import { type Arguments, checked, misused, SESSION_FLAGS, sessionOptions, SHIPPED, TEXT_FLAGS } from "./usage.ts";

interface Job {
  prompt: string;
  model: string | URL;
  session: SessionOptions;
  generate: GenerateOptions;
  ignoreEos: boolean;
  record: string | undefined; // a file
  save: string | undefined; // likewise
  resume: string | undefined; // likewise
  json: boolean;
}

const WORD = ["generate", "prompt (in quotes)"] as const;

/** Reads the command line. @throws Usage; Error as namedPolicy does */
async function readJob(args: Arguments): Promise<Job> {
  args.only("generate", [...SESSION_FLAGS, ...MODEL_FLAGS, ...TEXT_FLAGS, "ignore-eos", "record", "save", "resume"]);
  const session = await sessionOptions(args);
  const resume = args.text("resume");
  if (resume !== undefined) {
    const again = typeof session.policy === "object" ? ["seed", "policy"] : ["seed"]; // no file holds a policy of one's own
    const flag = [...SESSION_FLAGS, "record"].find((name) => !again.includes(name) && args.has(name));
    if (flag) misused(`--${flag} cannot be changed with --resume`, args.shown(flag));
  }
  const generate: GenerateOptions = args.options("generate", "generate");
  const job = {
    prompt: resume === undefined ? args.word(...WORD) : args.atMostOne(...WORD) ?? "",
    model: args.text("model") ?? SHIPPED,
    session,
    generate,
    ignoreEos: args.has("ignore-eos"),
    record: args.text("record"),
    save: args.text("save"),
    resume,
    json: args.has("json"),
  };
  checked(() => checkGenerate(generate, 1));
  return job;
}

/** Runs the command. @returns its exit code @throws Usage, Error, ClosedPipe */
export async function generate(args: Arguments): Promise<number> {
  const job = await readJob(args);
  const progress = new Progress();
  const stopper = new AbortController();
  const prompt = job.prompt === "-" ? await readStdin("prompt") : job.prompt;
  const model = await load(job.model, loadOptions(args, progress)).finally(() => progress.clear());
  // From here on Ctrl-C ends the text and still gives the report; a second one ends at once. (The first may arrive twice:
  // as the terminal's and handed on by npm's shell.)
  let stoppedAt = 0;
  Deno.addSignalListener("SIGINT", () => {
    if (!stopper.signal.aborted) stoppedAt = performance.now();
    else if (performance.now() - stoppedAt > 500) Deno.exit(130);
    stopper.abort();
  });
  let file: RecordFile | null = null;
  let saved: SaveFile | null = null;
  try {
    file = job.record === undefined ? null : createRecordFile(job.record);
    saved = job.save === undefined ? null : await createSaveFile(job.save);
    const session = job.resume === undefined
      ? model.session({ ...job.session, record: file?.write, onWarning: warning(progress) })
      : await model.restore(await readFile("session", job.resume), ownOf(job.session));
    let begun = false; // there is text on stdout
    const pieces = session.generate(prompt, {
      ...job.generate,
      banned: job.ignoreEos ? model.config.eosIds : [],
      signal: stopper.signal,
      onPrefill: (done, total) => {
        if (done < total) return progress.show("reading the prompt", done, total);
        progress.clear();
        if (!job.json) print(prompt);
        begun = true;
      },
    });
    let text = "";
    try {
      for await (const piece of pieces) {
        text += piece;
        if (!job.json) print(piece);
      }
    } catch (error) {
      progress.clear();
      if (!stopper.signal.aborted) {
        if (begun && !job.json && !(error instanceof ClosedPipe)) print("\n");
        throw error;
      }
    }
    const report = session.report();
    if (saved) await saved.keep(await session.snapshot());
    if (job.json) printJson(summary(text, report));
    else {
      if (begun) print("\n");
      note(`\n${describe(report)}`);
      const { gpuBytesLimit: limit, peakGpuBytes: peak } = model;
      if (limit < Infinity) note(`memory      ${megabytes(peak)} at most, of ${megabytes(limit)}`);
    }
    return stopper.signal.aborted ? 130 : 0;
  } finally {
    progress.clear();
    model.dispose(); // and its session, which ends the recording
    file?.close();
    await saved?.close();
  }
}

/** What --json prints. */
function summary(text: string, report: Report) {
  const { ids, promptTokens, newTokens, policy, budget, liveSlots, maxLiveSlots, kvBytes, fullKvBytes, ...rest } =
    report;
  const { evictions, tokensPerSecond, stepMs, device, adapter, ended } = rest;
  const counts = { promptTokens, newTokens, policy, budget, liveSlots, maxLiveSlots, kvBytes, fullKvBytes, evictions };
  return { text, ids, ...counts, tokensPerSecond, stepMs, device, adapter, ended };
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
    `speed       ${report.tokensPerSecond.toFixed(1)} tokens/s on ${report.adapter}: ${report.device.why}`,
    `a step      ${ms(step.total)} ms = ${ms(step.wait)} waiting for the device + ${ms(step.wasm)} Wasm bookkeeping + ${
      ms(step.other)
    } the rest`,
  ].join("\n");
}
