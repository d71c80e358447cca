/**
 * The SHA-256 of what a cache holds: computed while a file is written, kept in the note beside it, and computed again by those
 * who want to know whether it is still the same.
 */
import { hex, Sha256 } from "../../engine/sha256.ts";
import { host } from "../../host/here.ts";
import { builtin } from "../../host/runtime.ts";
import { type Draft, type Part, type StoredFile } from "./store.ts";

const SLICE = 4 << 20; // bytes read at once

/** A SHA-256 that grows. */
interface Sum {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

/** How one begins: the host's own, which is ten times as fast, or ours in a page. */
async function sums(): Promise<() => Sum> {
  if (!host) return () => new Sha256();
  const { createHash } = await builtin("node:crypto");
  return () => createHash("sha256");
}

async function take(sum: Sum, file: Pick<StoredFile, "size" | "read">): Promise<void> {
  for (let at = 0; at < file.size; at += SLICE) sum.update(await file.read(at, Math.min(file.size, at + SLICE)));
}

/** That of a file, 64 hex digits. */
export async function sumOf(file: StoredFile): Promise<string> {
  const sum = (await sums())();
  await take(sum, file);
  return hex(sum.digest());
}

/** A part that knows its sum. */
export type Summed = Omit<Part, "finish" | "read"> & {
  /** SHA-256 of all that is there, 64 hex digits; nothing is written behind it but after a restart. */
  sum(): string;
  /** As Part says; the note gets the sum. */
  finish(note: Draft): Promise<StoredFile>;
};

/** Sums up a part as it grows, from what is there already. */
export async function summed(part: Part): Promise<Summed> {
  const begin = await sums();
  let sum = begin(), whole: string | null = null;
  await take(sum, part);
  const all = () => whole ??= hex(sum.digest());
  return {
    get size() {
      return part.size;
    },
    write: (bytes) => {
      sum.update(bytes); // before: the part may give the bytes away
      return part.write(bytes);
    },
    restart: () => {
      [sum, whole] = [begin(), null];
      return part.restart();
    },
    sum: all,
    finish: (note) => part.finish({ ...note, sha256: all() }),
    close: () => part.close(),
    discard: () => part.discard(),
  };
}
