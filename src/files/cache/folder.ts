/**
 * The cache of a program, a folder:
 *
 *     ~/.cache/kvcap/KEY/note.json              what is whole here, with its SHA-256
 *                        VERSION-NAME           the file
 *                        VERSION-NAME.part      one that is not whole yet
 *                        lock                   held, as the system's lock of a file, by whoever writes
 */
import { env, isAbsent, readRange } from "../../host/here.ts";
import type { Host, HostFile } from "../../host/host.ts";
import { messageOf, words } from "../../errors.ts";
import { refuseFile } from "../checks.ts";
import {
  type Entry,
  type Held,
  type Note,
  parseNote,
  type Part,
  plainName,
  type Store,
  type StoredFile,
  Unstorable,
} from "./store.ts";

/** $KVCAP_CACHE, else the system's place for caches; null where the environment names none. */
export function cacheFolder(os: string): string | null {
  const own = env("KVCAP_CACHE");
  if (own) return own;
  const [local, xdg, home] = [env("LOCALAPPDATA"), env("XDG_CACHE_HOME"), env("HOME")];
  if (os === "windows") return local ? `${local}\\kvcap` : null;
  if (os === "darwin") return home ? `${home}/Library/Caches/kvcap` : null;
  return xdg ? `${xdg}/kvcap` : home ? `${home}/.cache/kvcap` : null;
}

/** Whatever the host throws, as Unstorable. */
async function stored<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof Unstorable ? error : new Unstorable(messageOf(error), error);
  }
}

export function folderStore(host: Host, root: string): Store {
  const entry = (key: string, file: string) => {
    return new FolderEntry(host, new Versions(host, `${root}/${key}`, plainName(file)));
  };
  return { name: root, entry };
}

/** The files of an entry's folder. */
class Versions {
  readonly folder: string;
  readonly #host: Host;
  readonly #name: string;

  constructor(host: Host, folder: string, name: string) {
    this.#host = host;
    this.folder = folder;
    this.#name = name;
  }

  /** The path of a version, whole. */
  place(version: string): string {
    return `${this.folder}/${version}-${this.#name}`;
  }

  file(version: string, size: number): StoredFile {
    const where = this.place(version);
    const read = async (begin: number, end: number) => {
      try {
        return await readRange(where, begin, end);
      } catch (error) {
        refuseFile(`${where} must be readable`, words(messageOf(error)), { code: "unreadable", cause: error });
      }
    };
    return { where, size, read };
  }

  /** Names, of the partial ones, too. */
  async names(): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of this.#host.readDir(this.folder)) if (/^[0-9a-f]{16}-/.test(name)) names.push(name);
    return names;
  }

  async tidy(keep: (name: string) => boolean): Promise<void> {
    for (const name of await this.names()) {
      // Windows does not remove what another process reads: it goes with the next version.
      if (!keep(name)) await this.#host.remove(`${this.folder}/${name}`, { recursive: true }).catch(() => {});
    }
  }

  /** Writes the note whole or not at all. */
  async writeNote(note: Note): Promise<void> {
    await this.#host.writeTextFile(`${this.folder}/note.json.new`, `${JSON.stringify(note, null, 1)}\n`);
    await this.#host.rename(`${this.folder}/note.json.new`, `${this.folder}/note.json`);
  }
}

class FolderEntry implements Entry {
  readonly #host: Host;
  readonly #versions: Versions;
  readonly #folder: string;

  constructor(host: Host, versions: Versions) {
    this.#host = host;
    this.#versions = versions;
    this.#folder = versions.folder;
  }

  async held(): Promise<Held | null> {
    try {
      const note = parseNote(await this.#host.readTextFile(`${this.#folder}/note.json`));
      if (!note) return null;
      if (note.missing !== null) return { note, file: null };
      const { isFile, size } = await this.#host.stat(this.#versions.place(note.version));
      return isFile && size === note.size ? { note, file: this.#versions.file(note.version, size) } : null;
    } catch (error) {
      if (isAbsent(error)) return null;
      throw new Unstorable(messageOf(error), error);
    }
  }

  tryLock(): Promise<(() => void) | null> {
    return stored(async () => {
      await this.#host.mkdir(this.#folder, { recursive: true });
      const lock = await this.#host.open(`${this.#folder}/lock`, { write: true, create: true });
      if (await lock.tryLock(true)) return () => lock.close();
      lock.close();
      return null;
    });
  }

  part(version: string): Promise<Part> {
    return stored(async () => {
      const partial = `${this.#versions.place(version)}.part`;
      await this.#versions.tidy((other) => !other.endsWith(".part") || `${this.#folder}/${other}` === partial);
      const out = await this.#host.open(partial, { read: true, write: true, create: true });
      const { size } = await out.stat();
      await out.seek(size, 0);
      return new FolderPart(this.#host, this.#versions, version, { out, size });
    });
  }

  partial(): Promise<number> {
    return stored(async () => {
      const parts = (await this.#versions.names()).filter((name) => name.endsWith(".part"));
      const sizes = await Promise.all(
        parts.map((name) => this.#host.stat(`${this.#folder}/${name}`).then(({ size }) => size, () => 0)),
      );
      return Math.max(0, ...sizes);
    });
  }

  drop(): Promise<void> {
    return stored(async () => {
      await this.#host.remove(`${this.#folder}/note.json`).catch((error) => {
        if (!isAbsent(error)) throw error;
      });
      await this.#versions.tidy((name) => name.endsWith(".part"));
    });
  }

  note(note: Note): Promise<void> {
    return stored(() => this.#versions.writeNote(note));
  }
}

class FolderPart implements Part {
  readonly #host: Host;
  readonly #versions: Versions;
  readonly #version: string;
  readonly #path: string;
  readonly #out: HostFile;
  #size: number;
  #open = true;

  /** @param file the partial one, opened, and at its end */
  constructor(host: Host, versions: Versions, version: string, file: { out: HostFile; size: number }) {
    this.#host = host;
    this.#versions = versions;
    this.#version = version;
    this.#path = `${versions.place(version)}.part`;
    this.#out = file.out;
    this.#size = file.size;
  }

  get size(): number {
    return this.#size;
  }

  write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    return stored(async () => {
      for (let done = 0; done < bytes.length;) done += await this.#out.write(bytes.subarray(done));
      this.#size += bytes.length;
    });
  }

  read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    return stored(() => readRange(this.#path, begin, end));
  }

  restart(): Promise<void> {
    return stored(async () => {
      await this.#out.truncate(0);
      await this.#out.seek(0, 0);
      this.#size = 0;
    });
  }

  finish(note: Note): Promise<StoredFile> {
    return stored(async () => {
      await this.#out.sync(); // a name must not outlive a power cut that its bytes do not
      this.#end();
      const place = this.#versions.place(this.#version);
      await this.#host.rename(this.#path, place);
      await this.#versions.writeNote(note);
      await this.#versions.tidy((other) => `${this.#versions.folder}/${other}` === place);
      return this.#versions.file(this.#version, this.#size);
    });
  }

  close(): Promise<void> {
    return Promise.resolve(this.#end());
  }

  discard(): Promise<void> {
    return stored(async () => {
      this.#end();
      await this.#host.remove(this.#path);
    });
  }

  #end(): void {
    if (this.#open) this.#out.close();
    this.#open = false;
  }
}
