/** A session that writes, told in pieces: their texts, the ids they are of, and in the end what it took. */
import { whereRoom } from "../errors.ts";
import type { Logprobs } from "../options/events.ts";
import type { GenerateOptions } from "../options/generate.ts";
import type { Report } from "../session/report.ts";
import type { Batch } from "../session/batch.ts";
import type { Session } from "../session/session.ts";
import type { Numbers } from "./numbers.ts";

/** An id that was chosen. */
export interface Token {
  readonly id: number;
  readonly logprobs: Logprobs | undefined;
}

/** A piece of text, and the ids chosen since the piece before. */
export interface Piece {
  readonly text: string;
  readonly tokens: readonly Token[];
}

/** What an answer took. */
export interface Took {
  readonly ended: Report["ended"];
  readonly usage: Usage;
}

/** As the API has it, and kvcap's own. */
export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly prompt_tokens_details: { readonly cached_tokens: number };
  /** The cache behind the answer: slots per lane, and how many tokens have been evicted from each. */
  readonly kvcap: { readonly policy: string; readonly budget: number; readonly live: number; readonly evicted: number };
}

/** How a session is made to write. */
type Write = (options: GenerateOptions) => AsyncGenerator<string, void, void>;

/**
 * Writes.
 * @param batch whom it writes with, where there is memory for it @param before tokens of the request that the session has read already
 * @param write takes options with listeners
 * @throws as the session does
 */
export async function* writing(
  session: Session,
  options: GenerateOptions,
  { numbers, batch, before = 0 }: { numbers: Numbers; batch: Batch | null; before?: number },
  write: Write,
): AsyncGenerator<Piece, Took, void> {
  let tokens: Token[] = [], cached = 0, told = 0;
  const evictedBefore = session.report().evictions;
  let last = performance.now(), first = true;
  const pieces = write({
    ...options,
    onPrefill: (done) => {
      if (told === 0) cached = session.seen - done - before;
      told = done;
    },
    onToken: (id, logprobs) => {
      tokens.push({ id, logprobs });
      const now = performance.now();
      (first ? numbers.firstToken : numbers.betweenTokens).add((now - last) / 1000);
      [first, last] = [false, now];
    },
  });
  whereRoom(() => batch?.add(session));
  try {
    for await (const text of pieces) {
      yield { text, tokens };
      tokens = [];
    }
  } finally {
    batch?.remove(session);
    const { promptTokens, newTokens, evictions } = session.report();
    numbers.read += before + promptTokens;
    numbers.cached += cached;
    numbers.written += newTokens;
    numbers.evicted += Math.max(0, evictions - (cached > 0 ? evictedBefore : 0));
  }
  const { ended, promptTokens, newTokens } = session.report();
  return { ended, usage: usageOf(session, cached + before + promptTokens, newTokens, cached) };
}

/** Steps made into others, one for one; who leaves these ends those. */
export async function* mapped<T, U, R>(
  steps: AsyncGenerator<T, R, void>,
  make: (step: T) => U,
): AsyncGenerator<U, R, void> {
  try {
    let next = await steps.next();
    for (; !next.done; next = await steps.next()) yield make(next.value);
    return next.value;
  } finally {
    await steps.return(undefined as never);
  }
}

/** What an answer took, and the cache behind it. */
export function usageOf(session: Session, read: number, written: number, cached: number): Usage {
  const { policy, budget, liveSlots, evictions } = session.report();
  return {
    ...{ prompt_tokens: read, completion_tokens: written, total_tokens: read + written },
    prompt_tokens_details: { cached_tokens: cached },
    kvcap: { policy, budget, live: liveSlots, evicted: evictions },
  };
}
