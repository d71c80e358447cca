/** Keeping a session in a file. */
import { refuseWriting } from "./input.ts";

/** What cannot be done, in a refusal. */
export const SAVE = "save the session";

/** A file that takes a session's snapshot, whole or not at all. */
export interface SaveFile {
  keep(snapshot: Uint8Array): Promise<void>;
  /** Removes what was begun and not kept. */
  close(): Promise<void>;
}

/** Makes sure that the file can be written, before anything is generated. What stood there before stays until `keep`. */
export async function createSaveFile(path: string): Promise<SaveFile> {
  const refused = (error: unknown): never => refuseWriting(SAVE, path, error);
  const before = await Deno.stat(path).catch(() => null);
  if (before && !before.isFile) {
    refused(new Error(before.isDirectory ? "a folder" : "a device or a pipe"));
  }
  const partial = `${path}.partial`;
  const write = async (bytes: Uint8Array) => {
    try {
      await Deno.writeFile(partial, bytes);
    } catch (error) {
      refused(error);
    }
  };
  await write(new Uint8Array(0));
  return {
    keep: async (snapshot) => {
      await write(snapshot);
      await Deno.rename(partial, path).catch(refused);
    },
    close: () => Deno.remove(partial).catch(() => {}),
  };
}
