/** Being asked to end, by Ctrl-C or from outside: a command may end in its own way, and what was begun is undone first. */

import process from "node:process";

/** The signals that end a program, and their numbers: it ends with 128 + that. */
const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
type Ending = keyof typeof SIGNALS;

const undoing = new Set<() => void>();
let ending: ((code: number) => void) | null = null;
let listens = false;

const listeners = (Object.keys(SIGNALS) as Ending[])
  .filter((signal) => process.platform !== "win32" || signal === "SIGINT")
  .map((signal) => ({ signal, heard: () => ending ? ending(128 + SIGNALS[signal]) : end(128 + SIGNALS[signal]) }));

/** Listens only where something depends on it: nobody who listens can be ended while he computes. */
function listen(): void {
  const wanted = ending !== null || undoing.size > 0;
  if (wanted === listens) return;
  listens = wanted;
  for (const { signal, heard } of listeners) {
    if (wanted) process.on(signal, heard);
    else process.off(signal, heard);
  }
}

/** Undoes what was begun, and ends the program. */
export function end(code: number): never {
  for (const undo of undoing) undo();
  process.exit(code);
}

/** What is to be undone where the program is ended. @returns call it when that is no longer so */
export function undoAtEnd(undo: () => void): () => void {
  undoing.add(undo);
  listen();
  return () => {
    undoing.delete(undo);
    listen();
  };
}

/** How a command ends from here on. @param stop hears the exit code that is due @returns call it when that is no longer so */
export function whenEnded(stop: (code: number) => void): () => void {
  ending = stop;
  listen();
  return () => {
    ending = null;
    listen();
  };
}
