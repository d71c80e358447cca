/** What somebody types, message by message: with editing, history and pasted lines on a terminal, line by line elsewhere. */
import process from "node:process";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { undoAtEnd, whenEnded } from "./signals.ts";

/** Messages as they come. */
export interface Lines {
  /** Whether somebody sits at a terminal. */
  readonly terminal: boolean;
  /** The next message, without the newline that ends it; null at the end. */
  next(): Promise<string | null>;
  /** Does what may take long, and hears nothing meanwhile: Ctrl-C ends the program. */
  deaf<T>(work: () => T): T;
  close(): void;
}

const PROMPT = "> ";
const NEWLINE = "\u2424"; // how a newline inside a message shows while it is edited
const [PASTES, BEGIN, END] = ["\x1b[?2004h", "\x1b[200~", "\x1b[201~"]; // bracketed paste
const NO_PASTES = "\x1b[?2004l";

/** @param onInterrupt hears of Ctrl-C, and, where nobody sits at a terminal, of other signals: the exit code that is due @param words that Tab completes at the beginning of a line */
export function openLines(onInterrupt: (code: number) => void, words: readonly string[]): Lines {
  return process.stdin.isTTY ? terminalLines(onInterrupt, words) : pipedLines(onInterrupt);
}

/** A message per line; one that ends with a backslash goes on in the next. */
function pipedLines(onInterrupt: (code: number) => void): Lines {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  let unhear = whenEnded(onInterrupt);
  const next = async (): Promise<string | null> => {
    const { value, done } = await lines.next();
    if (done) return null;
    return value.endsWith("\\") ? `${value.slice(0, -1)}\n${(await next()) ?? ""}` : value;
  };
  const deaf = <T>(work: () => T): T => {
    unhear();
    try {
      return work();
    } finally {
      unhear = whenEnded(onInterrupt);
    }
  };
  return { terminal: false, next, deaf, close: () => unhear() };
}

function terminalLines(onInterrupt: (code: number) => void, words: readonly string[]): Lines {
  const keys = pasting();
  const completer = (line: string) => [words.filter((word) => word.startsWith(line)), line];
  const lines = createInterface({ input: keys, output: process.stderr, terminal: true, historySize: 1000, completer });
  process.stderr.write(PASTES);
  const ready: (string | null)[] = [];
  let waiting: ((line: string | null) => void) | null = null;
  let unfinished = ""; // lines that ended with a backslash
  const give = (line: string | null) => {
    if (waiting) waiting(line);
    else ready.push(line);
    waiting = null;
  };
  lines.on("line", (line: string) => {
    const text = unfinished + line.replaceAll(NEWLINE, "\n");
    unfinished = text.endsWith("\\") ? `${text.slice(0, -1)}\n` : "";
    if (unfinished === "") give(text);
  });
  lines.on("SIGINT", () => {
    unfinished = "";
    if (waiting) {
      lines.write(null, { ctrl: true, name: "e" }); // what was being typed is dropped
      lines.write(null, { ctrl: true, name: "u" });
    }
    onInterrupt(130);
    if (waiting) lines.prompt();
  });
  lines.on("close", () => give(null));
  const leave = () => {
    process.stderr.write(NO_PASTES);
    lines.close();
    process.stdin.setRawMode(false);
  };
  let forget = undoAtEnd(leave);
  return {
    terminal: true,
    next() {
      if (ready.length > 0) return Promise.resolve(ready.shift()!);
      lines.setPrompt(PROMPT);
      lines.prompt();
      return new Promise((resolve) => waiting = resolve);
    },
    deaf(work) {
      forget();
      process.stderr.write(NO_PASTES);
      process.stdin.setRawMode(false); // in which Ctrl-C is a key, and no signal
      try {
        return work();
      } finally {
        process.stdin.setRawMode(true);
        process.stderr.write(PASTES);
        forget = undoAtEnd(leave);
      }
    },
    close() {
      forget();
      leave();
    },
  };
}

/** Standard input in which newlines that were pasted, and not typed, are marks: they end no message. */
function pasting(): NodeJS.ReadableStream {
  const keys = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: (mode: boolean) => process.stdin.setRawMode(mode),
  });
  const decoder = new TextDecoder();
  const mark = pasteMarker();
  process.stdin.on("data", (chunk: Uint8Array) => keys.write(mark(decoder.decode(chunk, { stream: true }))));
  process.stdin.on("end", () => keys.end());
  return keys;
}

/** Takes what a terminal sends, read by read, and answers it with marks in the place of pasted newlines. */
export function pasteMarker(): (text: string) => string {
  let inside = false;
  let rest = ""; // what may be the beginning of BEGIN or END: a long paste comes in several reads
  return (read) => {
    let text = rest + read;
    let out = "";
    rest = "";
    while (text !== "") {
      const sign = inside ? END : BEGIN;
      const at = text.indexOf(sign);
      if (at < 0) rest = beginning(text, sign, inside ? 1 : 2); // an Esc alone is a key
      const part = text.slice(0, at < 0 ? text.length - rest.length : at);
      out += inside ? joined(part) : typed(part);
      text = at < 0 ? "" : text.slice(at + sign.length);
      if (at >= 0) inside = !inside;
    }
    return out;
  };
}

/** The end of `text` that `sign` begins with, of `least` characters at least. */
function beginning(text: string, sign: string, least: number): string {
  for (let length = sign.length - 1; length >= least; length--) {
    if (text.endsWith(sign.slice(0, length))) return sign.slice(0, length);
  }
  return "";
}

const joined = (text: string) => text.replace(/\r\n|\r|\n/g, NEWLINE);

/** Nobody types a newline and more within one read: that was pasted too, where the terminal does not say so. */
function typed(text: string): string {
  const [, body, end] = /^([^]*?)([\r\n]*)$/.exec(text)!;
  return joined(body) + end;
}
