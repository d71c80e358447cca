/**
 * A comparison, in three parts: the runs write their texts, a token each in turn, so that a step's time is its own; then all
 * read one text, a reference's, and their distributions are compared with its; then a given text's perplexity is measured.
 */
import type { Model } from "../../src/index.ts";
import type { Session } from "../../src/session/session.ts";
import { type Comparison, LETTERS, settingsOf } from "../compare/comparison.ts";
import type { Phase, Step, Token, Told } from "../compare/result.ts";
import { toldOf, whyOf } from "../protocol.ts";
import { optionsOf } from "../settings.ts";
import { checkRun } from "./check.ts";
import { type Agreement, compareLogits } from "../../src/eval/scores/logits.ts";
import { type Recorded, Recorder, tellFigures } from "./figures.ts";

const APART = 50; // ms between two messages

type Tell = (told: Told) => void;
type Options = ReturnType<typeof optionsOf> & { seed: number | undefined };

/** A comparison under way. */
interface Job {
  readonly model: Model;
  readonly asked: Comparison;
  readonly runs: readonly Options[];
  readonly tell: Tell;
  readonly signal: AbortSignal;
}

/** Does all of it, or what comes before the signal. @throws as sessions do */
export async function compare(model: Model, asked: Comparison, tell: Tell, signal: AbortSignal): Promise<void> {
  const seed = asked.seed === "" ? undefined : Number(asked.seed);
  const runs = asked.runs.map((_, run) => ({ ...optionsOf(settingsOf(asked, run)), seed }));
  for (const run of runs) checkRun(model, run);
  tell({ of: "began" });
  const job: Job = { model, asked, runs, tell, signal };
  try {
    await write(job);
    await tellFigures(job, await agree(job));
    if (asked.text.trim() !== "") await read(job);
    tell({ of: "whole" });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** Calls at most once in so many milliseconds, and at the end. */
function paced(call: () => void): { now: () => void; perhaps: () => void } {
  let last = -Infinity;
  const now = () => {
    last = performance.now();
    call();
  };
  return { now, perhaps: () => performance.now() - last >= APART && now() };
}

const phase = (tell: Tell, phase: Phase, total: number) => {
  let done = 0;
  const { now, perhaps } = paced(() => tell({ of: "phase", phase, done, total }));
  now();
  return (count: number) => {
    done = count;
    perhaps();
  };
};

/** Tells how far texts are read, one run after the other. One that is read in a single piece is not worth a word. */
function reading(tell: Tell, name: Phase, runs: number) {
  let progress: ((done: number) => void) | null = null;
  return (run: number) => (done: number, total: number) => {
    if (!progress && done === total) return;
    progress ??= phase(tell, name, total * runs);
    progress(run * total + done);
  };
}

/** Sessions that are given back whatever happens. */
async function withSessions(sessions: Session[], work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } finally {
    for (const session of sessions) session.dispose();
  }
}

// ---- the texts ---------------------------------------------------------------------------------------------------

class Writer {
  readonly session: Session;
  readonly #pieces: AsyncGenerator<string, void, void>;
  readonly #utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #model: Model;
  #begun = 0; // when the step began that is under way
  #tokens: Token[] = []; // not yet told
  #count = 0;

  /** @param run which of the job's runs it is that the session is for */
  constructor(
    { model, asked: { prompt, max }, runs, signal }: Job,
    run: number,
    session: Session,
    onPrefill: (done: number, total: number) => void,
  ) {
    const { generate, seed } = runs[run];
    this.#model = model;
    this.session = session;
    const onToken = (id: number) => this.#chose(id);
    this.#pieces = this.session.generate(prompt, { ...generate, seed, maxNewTokens: max, signal, onPrefill, onToken });
  }

  #chose(id: number) {
    const now = performance.now();
    const { usedKvBytes } = this.session.report();
    this.#tokens.push({
      id,
      text: this.#utf8.decode(this.#model.tokenizer.bytes(id), { stream: true }),
      kvBytes: usedKvBytes,
      ms: this.#count++ === 0 ? null : now - this.#begun,
    });
    this.#begun = now;
  }

  /** Writes on, up to the next piece of text. @returns whether there may be more */
  async next(): Promise<boolean> {
    this.#begun = performance.now();
    const { done } = await this.#pieces.next();
    return !done;
  }

  get written(): number {
    return this.#count;
  }

  /** What has been written since this was asked last. */
  take(): Token[] {
    return this.#tokens.splice(0);
  }
}

async function write(job: Job) {
  const { model, asked, runs, tell } = job;
  const writers: Writer[] = [];
  const tellTokens = paced(() =>
    writers.forEach((writer, run) => {
      const tokens = writer.take();
      if (tokens.length > 0) tell({ of: "tokens", run, tokens });
    })
  );
  const reads = reading(tell, "reading", runs.length);
  let progress: ((done: number) => void) | null = null; // of writing: once all have read the prompt
  const report = (run: number) => {
    tellTokens.now();
    tell({ of: "report", run, report: { ...writers[run].session.report(), ids: [] } });
  };
  const sessions: Session[] = [];
  await withSessions(sessions, async () => {
    for (const [run, options] of runs.entries()) {
      sessions.push(model.session(options.session));
      writers.push(new Writer(job, run, sessions[run], reads(run)));
    }
    const open = new Set(writers.keys());
    try {
      while (open.size > 0) {
        for (const run of open) {
          if (!await writers[run].next()) {
            open.delete(run);
            report(run);
          }
          tellTokens.perhaps();
          if (run === runs.length - 1) progress ??= phase(tell, "writing", runs.length * asked.max);
          progress?.(writers.reduce((sum, { written }) => sum + written, 0));
        }
      }
    } finally {
      for (const run of open) report(run); // what a stopped run had
    }
  });
}

// ---- agreement ---------------------------------------------------------------------------------------------------

/** @returns what was recorded of the reference, and the slots that each run had */
async function agree({ model, asked: { prompt, max }, runs, tell, signal }: Job): Promise<Recorded> {
  const { generate, seed } = runs[0];
  // Its slots are made once: a full cache that is not told how many would grow at every step.
  const slots = model.tokenizer.encode(prompt, { bos: true, special: true }).length + max;
  const sized = ({ session }: Options) => session.policy === "full" ? { ...session, budget: slots } : session;
  const { stride } = runs[0].session;
  const sessions: Session[] = [];
  const steps: Step[] = [];
  const recorder = new Recorder();
  let budgets: number[] = [];
  const tellSteps = paced(() => steps.length > 0 && tell({ of: "agreement", steps: steps.splice(0) }));
  const reads = reading(tell, "reading", runs.length + 1);
  let progress: ((done: number) => void) | null = null;
  await withSessions(sessions, async () => {
    const { record } = recorder;
    sessions.push(model.session({ policy: "full", budget: slots, kv: "f32", record, ...stride ? { stride } : {} }));
    for (const run of runs) sessions.push(model.session(sized(run)));
    const [reference, ...readers] = sessions;
    const expected = new Float32Array(model.config.vocab);
    let id = -1; // the reference's
    const chooses = {
      ...generate,
      onLogits: (logits: Float32Array) => expected.set(logits),
      onToken: (chosen: number) => void (id = chosen),
    };
    try {
      for (let at = 0; at < max; at++) {
        const text = at === 0 ? prompt : "";
        await oneToken(reference, text, { ...chooses, signal, ...at === 0 ? { seed, onPrefill: reads(0) } : {} });
        const found: Agreement[] = [];
        for (const [run, reader] of readers.entries()) {
          const onLogits = (logits: Float32Array) => {
            found.push(compareLogits(expected, logits));
            logits.fill(-Infinity);
            logits[id] = 0; // it reads what the reference wrote
          };
          await oneToken(reader, text, { onLogits, signal, ...at === 0 ? { onPrefill: reads(run + 1) } : {} });
        }
        if (reference.report().ended === "end") break; // its end is not part of the text
        steps.push({ id, same: found.map(({ same }) => same), kl: found.map(({ kl }) => kl) });
        tellSteps.perhaps();
        progress ??= phase(tell, "agreement", max);
        progress(at + 1);
      }
    } finally {
      tellSteps.now();
      budgets = readers.map(({ options }) => options.budget);
    }
  });
  return { recorder, budgets };
}

async function oneToken(session: Session, text: string, options: Parameters<Session["generate"]>[1]) {
  for await (const _ of session.generate(text, { ...options, maxNewTokens: 1 }));
}

// ---- perplexity --------------------------------------------------------------------------------------------------

async function read({ model, asked, runs, tell, signal }: Job) {
  const reads = reading(tell, "perplexity", runs.length);
  for (const [run, { session }] of runs.entries()) {
    const told = reads(run);
    const onProgress = (done: number, total: number) => {
      signal.throwIfAborted();
      told(done, total);
    };
    try {
      tell({ of: "perplexity", run, perplexity: await model.perplexity(asked.text, { ...session, onProgress }) });
    } catch (error) {
      if (signal.aborted || model.failure) throw error;
      tell({ of: "refused", run, refused: whyNot(error, LETTERS[run], asked.runs[run].budget) }); // others may have one
    }
  }
}

/** Why a run has no perplexity, in a sentence. A share of the text is a number of slots that nobody has set: it says of what. */
function whyNot(error: unknown, letter: string, budget: string): string {
  const { option } = toldOf(error);
  const share = option === "budget" && budget.endsWith("%") ? ` (${budget} of the text)` : "";
  return `Cannot measure run ${letter}’s perplexity: ${whyOf(toldOf(error))}${share}`;
}
