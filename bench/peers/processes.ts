// What Linux tells of processes: the memory of a tree, and how much of the processors it and all others used. Elsewhere null.

const text = (path: string): string | null => {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return null; // it ended meanwhile, or there is no /proc
  }
};

/** The fields of /proc/PID/stat behind the name, of which the second is the parent. */
const statOf = (pid: string) => text(`/proc/${pid}/stat`)?.replace(/^.*\) /s, "").split(" ");

/** A process and all that descend from it. */
function tree(root: number): string[] {
  const children = new Map<string, string[]>();
  for (const { name } of Deno.readDirSync("/proc")) {
    const parent = /^\d+$/.test(name) ? statOf(name)?.[1] : undefined;
    if (parent !== undefined) {
      children.set(parent, [...children.get(parent) ?? [], name]);
    }
  }
  const all = [String(root)];
  for (let i = 0; i < all.length; i++) all.push(...children.get(all[i]) ?? []);
  return all;
}

/** Bytes of a process tree in memory, what several share divided among them (PSS); null where the system does not tell. */
export function memoryOf(root: number): number | null {
  if (Deno.build.os !== "linux") return null;
  const sizes = tree(root).map((pid) => /^Pss:\s+(\d+) kB/m.exec(text(`/proc/${pid}/smaps_rollup`) ?? "")?.[1]);
  const known = sizes.filter((size) => size !== undefined);
  return known.length ? known.reduce((sum, size) => sum + Number(size) * 1024, 0) : null;
}

/** The process of this name that is no one's helper: of Chromium's the one without `--type`. Null where there is none. */
export function processWith(argument: string): number | null {
  if (Deno.build.os !== "linux") return null;
  for (const { name } of Deno.readDirSync("/proc")) {
    const line = /^\d+$/.test(name) ? text(`/proc/${name}/cmdline`) : null;
    if (line?.includes(argument) && !line.includes("--type=")) {
      return Number(name);
    }
  }
  return null;
}

/** Ticks of all processors since the start: used by anyone, by us and the processes that we waited for, and all there were. */
interface Used {
  busy: number;
  own: number;
  all: number;
}

export function used(): Used | null {
  const line = text("/proc/stat")?.split("\n")[0].trim().split(/\s+/).slice(1)
    .map(Number);
  const self = statOf("self");
  if (!line || !self) return null;
  const [user, nice, system, idle, wait, irq, soft, stolen] = line;
  const busy = user + nice + system + irq + soft + stolen;
  const own = self.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
  return { busy, own, all: busy + idle + wait };
}

/** The share of all processors that others used between two moments, 0 to 1. */
export function othersBetween(before: Used | null, after: Used | null): number | null {
  if (!before || !after || after.all === before.all) return null;
  const others = after.busy - before.busy - (after.own - before.own);
  return Math.min(1, Math.max(0, others / (after.all - before.all)));
}
