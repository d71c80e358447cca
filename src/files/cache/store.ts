/**
 * Where downloaded files are kept. Each has an entry of its own, which holds one whole version of the file, one partial one
 * that a later run goes on with, and a note that says what the whole one is. A version stands in the name of its bytes, so
 * bytes of two versions are never taken for one another, and only the note, written last, makes a file count as whole.
 */
import { digest } from "../../engine/sha256.ts";
import { words } from "../../errors.ts";
import { isRecord, refuseFile } from "../checks.ts";

/** What an entry holds. */
export interface Note {
  readonly url: string; // for people; without its query, which may hold a secret
  readonly version: string; // 16 hex digits: see versionOf
  readonly size: number; // bytes
  /** What the server said of a file that is not there; its absence is kept, too. */
  readonly missing: string | null;
  /** Of the file, 64 hex digits; null where it is missing, or came with a version of kvcap that kept no sums. */
  readonly sha256: string | null;
}

/** A note of a file that is being written. */
export type Draft = Omit<Note, "sha256">;

/** A whole file. */
export interface StoredFile {
  readonly where: string; // for people
  readonly size: number; // bytes
  read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

export interface Held {
  readonly note: Note;
  readonly file: StoredFile | null; // null where the note says that it is missing
}

/** What takes a file's bytes as they come. */
export type Growing = Pick<Part, "size" | "write" | "restart">;

/** A file that is being written, at its end. */
export interface Part {
  readonly size: number; // bytes there so far
  write(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  read(begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  /** Begins again with nothing. */
  restart(): Promise<void>;
  /** From now on it is the entry's whole file. Ends the part; what else the entry held is removed. */
  finish(note: Note): Promise<StoredFile>;
  /** Leaves it for a later run. */
  close(): Promise<void>;
  /** Leaves nothing. */
  discard(): Promise<void>;
}

/** Every method throws Unstorable where the store does not work. What is written needs the lock. */
export interface Entry {
  held(): Promise<Held | null>;
  /** Takes the right to write, which ends with the process or page at the latest; null where another one has it. */
  tryLock(): Promise<(() => void) | null>;
  /** Opens the partial file of a version. Those of others are removed. */
  part(version: string): Promise<Part>;
  /** Bytes that the one who has the lock has written so far. */
  partial(): Promise<number>;
  /** Writes the note alone: that the file is not there, or more of one that is. */
  note(note: Note): Promise<void>;
  /** Removes the whole file. */
  drop(): Promise<void>;
}

export interface Store {
  readonly name: string; // for people
  /** The entry of what `key` stands for. `file`: its name, for people. */
  entry(key: string, file: string): Entry;
}

/** Why a file is not kept: there is no room left for it, or no store that works. */
export type Unkept = "full" | "broken";

/** The store does not work: full, not to be written to, or damaged. The message completes "got …". */
export class Unstorable extends Error {
  readonly why: Unkept;

  /** @param message what was found @param cause the host's or browser's own error, which may say that the disk is full */
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    const { name, code } = (cause ?? {}) as { name?: string; code?: string };
    this.why = name === "QuotaExceededError" || code === "ENOSPC" || code === "EDQUOT" ? "full" : "broken";
  }
}

/** Refuses where a file must be kept, and the store does not take it. */
export function refuseUnkept(store: Store, file: string, error: Unstorable): never {
  refuseFile(`${store.name} must take ${file}`, words(error.message), { code: "unreadable", cause: error });
}

/** What tells versions of a file apart: the server's validator and the length in bytes, as far as they are known. */
export function versionOf(validator: string | null, size: number | null): string {
  return digest(`${validator}\n${size}`);
}

/** A file's name as every file system takes it. */
export function plainName(file: string): string {
  return file.replace(/[^A-Za-z0-9._-]/g, "_").replace(/^\.+/, "_").slice(-80) || "file";
}

/** The text of a note, checked; null if it is none. */
export function parseNote(text: string): Note | null {
  let note: unknown;
  try {
    note = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(note)) return null;
  const { url, version, size, missing, sha256 = null } = note;
  const good = typeof url === "string" && typeof version === "string" && /^[0-9a-f]{16}$/.test(version) &&
    Number.isSafeInteger(size) && (size as number) >= 0 && (missing === null || typeof missing === "string") &&
    (sha256 === null || typeof sha256 === "string" && /^[0-9a-f]{64}$/.test(sha256));
  return good ? { url, version, size: size as number, missing, sha256 } : null;
}
