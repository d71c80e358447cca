// Runs the tests: `npm test`, `npm run test:all`, `npm run test:golden`, each followed by `-- [flags] [part of a file's path …]`.
// tests/support/plan.ts says which files there are and where each runs.
//
// --name TEXT                only tests whose name contains TEXT
// --only=deno|chromium       only in this host
// --engine=wasm|webgpu       files that mean either engine only on this one
// --golden                   only recorded references
// --deeper                   only files that go deeper in the full run than in the quick one
// --before=P,F,S             counts of a run before this one, added to the totals
// --failed=CHECK             a check that build/start.mjs made before, counted as one more failure
//
// A file holds uvu suites and ends with `.run()` for each. GPU suites come from tests/support/device.ts: without an adapter they
// count as skipped. A test that uses more than KVCAP_TEST_LIMIT seconds of processor time (default 600), or sleeps for good, fails
// and its process is ended; the rest goes on in another. What needs more than 20 s in the quick run belongs into the full one: it is told.
// KVCAP_DEPTH and KVCAP_TEST_SEED: tests/support/depth.ts. KVCAP_CHROMIUM is the browser's path; `npm test` looks for one.
// The last line is `N passed, N failed, N skipped`; a failure ends with exit code 1, and in CI a skip does, too.
import { full, seed } from "./depth.ts";
import { goldenFolders, modelFolders } from "./files.ts";
import { lanesOf, planOf } from "./plan.ts";
import { endAll, type FileResult, type HostName, runProcess } from "./process.ts";
import { type Totals, totalsLine } from "./totals.ts";

const MOST = 20; // seconds of processor time of a file in the quick run
const SLOWEST = 10; // files listed

const { flags, parts } = argumentsOf(Deno.args);
try {
  goldenFolders(), modelFolders();
} catch (error) {
  console.error((error as Error).message);
  Deno.exit(1);
}
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  if (Deno.build.os === "windows" && signal !== "SIGINT") continue;
  Deno.addSignalListener(signal, () => {
    endAll();
    forget();
    Deno.exit(130);
  });
}

if (!["quick", "full"].includes(Deno.env.get("KVCAP_DEPTH") || "quick") || !(Number.isSafeInteger(seed) && seed > 0)) {
  const [depth, drawn] = ["KVCAP_DEPTH", "KVCAP_TEST_SEED"].map((name) => Deno.env.get(name) || "unset");
  refuse(`KVCAP_DEPTH must be quick or full, KVCAP_TEST_SEED a positive integer, got ${depth} and ${drawn}`);
}
console.log(`depth ${full ? "full" : "quick"}, seed ${seed}`);
const results: FileResult[] = [];
const plan = planOf({
  full,
  parts,
  golden: flags.has("golden"),
  host: flags.get("only") as HostName | undefined,
  deeper: flags.has("deeper"),
  engine: flags.get("engine"),
  name: flags.has("name"),
  day: seed,
});
if (plan.left > 0) {
  console.log(`${plan.left} long files are left to other days, to test:all, and to who names their part`);
}
const page = [...plan.page];
const folder = Deno.makeTempDirSync({ prefix: "kvcap-run-" }); // tests/support/shared.ts
Deno.env.set("KVCAP_RUN", folder);
await Promise.all(
  lanesOf(plan).map(async (lane) => {
    for (const { host, queues } of lane) {
      const next = () => queues.find((queue) => queue.length)?.shift();
      while (queues.some((queue) => queue.length) && await runProcess(host, page, next, told));
    }
  }),
);

forget();

/** Removes what processes of the run shared. */
function forget() {
  Deno.removeSync(folder, { recursive: true });
}

function told(result: FileResult) {
  const { host, path, lines, seconds, passed, failed, skipped } = result;
  if (flags.has("name") && passed + failed + skipped === 0) return;
  results.push(result);
  const cost = seconds === null ? "" : `, ${seconds.toFixed(1)} s`;
  console.log([`${path} (${host === "deno" ? "Deno" : "Chromium"}${cost})`, ...lines].join("\n"));
}

const [passed, failed, skipped] = (flags.get("before") ?? "0,0,0").split(",").map(Number);
const totals: Totals = { passed, failed, skipped };
for (const result of results) {
  totals.passed += result.passed;
  totals.failed += result.failed;
  totals.skipped += result.skipped;
}
function fail(line: string) {
  totals.failed++;
  console.log(`FAILED: ${line}`);
}

const byTime = results.filter(({ seconds }) => seconds !== null).sort((a, b) => b.seconds! - a.seconds!);
if (byTime.length > 1) console.log("\nThe slowest files, in seconds of processor time:");
for (const { host, path, seconds } of byTime.length > 1 ? byTime.slice(0, SLOWEST) : []) {
  console.log(`${seconds!.toFixed(1).padStart(6)}  ${path} (${host})`);
}
if (results.length && !byTime.length) console.log("\nProcessor time is unknown here: no /proc.");
console.log("");
for (const { host, path, seconds } of full ? [] : byTime) {
  if (seconds! > MOST) console.log(`${path} took more than ${MOST} s in ${host}: too long for the quick run?`);
}
const cases = results.reduce((sum, result) => sum + result.cases, 0);
if (flags.has("golden")) {
  console.log(`${cases} recorded cases checked`);
  if (!cases) fail("no recorded reference was checked");
}
for (const check of flags.get("failed")?.split(",") ?? []) fail(`${check}, before the tests`);
if (!results.some(({ passed, failed }) => passed + failed)) fail("no test ran");
const bad = [...new Set(results.filter(({ failed }) => failed).map(({ path }) => path))];
if (bad.length) {
  console.log(`Failed in ${bad.join(" ")}`);
  console.log(`To repeat: KVCAP_DEPTH=${full ? "full" : "quick"} KVCAP_TEST_SEED=${seed} npm test -- PART`);
}
console.log(totalsLine(totals));
Deno.exit(totals.failed || (totals.skipped && Deno.env.get("CI") === "true") ? 1 : 0);

function refuse(why: string): never {
  console.error(`Cannot run the tests: ${why}`);
  Deno.exit(2);
}

/** Flags and parts of paths; a wrong flag ends the program with exit code 2. */
function argumentsOf(args: string[]): { flags: Map<string, string>; parts: string[] } {
  const values: Record<string, RegExp> = {
    name: /./,
    only: /^(deno|chromium)$/,
    engine: /^(wasm|webgpu)$/,
    golden: /^$/,
    deeper: /^$/,
    before: /^\d+,\d+,\d+$/,
    failed: /./,
  };
  const flags = new Map<string, string>();
  const parts: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const [, name, , given] = /^--([^=]*)(=([^]*))?$/.exec(args[i]) ?? [];
    if (name === undefined) {
      parts.push(args[i]);
      continue;
    }
    const value = given ?? (name === "name" ? args[++i] : undefined) ?? "";
    if (!Object.hasOwn(values, name) || !values[name].test(value)) {
      refuse(
        `flags are --name TEXT, --only=deno|chromium, --engine=wasm|webgpu, --golden and --watch, got ${
          args[i] ?? args[i - 1]
        }`,
      );
    }
    flags.set(name, value);
  }
  if (flags.has("name")) Deno.env.set("KVCAP_TEST_NAME", flags.get("name")!);
  return { flags, parts };
}
