// For tests of bad input: the one sentence a user reads, compared whole.
import * as assert from "uvu/assert";

/** Checks that `run` throws, or rejects, with exactly `sentence` (or one that matches it). */
export async function refused(run: () => unknown, sentence: string | RegExp): Promise<void> {
  let message: string | null = null;
  try {
    await run();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    message = error.message;
  }
  if (message === null) assert.unreachable(`must be refused: ${sentence}`);
  if (typeof sentence === "string") assert.is(message, sentence);
  else assert.match(message!, sentence);
  assert.not.match(message!, /\n/, "one line");
}
