// Where tests read from: the same calls in Deno (file system) and in a page (the server of tests/support/browser.ts).
// A path is a string to hand on to these functions, to `openSource` or to `load`; nothing else is promised about it.
//
// Recorded references are read from $KVCAP_GOLDEN (default ../shared/golden where it exists) and from tests/golden,
// models from $KVCAP_MODELS (default ../shared/models), tests/golden/models and models; the first that has a name wins.

/** Whether the test runs in a page. */
export const inBrowser: boolean = !("Deno" in globalThis);

/** A recorded reference: `KIND/NAME.json` and the floats beside it. */
export interface GoldenCase {
  /** The file's name without its ending. */
  name: string;
  json: string; // path
  floats: string; // path of NAME.f32, which some kinds lack
}

/** The path of a file or folder of this repository, e.g. `repoPath("models/fable-2m")`. */
export function repoPath(path: string): string {
  return inBrowser ? `${location.origin}/repo/${path}` : `${new URL("../..", import.meta.url).pathname}${path}`;
}

/** The bytes of a file, or `bytes` of them from `begin`. */
export async function readBytes(path: string, begin = 0, bytes?: number): Promise<Uint8Array<ArrayBuffer>> {
  let all: Uint8Array<ArrayBuffer>;
  if (inBrowser) {
    const answer = await fetch(path);
    if (!answer.ok) throw new Error(`Cannot read ${path}: ${answer.status} ${answer.statusText}`);
    all = new Uint8Array(await answer.arrayBuffer());
  } else {
    all = await Deno.readFile(path);
  }
  return all.subarray(begin, bytes === undefined ? undefined : begin + bytes);
}

export async function readText(path: string): Promise<string> {
  return new TextDecoder().decode(await readBytes(path));
}

// deno-lint-ignore no-explicit-any
export async function readJson<T = any>(path: string): Promise<T> {
  return JSON.parse(await readText(path));
}

/** A whole .f32 file: little-endian float32, as every machine that runs WebGPU keeps them. */
export async function readFloats(path: string): Promise<Float32Array<ArrayBuffer>> {
  return new Float32Array((await readBytes(path)).slice().buffer);
}

/** Every recorded reference of a kind (`hf`, `easykv`, `tokenizer`, `passkey`, …), by name; none twice. */
export async function listGolden(kind: string): Promise<GoldenCase[]> {
  if (inBrowser) return await readJson(`${location.origin}/golden?kind=${kind}`);
  const cases = new Map<string, GoldenCase>();
  for (const folder of goldenFolders()) {
    for (const file of filesIn(`${folder}/${kind}`)) {
      if (!file.endsWith(".json")) continue;
      const name = file.slice(0, -".json".length);
      const stem = `${folder}/${kind}/${name}`;
      if (!cases.has(name)) cases.set(name, { name, json: `${stem}.json`, floats: `${stem}.f32` });
    }
  }
  return [...cases.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The path of a model's folder, or of a file as in a reference's `modelFile`; null where it is not on this machine. */
export async function modelFolder(name: string): Promise<string | null> {
  if (inBrowser) return await readJson(`${location.origin}/model?name=${encodeURIComponent(name)}`);
  for (const folder of modelFolders()) {
    if (exists(`${folder}/${name}`)) return `${folder}/${name}`;
  }
  return null;
}

let cases = 0;

/**
 * Says on one line that a recorded case was checked, and how close it came. `npm run test:golden` fails if no test
 * of the run called this.
 */
export function checkedCase(line: string): void {
  cases++;
  console.log(`    ${line}`);
}

/** How many recorded cases were checked so far. */
export function checkedCases(): number {
  return cases;
}

// ---- Deno only ---------------------------------------------------------------------------------------------------

/** Folders of recorded references, the first to be asked first. */
export function goldenFolders(): string[] {
  return folders("KVCAP_GOLDEN", "../shared/golden", ["tests/golden"]);
}

/** Folders that hold models, the first to be asked first. */
export function modelFolders(): string[] {
  return folders("KVCAP_MODELS", "../shared/models", ["tests/golden/models", "models"]);
}

function folders(variable: string, usual: string, own: string[]): string[] {
  const named = Deno.env.get(variable);
  if (named && !exists(named)) {
    throw new Error(`Cannot read the folder that ${variable} names: no such folder, got ${named}`);
  }
  const first = named ? Deno.realPathSync(named) : repoPath(usual);
  return [...exists(first) ? [Deno.realPathSync(first)] : [], ...own.map(repoPath)];
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function filesIn(folder: string): string[] {
  return exists(folder) ? [...Deno.readDirSync(folder)].map((entry) => entry.name) : [];
}
