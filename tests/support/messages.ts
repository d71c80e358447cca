// What a process of a run tells the runner: lines of JSON on its standard output, each behind MARK; every other line is what a
// test wrote.
import type { Totals } from "./totals.ts";

export type Message =
  | { ask: true } // for the path of the next file
  | { begins: string } // what is under way now
  | { ended: Totals; cases: number }; // what came of the file; recorded cases checked so far

/** Begins a line that is a message: a control character that no test prints. */
export const MARK = "\x1e";

/** The lines of a stream of UTF-8. */
export async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    yield* lines;
  }
  if (rest) yield rest;
}
