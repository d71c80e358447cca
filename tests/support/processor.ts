// Processor time of a process with all that it started, from Linux' /proc; elsewhere unknown.

const TICKS = 100; // a second, on every Linux

/** Seconds of processor time up to a moment, counted in two ways that each miss something. */
export interface Reading {
  /** Of every process that was ever seen, as last seen: without what short-lived ones took in between. */
  seen: number;
  /** Of those that live, and of their ended children: without those that nobody waited for, as a browser's. */
  living: number;
}

/** What was used between two readings, at least. */
export const between = (before: Reading, after: Reading): number =>
  Math.max(after.seen - before.seen, after.living - before.living);

/** The process and its descendants that live: seconds of their own, and of their ended children. */
export function processTree(pid: number): Map<number, { own: number; ended: number }> | null {
  const all = new Map<number, { parent: number; own: number; ended: number }>();
  try {
    for (const { name } of Deno.readDirSync("/proc")) if (/^\d+$/.test(name)) read(Number(name));
  } catch {
    return null;
  }
  const tree = new Map<number, { own: number; ended: number }>();
  const pids = all.has(pid) ? [pid] : [];
  for (const one of pids) { // grows while it is walked
    tree.set(one, all.get(one)!);
    for (const [child, { parent }] of all) if (parent === one) pids.push(child);
  }
  return tree;

  function read(one: number) {
    try {
      // After the name in brackets: state, parent, …, user and system time, and those of ended children.
      const fields = Deno.readTextFileSync(`/proc/${one}/stat`).split(") ").at(-1)!.split(" ").map(Number);
      const [user, system, endedUser, endedSystem] = fields.slice(11, 15);
      all.set(one, { parent: fields[1], own: (user + system) / TICKS, ended: (endedUser + endedSystem) / TICKS });
    } catch {
      // It ended while we looked.
    }
  }
}

/** Reads the processor time of the process at `pid`; the more often it is asked, the less it misses. */
export class Meter {
  readonly #pid: number;
  readonly #own = new Map<number, number>(); // seconds of every process ever seen

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** Null where it is unknown. */
  read(): Reading | null {
    const tree = processTree(this.#pid);
    if (!tree) return null;
    let living = 0;
    for (const [pid, { own, ended }] of tree) {
      this.#own.set(pid, own);
      living += own + ended;
    }
    return { seen: [...this.#own.values()].reduce((sum, seconds) => sum + seconds, 0), living };
  }
}
