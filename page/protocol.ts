/** What page and worker say to each other: every message, and the compact form of a step. */
import { KvcapError, reasonOf, type Refusal } from "../src/errors.ts";
import type { Unkept } from "../src/files/cache/store.ts";
import type { LoadOptions } from "../src/options/load.ts";
import type { Report } from "../src/session/report.ts";
import type { Comparison } from "./compare/comparison.ts";
import type { Told } from "./compare/result.ts";
import type { Settings, Turn } from "./settings.ts";

/** Where a model comes from. */
export type From = { kind: "shipped" } | { kind: "url"; url: string } | {
  kind: "files";
  files: File[];
  name: string;
};

export type ToWorker =
  | { type: "load"; from: From; device: LoadOptions["device"] & string }
  /** A module with a policy of the visitor's own, which settings may name from then on. chosen: just now */
  | { type: "policy"; code: string; chosen: boolean }
  /** A session under these settings, and these turns, one after the other. */
  | { type: "run"; settings: Settings; turns: readonly Turn[] }
  /** One more turn of the session there is. */
  | { type: "turn"; turn: Turn }
  /** Runs side by side; the session there is stays as it is. */
  | { type: "compare"; asked: Comparison }
  | { type: "stop" }
  /** Gives the session back. */
  | { type: "reset" }
  /** Asks for the scores recorded last at this step or before. */
  | { type: "scores"; step: number }
  /** For tests: asks for the session's own account of who lives. */
  | { type: "books" };

export interface ModelInfo {
  readonly name: string;
  readonly about: string; // kind and size in words
  readonly adapter: string;
  readonly why: string; // it was chosen
  readonly bytes: number; // of weights on the device
  readonly chat: boolean; // has a chat template
  readonly unkept: Unkept | null; // why its files are not kept; null: they are, or need not be
  readonly odd: string | null; // what is odd about it
}

/** An error on its way from the worker: a refusal with its parts, or what another error says. */
export interface ToldError extends Partial<Refusal> {
  readonly name: string; // of its class
  readonly message: string;
}

/** An error as it is sent. */
export function toldOf(error: unknown): ToldError {
  const { name, message } = error instanceof Error ? error : { name: "Error", message: String(error) };
  if (!(error instanceof KvcapError)) return { name, message };
  const { code, action, rule, got, quoted, option, meant } = error;
  return { name, message, code, action, rule, got, quoted, option, meant };
}

/** What was wrong, without what could not be done. */
export function whyOf({ message, rule, got, quoted, meant }: ToldError): string {
  return rule === undefined || got === undefined ? message : reasonOf({ rule, got, quoted, meant });
}

/** What a run begins with. */
export interface RunInfo {
  readonly layers: number;
  readonly kvHeads: number; // lanes = layers · kvHeads
  readonly rule: string; // the policy, and what was put in place of its parts
  readonly evicts: boolean;
  readonly score: string; // by name
  readonly scope: string; // likewise
  readonly shared: boolean;
  readonly window: number; // rows
  readonly pool: string;
}

/** A token that the text shows from now on at this position. */
export interface Shown {
  readonly position: number;
  readonly id: number;
  readonly text: string; // empty where its character is not complete yet
  readonly special: boolean;
  readonly made: boolean; // chosen by the model
}

/** What every live token was worth at a step, lane by lane. */
export interface Scores {
  readonly step: number;
  readonly begins: Int32Array<ArrayBuffer>; // [lanes + 1]: where each lane's tokens begin
  readonly positions: Int32Array<ArrayBuffer>; // [live tokens of all lanes]
  readonly score: Float32Array<ArrayBuffer>; // what the rule makes of it
  readonly mean: Float32Array<ArrayBuffer>; // attention per query that could see it
  readonly spread: Float32Array<ArrayBuffer>; // its standard deviation; under the scope of peaks the peak
}

/** The session's own account, between two steps. */
export interface Account {
  readonly step: number;
  readonly seen: number;
  readonly live: number[][]; // [lanes][live], positions, ascending
  readonly scores: number[][]; // likewise
}

export type FromWorker =
  | { type: "progress"; what: string; done: number; total: number | null } // bytes, or tokens read
  | { type: "loaded"; model: ModelInfo }
  | { type: "began"; run: RunInfo }
  /** The session forgot everything: what comes is read from the beginning. */
  | { type: "forgot" }
  /** Steps since the last such message, one behind the other, and the tokens that they show. */
  | { type: "steps"; records: Int32Array<ArrayBuffer>; shown: Shown[] }
  | { type: "scores"; scores: Scores | null; recorded: boolean } // recorded: as asked for; else those of now
  | { type: "report"; report: Report; ended: boolean } // so far, or of a turn that ended; without its ids
  | { type: "compared"; told: Told }
  | { type: "policy"; name: string; code: string; chosen: boolean } // of the visitor's own: settings may name it
  | { type: "noPolicy"; error: ToldError }
  | { type: "idle" } // nothing runs any more
  | { type: "stopping" } // it heard that it is to stop
  /** alive: whether there is a session still. */
  | {
    type: "failed";
    alive: boolean;
    during: "load" | "run";
    error: ToldError;
    lost: boolean; // the GPU no longer works
    webgpu: boolean; // this browser knows WebGPU
    adapter: boolean; // and offers a GPU
  }
  | { type: "account"; account: Account };

/**
 * One step in 32-bit words:
 * ```
 * step | first position | tokens | lanes | gone in all lanes | 0 | ids [tokens] | how many went [lanes]
 * | positions of who went, lane by lane | their scores, f32 | per lane the score of who would have gone next, f32 (NaN: none)
 * ```
 */
export interface Step {
  readonly step: number; // 1, 2, …
  readonly first: number; // the position of the first token it took in
  readonly ids: ArrayLike<number>;
  readonly went: ArrayLike<number>; // [lanes]
  readonly gone: ArrayLike<number>;
  readonly scores: ArrayLike<number>;
  readonly next: ArrayLike<number>; // [lanes]
}

const HEADER = 6; // words

/** Writes a step behind `at`. @returns the words, grown where needed, and where they end */
export function writeStep(words: Int32Array<ArrayBuffer>, at: number, step: Step): [Int32Array<ArrayBuffer>, number] {
  const { ids, went, gone, scores, next } = step;
  const end = at + HEADER + ids.length + 2 * went.length + 2 * gone.length;
  if (end > words.length) {
    const larger = new Int32Array(2 * end);
    larger.set(words.subarray(0, at));
    words = larger;
  }
  words.set([step.step, step.first, ids.length, went.length, gone.length, 0], at);
  const floats = new Float32Array(words.buffer);
  at += HEADER;
  for (const part of [ids, went, gone]) {
    words.set(part, at);
    at += part.length;
  }
  for (const part of [scores, next]) {
    floats.set(part, at);
    at += part.length;
  }
  return [words, at];
}

/** Reads steps one after the other. They are views of `words`. */
export function* readSteps(words: Int32Array<ArrayBuffer>): Generator<Step> {
  const floats = new Float32Array(words.buffer, words.byteOffset, words.length);
  for (let at = 0; at < words.length;) {
    const [step, first, tokens, lanes, gone] = words.subarray(at, at + HEADER);
    at += HEADER;
    const take = <A extends Int32Array | Float32Array>(from: A, count: number) => from.subarray(at, at += count) as A;
    yield {
      step,
      first,
      ids: take(words, tokens),
      went: take(words, lanes),
      gone: take(words, gone),
      scores: take(floats, gone),
      next: take(floats, lanes),
    };
  }
}
