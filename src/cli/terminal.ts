/**
 * What the command line writes: text to stdout, everything about it to stderr, progress only where somebody watches. Words of files,
 * models and errors are among it, so nothing that commands a terminal is ever written but what stands here.
 */

import { writeSync } from "node:fs";
import { isatty } from "node:tty";

const [STDOUT, STDERR] = [1, 2];
const PAUSE = new Int32Array(new SharedArrayBuffer(4));
const encoder = new TextEncoder();

/** A reader that went away (`kvcap … | head`): no error, but no reason to go on. */
export class ClosedPipe extends Error {}

/** @param stream as the system numbers it */
function write(stream: number, text: string): void {
  const bytes = encoder.encode(text);
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(stream, bytes, at);
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === "EPIPE" || code === "EIO") throw new ClosedPipe(); // a terminal that was closed gives EIO
      if (code !== "EAGAIN") throw error;
      Atomics.wait(PAUSE, 0, 0, 5); // a pipe whose reader is slow, and which does not block
    }
  }
}

/** Writes to stdout what is harmless of it. @throws ClosedPipe */
export function print(text: string): void {
  write(STDOUT, harmless(text));
}

/** Writes a value to stdout, a line of JSON in which every control character stands as its number: it is the same value. @throws ClosedPipe */
export function printJson(value: unknown): void {
  print(`${JSON.stringify(value).replace(/[\u007f-\u009f]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`)}\n`);
}

/** Writes a line to stderr, what is harmless of it; a closed stderr is nobody's loss. */
export function note(line: string): void {
  aside(`${harmless(line)}\n`);
}

function aside(text: string): void {
  try {
    write(STDERR, text);
  } catch (error) {
    if (!(error instanceof ClosedPipe)) throw error;
  }
}

/** Text as a terminal may have it: without carriage returns, other control characters but tab and newline U+FFFD. */
function harmless(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/\r/g, "").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
}

/** A line of progress on a terminal, rewritten in place at most ten times a second; elsewhere nothing. */
export class Progress {
  readonly #shown = isatty(STDERR);
  #last = 0;
  #dirty = false;

  /** `total` is null where nobody knows it. */
  show(what: string, done: number, total: number | null): void {
    const now = performance.now();
    if (!this.#shown || (now - this.#last < 100 && done !== total)) return;
    this.#last = now;
    this.#dirty = true;
    const percent = total === null ? "" : ` ${Math.floor(100 * done / Math.max(1, total))} %`;
    aside(`\r\x1b[K${harmless(what)}${percent}`);
  }

  clear(): void {
    if (this.#dirty) aside("\r\x1b[K");
    this.#dirty = false;
  }
}
