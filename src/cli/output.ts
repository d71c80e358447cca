/**
 * Files that a command writes. They are written under a random name and take their place in the end, whole or not at all. What stands
 * there already is replaced only where it is of the same kind, or `--force` says so.
 */
import * as fs from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { KvcapError, refuse, words } from "../errors.ts";
import { isDocument } from "../eval/report/document.ts";
import { checkSession, type SessionOptions } from "../options/index.ts";
import { refuseWriting } from "./input.ts";
import { undoAtEnd } from "./signals.ts";
import { type Arguments, misused } from "./usage.ts";
import type { OwnFlag } from "./flags.ts";

/** What a file is of. */
export interface Kind {
  /** What cannot be done, in a refusal. */
  readonly action: string;
  /** What it is, with its article. */
  readonly what: string;
  /** Whether a file is one, by its first bytes. */
  readonly begins: (head: Uint8Array) => boolean;
}

const HEAD = 4096; // bytes by which a file's kind is told
const textOf = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
const magic = (text: string) => (head: Uint8Array) => textOf(head).startsWith(text);

export const SESSION: Kind = { action: "save the session", what: "a session", begins: magic("kvcapses") };
export const RECORDING: Kind = { action: "record", what: "a recording", begins: magic("kvcaprec") };
export const REPORT: Kind = {
  action: "write the report",
  what: "a report",
  begins: (head) => isDocument(textOf(head)),
};
export const RESULTS: Kind = { action: "write the results", what: "results", begins: magic('{"id":"') };

/** Where a file is to be, and what is there. */
export interface Place {
  /** As it was named. */
  readonly path: string;
  /** Behind all links. */
  readonly target: string;
  /** Mode of the file that is there; null: there is none. */
  readonly mode: number | null;
}

/**
 * Looks at what would be replaced; nothing is opened for writing.
 * @param force whether a file of another kind may be, too
 * @throws KvcapError for a folder, a device or a pipe, a file that is read-only or another's, and where there is no such folder
 */
export function placeOf(path: string, kind: Kind, force: boolean): Place {
  const refused = (found: string): never => refuseWriting(kind.action, path, new Error(found));
  try {
    const target = behindLinks(path);
    const there = fs.statSync(target, { throwIfNoEntry: false });
    if (!there) {
      if (!fs.statSync(dirname(target), { throwIfNoEntry: false })?.isDirectory()) refused("no such folder");
      return { path, target, mode: null };
    }
    if (!there.isFile()) refused(there.isDirectory() ? "a folder" : "a device or a pipe");
    if ((there.mode & 0o222) === 0) refused("a read-only file");
    fs.closeSync(fs.openSync(target, "r+")); // or why that may not be
    if (!force && there.size > 0 && !kind.begins(headOf(target))) {
      const more = { code: "unreadable", kind: "plain" } as const;
      refuse(
        kind.action,
        `${path} must be a new file or ${kind.what} (--force replaces any)`,
        words("another file"),
        more,
      );
    }
    return { path, target, mode: there.mode & 0o7777 };
  } catch (error) {
    throw error instanceof KvcapError ? error : refuseWriting(kind.action, path, error);
  }
}

/** The file that a path means, which need not be there. */
function behindLinks(path: string): string {
  let at = resolve(path);
  for (let links = 0; links < 40; links++) {
    if (!fs.lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink()) return at;
    at = resolve(dirname(at), fs.readlinkSync(at));
  }
  throw new Error("a link to itself");
}

function headOf(path: string): Uint8Array {
  const file = fs.openSync(path, "r");
  try {
    const head = new Uint8Array(HEAD);
    return head.subarray(0, fs.readSync(file, head, 0, HEAD, 0));
  } finally {
    fs.closeSync(file);
  }
}

/** A file that is being written. */
export class Output {
  readonly #place: Place;
  readonly #action: string;
  readonly #partial: string;
  readonly #forget: () => void;
  readonly #file: number; // as the system numbers it
  #closed = false;
  #ended = false;

  /** Makes a file of its own beside the place. @throws KvcapError where none can be made there */
  constructor(place: Place, kind: Kind) {
    this.#place = place;
    this.#action = kind.action;
    // `npm start` has drawn the name already, which alone it lets the program write to.
    const drawn = process.env.KVCAP_PARTIAL || crypto.randomUUID();
    this.#partial = join(dirname(place.target), `.kvcap-${drawn}-${kind.what.split(" ").at(-1)}`);
    this.#forget = undoAtEnd(() => this.drop()); // first: who is ended as soon as the file is there must hear of it
    try {
      const { O_CREAT, O_EXCL, O_WRONLY } = fs.constants;
      this.#file = this.#try(() => fs.openSync(this.#partial, O_CREAT | O_EXCL | O_WRONLY, 0o600));
    } catch (error) {
      this.#done();
      throw error;
    }
  }

  #try<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      refuseWriting(this.#action, this.#place.path, error);
    }
  }

  /** Adds bytes. @throws KvcapError */
  readonly write = (bytes: Uint8Array): void => {
    this.#try(() => {
      for (let at = 0; at < bytes.length;) at += fs.writeSync(this.#file, bytes, at, bytes.length - at);
    });
  };

  /** Puts the file into its place, with the mode of what stood there. @throws KvcapError */
  keep(): void {
    this.#try(() => {
      const { target, mode } = this.#place;
      fs.fsyncSync(this.#file);
      fs.closeSync(this.#file);
      this.#closed = true;
      if (mode !== null) fs.chmodSync(this.#partial, mode);
      fs.renameSync(this.#partial, target);
    });
    this.#done();
  }

  #done(): void {
    this.#ended = true;
    this.#forget();
  }

  /** Removes what was begun and not kept; again, or behind `keep`: nothing. */
  drop(): void {
    if (this.#ended) return;
    if (!this.#closed) fs.closeSync(this.#file);
    fs.rmSync(this.#partial, { force: true });
    this.#done();
  }
}

/** Writes a whole file. @throws KvcapError */
export function writeWhole(path: string, kind: Kind, force: boolean, bytes: Uint8Array): void {
  const file = new Output(placeOf(path, kind, force), kind);
  try {
    file.write(bytes);
    file.keep();
  } finally {
    file.drop();
  }
}

/** Options as they would be refused where attention is recorded. @throws KvcapError */
export function checkRecorded(options: SessionOptions): void {
  const { budget } = options; // how many slots bytes hold is known once the model is
  const inBytes = typeof budget === "object" && "bytes" in budget;
  checkSession({ ...options, ...inBytes ? { budget: undefined } : {}, record: () => {} });
}

/** Sees to it that the files which flags name are files, and different ones. @throws Usage */
export function checkNames(args: Arguments, flags: readonly OwnFlag[]): void {
  const named = flags.flatMap((flag) => args.has(flag) ? [{ flag, path: args.text(flag)! }] : []);
  for (const { flag, path } of named) if (path === "") misused(`--${flag} must name a file`, path);
  named.forEach(({ flag, path }, i) => {
    const other = named.slice(0, i).find((one) => sameFile(one.path, path));
    if (other) misused(`--${flag} must be another file than --${other.flag}`, path);
  });
}

function sameFile(one: string, other: string): boolean {
  try {
    const [a, b] = [one, other].map(behindLinks);
    const [first, second] = [a, b].map((path) => fs.statSync(path, { throwIfNoEntry: false, bigint: true }));
    if (first && second) return first.dev === second.dev && first.ino === second.ino;
    const [inFolder, beside] = [a, b].map((path) => fs.realpathSync(dirname(path)));
    return join(inFolder, a.slice(dirname(a).length)) === join(beside, b.slice(dirname(b).length));
  } catch {
    return false; // which is refused as what it is
  }
}
