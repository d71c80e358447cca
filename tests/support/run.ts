// Runs the tests: `deno run -A tests/support/run.ts [--golden] [--only=deno|chromium] [part of a file's name …]`.
//
// tests/**/NAME.test.ts       runs in Deno and in Chromium: no `Deno.*`; files are read through tests/support/files.ts,
//                             `inBrowser` there tells the two apart (e.g. to leave big models to Deno)
// tests/**/NAME.deno.test.ts  runs in Deno only
// tests/golden/NAME….test.ts     checks recorded references; the only ones that --golden runs
//
// A file holds uvu suites and ends with `.run()` for each. GPU suites come from tests/support/device.ts: without an adapter they
// count as skipped. A test that takes longer than KVCAP_TEST_LIMIT (seconds, default 600) ends the run as failed.
// KVCAP_CHROMIUM is the browser's path; `npm test` looks for one where it is unset.
// `--failed=CHECK` counts a check that build/start.mjs made before as one more failure.
// The last line is `N passed, N failed, N skipped`; a failure ends with exit code 1, and in CI a skip does, too.
import { runInChromium } from "./browser.ts";
import { checkedCases, goldenFolders, modelFolders } from "./files.ts";
import { type Host, runFiles, type TestFile, type Totals, totalsLine } from "./harness.ts";
import type { Beat } from "./watchdog.ts";

const root = new URL("../..", import.meta.url).pathname;
const limit = Number(Deno.env.get("KVCAP_TEST_LIMIT") ?? 600) * 1000; // milliseconds

/** Paths of the test files, from the root, in the order they run in. */
function testFiles(folder = "tests"): string[] {
  return [...Deno.readDirSync(root + folder)].flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) return testFiles(path);
    return entry.name.endsWith(".test.ts") ? [path] : [];
  }).sort();
}

function print(line: string) {
  const bytes = new TextEncoder().encode(`${line}\n`);
  for (let at = 0; at < bytes.length;) at += Deno.stdout.writeSync(bytes.subarray(at));
}

async function runInDeno(paths: string[]): Promise<Totals> {
  const watchdog = new Worker(new URL("./watchdog.ts", import.meta.url), { type: "module" });
  const host: Host = {
    print,
    beat: (next, totals) => watchdog.postMessage({ next, totals, limit } satisfies Beat),
  };
  const files = paths.map((path): TestFile => ({ name: path, load: () => import(`file://${root}${path}`) }));
  const totals = await runFiles(files, host);
  watchdog.terminate();
  return totals;
}

const flags = Deno.args.filter((arg) => arg.startsWith("--"));
const names = Deno.args.filter((arg) => !arg.startsWith("--"));
const failedBefore = flags.filter((flag) => flag.startsWith("--failed="));
const unknown = flags.find((flag) => !["--golden", "--only=deno", "--only=chromium", ...failedBefore].includes(flag));
if (unknown) {
  console.error(
    `usage: tests/support/run.ts [--golden] [--only=deno|chromium] [part of a file's name …], got ${unknown}`,
  );
  Deno.exit(2);
}
const golden = flags.includes("--golden");
try {
  goldenFolders(), modelFolders();
} catch (error) {
  console.error((error as Error).message);
  Deno.exit(1);
}

const paths = testFiles()
  .filter((path) => !golden || path.includes("/golden/"))
  .filter((path) => !names.length || names.some((name) => path.includes(name)));
const totals: Totals = { passed: 0, failed: 0, skipped: 0 };
let cases = 0;

const add = (more: Totals) => {
  totals.passed += more.passed;
  totals.failed += more.failed;
  totals.skipped += more.skipped;
};
if (!flags.includes("--only=chromium")) {
  print("— Deno —");
  add(await runInDeno(paths));
  cases += checkedCases();
}
const portable = paths.filter((path) => !path.endsWith(".deno.test.ts"));
if (!flags.includes("--only=deno") && portable.length) {
  print("— Chromium —");
  const result = await runInChromium(portable, { print, limit }).catch((error) => {
    print(`  FAILED: ${error.message}`);
    return { passed: 0, failed: 1, skipped: 0, cases: 0 };
  });
  add(result);
  cases += result.cases;
}
for (const flag of failedBefore) {
  totals.failed++;
  print(`FAILED before the tests: ${flag.slice("--failed=".length)}`);
}
if (golden && !cases) {
  totals.failed++;
  print("FAILED: no recorded reference was checked");
}
if (golden) print(`${cases} recorded cases checked`);
if (!totals.passed && !totals.failed) {
  totals.failed++;
  print("FAILED: no test ran");
}
print(totalsLine(totals));
Deno.exit(totals.failed || (totals.skipped && Deno.env.get("CI") === "true") ? 1 : 0);
