// How the loader says no. Everything a model folder holds was written by somebody else, so every reader checks what it
// reads and ends with the same sentence: "Cannot load model: <rule>, got <value>".

import { oneLine, show } from "../errors.ts";

export { oneLine, show };

/** One line, whatever is in the names that files have for things. */
function sentence(rule: string, found: string): string {
  const code = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  // deno-lint-ignore no-control-regex
  return `Cannot load model: ${rule}, got ${found}`.replace(/[\u0000-\u001f\u007f\u2028\u2029]/g, code);
}

/** The error of a value that breaks a rule. */
export function refuse(rule: string, value: unknown): RangeError {
  return new RangeError(sentence(rule, show(value)));
}

/** The error of a file that cannot be read, or is not what it claims to be; `found` is said as it stands. */
export function unreadable(rule: string, found: string, cause?: unknown): Error {
  return new Error(sentence(rule, found), cause === undefined ? undefined : { cause });
}

/** Whether a parsed JSON value is an object with named fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Parses the text of a JSON file.
 * @throws Error naming the file where it is no JSON.
 */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw unreadable(`${file} must be JSON`, error instanceof Error ? oneLine(error.message) : String(error), error);
  }
}

/**
 * Checks that a file's name stays inside the model's folder: shard names come from an index file that anybody may have written.
 * @throws RangeError otherwise.
 */
export function checkName(file: string): string {
  const plain = typeof file === "string" && file.length <= 1024 &&
    file.split("/").every((part) => part !== "" && part !== "." && part !== "..") &&
    // deno-lint-ignore no-control-regex
    !/[\\:?#%*|"<>\u0000-\u001f\u007f]/.test(file);
  if (!plain) throw refuse("a file's name must stay inside the model's folder", file);
  return file;
}

/** @throws RangeError unless [begin, end) lies within a file of `size` bytes. */
export function checkRange(file: string, begin: number, end: number, size: number): void {
  const whole = Number.isSafeInteger(begin) && Number.isSafeInteger(end);
  if (!whole || begin < 0 || end < begin || end > size) {
    throw refuse(`bytes read of ${file} must lie within its ${size}`, [begin, end]);
  }
}

/** @throws Error if the bytes are no UTF-8. */
export function decodeText(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw unreadable(`${name} must be UTF-8 text`, "other bytes", error);
  }
}
