/**
 * What every reader of a model's files checks: they were written by somebody else. Each refusal is one sentence, "Cannot load
 * model: <rule>, got <what was found>".
 */
import { messageOf, type More, refuse, Words, words } from "../errors.ts";

/**
 * Refuses what a file says, or that it cannot be had.
 * @param more its code, where that is not "bad-file"
 * @throws RangeError for a value that breaks a rule, Error for what is found in words
 */
export function refuseFile(rule: string, found: unknown, more: More = {}): never {
  refuse("load model", rule, found, { code: "bad-file", kind: found instanceof Words ? "plain" : "range", ...more });
}

/** Whether a parsed JSON value is an object with named fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Bytes of any file but one of weights: JSON, a template, a tokenizer. Those that there are have up to 35 MB. */
const MOST_TEXT = 64_000_000;

/** The most bytes that a file may have, by its name. */
export function mostOf(file: string): number {
  return /\.(safetensors|gguf)$/i.test(file) ? Infinity : MOST_TEXT;
}

/** @throws RangeError where a file has more bytes than one of its name may */
export function checkLength(file: string, bytes: number): void {
  if (bytes > mostOf(file)) refuseFile(`${file} must have at most ${mostOf(file)} bytes`, bytes);
}

const NAN = "\u0000NaN";

/**
 * Parses the text of a JSON file, which may have been written by Python: NaN, Infinity and -Infinity are numbers there.
 * @throws Error naming the file where it is no JSON.
 */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const standard = text.replace(
      /"(?:[^"\\]|\\.)*"|NaN|Infinity/g,
      (found) => found === "NaN" ? JSON.stringify(NAN) : found === "Infinity" ? "1e999" : found,
    );
    try {
      if (standard !== text) return JSON.parse(standard, (_, value) => value === NAN ? NaN : value);
    } catch {
      // no JSON of Python's either
    }
    refuseFile(`${file} must be JSON`, words(messageOf(cause)), { cause });
  }
}

/** @throws Error where a file begins as what Git LFS leaves in place of one */
export function checkPointer(start: Uint8Array, name: string): void {
  if (new TextDecoder("latin1").decode(start.subarray(0, 23)) === "version https://git-lfs") {
    refuseFile(`${name} must be the file itself`, words("a Git LFS pointer to it"));
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
  if (!plain) refuseFile("a file's name must stay inside the model's folder", file);
  return file;
}

/** @throws RangeError unless [begin, end) lies within a file of `size` bytes. */
export function checkRange(file: string, begin: number, end: number, size: number): void {
  const whole = Number.isSafeInteger(begin) && Number.isSafeInteger(end);
  if (!whole || begin < 0 || end < begin || end > size) {
    refuseFile(`bytes read of ${file} must lie within its ${size}`, [begin, end]);
  }
}

/** @throws Error if the bytes are no UTF-8, or Git LFS left them. */
export function decodeText(bytes: Uint8Array, name: string): string {
  checkPointer(bytes, name);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    refuseFile(`${name} must be UTF-8 text`, words("other bytes"), { cause });
  }
}
