/** The file that --record writes to. */
import { refuseWriting } from "./input.ts";
import type { RecordSink } from "../options/events.ts";

export interface RecordFile {
  readonly write: RecordSink;
  close(): void;
}

/** What stood in the file stays until there is something to write. @throws Error in one sentence where it cannot be made; `write` where it cannot be written */
export function createRecordFile(path: string): RecordFile {
  const failed = (error: unknown): never => refuseWriting("record", path, error);
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(path, { write: true, create: true });
  } catch (error) {
    failed(error);
  }
  let begun = false;
  const write: RecordSink = (piece) => {
    try {
      if (!begun && file.statSync().isFile) file.truncateSync();
      begun = true;
      for (let at = 0; at < piece.length;) at += file.writeSync(piece.subarray(at));
    } catch (error) {
      failed(error);
    }
  };
  return { write, close: () => file.close() };
}
