/** The command `generate`: continues a prompt. */
import { load, type Model } from "../load.ts";
import { type GenerateOptions, type SessionOptions } from "../options/index.ts";
import type { Report } from "../session/report.ts";
import type { Session } from "../session/session.ts";
import type { Command } from "./command.ts";
import { cacheLine, stepLine } from "./report-lines.ts";
import { ClosedPipe, note, print, printJson, Progress } from "./terminal.ts";
import { readFile, readStdin } from "./input.ts";
import { textOptions } from "./kept.ts";
import { ownOf } from "./policy.ts";
import { loadOptions, megabytes, MODEL_FLAGS, warning } from "./model.ts";
import { checkNames, checkRecorded, type Kind, Output, type Place, placeOf, RECORDING, SESSION } from "./output.ts";
import { end, whenEnded } from "./signals.ts";
import { type Arguments, checked, misused, SESSION_FLAGS, sessionOptions, SHIPPED, TEXT_FLAGS } from "./usage.ts";

interface Job {
  prompt: string;
  model: string | URL;
  session: SessionOptions;
  generate: GenerateOptions;
  ignoreEos: boolean;
  record: Place | null;
  save: Place | null;
  resume: string | undefined; // likewise
  json: boolean;
}

const WORD = ["generate", "prompt (in quotes)"] as const;

/** Reads the command line. @throws Usage; Error as namedPolicy does */
async function readJob(args: Arguments): Promise<Job> {
  checkNames(args, ["save", "record"]);
  const session = await sessionOptions(args);
  const resume = args.text("resume");
  if (resume !== undefined) {
    const again = typeof session.policy === "object" ? ["seed", "policy"] : ["seed"]; // no file holds a policy of one's own
    const flag = [...SESSION_FLAGS, "record"].find((name) => !again.includes(name) && args.has(name));
    if (flag) misused(`--${flag} cannot be changed with --resume`, args.shown(flag));
  }
  const generate = await textOptions(args);
  if (args.has("record")) checked(() => checkRecorded(session));
  const place = (flag: "save" | "record", kind: Kind) =>
    args.has(flag) ? placeOf(args.text(flag)!, kind, args.has("force")) : null;
  return {
    prompt: promptOf(args, resume !== undefined),
    model: args.text("model") ?? SHIPPED,
    session,
    generate,
    ignoreEos: args.has("ignore-eos"),
    record: place("record", RECORDING),
    save: place("save", SESSION),
    resume,
    json: args.has("json"),
  };
}

/** What stands behind the command, or behind --prompt; with --resume neither need be there. @throws Usage */
function promptOf(args: Arguments, resumes: boolean): string {
  const prompt = args.text("prompt");
  if (prompt === undefined) return resumes ? args.atMostOne(...WORD) ?? "" : args.word(...WORD);
  if (args.positionals.length > 1) misused("the prompt must be given once", args.positionals[1]);
  return prompt;
}

async function generate(args: Arguments): Promise<number> {
  const job = await readJob(args);
  const progress = new Progress();
  const prompt = job.prompt === "-" ? await readStdin("prompt") : job.prompt;
  const model = await load(job.model, loadOptions(args, progress)).finally(() => progress.clear());
  let recording: Output | null = null;
  let saved: Output | null = null;
  let unhear = () => {};
  try {
    const kept = job.resume === undefined ? null : await model.restore(await readFile("session", job.resume), {
      ...ownOf(job.session),
      onWarning: warning(progress),
    });
    // Before anybody listens to Ctrl-C: it ends this at once, however long it takes.
    const ids = prompt === "" ? prompt : model.tokenizer.encode(prompt, { bos: !kept?.seen, special: true });
    recording = job.record && new Output(job.record, RECORDING);
    saved = job.save && new Output(job.save, SESSION);
    const session = kept ??
      model.session({ ...job.session, record: recording?.write, onWarning: warning(progress) });
    const stop = new Stop();
    unhear = whenEnded((code) => stop.heard(code));
    const written = await write(session, ids, job, { prompt, eosIds: model.config.eosIds, stop, progress });
    if (saved) {
      saved.write(await session.snapshot());
      saved.keep();
    }
    const report = session.report();
    session.dispose(); // which ends the recording
    recording?.keep();
    if (!written.closed) tell(written, report, model, job);
    return stop.code;
  } finally {
    progress.clear();
    unhear();
    model.dispose();
    recording?.drop();
    saved?.drop();
  }
}

/** A first signal ends the text, and all is kept; another, half a second later, ends the program. (The first may arrive twice: as the terminal's and handed on by npm's shell.) */
class Stop {
  readonly #stopper = new AbortController();
  #at = 0; // milliseconds
  /** The exit code that is due; 0: nobody asked to end. */
  code = 0;

  get signal(): AbortSignal {
    return this.#stopper.signal;
  }

  heard(code: number): void {
    if (this.code > 0 && performance.now() - this.#at > 500) end(code);
    if (this.code === 0) [this.code, this.#at] = [code, performance.now()];
    this.#stopper.abort();
  }
}

/** What stands on stdout. */
interface Written {
  readonly text: string;
  /** Whether anything stands there. */
  readonly begun: boolean;
  /** Whether its reader went away. */
  readonly closed: boolean;
}

/** What a text is written with. */
interface Means {
  readonly prompt: string; // as it was given
  readonly eosIds: readonly number[];
  readonly stop: Stop;
  readonly progress: Progress;
}

/** Writes the text, until its end, or until somebody stops it, or nobody reads it any more. @throws Error */
async function write(
  session: Session,
  ids: number[] | string,
  { generate, ignoreEos, json }: Job,
  { prompt, eosIds, stop, progress }: Means,
): Promise<Written> {
  let [text, begun, closed] = ["", false, false];
  try {
    const pieces = session.generate(ids, {
      ...generate,
      banned: ignoreEos ? [...eosIds] : [],
      signal: stop.signal,
      onPrefill: (done, total) => {
        if (done < total) return progress.show("reading the prompt", done, total, "tokens");
        progress.clear();
        begun = true;
        if (!json) print(prompt, "faint");
      },
    });
    for await (const piece of pieces) {
      text += piece;
      if (!json) print(piece);
    }
  } catch (error) {
    progress.clear();
    closed = error instanceof ClosedPipe;
    if (!closed && stop.code === 0) {
      if (begun && !json) print("\n");
      throw error;
    }
  }
  return { text, begun, closed };
}

/** Says what was done. */
function tell({ text, begun }: Written, report: Report, model: Model, { json }: Job): void {
  if (json) return printJson(summary(text, report));
  if (begun) print("\n");
  note(`\n${describe(report)}`);
  const { gpuBytesLimit: limit, peakGpuBytes: peak } = model;
  if (limit < Infinity) note(`memory      ${megabytes(peak)} at most, of ${megabytes(limit)}`);
}

/** What --json prints. */
function summary(text: string, report: Report) {
  const { ids, promptTokens, newTokens, policy, budget, liveSlots, maxLiveSlots, ...rest } = report;
  const { kvBytes, usedKvBytes, fullKvBytes, evictions, tokensPerSecond, stepMs, device, adapter, ended, sampling } =
    rest;
  const counts = { promptTokens, newTokens, policy, budget, liveSlots, maxLiveSlots };
  const sizes = { kvBytes, usedKvBytes, fullKvBytes };
  return { text, ids, ...counts, ...sizes, evictions, tokensPerSecond, stepMs, device, adapter, ended, sampling };
}

function describe(report: Report): string {
  const lines = [
    `tokens      ${report.promptTokens} prompt (read in ${
      (report.prefillMs / 1000).toFixed(2)
    } s) + ${report.newTokens} new`,
    `sampling    ${report.sampling}`,
    `policy      ${report.policy}, budget ${report.budget} slots per lane`,
    `live slots  ${report.liveSlots} per lane, at most ${report.maxLiveSlots} during a step`,
    `KV cache    ${cacheLine(report)}`,
    `evictions   ${report.evictions} per lane`,
  ];
  if (report.stepMs.total === 0) return lines.join("\n");
  return [
    ...lines,
    `speed       ${report.tokensPerSecond.toFixed(1)} tokens/s on ${report.adapter}: ${report.device.why}`,
    `a step      ${stepLine(report)}`,
  ].join("\n");
}

export const generateCommand: Command = {
  run: generate,
  takes: "PROMPT",
  about: 'continues PROMPT; "-" reads it from standard input',
  flags: [...SESSION_FLAGS, ...MODEL_FLAGS, ...TEXT_FLAGS, "prompt", "ignore-eos", "record", "save", "resume", "force"],
  defaults: true,
  examples: [
    ['generate "Once upon a time" --budget 96 --max-new-tokens 400', "a story in 96 slots per lane"],
    [
      "generate - --budget 25% --evict prompt < story.txt",
      "a prompt that is cut to a quarter, and an answer that stays whole",
    ],
    [
      'generate "Once upon a time" --temperature 0.8 --min-p 0.05 --seed 7',
      "drawn, and the same again with the same seed",
    ],
    [
      `generate "A fox:" -m smollm2-135m --json-schema '{"properties":{"name":{"type":"string"}}}'`,
      "what fits a schema; @FILE reads one",
    ],
    ['generate "Once" --save story.session', "keeps the session, cache and all"],
    ["generate --resume story.session --max-new-tokens 50", "goes on from it exactly"],
  ],
};
