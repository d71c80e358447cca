// Runs a job in a fresh process, and measures around it what it cannot measure itself.
import { refuse } from "../../src/errors.ts";
import type { Job, Outcome } from "./measure.js";
import { repoPath } from "../../tests/support/files.ts";
import { memoryOf, othersBetween, used } from "./processes.ts";

const here = new URL(".", import.meta.url).pathname;

/** Where a job runs. */
export type Host = "Deno" | "Chromium" | "Node";

/** What a process did. Bytes are null where the system does not tell, or nobody asked. */
export interface Done extends Outcome {
  peakBytes: number | null;
  /** Of it, what Chromium took with an empty page. */
  emptyBytes: number;
  /** Share of the processors that others used meanwhile. */
  others: number | null;
}

// The folder has a package.json of its own, beside which Deno would look for no deno.json.
const flags = ["-A", "--quiet", "--no-prompt", `--config=${repoPath("deno.json")}`];

const PROGRAMS: Record<Host, [program: string, ...args: string[]]> = {
  Deno: [Deno.execPath(), "run", ...flags, `${here}in-deno.ts`],
  Chromium: [Deno.execPath(), "run", ...flags, `${here}in-page.ts`],
  Node: ["node", `${here}in-node.mjs`],
};

const EVERY_MS = 100; // the memory is looked at

/**
 * Runs a job. `memory`: whether its memory is watched, which slows it.
 * @throws where the process fails or takes longer than the job may
 */
export async function runJob(host: Host, job: Job, memory = false): Promise<Done> {
  const [program, ...args] = PROGRAMS[host];
  const before = used();
  const child = new Deno.Command(program, {
    args: [...args, JSON.stringify(job), String(Date.now())],
    stdout: "piped",
    stderr: "piped",
    stdin: "null",
  }).spawn();
  const giveUp = setTimeout(() => child.kill("SIGKILL"), job.limitMs + 30_000);
  // In Chromium the tree begins with the browser, whose number comes in a first line.
  let root = host === "Chromium" ? null : child.pid;
  let emptyBytes = 0;
  let peakBytes: number | null = null;
  const look = () => {
    const bytes = root === null ? null : memoryOf(root);
    if (bytes !== null) peakBytes = Math.max(peakBytes ?? 0, bytes);
  };
  const timer = memory ? setInterval(look, EVERY_MS) : undefined;
  const errors = new Response(child.stderr).text();
  let last = "";
  for await (const line of linesOf(child.stdout)) {
    const browser = /^browser (\d+)$/.exec(line)?.[1];
    if (browser && memory) emptyBytes = memoryOf(root = Number(browser)) ?? 0;
    if (line.startsWith("{")) last = line;
  }
  clearInterval(timer);
  const { code } = await child.status;
  clearTimeout(giveUp);
  if (code || !last) {
    console.error((await errors).trim());
    refuse(`time ${job.peer} in ${host}`, "its process must end well", `exit code ${code}`);
  }
  return { ...JSON.parse(last), peakBytes, emptyBytes, others: othersBetween(before, used()) };
}

async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
  yield rest;
}
