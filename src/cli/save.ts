/** Keeping a session in a file. */
import { unwritable } from "./input.ts";

/** A file that takes a session's snapshot, whole or not at all. */
export interface SaveFile {
  keep(snapshot: Uint8Array): Promise<void>;
  /** Removes what was begun and not kept. */
  close(): Promise<void>;
}

/** Makes sure that the file can be written, before anything is generated. What stood there before stays until `keep`. */
export async function createSaveFile(path: string): Promise<SaveFile> {
  const before = await Deno.stat(path).catch(() => null);
  if (before && !before.isFile) {
    const is = before.isDirectory ? "a folder" : "a device or a pipe";
    throw new Error(`Cannot save the session: ${path} must be a file to write, got ${is}`);
  }
  const partial = `${path}.partial`;
  const refused = (error: unknown) =>
    new Error(`Cannot save the session: ${path} must be a file to write, got ${unwritable(error)}`);
  const write = async (bytes: Uint8Array) => {
    try {
      await Deno.writeFile(partial, bytes);
    } catch (error) {
      throw refused(error);
    }
  };
  await write(new Uint8Array(0));
  return {
    keep: async (snapshot) => {
      await write(snapshot);
      await Deno.rename(partial, path).catch((error) => {
        throw refused(error);
      });
    },
    close: () => Deno.remove(partial).catch(() => {}),
  };
}
