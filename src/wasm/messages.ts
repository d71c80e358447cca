/** What a page and the worker of its engine say to each other. What is posted takes effect in the order in which it was. */
import type { ModelConfig } from "../engine/config.ts";
import type { ContextShape, Pass } from "../engine/engine.ts";
import type { WeightType } from "../engine/quantise.ts";
import type { Tensor } from "../engine/tensor.ts";
import { KvcapError, KvcapRangeError, KvcapTypeError, type Refusal } from "../errors.ts";

/** What is loaded, and how: WasmOptions without what can only be asked for. */
export interface Opening {
  readonly config: ModelConfig;
  readonly tensors: readonly (readonly [name: string, tensor: Omit<Tensor, "read">])[];
  readonly type: WeightType | null;
  readonly exact: boolean;
  readonly threads: number | undefined;
  readonly memory: number;
}

/** A model that is laid out. */
export interface Opened {
  readonly adapter: string;
  readonly threads: number;
  readonly weightBytes: number;
  /** Bytes: see Engine.peak. */
  readonly peak: number;
}

/** A pass, but for what lies in its parcel. */
export interface PassAsked
  extends Omit<Pass, "ids" | "begin" | "slots" | "rows" | "observations" | "told" | "queries"> {
  readonly observed: boolean;
}

/** A pass as it is sent. */
export interface PassSent {
  readonly pass: PassAsked;
  readonly parcel: ArrayBuffer;
}

/** And what came of it. */
export interface PassAnswer {
  readonly id: number;
  readonly clamped: boolean;
  readonly parcel: ArrayBuffer;
}

/** What is asked of a context, or of the engine, by name: what it is given besides the context, and what it answers. */
export interface Calls {
  context: [
    given: { readonly shape: ContextShape },
    answer: { readonly refusal: string | null; readonly peak: number },
  ];
  pass: [given: PassSent, answer: PassAnswer];
  /** Of one that gathers others: theirs. */
  passes: [
    given: { readonly members: readonly (PassSent & { readonly context: number })[] },
    answer: readonly PassAnswer[],
  ];
  read: [given: { readonly count: number }, answer: { readonly logits: Float32Array; readonly hidden: Float32Array }];
  states: [given: { readonly count: number; readonly stage: number }, answer: Float32Array];
  save: [given: { readonly action: string }, answer: Uint8Array];
}
/** A name of Calls. */
export type CallName = keyof Calls;

/** What changes a context and answers nothing. */
export type Change =
  | {
    readonly type: "place";
    readonly positions: Int32Array<ArrayBuffer>;
    readonly ranks: Int32Array<ArrayBuffer> | null;
  }
  | { readonly type: "placeRows"; readonly rows: Int32Array<ArrayBuffer> }
  | { readonly type: "fold"; readonly gone: Uint32Array<ArrayBuffer> }
  | { readonly type: "forget" }
  | { readonly type: "ban"; readonly bits: Uint32Array<ArrayBuffer> }
  | { readonly type: "load"; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: "copyFrom"; readonly other: number }
  | { readonly type: "growFrom"; readonly other: number }
  | { readonly type: "release" };

/** A call under way: `call` is its number. */
export type Call = {
  [Name in CallName]: { readonly type: Name; readonly call: number; readonly context: number } & Calls[Name][0];
}[CallName];

/** To the worker. */
export type ToWorker =
  | { readonly type: "open"; readonly opening: Opening }
  /** Bytes of a tensor that the worker asked for. */
  | { readonly type: "bytes"; readonly read: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: "module"; readonly module: WebAssembly.Module }
  | Change & { readonly context: number }
  | Call;

/** And from it. */
export type FromWorker =
  | { readonly type: "started" }
  | { readonly type: "module"; readonly shared: boolean }
  | { readonly type: "read"; readonly read: number; readonly name: string; readonly from: number; readonly to: number }
  | { readonly type: "progress"; readonly bytes: number }
  | { readonly type: "opened"; readonly opened: Opened }
  | { readonly type: "refused"; readonly error: ToldError }
  | { readonly type: "answer"; readonly call: number; readonly answer: unknown }
  /** failure: of the engine, where it has one. */
  | { readonly type: "failed"; readonly call: number; readonly error: ToldError; readonly failure: string | null };

const CLASSES = {
  KvcapError: [KvcapError, Error],
  KvcapRangeError: [KvcapRangeError, RangeError],
  KvcapTypeError: [KvcapTypeError, TypeError],
} as const;

/** An error as it is sent: a refusal by its parts. */
export interface ToldError {
  readonly name: keyof typeof CLASSES;
  readonly message: string;
  readonly refusal: Refusal | null; // null: what another program threw
}

/** An error to be sent. */
export function told(error: unknown): ToldError {
  const name = error instanceof RangeError
    ? "KvcapRangeError"
    : error instanceof TypeError
    ? "KvcapTypeError"
    : "KvcapError";
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof KvcapError)) return { name, message, refusal: null };
  const { code, action, rule, got, quoted, option, meant } = error;
  const more = { ...quoted && { quoted }, ...option !== undefined && { option }, ...meant !== undefined && { meant } };
  return { name, message, refusal: { code, action, rule, got, ...more } };
}

/** The error that was sent. */
export function errorOf({ name, message, refusal }: ToldError): Error {
  const [ours, others] = CLASSES[name];
  return refusal ? new ours(refusal) : new others(message);
}
