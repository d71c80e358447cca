// Which test files there are, where each runs, and in which order the processes of a run take them.
//
// tests/**/NAME.test.ts        runs in Deno
// tests/**/NAME.page.test.ts   runs in Deno and in Chromium, for what meets the host: GPU kernels, whole sessions, the Wasm builds,
//                              fetch, files, storage. No `Deno.*`: files are read through tests/support/files.ts, whose
//                              `inBrowser` tells the two hosts apart
// tests/**/NAME.full.test.ts   runs in Deno, in the full run only
// tests/golden/…               check recorded references; the only ones that --golden runs
//
// What a file imports says what it needs: support/device.ts, src/load.ts or the lab a GPU; support/depth.ts or hosts.ts that it goes
// deeper in the full run; support/engine.ts that it means either engine. Such a file runs on the processor, and on the GPU too where it
// is a recorded reference of transformers, in the full run, and where the day's draw says so in the quick one. Files that start programs
// take long and are begun first, so that none is waited for at the end.
import { chosen } from "./depth.ts";
import type { HostName } from "./process.ts";

const root = new URL("../..", import.meta.url).pathname;

const GPU = /from "[./]+\/(support\/(device|browser)|src\/load|lab)\.ts"/;
const ENGINE = /from "[./]+\/support\/engine\.ts"/;
const PROGRAMS = /from "[./]+\/support\/(browser|command|installed)\.ts"/;
const DEPTH = /from "[./]+\/support\/(depth|hosts)\.ts"/;

export interface Choice {
  full: boolean; // the full run
  parts: string[]; // of paths; none: all files
  golden: boolean;
  host: HostName | undefined; // both, where undefined
  deeper: boolean; // only files that go deeper in the full run
  engine: string | undefined; // of files that mean either: both as the depth has it, where undefined
}

const DRAWN = 3; // files that run on the GPU as well in the quick run
const ALWAYS = "tests/golden/hf."; // and those of this path

/** Paths from the root, with their engine where they mean either, each list in the order its files run in. */
export interface Plan {
  gpu: string[]; // in Deno
  plain: string[]; // in Deno, without a GPU
  page: string[]; // in Chromium
}

export function planOf({ full, parts, golden, host, deeper, engine }: Choice): Plan {
  const plan: Plan = { gpu: [], plain: [], page: [] };
  const all = testFiles("tests");
  const either = all.filter((path) => ENGINE.test(Deno.readTextFileSync(root + path)));
  const onGpu = new Set(full ? either : chosen(either, () => "any", DRAWN));
  const starts = (path: string) => PROGRAMS.test(Deno.readTextFileSync(root + path));
  for (const path of [...all.filter(starts), ...all.filter((path) => !starts(path))]) {
    if (golden && !path.includes("/golden/")) continue;
    if (parts.length && !parts.some((part) => path.includes(part))) continue;
    const late = path.endsWith(".full.test.ts");
    if (late && !full) continue;
    const source = Deno.readTextFileSync(root + path);
    const same = deeper && !late && !DEPTH.test(source); // as in the quick run
    if (!ENGINE.test(source)) {
      if (same) continue;
      if (host !== "chromium") plan[GPU.test(source) ? "gpu" : "plain"].push(path);
      if (host !== "deno" && path.endsWith(".page.test.ts")) plan.page.push(path);
      continue;
    }
    for (const name of ["wasm", "webgpu"]) {
      if (engine ? engine !== name : name === "webgpu" && !onGpu.has(path) && !path.startsWith(ALWAYS)) continue;
      if (same && name === "wasm") continue;
      const entry = `${path} on ${name}`;
      if (host !== "chromium") plan[name === "webgpu" ? "gpu" : "plain"].push(entry);
      if (host !== "deno" && path.endsWith(".page.test.ts")) plan.page.push(entry);
    }
  }
  return plan;
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
