// Runs uvu suites file by file and counts; the same in Deno and in a page. uvu keeps its own runner for one file alone
// (`deno run -A tests/x.test.ts`); here its queue is emptied by hand, because its runner passes a file that queued
// nothing and a suite whose `before` threw.
import { plain, type Totals } from "./totals.ts";
import { type QueuedSuite, uvu } from "./silent.ts";
import { only, watcher } from "./uvu.ts";

export interface TestFile {
  name: string;
  load: () => Promise<unknown>;
}

export interface Host {
  /** The file to run next; null where there is none left. */
  next(): Promise<TestFile | null>;
  /** Takes a line of output. */
  print(line: string): void;
  /** Told what begins now, for whoever watches that it ends. */
  begins(what: string): void;
  /** Told what came of a file. */
  ended(totals: Totals): void;
}

/** Runs the files that the host gives. Every failure, whatever its kind, is printed and counted. */
export async function runFiles(host: Host): Promise<void> {
  let totals: Totals;
  const fail = (what: string) => {
    totals.failed++;
    host.print(`  FAILED: ${what}`);
  };
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    fail(`unhandled rejection: ${text(event.reason)}`);
  };
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    fail(`uncaught error: ${text(event.error ?? event.message)}`);
  };
  silenceUvu(host);
  uvu.UVU_QUEUE = [];

  for (let index = 0, file; (file = await host.next()); index++) {
    totals = { passed: 0, failed: 0, skipped: 0 };
    globalThis.addEventListener("unhandledrejection", onRejection);
    globalThis.addEventListener("error", onError);
    host.begins(`loading ${file.name}`);
    uvu.UVU_INDEX = index;
    const queue: QueuedSuite[] = uvu.UVU_QUEUE[index] = [];
    try {
      await file.load();
      if (!queue.length && !only) fail("the file queued no suite: is .run() missing?");
    } catch (error) {
      fail(`the file cannot be loaded: ${text(error)}`);
    }
    for (const run of queue) await runSuite(run);
    // Lets rejections that nobody handled come up while their file is the one that runs.
    await new Promise((resolve) => setTimeout(resolve, 20));
    // Between the files the runner's own errors must end it.
    globalThis.removeEventListener("unhandledrejection", onRejection);
    globalThis.removeEventListener("error", onError);
    host.ended(totals);
  }

  async function runSuite(run: QueuedSuite) {
    const started = performance.now();
    const name = run.title || "tests";
    watcher.begins = host.begins;
    host.begins(`suite "${name}", before its tests`);
    try {
      const [errors, passed, skipped, total] = await run();
      const failed = total - passed;
      totals.passed += passed;
      totals.failed += failed;
      totals.skipped += skipped;
      const counts = [`${passed} passed`, failed ? `${failed} failed` : "", skipped ? `${skipped} skipped` : ""];
      const ms = Math.round(performance.now() - started);
      host.print(`  ${name}: ${counts.filter(Boolean).join(", ")} (${ms} ms)`);
      if (errors !== true) host.print(plain(errors).trimEnd());
      else if (failed) host.print("  FAILED: a hook threw before the tests");
      if (!total && !skipped) fail("the suite has no tests");
    } catch (error) {
      fail(`a hook of suite "${name}" threw: ${text(error)}`);
    }
  }
}

/** Keeps back what uvu writes of its own (the suite's name, a mark per test) and hands on what tests write. */
function silenceUvu(host: Host): void {
  // A page's uvu took the console.log of the moment it was loaded, tests/support/silent.ts; Deno's asks for process.stdout.
  console.log = (...values: unknown[]) => host.print(values.map(shown).join(" "));
  const { process } = globalThis as unknown as { process?: { stdout?: { write: () => boolean } } };
  if (process?.stdout) process.stdout.write = () => true;
}

function shown(value: unknown): string {
  if (typeof value === "string") return value;
  if ("Deno" in globalThis) return Deno.inspect(value);
  return value instanceof Error ? text(value) : JSON.stringify(value) ?? String(value);
}

export function text(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
