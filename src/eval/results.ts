/** Results as lines of JSON, one for each unit. */
import { messageOf, refuse, words } from "../errors.ts";
import { commandOf } from "./command.ts";
import type { Found } from "./run.ts";
import { idOf, type Unit } from "./units.ts";

/** What it was measured by. */
export interface Versions {
  /** The library's. */
  readonly kvcap: string;
  /** The program that ran it, and its version. */
  readonly runtime: string;
  /** What computed: "webgpu" or "wasm". */
  readonly device: string;
}

/** A unit, and what was found with it, or why nothing was. */
export type Result = {
  readonly id: string;
  readonly unit: Unit;
  /** The command that measures it again. */
  readonly command: string;
  readonly versions: Versions | null;
  /** What it took, and on what; left out where results are to be compared byte by byte. */
  readonly times?: { readonly ms: number; readonly adapter: string };
} & (Found | { readonly error: string });

/** A result that has numbers. */
export type Measurement = Extract<Result, Found>;

/** Whether it has numbers. */
export function isMeasured(result: Result): result is Measurement {
  return "metrics" in result;
}

/** @param found numbers, or what was thrown */
export function resultOf(unit: Unit, versions: Versions | null, found: Found | { readonly error: unknown }): Result {
  const head = { id: idOf(unit), unit, command: commandOf(unit), versions };
  return "error" in found ? { ...head, error: messageOf(found.error) } : { ...head, ...found };
}

const BEGIN = '{"id":"'; // of every line

/** One line of a results file. */
export function lineOf(result: Result): string {
  return `${JSON.stringify(result)}\n`;
}

/**
 * The results of a file, a unit's last line where it has several, and how many bytes of it are whole lines: a program that was
 * ended while it wrote leaves a torn one at the end, which is dropped.
 * @throws KvcapError where another line is no result, or the last one is not the beginning of one
 */
export function readResults(bytes: Uint8Array, where: string): { results: Map<string, Result>; whole: number } {
  const whole = bytes.lastIndexOf(10) + 1;
  const lines = new TextDecoder().decode(bytes.subarray(0, whole)).split("\n").slice(0, -1);
  const torn = new TextDecoder().decode(bytes.subarray(whole));
  const results = new Map<string, Result>();
  const refused = (line: number): never =>
    refuse("read the results", `${where} must be a file of results`, words(`another text in line ${line}`), {
      code: "bad-file",
      kind: "plain",
    });
  for (const [i, line] of lines.entries()) {
    const result = parse(line);
    if (!result) return refused(i + 1);
    const before = results.get(result.id);
    if (before && isMeasured(before) && !isMeasured(result)) continue; // a failure does not undo a measurement
    results.set(result.id, result);
  }
  if (!torn.startsWith(BEGIN) && !BEGIN.startsWith(torn)) refused(lines.length + 1); // what nobody wrote here
  return { results, whole };
}

/** A line's result; null where it is none. Its id must be its unit's. */
function parse(line: string): Result | null {
  try {
    const found = JSON.parse(line) as Result;
    return found.id === idOf(found.unit) && ("metrics" in found || "error" in found) ? found : null;
  } catch {
    return null;
  }
}
