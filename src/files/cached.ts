/**
 * Model files behind a base URL, kept in a cache. When a file of the cache is used:
 *   * of a commit of the hub: always, nothing is asked;
 *   * else, if one small request shows the same ETag (or Last-Modified) and length, or nobody answers it.
 * A file whose server gives neither ETag nor Last-Modified is read where it is, by range; where the server does not serve
 * ranges either, it is brought anew into the cache every time. Where the cache does not work a file is read where it is.
 */
import type { Access } from "./access.ts";
import { locked } from "./cache/lock.ts";
import {
  digest,
  type Entry,
  type Held,
  type Note,
  type Store,
  type StoredFile,
  Unstorable,
  versionOf,
} from "./cache/store.ts";
import { Changed, download } from "./download.ts";
import { IMPATIENCE, Passing, shownUrl } from "./http.ts";
import { isPinned } from "./hub.ts";
import { exact, type Found, type Missing, probe } from "./probe.ts";
import { words } from "../errors.ts";
import { checkRange, decodeText, refuseFile } from "./checks.ts";
import { addressOf, refuseAbsent, urlSource } from "./remote.ts";
import type { Source } from "./source.ts";

const MOST_VERSIONS = 3; // that a file may have while it is brought

/** A file, the answer of a server that does not have it, or null where it must be read where it is. */
type Kept = { file: StoredFile } | Missing | null;

/** What a source knows of its server. */
interface Server {
  away: boolean; // it did not answer when a file of the cache was to be compared
}

/** A file that is asked for. */
interface Wanted {
  readonly url: string;
  readonly file: string; // its name in the model's folder
  readonly access: Access;
  readonly server: Server;
}

/** Files below a URL, by way of the cache. */
export function cachedSource(base: URL, name: string, access: Access, store: Store): Source {
  const direct = urlSource(base, name, access.net);
  const fresh = { ...access, net: { ...access.net, fresh: true } };
  const server: Server = { away: false };
  const files = new Map<string, Promise<Kept>>();

  /** A file, brought once; one that failed may be tried again. */
  function find(file: string): Promise<Kept> {
    let found = files.get(file);
    if (!found) {
      found = keep({ url: addressOf(base, file), file, access: fresh, server }, store);
      files.set(file, found);
      found.catch(() => files.delete(file));
    }
    return found;
  }

  async function get(file: string): Promise<StoredFile | null> {
    const kept = await find(file);
    if (kept && "missing" in kept) refuseAbsent(addressOf(base, file), kept.missing);
    return kept && kept.file;
  }

  async function read(file: string, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    const stored = await get(file);
    if (!stored) return await direct.read(file, begin, end);
    checkRange(file, begin, end, stored.size);
    return await stored.read(begin, end);
  }

  return {
    name,
    read,
    has: async (file) => {
      const kept = await find(file);
      return kept ? "file" in kept : await direct.has(file);
    },
    size: async (file) => (await get(file))?.size ?? await direct.size(file),
    text: async (file) => {
      const stored = await get(file);
      if (!stored) return await direct.text(file);
      return decodeText(await stored.read(0, stored.size), shownUrl(addressOf(base, file)));
    },
  };
}

function said({ note, file }: Held): Kept {
  return file ? { file } : { missing: { how: "absent", said: note.missing! } };
}

/** Brings a file into the cache unless it is there. @throws Error */
async function keep(wanted: Wanted, store: Store): Promise<Kept> {
  const { url, file, access, server } = wanted;
  const entry = store.entry(digest(url), file.split("/").at(-1)!);
  const pinned = isPinned(url, access.hub);
  let before: Held | null = null;
  let kept: Kept;
  try {
    before = await entry.held();
    const grown = (bytes: number) => access.onDownload(file, bytes, null);
    kept = before && (pinned || server.away)
      ? said(before)
      : await locked(entry, access.net.patience.stall, grown, async () => {
        const held = await entry.held();
        return held && pinned ? said(held) : await bring(wanted, entry, held);
      });
  } catch (error) {
    if (!(error instanceof Unstorable)) throw error;
    if (!before) {
      access.warn(`${file} is read without the cache: ${store.name} must take it, got ${error.message}`, error.why);
    }
    kept = before && said(before); // a cache that can be read, but not written to
  }
  if (kept && "file" in kept) access.onFile(file, kept.file);
  return kept;
}

/** With the lock: compares what is held with what the server has, and brings that. */
async function bring(wanted: Wanted, entry: Entry, held: Held | null): Promise<Kept> {
  const { url, access: { net }, server } = wanted;
  for (let versions = 1;; versions++) {
    let found: Found | Missing;
    try {
      found = await probe(net, url, held ? { ...IMPATIENCE, stall: net.patience.stall } : net.patience);
    } catch (error) {
      if (!held || !(error instanceof Passing)) throw error;
      server.away = true;
      return said(held);
    }
    const note: Note = { url: shownUrl(url), version: "0".repeat(16), size: 0, missing: found.missing?.said ?? null };
    if (found.missing !== null) {
      // A page in the place of a file that once was there is the network's (a hotel's log-in), not the server's.
      if (held?.file && found.missing.how === "page") return said(held);
      // Kept so that a folder of which some files are optional is whole without the network.
      if (!held && found.missing.how === "absent") await entry.miss(note);
      return found;
    }
    try {
      const version = versionOf(found.validator, found.size);
      if (held?.file && held.note.version === version && found.validator !== null) return said(held);
      if (found.validator === null && !found.body) return null;
      return { file: await put(wanted, entry, found, { ...note, version }) };
    } catch (error) {
      if (!(error instanceof Changed)) throw error;
      if (versions >= MOST_VERSIONS) {
        refuseFile(`${shownUrl(url)} must stay the same while it is read`, words(`${versions} versions`), {
          code: "unreadable",
        });
      }
    } finally {
      await found.body?.cancel();
    }
  }
}

async function put(wanted: Wanted, entry: Entry, found: Found, note: Note): Promise<StoredFile> {
  const { url, file, access: { net, onDownload } } = wanted;
  const part = await entry.part(note.version);
  try {
    await download({ net, url, found, known: false }, part, (done, total) => onDownload(file, done, total));
    return await part.finish({ ...note, size: part.size });
  } catch (error) {
    // What has come so far is worth keeping unless it is of the past, or the disk is full.
    const resumable = exact(found.validator) && found.size !== null && part.size > 0;
    const lasting = !(error instanceof Changed) && !(error instanceof Unstorable);
    await (resumable && lasting ? part.close() : part.discard()).catch(() => {});
    throw error;
  }
}
