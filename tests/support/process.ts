// One process of a run, seen from the runner: it is handed files one by one, what they print is kept together, and whatever
// becomes of it (an end, a crash, a hang) comes back as what became of its file.
import { linesOf, MARK, type Message } from "./messages.ts";
import { between, Meter, processTree } from "./processor.ts";
import { watch } from "./watch.ts";
import { plain, type Totals } from "./totals.ts";

export type HostName = "deno" | "chromium";

export interface FileResult extends Totals {
  host: HostName;
  path: string;
  lines: string[]; // what it printed
  cases: number; // recorded cases checked
  seconds: number | null; // of processor time; null where that is unknown
}

const here = new URL(".", import.meta.url).pathname;
const running = new Set<Deno.ChildProcess>();

/** Ends every process that still runs, with all that it started. */
export function endAll(): void {
  for (const child of running) end(child);
}

function end(child: Deno.ChildProcess): void {
  for (const pid of processTree(child.pid)?.keys() ?? [child.pid]) {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It ended by itself.
    }
  }
}

/**
 * Runs the files that `next` names in one process of `host` until there is none left or the process dies. `paths`: all that may
 * be named. Returns whether it died on a file, so that another process may go on with the others.
 */
export async function runProcess(
  host: HostName,
  paths: string[],
  next: () => string | undefined,
  told: (result: FileResult) => void,
): Promise<boolean> {
  const config = ["--import-map", `${here}imports.json`];
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", "--no-prompt", ...config, `${here}worker.ts`, host, ...paths],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  running.add(child);
  const input = child.stdin.getWriter();
  const meter = new Meter(child.pid);
  let path: string | undefined;
  let lines: string[] = [];
  let now = `starting ${host}`;
  let before = meter.read();
  let cases = 0;
  let handed = 0; // files
  let over = false; // no file is left
  let hung = "";
  const watcher = watch(meter, (why) => {
    hung = why;
    end(child);
  });

  const errors = (async () => {
    for await (const line of linesOf(child.stderr)) lines.push(line);
  })();
  for await (const line of linesOf(child.stdout)) {
    if (!line.startsWith(MARK)) {
      if (line) lines.push(plain(line));
      continue;
    }
    watcher.progress();
    const message: Message = JSON.parse(line.slice(1));
    if ("begins" in message) now = message.begins;
    else if ("ask" in message) await hand();
    else settle(message.ended, message.cases);
  }
  const { code, signal } = await child.status;
  await errors;
  watcher.stop();
  running.delete(child);
  if (over && code === 0) return false;
  // A crash is the failure of the file that was under way.
  const how = hung || (signal ? `was ended by ${signal}` : `ended with exit code ${code}`);
  lines.push(`  FAILED: ${now} ${hung ? "" : "when the process "}${how}`);
  settle({ passed: 0, failed: 1, skipped: 0 }, cases);
  return handed > 0 && !over;

  async function hand() {
    path = next();
    over = path === undefined;
    before = meter.read();
    if (over) return void input.close().catch(() => {});
    handed++;
    await input.write(new TextEncoder().encode(`${path}\n`)).catch(() => {});
  }
  function settle(totals: Totals, casesSoFar: number) {
    const after = meter.read();
    const used = before && after ? between(before, after) : null;
    told({ host, path: path ?? host, lines, ...totals, cases: casesSoFar - cases, seconds: used });
    [path, lines, cases, now] = [undefined, [], casesSoFar, "between two files"];
  }
}
