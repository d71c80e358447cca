// Which test files there are, where each runs, and in which order the processes of a run take them.
//
// tests/**/NAME.test.ts        runs in Deno
// tests/**/NAME.page.test.ts   runs in Deno and in Chromium, for what meets the host: GPU kernels, whole sessions, the Wasm builds,
//                              fetch, files, storage. No `Deno.*`: files are read through tests/support/files.ts, whose
//                              `inBrowser` tells the two hosts apart
// tests/**/NAME.full.test.ts   runs in Deno, in the full run only
// tests/golden/…               check recorded references; the only ones that --golden runs
//
// What a file imports says what it needs: support/device.ts, src/load.ts or the lab a GPU; support/browser.ts, command.ts, hosts.ts or
// installed.ts that it starts programs; support/depth.ts, forge.ts or hosts.ts that it goes deeper in the full run; support/engine.ts that it
// means either engine. Such a file runs on the processor, and on the GPU too where it is a recorded reference of transformers, in the
// full run, and where the day's draw says so in the quick one.
//
// The quick run of everything takes a third of what needs a GPU, a page or programs or goes deeper in the full run, in turns by the day,
// so that three days take all; what `test:all` has on top of it takes the rest. A run of named parts leaves nothing out. Files that
// start programs take long and are begun first, so that none is waited for at the end.
import { few } from "./depth.ts";
import type { HostName } from "./process.ts";

const root = new URL("../..", import.meta.url).pathname;

const GPU = /from "[./]+\/(support\/(device|browser)|src\/load|lab)\.ts"/;
const ENGINE = /from "[./]+\/support\/engine\.ts"/;
const PROGRAMS = /from "[./]+\/support\/(browser|command|hosts|installed)\.ts"/;
const DEPTH = /from "[./]+\/support\/(depth|forge|hosts)\.ts"/;

export interface Choice {
  full: boolean; // the full run
  parts: string[]; // of paths; none: all files
  golden: boolean;
  host: HostName | undefined; // both, where undefined
  deeper: boolean; // only files that go deeper in the full run
  engine: string | undefined; // of files that mean either: both as the depth has it, where undefined
  name: boolean; // only tests of a name
  day: number; // by which files take turns
}

const DRAWN = 3; // files that run on the GPU as well in the quick run
const TURNS = 3; // days in which the quick run has taken all
// Every day: what transformers says, what `npm start` does, and the core and sessions against their naive twins.
const ALWAYS = ["golden/hf.", "build/run.", "core/property.", "session/twin."].map((begin) => `tests/${begin}`);

/** Paths from the root, with their engine where they mean either, each list in the order its files run in. */
export interface Plan {
  gpu: string[]; // in Deno
  plain: string[]; // in Deno, without a GPU
  page: string[]; // in Chromium
  left: number; // to other days, and to the full run
}

/** A file, where it runs. */
interface Run {
  readonly path: string;
  readonly source: string;
  readonly engine: "wasm" | "webgpu" | null; // null: it does not mean either
  readonly queue: "gpu" | "plain" | "page";
}

export function planOf({ full, parts, golden, host, deeper, engine, name, day }: Choice): Plan {
  const plan: Plan = { gpu: [], plain: [], page: [], left: 0 };
  const isWhole = full || parts.length > 0 || golden || name;
  const runs = allRuns();
  const today = todays(runs, day);
  for (const run of runs) {
    const { path, source, queue } = run;
    if (golden && !path.includes("/golden/")) continue;
    if (parts.length && !parts.some((part) => path.includes(part))) continue;
    if (host && (host === "chromium") !== (queue === "page")) continue;
    if (engine && run.engine && engine !== run.engine) continue;
    if (isLate(run) ? !full : deeper && today.has(run) && !DEPTH.test(source)) continue;
    if (run.engine === "webgpu" && !engine && !full && !today.has(run)) continue;
    if (isWhole || today.has(run)) plan[queue].push(run.engine ? `${path} on ${run.engine}` : path);
    else plan.left++;
  }
  return plan;
}

/** What runs at all, in its order. */
function allRuns(): Run[] {
  const files = testFiles("tests").map((path) => ({ path, source: Deno.readTextFileSync(root + path) }));
  return [...files.filter(starts), ...files.filter((file) => !starts(file))].flatMap(({ path, source }) =>
    (ENGINE.test(source) ? ["wasm", "webgpu"] as const : [null]).flatMap((engine) => {
      const inDeno = engine === "webgpu" || !engine && GPU.test(source) ? "gpu" : "plain";
      const queues = path.endsWith(".page.test.ts") ? [inDeno, "page"] as const : [inDeno] as const;
      return queues.map((queue) => ({ path, source, engine, queue }));
    })
  );
}

const starts = ({ source }: { source: string }) => PROGRAMS.test(source);
const isLate = ({ path }: Run) => path.endsWith(".full.test.ts");

/** What the quick run of everything takes on a day, the same at either depth. */
function todays(runs: Run[], day: number): Set<Run> {
  const met = { gpu: 0, plain: 0, page: 0 };
  const either = [...new Set(runs.filter(({ engine }) => engine).map(({ path }) => path))];
  const onGpu = new Set(few(either, () => "any", DRAWN));
  return new Set(runs.filter((run) => {
    const { path, source, engine, queue } = run;
    if (isLate(run)) return false;
    const isInTurn = (met[queue]++ + day) % TURNS === 0;
    const isAlways = queue !== "page" && ALWAYS.some((one) => path.startsWith(one));
    if (engine === "webgpu" && !onGpu.has(path) && !path.startsWith(ALWAYS[0])) return false;
    const isCheap = queue === "plain" ? !starts(run) && !DEPTH.test(source) : queue === "gpu" && engine;
    return isAlways || isCheap || isInTurn;
  }));
}

function testFiles(folder: string): string[] {
  return [...Deno.readDirSync(root + folder)].flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) return testFiles(path);
    return entry.name.endsWith(".test.ts") ? [path] : [];
  }).sort();
}

/**
 * Three lanes of processes that run side by side, for two cores, because many files wait for what is neither: one takes what needs a
 * GPU in Deno, one the page's, one what needs none; whichever is done first helps the others.
 */
export function lanesOf({ gpu, plain, page }: Plan): { host: HostName; queues: string[][] }[][] {
  return [
    [{ host: "deno", queues: [gpu, plain] }, { host: "chromium", queues: [page] }],
    [{ host: "chromium", queues: [page] }, { host: "deno", queues: [plain, gpu] }],
    [{ host: "deno", queues: [plain, gpu] }],
  ];
}
