/**
 * The cache of a page, in its origin's private file system (OPFS): read by range, as the file system has it. A worker writes, in
 * place (worker.ts): a page's own writer fills a copy that is lost with the page, and takes seven times as long for pieces of 64 KiB.
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
import { startWriter } from "./worker.ts";
import type { Writer } from "./writable.ts";

type Folder = FileSystemDirectoryHandle;
type Listed = Folder & { keys(): AsyncIterableIterator<string> };

/**
 * The page's cache; null where the page has none: it is not served over https or from this machine, or the browser is old.
 * @param top the folder of the file system that it is in
 */
export function pageStore(top = "kvcap"): Store | null {
  const { storage, locks }: Partial<Navigator> = globalThis.navigator ?? {};
  if (!storage?.getDirectory || !locks) return null;
  let writer: Writer | undefined;
  const write: Writer = (...put) => (writer ??= startWriter(storage))(...put);
  const entryAt = (path: string) => new PageEntry(new Versions(storage, path, write), locks);
  return { name: "the browser's storage", entry: (key) => entryAt(`${top}/${key}`) };
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

/** The files of an entry's folder. */
class Versions {
  readonly path: string;
  readonly #storage: StorageManager;
  readonly #write: Writer;

  constructor(storage: StorageManager, path: string, write: Writer) {
    this.#storage = storage;
    this.path = path;
    this.#write = write;
  }

  /** The folder, made where it is not there. */
  async open(): Promise<Folder> {
    let folder = await this.#storage.getDirectory();
    for (const name of this.path.split("/")) folder = await folder.getDirectoryHandle(name, { create: true });
    return folder;
  }

  async file(name: string): Promise<File> {
    return await (await (await this.open()).getFileHandle(name)).getFile();
  }

  whole(version: string, file: File): StoredFile {
    const read = async (begin: number, end: number) => {
      try {
        return await bytesOf(file, begin, end);
      } catch (error) {
        refuseFile("the browser's storage must give what it took", words(oneLine(String(error))), {
          code: "unreadable",
          cause: error,
        });
      }
    };
    return { where: `the browser's storage, ${this.path}/${version}`, size: file.size, read };
  }

  /** Those of which there are bytes. */
  async names(folder: Folder): Promise<string[]> {
    const names: string[] = [];
    for await (const name of (folder as Listed).keys()) if (/^[0-9a-f]{16}$/.test(name)) names.push(name);
    return names;
  }

  async tidy(keep: (string | undefined)[]): Promise<void> {
    const folder = await this.open();
    for (const name of await this.names(folder)) {
      // What another page is about to read goes with the next version.
      if (!keep.includes(name)) await folder.removeEntry(name, { recursive: true }).catch(() => {});
    }
  }

  /** As Writer says, of one of the files. */
  async write(name: string, at: number, bytes: Uint8Array<ArrayBuffer> | null): Promise<void> {
    await this.#write(`${this.path}/${name}`, at, bytes);
  }

  async writeNote(note: Note): Promise<void> {
    await this.write("note.json", 0, new TextEncoder().encode(JSON.stringify(note)));
    await this.write("note.json", 0, null);
  }
}

async function bytesOf(file: File, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await file.slice(begin, end).arrayBuffer());
}

class PageEntry implements Entry {
  readonly #versions: Versions;
  readonly #locks: LockManager;

  constructor(versions: Versions, locks: LockManager) {
    this.#versions = versions;
    this.#locks = locks;
  }

  held(): Promise<Held | null> {
    return stored(async () => {
      const versions = this.#versions;
      const text = await ifThere(async () => await (await versions.file("note.json")).text());
      const note = text === null ? null : parseNote(text);
      if (!note || note.missing !== null) return note && { note, file: null };
      const file = await ifThere(() => versions.file(note.version));
      return file && file.size === note.size ? { note, file: versions.whole(note.version, file) } : null;
    });
  }

  tryLock(): Promise<(() => void) | null> {
    return stored(() =>
      new Promise((resolve, reject) => {
        const hold = (lock: Lock | null) =>
          lock ? new Promise<void>((release) => resolve(release)) : Promise.resolve(resolve(null));
        this.#locks.request(`kvcap ${this.#versions.path}`, { ifAvailable: true }, hold).catch(reject);
      })
    );
  }

  part(version: string): Promise<Part> {
    return stored(async () => {
      const before = (await this.held())?.note.version;
      await this.#versions.tidy([version, before]);
      // The same version again (a server that says nothing of versions): from now on it is not whole.
      if (before === version) await this.drop();
      const size = (await ifThere(() => this.#versions.file(version)))?.size ?? 0;
      return new PagePart(this.#versions, version, size);
    });
  }

  partial(): Promise<number> {
    return stored(async () => {
      const names = await this.#versions.names(await this.#versions.open());
      const sizes = names.map(async (name) => (await ifThere(() => this.#versions.file(name)))?.size ?? 0);
      return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    });
  }

  note(note: Note): Promise<void> {
    return stored(() => this.#versions.writeNote(note));
  }

  drop(): Promise<void> {
    return stored(async () => {
      const version = (await this.held())?.note.version;
      const folder = await this.#versions.open();
      await ifThere(() => folder.removeEntry("note.json"));
      if (version) await ifThere(() => folder.removeEntry(version, { recursive: true }));
    });
  }
}

class PagePart implements Part {
  readonly #versions: Versions;
  readonly #version: string;
  #size: number;

  constructor(versions: Versions, version: string, size: number) {
    this.#versions = versions;
    this.#version = version;
    this.#size = size;
  }

  get size(): number {
    return this.#size;
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return stored(async () => {
      const { length } = bytes;
      await this.#versions.write(this.#version, this.#size, bytes);
      this.#size += length;
    });
  }

  read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    return stored(async () => {
      await this.#end();
      return await bytesOf(await this.#versions.file(this.#version), begin, end);
    });
  }

  restart(): Promise<void> {
    return stored(async () => {
      await this.#versions.write(this.#version, this.#size = 0, new Uint8Array(0));
    });
  }

  finish(note: Note): Promise<StoredFile> {
    return stored(async () => {
      await this.#end();
      await this.#versions.writeNote(note);
      await this.#versions.tidy([this.#version]);
      return this.#versions.whole(this.#version, await this.#versions.file(this.#version));
    });
  }

  close(): Promise<void> {
    return stored(() => this.#end());
  }

  discard(): Promise<void> {
    return stored(async () => {
      await this.#end();
      await (await this.#versions.open()).removeEntry(this.#version, { recursive: true });
    });
  }

  async #end(): Promise<void> {
    await this.#versions.write(this.#version, this.#size, null);
  }
}
