/**
 * What the command line writes: text to stdout, everything about it to stderr, progress only where somebody watches. Words of files,
 * models and errors are among it, so nothing that commands a terminal is ever written but what stands here.
 */

import { writeSync } from "node:fs";
import process from "node:process";
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

/** How text looks on a terminal: a title, what stands back, what went wrong. */
const STYLES = { strong: 1, faint: 2, bad: 31 } as const;
export type Style = keyof typeof STYLES;

/** Whether a stream has colours: a terminal that knows some, unless somebody says otherwise (no-color.org, force-color.org). */
function coloured(stream: number): boolean {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env;
  if (NO_COLOR) return false;
  return FORCE_COLOR ? FORCE_COLOR !== "0" : isatty(stream) && TERM !== "dumb";
}

function styled(stream: number, text: string, style: Style | undefined): string {
  return style && text !== "" && coloured(stream) ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text;
}

/** Writes to stdout what is harmless of it. @throws ClosedPipe */
export function print(text: string, style?: Style): void {
  write(STDOUT, styled(STDOUT, harmless(text), style));
}

/** Writes a value to stdout, a line of JSON in which every control character stands as its number: it is the same value. @throws ClosedPipe */
export function printJson(value: unknown): void {
  print(`${JSON.stringify(value).replace(/[\u007f-\u009f]/g, (sign) => `\\u00${sign.charCodeAt(0).toString(16)}`)}\n`);
}

/** Writes a line to stderr, what is harmless of it; a closed stderr is nobody's loss. */
export function note(line: string): void {
  aside(`${harmless(line)}\n`);
}

/** Writes a line about what went wrong to stderr, likewise. */
export function complain(line: string): void {
  aside(`${styled(STDERR, harmless(line), "bad")}\n`);
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

/** Seconds as people say them. */
function inWords(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** A line of progress on a terminal, rewritten in place at most ten times a second; elsewhere nothing. */
export class Progress {
  readonly #shown = isatty(STDERR);
  #last = 0;
  #dirty = false;
  #begun = { unit: "", at: 0, done: 0 }; // what is under way, since when, and from where on

  /**
   * @param what is under way, and how far it is where that is no share
   * @param total null where nobody knows it
   * @param unit of both: its speed is told, and the time left, once they are known
   */
  show(what: string, done: number, total: number | null, unit: "B" | "tokens" | "" = ""): void {
    const now = performance.now();
    if (!this.#shown || (now - this.#last < 100 && done !== total)) return;
    if (done < this.#begun.done || unit !== this.#begun.unit || !this.#dirty) this.#begun = { unit, at: now, done };
    this.#last = now;
    this.#dirty = true;
    const percent = total === null ? "" : ` ${Math.floor(100 * done / Math.max(1, total))} %`;
    aside(`\r\x1b[K${harmless(what)}${percent}${this.#pace(now, done, total)}`);
  }

  #pace(now: number, done: number, total: number | null): string {
    const { unit, at, done: from } = this.#begun;
    const seconds = (now - at) / 1000;
    if (seconds < 0.5 || done <= from) return "";
    const rate = (done - from) / seconds;
    const told = unit === "B"
      ? `, ${(rate / 1e6).toFixed(1)} MB/s`
      : unit === ""
      ? ""
      : `, ${rate.toFixed(0)} ${unit}/s`;
    return total === null ? told : `${told}, ${inWords((total - done) / rate)} left`;
  }

  clear(): void {
    if (this.#dirty) aside("\r\x1b[K");
    this.#dirty = false;
  }
}
