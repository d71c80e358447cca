// For tests of bad input: the one sentence a user reads, compared whole, and what programs read of it.
import * as assert from "uvu/assert";
import { type ErrorCode, KvcapError } from "../../src/errors.ts";

/**
 * Checks that `run` throws, or rejects, with exactly `sentence` (or one that matches it).
 * @param codes one of which the error must have @param option the option that it must name
 */
export async function refused(
  run: () => unknown,
  sentence: string | RegExp,
  codes: readonly ErrorCode[] = [],
  option?: string,
): Promise<void> {
  let thrown: Error | null = null;
  try {
    await run();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    thrown = error;
  }
  if (thrown === null) assert.unreachable(`must be refused: ${sentence}`);
  const { message } = thrown!;
  if (typeof sentence === "string") assert.is(message, sentence);
  else assert.match(message, sentence);
  assert.not.match(message, /\n/, "one line");
  if (codes.length === 0) return;
  assert.instance(thrown, KvcapError);
  const { code, option: named } = thrown as KvcapError;
  assert.ok(codes.includes(code), `${message}: ${code}`);
  assert.is(named, option);
}

/** What a reader of a model's files refuses with. */
export const FILE_CODES: readonly ErrorCode[] = ["bad-file", "unsupported"];
