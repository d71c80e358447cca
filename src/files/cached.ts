/**
 * Model files behind a base URL, kept in a cache. When a file of the cache is used:
 *   * of a commit of the hub: always, nothing is asked;
 *   * else, if one small request shows the same ETag (or Last-Modified) and length, or nobody answers it.
 * A file whose server gives neither ETag nor Last-Modified is read where it is, by range; where the server does not serve
 * ranges either, it is brought anew into the cache every time. Where the cache does not work a file is read where it is.
 */
import type { Access } from "./access.ts";
import { digest } from "../engine/sha256.ts";
import { locked } from "./cache/lock.ts";
import {
  type Draft,
  type Entry,
  type Held,
  refuseUnkept,
  type Store,
  type StoredFile,
  Unstorable,
  versionOf,
} from "./cache/store.ts";
import { type Summed, summed, sumOf } from "./cache/sum.ts";
import { Changed, download } from "./download.ts";
import { IMPATIENCE, Passing, shownUrl } from "./http.ts";
import { isPinned } from "./hub.ts";
import { exact, type Found, hubSum, type Missing, probe } from "./probe.ts";
import { KvcapError, words } from "../errors.ts";
import { checkLength, checkRange, decodeText, refuseFile } from "./checks.ts";
import { addressOf, refuseAbsent, urlSource } from "./remote.ts";
import type { Source } from "./source.ts";

const MOST_VERSIONS = 3; // that a file may have while it is brought

/** A file, old or just brought; the answer of a server that does not have it; or null where it must be read where it is. */
type Kept = { file: StoredFile; old: boolean } | Missing | null;

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
  readonly again?: boolean; // whatever is held
}

/** Files below a URL, by way of the cache. */
export function cachedSource(base: URL, name: string, access: Access, store: Store): Source {
  const direct = urlSource(base, name, access.net);
  const fresh = { ...access, net: { ...access.net, fresh: true } };
  const server: Server = { away: false };
  const files = new Map<string, Promise<Kept>>();

  /** A file, brought once; one that failed may be tried again. */
  function find(file: string): Promise<Kept> {
    return files.get(file) ?? bringOf(file, false);
  }

  function bringOf(file: string, again: boolean): Promise<Kept> {
    const found = keep({ url: addressOf(base, file), file, access: fresh, server, again }, store);
    files.set(file, found);
    found.catch(() => files.delete(file));
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
      checkLength(file, stored.size);
      return decodeText(await stored.read(0, stored.size), shownUrl(addressOf(base, file)));
    },
    renew: async (file) => {
      const kept = await find(file);
      if (!kept || "missing" in kept || !kept.old) return false;
      try {
        await bringOf(file, true);
        return true;
      } catch (error) { // it stays, and what it was refused for says more
        if (error instanceof KvcapError) return false;
        throw error;
      }
    },
  };
}

function said({ note, file }: Held): Kept {
  return file ? { file, old: true } : { missing: { how: "absent", said: note.missing! } };
}

/** Brings a file into the cache unless it is there. @throws Error */
async function keep(wanted: Wanted, store: Store): Promise<Kept> {
  const { url, file, access, server, again } = wanted;
  const entry = store.entry(digest(url), file.split("/").at(-1)!);
  const pinned = isPinned(url, access.hub);
  let before: Held | null = null;
  let kept: Kept;
  try {
    before = again ? null : await entry.held();
    const grown = (bytes: number) => access.onDownload(file, bytes, null);
    kept = before && !access.onDamage && (pinned || server.away)
      ? said(before)
      : await locked(entry, access.net.patience, grown, async () => {
        const held = again ? null : await (access.onDamage ? sound(wanted, entry, access.onDamage) : entry.held());
        return held && pinned ? said(held) : await bring(wanted, entry, held);
      });
    if (kept === null && access.onDamage) {
      refuseFile(`${shownUrl(url)} must have an ETag or Last-Modified to be kept`, words("neither"), {
        code: "unsupported",
      });
    }
  } catch (error) {
    if (!(error instanceof Unstorable)) throw error;
    if (access.onDamage) refuseUnkept(store, file, error);
    if (!before) {
      access.warn(`${file} is read without the cache: ${store.name} must take it, got ${error.message}`, error.why);
    }
    kept = before && said(before); // a cache that can be read, but not written to
  }
  if (kept && "file" in kept) access.onFile(file, kept.file);
  return kept;
}

/** With the lock: what is held, if it is what once came; a file of an earlier version gets its sum. Else it is dropped. */
async function sound(wanted: Wanted, entry: Entry, onDamage: (file: string) => void): Promise<Held | null> {
  const held = await entry.held();
  if (!held?.file) return held;
  const sum = await sumOf(held.file);
  const right = held.note.sha256 ?? await told(wanted) ?? sum;
  if (sum === right) {
    if (held.note.sha256 === null) await entry.note({ ...held.note, sha256: sum });
    return held;
  }
  onDamage(wanted.file);
  await entry.drop();
  return null;
}

/** What the hub says that the SHA-256 of a file of its is; null where nobody says it. */
async function told({ url, access: { net, hub } }: Wanted): Promise<string | null> {
  return url.startsWith(`${hub}/`) ? await hubSum(net, url) : null;
}

/** With the lock: compares what is held with what the server has, and brings that. */
async function bring(wanted: Wanted, entry: Entry, held: Held | null): Promise<Kept> {
  const { url, access: { net }, server, again } = wanted;
  for (let versions = 1;; versions++) {
    let found: Found | Missing;
    try {
      found = await probe(net, url, held || again ? { ...net.patience, ...IMPATIENCE } : net.patience);
    } catch (error) {
      if (!held || !(error instanceof Passing)) throw error;
      server.away = true;
      return said(held);
    }
    const note = { url: shownUrl(url), version: "0".repeat(16), size: 0, missing: found.missing?.said ?? null };
    if (found.missing !== null) {
      // A page in the place of a file that once was there is the network's (a hotel's log-in), not the server's.
      if (held?.file && found.missing.how === "page") return said(held);
      // Kept so that a folder of which some files are optional is whole without the network.
      if (!held && found.missing.how === "absent") await entry.note({ ...note, sha256: null });
      return found;
    }
    try {
      const version = versionOf(found.validator, found.size);
      if (held?.file && held.note.version === version && found.validator !== null) return said(held);
      if (found.validator === null && !found.body) return null;
      return { file: await put(wanted, entry, found, { ...note, version }), old: false };
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

async function put(wanted: Wanted, entry: Entry, found: Found, note: Draft): Promise<StoredFile> {
  const part = await summed(await entry.part(note.version));
  try {
    await fill(part, wanted, found);
    return await part.finish({ ...note, size: part.size });
  } catch (error) {
    // What has come so far is worth keeping unless it is of the past, or the disk is full.
    const resumable = exact(found.validator) && found.size !== null && part.size > 0;
    const lasting = !(error instanceof Changed) && !(error instanceof Unstorable);
    await (resumable && lasting ? part.close() : part.discard()).catch(() => {});
    throw error;
  }
}

/** Brings a file to its end, and once more from its beginning where what an earlier run left of it goes on to another sum. */
async function fill(part: Summed, wanted: Wanted, found: Found): Promise<void> {
  const { url, file, access: { net, onDownload } } = wanted;
  const right = await told(wanted);
  const bring = (found: Found) =>
    download({ net, url, found, known: false }, part, (done, total) => onDownload(file, done, total));
  const resumed = part.size > 0;
  await bring(found);
  if (right === null || part.sum() === right) return;
  if (resumed) {
    await part.restart();
    await bring({ ...found, body: null });
    if (part.sum() === right) return;
  }
  const wrong = part.sum();
  await part.restart();
  refuseFile(`the SHA-256 of ${file} must be ${right}`, words(wrong));
}
