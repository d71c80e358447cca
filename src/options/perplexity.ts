/** How a text is measured: types, rows and checks. */
import { known } from "./check.ts";
import { callback, having, whole } from "./kinds.ts";
import { checkRows, namesOf, type Table } from "./row.ts";
import { SESSION, type SessionOptions } from "./session.ts";

/** A session's options, and how a text is measured. */
export interface PerplexityOptions extends SessionOptions {
  /** Tokens at the start that are read but not counted. With pinPrompt these are pinned. Default 1. */
  first?: number;
  /** Hears how many tokens have been read. */
  onProgress?: (done: number, total: number) => void;
  /** Ends the measurement at the next step with the signal's reason. */
  signal?: AbortSignal;
}

/** What a measurement has besides a session's options. */
export type Measured = Omit<PerplexityOptions, keyof SessionOptions>;

/** One row each of what it has besides. */
export const MEASURED = {
  first: { kind: whole(1), default: 1 },
  onProgress: { kind: callback(), default: () => {} },
  signal: { kind: having("throwIfAborted", "an AbortSignal"), default: null },
} as const satisfies Table<Measured>;

/** The same with every default filled in. */
export interface CheckedMeasured extends Required<Omit<Measured, "signal">> {
  readonly signal: AbortSignal | null;
}

/** Fills in the defaults of a measurement; the session's options are left for checkSession. @throws KvcapRangeError */
export function checkPerplexity(options: PerplexityOptions): SessionOptions & CheckedMeasured {
  const action = "measure perplexity";
  known(action, options, [...namesOf(SESSION), ...namesOf(MEASURED)]);
  const { first, onProgress, signal, ...session } = options;
  const measured = checkRows(MEASURED, { first, onProgress, signal }, { action }) as unknown as CheckedMeasured;
  return { ...measured, ...session };
}
