/**
 * The cache of a page, in its origin's private file system (OPFS): read by range, as the file system has it. A worker writes, in
 * place: a page's own writer fills a copy that is lost with the page, and takes seven times as long for pieces of 64 KiB.
 *
 *     kvcap/KEY/note.json, VERSION
 */
import { oneLine, words } from "../../errors.ts";
import { refuseFile } from "../checks.ts";
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
import script from "./opfs-writer.js" with { type: "text" };

type Folder = FileSystemDirectoryHandle;
type Listed = Folder & { keys(): AsyncIterableIterator<string> };

/**
 * The page's cache; null where the page has none: it is not served over https or from this machine, or the browser is old.
 * @param top the folder of the file system that it is in
 */
export function pageStore(top = "kvcap"): Store | null {
  const { storage, locks } = navigator as Partial<Navigator>;
  if (!storage?.getDirectory || !locks || !("Worker" in globalThis)) return null;
  let writer: Writer | undefined;
  const write: Writer = (...put) => (writer ??= startWriter())(...put);
  return { name: "the browser's storage", entry: (key) => pageEntry(storage, locks, write, `${top}/${key}`) };
}

/** Puts bytes at a place of a file, which ends there; null closes the file. The bytes may be gone afterwards. */
type Writer = (path: string, at: number, bytes: Uint8Array<ArrayBuffer> | null) => Promise<void>;

/** What the worker says of an error: its name, and all of it. */
interface Failure {
  readonly name: string;
  readonly said: string;
}

function startWriter(): Writer {
  const url = URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
  const worker = new Worker(url);
  const waiting = new Map<number, (failure: Failure | null) => void>();
  let id = 0, broken: Failure | null = null;
  worker.onmessage = ({ data }) => {
    waiting.get(data.id)?.(data.failure);
    waiting.delete(data.id);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    broken = { name: "Error", said: event.message || "a page that allows no workers from blob: URLs" };
    for (const settle of waiting.values()) settle(broken);
    waiting.clear();
  };
  return (path, at, bytes) =>
    new Promise((resolve, reject) => {
      const settle = (failure: Failure | null) =>
        failure === null ? resolve() : reject(new Unstorable(oneLine(failure.said), failure));
      if (broken !== null) return settle(broken);
      waiting.set(++id, settle);
      const own = bytes !== null && bytes.byteLength === bytes.buffer.byteLength;
      worker.postMessage({ id, path, at, bytes }, own ? [bytes.buffer] : []);
    });
}

function isAbsent(error: unknown): boolean {
  return error instanceof DOMException && error.name === "NotFoundError";
}

async function stored<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Unstorable ? error : new Unstorable(oneLine(String(error)), error);
  }
}

/** What `work` finds, or null where something is not there. */
async function ifThere<T>(work: () => Promise<T>): Promise<T | null> {
  try {
    return await work();
  } catch (error) {
    if (isAbsent(error)) return null;
    throw error;
  }
}

function pageEntry(storage: StorageManager, locks: LockManager, write: Writer, path: string): Entry {
  /** The entry's folder, made where it is not there. */
  async function open(): Promise<Folder> {
    let folder = await storage.getDirectory();
    for (const name of path.split("/")) folder = await folder.getDirectoryHandle(name, { create: true });
    return folder;
  }

  const fileOf = async (name: string) => await (await (await open()).getFileHandle(name)).getFile();
  const bytesOf = async (file: File, begin: number, end: number) =>
    new Uint8Array(await file.slice(begin, end).arrayBuffer());

  const whole = (version: string, file: File): StoredFile => ({
    where: `the browser's storage, ${path}/${version}`,
    size: file.size,
    read: async (begin, end) => {
      try {
        return await bytesOf(file, begin, end);
      } catch (error) {
        refuseFile("the browser's storage must give what it took", words(oneLine(String(error))), {
          code: "unreadable",
          cause: error,
        });
      }
    },
  });

  async function held(): Promise<Held | null> {
    const text = await ifThere(async () => await (await fileOf("note.json")).text());
    const note = text === null ? null : parseNote(text);
    if (!note || note.missing !== null) return note && { note, file: null };
    const file = await ifThere(() => fileOf(note.version));
    return file && file.size === note.size ? { note, file: whole(note.version, file) } : null;
  }

  async function writeNote(note: Note): Promise<void> {
    await write(`${path}/note.json`, 0, new TextEncoder().encode(JSON.stringify(note)));
    await write(`${path}/note.json`, 0, null);
  }

  /** Versions of which there are bytes. */
  async function versions(folder: Folder): Promise<string[]> {
    const names: string[] = [];
    for await (const name of (folder as Listed).keys()) if (/^[0-9a-f]{16}$/.test(name)) names.push(name);
    return names;
  }

  async function tidy(keep: (string | undefined)[]): Promise<void> {
    const folder = await open();
    for (const name of await versions(folder)) {
      // What another page is about to read goes with the next version.
      if (!keep.includes(name)) await folder.removeEntry(name, { recursive: true }).catch(() => {});
    }
  }

  async function drop(): Promise<void> {
    const version = (await held())?.note.version;
    const folder = await open();
    await ifThere(() => folder.removeEntry("note.json"));
    if (version) await ifThere(() => folder.removeEntry(version, { recursive: true }));
  }

  async function part(version: string): Promise<Part> {
    const before = (await held())?.note.version;
    await tidy([version, before]);
    // The same version again (a server that says nothing of versions): from now on it is not whole.
    if (before === version) await drop();
    const place = `${path}/${version}`;
    let size = (await ifThere(() => fileOf(version)))?.size ?? 0;
    const close = () => write(place, size, null);
    return {
      get size() {
        return size;
      },
      write: (bytes) =>
        stored(async () => {
          const { length } = bytes;
          await write(place, size, bytes);
          size += length;
        }),
      read: (begin, end) => stored(async () => (await close(), await bytesOf(await fileOf(version), begin, end))),
      restart: () =>
        stored(async () => {
          await write(place, size = 0, new Uint8Array(0));
        }),
      finish: (note) =>
        stored(async () => {
          await close();
          await writeNote(note);
          await tidy([version]);
          return whole(version, await fileOf(version));
        }),
      close: () => stored(close),
      discard: () =>
        stored(async () => {
          await close();
          await (await open()).removeEntry(version, { recursive: true });
        }),
    };
  }

  async function tryLock(): Promise<(() => void) | null> {
    return await new Promise((resolve, reject) => {
      const hold = (lock: Lock | null) =>
        lock ? new Promise<void>((release) => resolve(release)) : Promise.resolve(resolve(null));
      locks.request(`kvcap ${path}`, { ifAvailable: true }, hold).catch(reject);
    });
  }

  async function partial(): Promise<number> {
    const sizes = (await versions(await open())).map(async (name) => (await ifThere(() => fileOf(name)))?.size ?? 0);
    return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  }

  return {
    held: () => stored(held),
    tryLock: () => stored(tryLock),
    part: (version) => stored(() => part(version)),
    partial: () => stored(partial),
    miss: (note) => stored(() => writeNote(note)),
    drop: () => stored(drop),
  };
}
