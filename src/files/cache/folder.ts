/**
 * The cache of a Deno program, a folder:
 *
 *     ~/.cache/kvcap/KEY/note.json              what is whole here
 *                        VERSION-NAME           the file
 *                        VERSION-NAME.part      one that is not whole yet
 *                        lock                   held, as the system's lock of a file, by whoever writes
 */
import { env, type Host, type HostFile, isAbsent, readRange } from "../host.ts";
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
  return { name: root, entry: (key, file) => folderEntry(host, `${root}/${key}`, plainName(file)) };
}

function folderEntry(host: Host, folder: string, name: string): Entry {
  const placeOf = (version: string) => `${folder}/${version}-${name}`;

  const file = (place: string, size: number): StoredFile => ({
    where: place,
    size,
    read: async (begin, end) => {
      try {
        return await readRange(place, begin, end);
      } catch (error) {
        refuseFile(`${place} must be readable`, words(messageOf(error)), { code: "unreadable", cause: error });
      }
    },
  });

  async function held(): Promise<Held | null> {
    try {
      const note = parseNote(await host.readTextFile(`${folder}/note.json`));
      if (!note) return null;
      if (note.missing !== null) return { note, file: null };
      const place = placeOf(note.version);
      const { isFile, size } = await host.stat(place);
      return isFile && size === note.size ? { note, file: file(place, size) } : null;
    } catch (error) {
      if (isAbsent(error)) return null;
      throw new Unstorable(messageOf(error), error);
    }
  }

  /** Writes the note whole or not at all. */
  async function writeNote(note: Note): Promise<void> {
    await host.writeTextFile(`${folder}/note.json.new`, `${JSON.stringify(note, null, 1)}\n`);
    await host.rename(`${folder}/note.json.new`, `${folder}/note.json`);
  }

  /** Names of the files of versions, whole and partial. */
  async function files(): Promise<string[]> {
    const names: string[] = [];
    for await (const { name } of host.readDir(folder)) if (/^[0-9a-f]{16}-/.test(name)) names.push(name);
    return names;
  }

  async function tidy(keep: (name: string) => boolean): Promise<void> {
    for (const name of await files()) {
      // Windows does not remove what another process reads: it goes with the next version.
      if (!keep(name)) await host.remove(`${folder}/${name}`, { recursive: true }).catch(() => {});
    }
  }

  async function part(version: string): Promise<Part> {
    const place = placeOf(version), partial = `${place}.part`;
    await tidy((other) => !other.endsWith(".part") || `${folder}/${other}` === partial);
    const out: HostFile = await host.open(partial, { read: true, write: true, create: true });
    let size = (await out.stat()).size;
    await out.seek(size, 0);
    let open = true;
    const close = () => {
      if (open) out.close();
      open = false;
    };
    return {
      get size() {
        return size;
      },
      write: (bytes) =>
        stored(async () => {
          for (let done = 0; done < bytes.length;) done += await out.write(bytes.subarray(done));
          size += bytes.length;
        }),
      read: (begin, end) => stored(() => readRange(partial, begin, end)),
      restart: () =>
        stored(async () => {
          await out.truncate(0);
          await out.seek(0, 0);
          size = 0;
        }),
      finish: (note) =>
        stored(async () => {
          await out.sync(); // a name must not outlive a power cut that its bytes do not
          close();
          await host.rename(partial, place);
          await writeNote(note);
          await tidy((other) => `${folder}/${other}` === place);
          return file(place, size);
        }),
      close: () => Promise.resolve(close()),
      discard: () =>
        stored(async () => {
          close();
          await host.remove(partial);
        }),
    };
  }

  async function tryLock(): Promise<(() => void) | null> {
    await host.mkdir(folder, { recursive: true });
    const lock = await host.open(`${folder}/lock`, { write: true, create: true });
    if (await lock.tryLock(true)) return () => lock.close();
    lock.close();
    return null;
  }

  async function partial(): Promise<number> {
    const parts = (await files()).filter((name) => name.endsWith(".part"));
    const sizes = await Promise.all(
      parts.map((name) => host.stat(`${folder}/${name}`).then(({ size }) => size, () => 0)),
    );
    return Math.max(0, ...sizes);
  }

  return {
    held,
    tryLock: () => stored(tryLock),
    part: (version) => stored(() => part(version)),
    partial: () => stored(partial),
    drop: () =>
      stored(async () => {
        await host.remove(`${folder}/note.json`).catch((error) => {
          if (!isAbsent(error)) throw error;
        });
        await tidy((name) => name.endsWith(".part"));
      }),
    miss: (note) => stored(() => writeNote(note)),
  };
}
