// What the command line may do besides reading: write the files that its arguments name, and keep downloads. As flags of Deno.
import { randomUUID } from "node:crypto";
import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import process from "node:process";

const PIP = ["pip", "pip3", "python3", "python", "py"];

/** The model that kvcap.json names, where there is one. */
function fileModel(/** @type {string} */ cwd) {
  const file = join(cwd, "kvcap.json");
  try {
    if (!statSync(file).isFile()) return undefined; // a pipe would be read for ever
    const { model } = JSON.parse(readFileSync(file, "utf8"));
    return typeof model === "string" ? model : undefined;
  } catch {
    return undefined; // the program says what is wrong with it
  }
}

/** The values of `--NAME VALUE` or `--NAME=VALUE`; of a model `-m VALUE`, too. */
function valuesOf(/** @type {string} */ name, /** @type {string[]} */ args) {
  return args.flatMap((arg, i) => {
    if (name === "model" && /^-m./.test(arg)) return [arg.slice(2).replace(/^=/, "")];
    if (arg === `--${name}` || name === "model" && arg === "-m") return args[i + 1] === undefined ? [] : [args[i + 1]];
    return arg.startsWith(`--${name}=`) ? [arg.slice(name.length + 3)] : [];
  });
}

/**
 * @param {string[]} args the command line's
 * @param {{ cwd: string, env: Record<string, string | undefined>, deno: string }} where the caller's folder, and the program that runs it
 * @returns {{ flags: string[], env: Record<string, string> }} flags of Deno, and what is added to the environment
 */
export function permissions(args, { cwd, env, deno }) {
  const [command] = args;
  const usual = command === "chat" ? "smollm2-135m" : undefined; // its own model, src/cli/chat.ts
  const told = valuesOf("model", args).at(-1) ?? (env.KVCAP_MODEL || fileModel(cwd)); // as src/cli/defaults.ts has it
  const model = command === "pull" ? args[1] : told ?? usual;
  const measures = command === "eval" || command === "sweep"; // of several models, which a plan may name
  const plan = measures && args[1] !== undefined && !args[1].startsWith("-");
  const listed = (valuesOf("models", args).at(-1) ?? "").split(",").filter((name) => name !== "");
  const served = command === "serve" && listed.length > 0; // each may have another name: NAME=WHERE
  const all = served ? listed.map((name) => name.replace(/^[\w.-]+=/, "")) : measures ? listed : [model];
  const named = all.filter((name) => name !== undefined);
  const models = named.filter((name) => !existsSync(resolve(cwd, name)));
  const unknown = plan || valuesOf("queue", args).length > 0; // which models there will be
  const remote = unknown || models.length > 0;

  const drawn = randomUUID(); // in the name under which a file is written, until it comes into its place: src/cli/output.ts
  /** @type {string[]} */
  const writes = [];
  for (const [flag, kind] of [["save", "session"], ["record", "recording"], ["report", "report"], ["out", "results"]]) {
    const words = flag === "record" && command === "record" ? args.slice(1, 2) : []; // its first word is the file
    for (const path of [...valuesOf(flag, args), ...words]) {
      if (path !== "") writes.push(...placesOf(resolve(cwd, path), `.kvcap-${drawn}-${kind}`));
    }
  }
  if (command === "chat") { // what /save will name is not known yet
    writes.push(cwd, ...valuesOf("resume", args).map((path) => dirname(resolve(cwd, path))));
  }
  if (command === "serve") {
    writes.push(...valuesOf("store", args).filter((path) => !path.includes("://")).map((path) => resolve(cwd, path)));
  }
  /** @type {Record<string, string>} */
  const added = { KVCAP_PARTIAL: command === "chat" ? "" : drawn };
  const pips = unknown || models.some((name) => /^[\w.-]+$/.test(name));
  const cache = remote ? cacheFolder(env) : null;
  if (cache) writes.push(resolve(cwd, cache));
  if (pips) {
    const temporary = cache && made(join(resolve(cwd, cache), "tmp"));
    if (temporary) added.TMPDIR = temporary; // so that the system's need not be written to
    else writes.push(tmpdir());
  }
  const runs = [...command === "sweep" ? [deno] : [], ...pips ? PIP : []];
  const flags = [
    ...["--quiet", "--no-prompt", "--allow-read", "--allow-env"],
    ...remote || command === "lab" || command === "serve" ? ["--allow-net"] : [],
    ...runs.length > 0 ? [`--allow-run=${escaped(runs)}`] : [],
    ...writes.length > 0 ? [`--allow-write=${escaped([...new Set(writes)])}`] : [],
  ];
  return { flags, env: added };
}

/** A list as Deno reads it. */
const escaped = (/** @type {string[]} */ list) => list.map((one) => one.replaceAll(",", ",,")).join();

/** What is written where a file is to be at a path, which need not be there, and may be a link. */
function placesOf(/** @type {string} */ path, /** @type {string} */ partial) {
  let at = path;
  for (let links = 0; links < 40 && lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink(); links++) {
    at = resolve(dirname(at), readlinkSync(at));
  }
  const folders = new Set([dirname(at), real(dirname(at))]);
  return [path, ...[...folders].flatMap((folder) => [join(folder, basename(at)), join(folder, partial)])];
}

function real(/** @type {string} */ folder) {
  try {
    return realpathSync(folder);
  } catch {
    return folder; // which is not there: the program says so
  }
}

/** A folder, made where it is not there; null: it cannot be. */
function made(/** @type {string} */ folder) {
  try {
    mkdirSync(folder, { recursive: true });
    return folder;
  } catch {
    return null;
  }
}

/** Where files from the network are kept, as src/files/cache/folder.ts has it. */
function cacheFolder(/** @type {Record<string, string | undefined>} */ env) {
  if (env.KVCAP_CACHE) return env.KVCAP_CACHE;
  const { LOCALAPPDATA: local, XDG_CACHE_HOME: xdg, HOME: home } = env;
  if (process.platform === "win32") return local ? join(local, "kvcap") : null;
  if (process.platform === "darwin") return home ? join(home, "Library/Caches/kvcap") : null;
  return xdg ? join(xdg, "kvcap") : home ? join(home, ".cache/kvcap") : null;
}
