/** The file that --record writes to. */
import { unwritable } from "./input.ts";
import type { RecordSink } from "../options/events.ts";

export interface RecordFile {
  readonly write: RecordSink;
  close(): void;
}

/** @throws Error in one sentence where the file cannot be made; `write` where it cannot be written */
export function createRecordFile(path: string): RecordFile {
  const failed = (error: unknown) =>
    new Error(`Cannot record: ${path} must be a file to write, got ${unwritable(error)}`);
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { write: true, create: true, truncate: true });
  } catch (error) {
    throw failed(error);
  }
  const write: RecordSink = (piece) => {
    try {
      for (let at = 0; at < piece.length;) at += file.writeSync(piece.subarray(at));
    } catch (error) {
      throw failed(error);
    }
  };
  return { write, close: () => file.close() };
}
