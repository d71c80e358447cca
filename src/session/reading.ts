/** What a generation reads, and how that goes. */
import type { CheckedSession } from "../options/index.ts";

/** What a generation begins with. */
export interface Reading {
  readonly ids: readonly number[];
  /** Whether everything is to be forgotten before. */
  readonly anew: boolean;
  /** How many tokens from the beginning of the text are never to be evicted. */
  readonly pinned: number;
  /** Ids that end the text. */
  readonly ends: readonly number[];
}

/** A reading, and how it goes. */
export interface Plan {
  readonly reading: Reading;
  readonly options: CheckedSession;
  /** Tokens read at once. */
  readonly chunk: number;
  /** Whether tokens go while it is read: with `evict: "prompt"` not where no prompt is new, and the text just goes on. */
  readonly evicts: boolean;
}
