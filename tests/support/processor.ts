// Processor time of a process with all that it started, from Linux' /proc; elsewhere unknown.

const TICKS = 100; // a second, on every Linux

/** The process and its descendants that live. */
interface Tree {
  pids: number[];
  seconds: number; // of processor time, their ended children's included
}

/** The process tree at `pid`; null where there is no /proc, or no such process. */
export function processTree(pid: number): Tree | null {
  const all = new Map<number, { parent: number; seconds: number }>();
  try {
    for (const { name } of Deno.readDirSync("/proc")) {
      if (/^\d+$/.test(name)) read(Number(name));
    }
  } catch {
    return null;
  }
  if (!all.has(pid)) return null;
  const pids = [pid];
  // Grows while it is walked: the children of each, behind it.
  for (const one of pids) for (const [child, { parent }] of all) if (parent === one) pids.push(child);
  return { pids, seconds: pids.reduce((sum, one) => sum + all.get(one)!.seconds, 0) };

  function read(one: number) {
    try {
      // After the name in brackets: state, parent, …, user and system time, and those of ended children.
      const fields = Deno.readTextFileSync(`/proc/${one}/stat`).split(") ").at(-1)!.split(" ");
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
      all.set(one, { parent: Number(fields[1]), seconds: ticks / TICKS });
    } catch {
      // It ended while we looked.
    }
  }
}
