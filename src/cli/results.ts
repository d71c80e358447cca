/** The file of results: a line is added when a unit is done, and in the end the plan's units stand in the plan's order. */
import * as fs from "node:fs";
import { KvcapError, refuse, words } from "../errors.ts";
import { isMeasured, lineOf, readResults, type Result } from "../eval/results.ts";
import { idOf, type Unit } from "../eval/units.ts";
import type { HostFile } from "../host/host.ts";
import { host } from "../host/here.ts";
import { readFile, refuseWriting } from "./input.ts";
import { placeOf, RESULTS, writeWhole } from "./output.ts";

const ACTION = "write the results";

/** Results of units, in a file or only here. */
export class ResultsFile {
  readonly #path: string | undefined;
  readonly #results = new Map<string, Result>();
  readonly #file: Locked | undefined;

  private constructor(path: string | undefined, results: ReadonlyMap<string, Result>, file?: Locked) {
    this.#path = path;
    this.#results = new Map(results);
    this.#file = file;
  }

  /** Opens a file, made where there is none; a torn last line is cut off. @param path undefined: no file @throws KvcapError */
  static async open(path: string | undefined): Promise<ResultsFile> {
    if (path === undefined) return new ResultsFile(path, new Map());
    await checkPlain(path);
    placeOf(path, RESULTS, true); // read-only
    const file = await locked(path);
    try {
      const { results, whole } = await contents(path);
      fs.ftruncateSync(file.number, whole);
      return new ResultsFile(path, results, file);
    } catch (error) {
      closed(file);
      throw error instanceof KvcapError ? error : refuseWriting(ACTION, path, error);
    }
  }

  /** What a file holds, none where there is none yet; nothing is changed in it. @throws KvcapError */
  static async read(path: string): Promise<ResultsFile> {
    await checkPlain(path);
    return new ResultsFile(undefined, (await contents(path)).results);
  }

  /** The units that have no numbers yet. */
  left(units: readonly Unit[]): Unit[] {
    return units.filter((unit) => {
      const found = this.#results.get(idOf(unit));
      return !found || !isMeasured(found);
    });
  }

  /** Enters a result; it is in the file when this returns. @throws KvcapError */
  add(result: Result): void {
    this.#results.set(result.id, result);
    const bytes = new TextEncoder().encode(lineOf(result));
    try {
      for (let at = 0; this.#file && at < bytes.length;) at += fs.writeSync(this.#file.number, bytes, at);
    } catch (error) {
      refuseWriting(ACTION, this.#path!, error);
    }
  }

  /** Those that there are of these units, in their order. */
  of(units: readonly Unit[]): Result[] {
    return units.map((unit) => this.#results.get(idOf(unit))).filter((result) => result !== undefined);
  }

  /** Puts the units' results in their order, others behind them, each once; the file is another then, or the same as before. */
  settle(units: readonly Unit[]): void {
    if (this.#path === undefined) return;
    const mine = new Set(units.map(idOf));
    const others = [...this.#results.values()].filter(({ id }) => !mine.has(id));
    const text = [...this.of(units), ...others].map(lineOf).join("");
    writeWhole(this.#path, RESULTS, true, new TextEncoder().encode(text));
  }

  close(): void {
    if (this.#file) closed(this.#file);
  }
}

/** @throws KvcapError for what is there and is no plain file: a pipe or a device would be read for ever, and replaced in the end */
async function checkPlain(path: string): Promise<void> {
  const there = await host!.stat(path).catch(() => null);
  if (there && !there.isFile) {
    const more = { code: "unreadable", kind: "plain" } as const;
    refuse(
      "read the results",
      `${path} must be a plain file`,
      words(there.isDirectory ? "a folder" : "another thing"),
      more,
    );
  }
}

async function contents(path: string): Promise<ReturnType<typeof readResults>> {
  return readResults(fs.existsSync(path) ? await readFile("results", path) : new Uint8Array(0), path);
}

/** A file that this program alone writes to, at its end. */
interface Locked {
  readonly number: number; // as the system numbers it
  readonly lock: HostFile;
}

function closed({ number, lock }: Locked): void {
  fs.closeSync(number);
  lock.close();
}

/**
 * Opens the file for this program alone. The lock goes with the program, however that ends.
 * @throws KvcapError where another program writes to it
 */
async function locked(path: string): Promise<Locked> {
  for (;;) {
    let file: Locked | undefined;
    try {
      const number = fs.openSync(path, "a", 0o600);
      file = { number, lock: await host!.open(path, { write: true }) };
      const free = await file.lock.tryLock(true);
      const [mine, there] = [fs.fstatSync(number), fs.statSync(path, { throwIfNoEntry: false })];
      if (free && mine.ino === there?.ino) return file; // else another has just put its results in order, in a file of its own
      closed(file);
      if (free) continue;
    } catch (error) {
      refuseWriting(ACTION, path, error);
    }
    const more = { code: "wrong-state", kind: "plain" } as const;
    refuse(ACTION, `${path} must be written by one program at a time`, words("another that measures into it"), more);
  }
}
