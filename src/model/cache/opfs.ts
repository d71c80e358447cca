/**
 * The cache of a page, in its origin's private file system (OPFS). A file is kept in pieces of 32 MiB, because a page writes
 * through a copy that becomes the file when it is closed: a page that goes away loses the last piece at most, and a file may
 * be larger than memory. Pieces are read by range, as the file system has them.
 *
 *     kvcap/KEY/note.json, VERSION/0, VERSION/1, …
 */
import { oneLine, unreadable } from "../refuse.ts";
import {
  type Entry,
  type Held,
  type Note,
  parseNote,
  type Part,
  type Store,
  type StoredFile,
  Unstorable,
} from "./store.ts";

type Folder = FileSystemDirectoryHandle;
type Listed = Folder & { keys(): AsyncIterableIterator<string> };

/** The page's cache; null where the page has none: it is not served over https or from this machine, or the browser is old. */
export function pageStore(folder = "kvcap", piece = 32 << 20): Store | null {
  const { storage, locks } = navigator as Partial<Navigator>;
  const writable = "FileSystemFileHandle" in globalThis && "createWritable" in FileSystemFileHandle.prototype;
  if (!storage || !locks || !writable) return null;
  const at = async (key: string) =>
    await (await (await storage.getDirectory()).getDirectoryHandle(folder, { create: true }))
      .getDirectoryHandle(key, { create: true });
  return {
    name: "the browser's storage",
    entry: (key) => pageEntry(() => at(key), `${folder}/${key}`, locks, piece),
  };
}

function isAbsent(error: unknown): boolean {
  return error instanceof DOMException && (error.name === "NotFoundError" || error.name === "TypeMismatchError");
}

async function stored<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Unstorable ? error : new Unstorable(oneLine(String(error)), { cause: error });
  }
}

/** Bytes [begin, end) of a file in pieces. */
async function readPieces(folder: Folder, piece: number, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(end - begin);
  for (let at = begin; at < end;) {
    const index = Math.floor(at / piece), from = at - index * piece;
    const file = await (await folder.getFileHandle(`${index}`)).getFile();
    const part = new Uint8Array(await file.slice(from, Math.min(piece, from + end - at)).arrayBuffer());
    if (part.length === 0) throw new Error(`the end at ${at} bytes`);
    bytes.set(part, at - begin);
    at += part.length;
  }
  return bytes;
}

/** Bytes that lie in pieces without a gap. */
async function sizeOf(folder: Folder, piece: number): Promise<number> {
  for (let index = 0;; index++) {
    let size: number;
    try {
      size = (await (await folder.getFileHandle(`${index}`)).getFile()).size;
    } catch (error) {
      if (!isAbsent(error)) throw error;
      size = 0;
    }
    if (size !== piece) return index * piece + Math.min(size, piece);
  }
}

function pageEntry(open: () => Promise<Folder>, name: string, locks: LockManager, piece: number): Entry {
  const file = (folder: Folder, size: number): StoredFile => ({
    where: `the browser's storage, ${name}/${folder.name}`,
    size,
    read: async (begin, end) => {
      try {
        return await readPieces(folder, piece, begin, end);
      } catch (error) {
        throw unreadable("the browser's storage must give what it took", oneLine(String(error)), error);
      }
    },
  });

  async function held(): Promise<Held | null> {
    const folder = await open();
    try {
      const note = parseNote(await (await (await folder.getFileHandle("note.json")).getFile()).text());
      if (!note) return null;
      if (note.missing !== null) return { note, file: null };
      const pieces = await folder.getDirectoryHandle(note.version);
      return await sizeOf(pieces, piece) === note.size ? { note, file: file(pieces, note.size) } : null;
    } catch (error) {
      if (isAbsent(error)) return null;
      throw error;
    }
  }

  async function writeNote(note: Note): Promise<void> {
    const out = await (await (await open()).getFileHandle("note.json", { create: true })).createWritable();
    await out.write(JSON.stringify(note));
    await out.close();
  }

  /** Versions of which there are pieces. */
  async function versions(folder: Folder): Promise<string[]> {
    const names: string[] = [];
    for await (const name of (folder as Listed).keys()) if (/^[0-9a-f]{16}$/.test(name)) names.push(name);
    return names;
  }

  async function tidy(keep: (string | undefined)[]): Promise<void> {
    const folder = await open();
    for (const name of await versions(folder)) {
      if (!keep.includes(name)) await folder.removeEntry(name, { recursive: true }).catch(() => {});
    }
  }

  async function part(version: string): Promise<Part> {
    await tidy([version, (await held())?.note.version]);
    const pieces = await (await open()).getDirectoryHandle(version, { create: true });
    let size = await sizeOf(pieces, piece);
    let out: FileSystemWritableFileStream | null = null; // of the piece in which `size` lies
    const close = async () => {
      const last = out;
      out = null;
      await last?.close();
    };
    const write = async (bytes: Uint8Array<ArrayBuffer>) => {
      for (let at = 0; at < bytes.length;) {
        const from = size % piece;
        if (!out) {
          const handle = await pieces.getFileHandle(`${Math.floor(size / piece)}`, { create: true });
          out = await handle.createWritable({ keepExistingData: from > 0 });
          if (from > 0) await out.seek(from);
        }
        const part = bytes.subarray(at, at + piece - from);
        await out.write(part);
        at += part.length;
        size += part.length;
        if (size % piece === 0) await close();
      }
    };
    const restart = async () => {
      await close();
      size = 0;
      for await (const name of (pieces as Listed).keys()) await pieces.removeEntry(name);
    };
    return {
      get size() {
        return size;
      },
      write: (bytes) => stored(() => write(bytes)),
      read: (begin, end) => stored(async () => (await close(), await readPieces(pieces, piece, begin, end))),
      restart: () => stored(restart),
      finish: (note) =>
        stored(async () => {
          await close();
          await writeNote(note);
          await tidy([version]);
          return file(pieces, size);
        }),
      close: () => stored(close),
      discard: () =>
        stored(async () => {
          await out?.abort().catch(() => {});
          out = null;
          await (await open()).removeEntry(version, { recursive: true });
        }),
    };
  }

  async function tryLock(): Promise<(() => void) | null> {
    return await new Promise((resolve, reject) => {
      const hold = (lock: Lock | null) => {
        if (!lock) return resolve(null);
        return new Promise<void>((release) => resolve(release));
      };
      locks.request(`kvcap ${name}`, { ifAvailable: true }, hold).catch(reject);
    });
  }

  async function partial(): Promise<number> {
    const folder = await open();
    const sizes = await Promise.all(
      (await versions(folder)).map(async (name) => await sizeOf(await folder.getDirectoryHandle(name), piece)),
    );
    return sizes.reduce((sum, size) => sum + size, 0);
  }

  return {
    held: () => stored(held),
    tryLock: () => stored(tryLock),
    part: (version) => stored(() => part(version)),
    partial: () => stored(partial),
    drop: () =>
      stored(async () => {
        const version = (await held())?.note.version;
        const folder = await open();
        await folder.removeEntry("note.json").catch(() => {}); // it may not be there
        if (version) await folder.removeEntry(version, { recursive: true });
      }),
    miss: (note) => stored(() => writeNote(note)),
  };
}
