/** What a generation reads, and how that goes. */
import { refuse, words } from "../errors.ts";
import type { Books } from "../eviction/books.ts";
import type { LoadedModel } from "../model/loaded.ts";
import { type CheckedSession, checkPromptIds, checkText } from "../options/index.ts";

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

/** A text of which the beginning was read, and nothing else. */
export interface Begun {
  readonly ids: readonly number[];
  /** As in its reading, and of what was read. */
  readonly pinned: number;
  /** Tokens read at once. */
  readonly chunk: number;
}

/** How many ids of a reading that begins anew stand in the cache as it would read them. */
export function begunOf({ ids, anew, pinned }: Reading, chunk: number, begun: Begun | null): number {
  if (!anew || !begun || begun.chunk !== chunk || begun.ids.length >= ids.length) return 0;
  const { length } = begun.ids;
  return Math.min(pinned, length) === begun.pinned && begun.ids.every((id, i) => id === ids[i]) ? length : 0;
}

/** A reading, and how it goes. */
export interface Plan {
  readonly reading: Reading & {
    /** How many of the ids stand in the cache already. */
    readonly begun: number;
  };
  readonly options: CheckedSession;
  /** Tokens read at once. */
  readonly chunk: number;
  /** Whether tokens go while it is read: with `evict: "prompt"` not where no prompt is new, and the text just goes on. */
  readonly evicts: boolean;
}

/** Tokens that a cache takes in before it goes back to its budget: those that it lacks, and `spare` more. What it grew by does not count. */
export function roomToRead({ groups }: Books, { policy, spare }: CheckedSession): number {
  if (policy === "full") return Infinity;
  return spare + Math.min(...groups.map(({ budget, core }) => Math.max(0, budget - core.live)));
}

/** Where a prompt is read. */
interface Place {
  /** Whether there is a text to go on with. */
  readonly goesOn: boolean;
  /** Whether nothing is before it. */
  readonly first: boolean;
  /** Its ids, once they are known, by whether something is put before them. */
  readonly encoded: Map<boolean, number[]>;
}

/** The ids of a prompt. @throws KvcapRangeError, KvcapTypeError for one that cannot be read */
export function promptIds(
  { tokenizer, config }: LoadedModel,
  prompt: string | ArrayLike<number>,
  { goesOn, first, encoded }: Place,
): number[] {
  if (prompt?.length === 0 && goesOn) return []; // the text goes on
  checkText("generate", "the prompt", prompt);
  if (typeof prompt !== "string") return checkPromptIds(prompt, config.vocab);
  if (prompt === "") {
    refuse("generate", "the prompt must not be empty", words("an empty string"), { option: "prompt" });
  }
  if (!encoded.has(first)) encoded.set(first, tokenizer.encode(prompt, { bos: first, special: true }));
  return checkPromptIds(encoded.get(first)!, config.vocab);
}
