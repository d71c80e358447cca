/**
 * A comparison, in three parts: the runs write their texts, a token each in turn, so that a step's time is its own; then all
 * read one text, a reference's, and their distributions are compared with its; then a given text's perplexity is measured.
 */
import type { Model } from "../../src/index.ts";
import type { Session } from "../../src/session.ts";
import { type Comparison, settingsOf } from "../compare/comparison.ts";
import type { Phase, Step, Token, Told } from "../compare/result.ts";
import { optionsOf } from "../settings.ts";
import { type Agreement, compareLogits } from "./agreement.ts";

const APART = 50; // ms between two messages

type Tell = (told: Told) => void;
type Options = ReturnType<typeof optionsOf> & { seed: number | undefined };

/** Does all of it, or what comes before the signal. @throws as sessions do */
export async function compare(model: Model, asked: Comparison, tell: Tell, signal: AbortSignal): Promise<void> {
  const seed = asked.seed === "" ? undefined : Number(asked.seed);
  const runs = asked.runs.map((_, run) => ({ ...optionsOf(settingsOf(asked, run)), seed }));
  try {
    await write(model, asked, runs, tell, signal);
    await agree(model, asked, runs, tell, signal);
    if (asked.text.trim() !== "") await read(model, asked, runs, tell, signal);
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

  constructor(model: Model, { prompt, max }: Comparison, { session, generate, seed }: Options, signal: AbortSignal) {
    this.#model = model;
    this.session = model.session(session);
    const options = { ...generate, seed, maxNewTokens: max, signal, onToken: (id: number) => this.#chose(id) };
    this.#pieces = this.session.generate(prompt, options);
  }

  #chose(id: number) {
    const now = performance.now();
    const { liveSlots, fullKvBytes } = this.session.report();
    this.#tokens.push({
      id,
      text: this.#utf8.decode(this.#model.tokenizer.bytes(id), { stream: true }),
      kvBytes: fullKvBytes / this.session.seen * liveSlots,
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

async function write(model: Model, asked: Comparison, runs: Options[], tell: Tell, signal: AbortSignal) {
  const writers: Writer[] = [];
  const tellTokens = paced(() =>
    writers.forEach((writer, run) => {
      const tokens = writer.take();
      if (tokens.length > 0) tell({ of: "tokens", run, tokens });
    })
  );
  const progress = phase(tell, "writing", runs.length * asked.max);
  const report = (run: number) => {
    tellTokens.now();
    tell({ of: "report", run, report: { ...writers[run].session.report(), ids: [] } });
  };
  const sessions: Session[] = [];
  await withSessions(sessions, async () => {
    for (const options of runs) {
      const writer = new Writer(model, asked, options, signal);
      sessions.push(writer.session);
      writers.push(writer);
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
          progress(writers.reduce((sum, { written }) => sum + written, 0));
        }
      }
    } finally {
      for (const run of open) report(run); // what a stopped run had
    }
  });
}

// ---- agreement ---------------------------------------------------------------------------------------------------

async function agree(model: Model, asked: Comparison, runs: Options[], tell: Tell, signal: AbortSignal) {
  const { prompt, max } = asked;
  const { generate, seed } = runs[0];
  // Its slots are made once: a full cache that is not told how many would grow at every step.
  const slots = model.tokenizer.encode(prompt, { bos: true, special: true }).length + max;
  const sized = ({ session }: Options) => session.policy === "full" ? { ...session, budget: slots } : session;
  const { stride } = runs[0].session;
  const sessions: Session[] = [];
  const steps: Step[] = [];
  const tellSteps = paced(() => steps.length > 0 && tell({ of: "agreement", steps: steps.splice(0) }));
  const progress = phase(tell, "agreement", max);
  await withSessions(sessions, async () => {
    sessions.push(model.session({ policy: "full", budget: slots, kv: "f32", ...stride ? { stride } : {} }));
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
        await oneToken(reference, text, at === 0 ? { ...chooses, seed, signal } : { ...chooses, signal });
        const found: Agreement[] = [];
        for (const reader of readers) {
          const onLogits = (logits: Float32Array) => {
            found.push(compareLogits(expected, logits));
            logits.fill(-Infinity);
            logits[id] = 0; // it reads what the reference wrote
          };
          await oneToken(reader, text, { onLogits, signal });
        }
        if (reference.report().ended === "end") break; // its end is not part of the text
        steps.push({ id, same: found.map(({ same }) => same), kl: found.map(({ kl }) => kl) });
        tellSteps.perhaps();
        progress(at + 1);
      }
    } finally {
      tellSteps.now();
    }
  });
}

async function oneToken(session: Session, text: string, options: Parameters<Session["generate"]>[1]) {
  for await (const _ of session.generate(text, { ...options, maxNewTokens: 1 }));
}

// ---- perplexity --------------------------------------------------------------------------------------------------

async function read(model: Model, { text }: Comparison, runs: Options[], tell: Tell, signal: AbortSignal) {
  let progress: ((done: number) => void) | null = null;
  for (const [run, { session }] of runs.entries()) {
    const onProgress = (done: number, total: number) => {
      signal.throwIfAborted();
      progress ??= phase(tell, "perplexity", total * runs.length);
      progress(run * total + done);
    };
    tell({ of: "perplexity", run, perplexity: await model.perplexity(text, { ...session, onProgress }) });
  }
}
