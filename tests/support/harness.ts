// Runs uvu suites file by file and counts; the same in Deno and in a page. uvu keeps its own runner for one file alone
// (`deno run -A tests/x.test.ts`); here its queue is emptied by hand, because its runner passes a file that queued
// nothing and a suite whose `before` threw.

export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
}

export interface TestFile {
  name: string;
  load: () => Promise<unknown>;
}

export interface Host {
  /** Takes a line of output. */
  print(line: string): void;
  /** Told before every test what comes next, for whoever watches that it ends. */
  beat(next: string, totals: Totals): void;
}

/** uvu's suite, queued by `.run()`: error text or true, tests passed, skipped and run. */
type QueuedSuite = () => Promise<[string | true, number, number, number]>;

const uvu = globalThis as unknown as { UVU_DEFER: number; UVU_INDEX: number; UVU_QUEUE: QueuedSuite[][] };

/** Runs the files in order. Every failure, whatever its kind, is printed and counted. */
export async function runFiles(files: TestFile[], host: Host): Promise<Totals> {
  const totals: Totals = { passed: 0, failed: 0, skipped: 0 };
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
  globalThis.addEventListener("unhandledrejection", onRejection);
  globalThis.addEventListener("error", onError);
  const marks = await takeOver(host);

  for (const [index, file] of files.entries()) {
    host.print(file.name);
    host.beat(`loading ${file.name}`, totals);
    uvu.UVU_INDEX = index;
    const queue: QueuedSuite[] = uvu.UVU_QUEUE[index] = [];
    try {
      await file.load();
      if (!queue.length) fail("the file queued no suite: is .run() missing?");
    } catch (error) {
      fail(`the file cannot be loaded: ${text(error)}`);
    }
    for (const run of queue) await runSuite(run, file.name);
    // Lets rejections that nobody handled come up while their file is the last one printed.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  // From here on the runner's own errors must end it.
  globalThis.removeEventListener("unhandledrejection", onRejection);
  globalThis.removeEventListener("error", onError);
  return totals;

  async function runSuite(run: QueuedSuite, file: string) {
    const started = performance.now();
    let name = "";
    let tests = 0;
    const beat = () => host.beat(`${file}, suite "${name}", test ${tests + 1}`, totals);
    marks.onWrite = (mark) => {
      if (/^ *[•✘] *$/.test(mark)) tests++;
      else if (!name && !mark.includes("/")) name = mark.trim();
      beat();
    };
    beat();
    try {
      const [errors, passed, skipped, total] = await run();
      const failed = total - passed;
      totals.passed += passed;
      totals.failed += failed;
      totals.skipped += skipped;
      const counts = [`${passed} passed`, failed ? `${failed} failed` : "", skipped ? `${skipped} skipped` : ""];
      const ms = Math.round(performance.now() - started);
      host.print(`  ${name || "tests"}: ${counts.filter(Boolean).join(", ")} (${ms} ms)`);
      if (errors !== true) host.print(errors.trimEnd());
      else if (failed) host.print("  FAILED: a hook threw before the tests");
      if (!total && !skipped) fail("the suite has no tests");
    } catch (error) {
      fail(`a hook of suite "${name}" threw: ${text(error)}`);
    }
  }
}

/** Loads uvu so that what it writes (the suite's name, a mark per test) comes to `onWrite` and not to the output. */
async function takeOver(host: Host): Promise<{ onWrite: (mark: string) => void }> {
  const marks = { onWrite: (_: string) => {} };
  uvu.UVU_DEFER = 1;
  uvu.UVU_QUEUE = [];
  // In a page uvu keeps the console.log of its own first moment; in Deno it asks for process.stdout at every write.
  console.log = (mark: unknown) => marks.onWrite(plain(String(mark)));
  await import("uvu");
  console.log = (...values: unknown[]) => host.print(values.map(shown).join(" "));
  const { process } = globalThis as { process?: { stdout?: { write: (mark: string) => boolean } } };
  if (process?.stdout) process.stdout.write = (mark) => (marks.onWrite(plain(String(mark))), true);
  return marks;
}

/** Text without its terminal colours. */
export function plain(coloured: string): string {
  // deno-lint-ignore no-control-regex
  return coloured.replace(/\x1b\[\d+m/g, "");
}

function shown(value: unknown): string {
  if (typeof value === "string") return value;
  if ("Deno" in globalThis) return Deno.inspect(value);
  return value instanceof Error ? text(value) : JSON.stringify(value) ?? String(value);
}

function text(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}

/** The line that every run ends with. */
export function totalsLine({ passed, failed, skipped }: Totals): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}
