// What a fresh clone needs before anything runs, each step taken only if it is needed and said on standard error:
// the packages of package-lock.json, the Wasm builds and the worker's script, a WebGPU adapter for Deno, a browser for the tests.
// Node built-ins only: this runs before any package is there.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("..", import.meta.url));
const out = join(root, "build/out");
const windows = process.platform === "win32";

/** The Deno binary that package.json pins. */
export const deno = join(root, "node_modules/deno", windows ? "deno.exe" : "deno");

/** The environment every child runs in. */
export const environment = {
  // Without it the graphics loader prints two warnings.
  XDG_RUNTIME_DIR: tmpdir(),
  DENO_NO_UPDATE_CHECK: "1",
  ...process.env,
};

const say = (/** @type {string} */ line) => process.stderr.write(`kvcap: ${line}\n`);

/** Runs a set-up command with its output on standard error; ends the program if it fails. */
function must(/** @type {string} */ command, /** @type {string[]} */ args, options = {}) {
  const run = spawnSync(command, args, { cwd: root, stdio: ["ignore", 2, 2], env: environment, ...options });
  if (run.status === 0) return;
  const why = run.error?.message ?? (run.signal ? `ended by ${run.signal}` : `exit code ${run.status}`);
  say(`set-up failed: ${[command, ...args].join(" ")}: ${why}`);
  process.exit(1);
}

// ---- packages ----------------------------------------------------------------------------------------------------

/** Whether node_modules holds what package-lock.json says. npm writes down what it installed in .package-lock.json. */
function packagesCurrent() {
  const installed = join(root, "node_modules/.package-lock.json");
  if (!existsSync(installed)) return false;
  const packages = (/** @type {string} */ file) => JSON.parse(readFileSync(file, "utf8")).packages;
  const have = packages(installed);
  return Object.entries(packages(join(root, "package-lock.json"))).every(([path, wanted]) =>
    path === "" || have[path]?.version === wanted.version || (wanted.optional && !have[path])
  );
}

export function packages() {
  if (!packagesCurrent()) {
    say("installing packages (npm ci)");
    const args = ["ci", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
    // Under `npm start` this is the npm that runs us, which may not be the first one on the path.
    const npm = process.env.npm_execpath;
    if (npm?.endsWith(".js") && process.env.npm_node_execpath) must(process.env.npm_node_execpath, [npm, ...args]);
    else must("npm", args, { shell: windows });
  }
  // npm leaves this out where install scripts are off.
  if (!existsSync(deno)) must(process.execPath, [join(root, "node_modules/deno/install.cjs")]);
}

// ---- Wasm --------------------------------------------------------------------------------------------------------

/** Every file under a folder, in a fixed order. */
function filesUnder(/** @type {string} */ folder) {
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      return entry.isDirectory() ? filesUnder(path) : [path];
    });
}

/** Makes what sources embed that is made of sources. */
export function wasm() {
  compile();
  worker();
}

/** Compiles assembly/ where it, its configuration or its compiler changed since the last time. */
function compile() {
  const config = join(root, "asconfig.json");
  const hash = createHash("sha256");
  for (
    const file of [
      ...filesUnder(join(root, "assembly")),
      config,
      join(root, "node_modules/assemblyscript/package.json"),
    ]
  ) {
    hash.update(file.slice(root.length)).update("\0").update(readFileSync(file)).update("\0");
  }
  const targets = Object.entries(JSON.parse(readFileSync(config, "utf8")).targets);
  const made = targets.every(([, target]) => existsSync(join(root, target.outFile)));
  if (once("wasm", hash.digest("hex"), made)) return;
  for (const [, { outFile }] of targets) say(`compiling ${outFile}`);
  const entryOf = (/** @type {string} */ target) => target.startsWith("forward") ? "assembly/forward" : "assembly";
  const told = targets.flatMap(([target]) => [target, `${entryOf(target)}/index.ts`]);
  must(deno, ["run", "-A", "--quiet", "build/compile.mjs", ...told]);
  done("wasm");
}

/** Bundles the script of a page's worker where a file that it is made of, or how, changed since the last time. */
function worker() {
  const [list, script] = ["worker.inputs.json", "worker.txt"].map((name) => join(out, name));
  const state = () => {
    const inputs = existsSync(list) ? JSON.parse(readFileSync(list, "utf8")) : [];
    const hash = createHash("sha256");
    for (const file of ["build/worker.mjs", "node_modules/esbuild/package.json", ...inputs]) {
      const path = join(root, file);
      hash.update(file).update("\0").update(existsSync(path) ? readFileSync(path) : "").update("\0");
    }
    return hash.digest("hex");
  };
  if (once("worker", state(), existsSync(script) && existsSync(list))) return;
  say("bundling build/out/worker.txt");
  must(deno, ["run", "-A", "--quiet", "--config", join(root, "deno.json"), "build/worker.mjs"]);
  once("worker", state(), false); // of the files that it is made of now
  done("worker");
}

// ---- stamps: what a step was last done for, in build/out ---------------------------------------------------------

/** @type {Map<string, string>} */
const pending = new Map();

/** Whether step `name` was done for `key` already; if not, `done(name)` says that it now is. */
function once(/** @type {string} */ name, /** @type {string} */ key, made = true) {
  const file = join(out, `${name}.stamp`);
  if (made && existsSync(file) && readFileSync(file, "utf8") === key) return true;
  pending.set(name, key);
  return false;
}

function done(/** @type {string} */ name) {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, `${name}.stamp`), pending.get(name) ?? "");
}

// ---- system packages ---------------------------------------------------------------------------------------------

/** Installs a Debian package where that is possible without asking; elsewhere says what is missing. */
function systemPackage(/** @type {string} */ name, /** @type {string} */ need) {
  const apt = find(["apt-get"]);
  if (!apt || process.getuid?.() !== 0) {
    say(`${need}${apt ? `: run "apt-get install ${name}" as root` : ""}`);
    return false;
  }
  say(`installing ${name} (apt-get)`);
  const options = { stdio: ["ignore", "ignore", 2], env: { ...environment, DEBIAN_FRONTEND: "noninteractive" } };
  const install = ["install", "-y", "-q", "--no-install-recommends", name];
  spawnSync(apt, ["update", "-q"], options);
  const ok = spawnSync(apt, install, options).status === 0;
  if (!ok) say(`${need}: "apt-get install ${name}" failed`);
  return ok;
}

/** The first of these programs on the path, or null. */
function find(/** @type {string[]} */ names) {
  for (const name of names) {
    for (const folder of (process.env.PATH ?? "").split(delimiter)) {
      const file = join(folder, name);
      if (folder && runs(file)) return file;
    }
  }
  return null;
}

function runs(/** @type {string} */ file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

// ---- adapter -----------------------------------------------------------------------------------------------------

// On Linux wgpu would also offer OpenGL, which lacks shader-f16 and half of the storage buffers.
if (process.platform === "linux") environment.DENO_WEBGPU_BACKEND ??= "vulkan";

function probe() {
  const code = "Deno.exit(await navigator.gpu?.requestAdapter() ? 0 : 3)";
  return spawnSync(deno, ["eval", "--quiet", code], { cwd: root, stdio: "ignore", env: environment }).status === 0;
}

/** What Vulkan finds depends on these: while none of them changes, the adapter is not looked for again. */
function drivers() {
  const folders = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"];
  const changed = [deno, ...folders].map((path) => `${path} ${existsSync(path) ? statSync(path).mtimeMs : "absent"}`);
  const chosen = Object.entries(environment).filter(([name]) => /^(VK_|DENO_WEBGPU)/.test(name));
  return [...changed, ...chosen.sort()].join("\n");
}

/** Sees to it that Deno finds a WebGPU adapter, on Linux by a software one where there is no other. */
export function adapter() {
  if (once("adapter", drivers())) return;
  if (!probe()) {
    const need = "Deno finds no WebGPU adapter; it needs a Vulkan driver";
    if (process.platform !== "linux") say("Deno finds no WebGPU adapter");
    else if (systemPackage("mesa-vulkan-drivers", need) && !probe()) say(need);
    if (!probe()) return; // not stamped: looked for again next time
    once("adapter", drivers());
  }
  done("adapter");
}

// ---- browser -----------------------------------------------------------------------------------------------------

const browsers = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome.exe"];
const installed = [
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "/Applications/Chromium.app/Contents/MacOS/Chromium",
  join(homedir(), "Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
  "C:\\Program Files (x86)\\Google\\Chrome\\Application\\chrome.exe",
];

/** Names the browser that the tests use in KVCAP_CHROMIUM, which a user may set, too. */
export function browser() {
  if (environment.KVCAP_CHROMIUM) return;
  const look = () => find(browsers) ?? installed.find(runs);
  const found = look() ??
    (systemPackage("chromium", "the browser tests need Chromium or Chrome; KVCAP_CHROMIUM names one") && look());
  if (found) environment.KVCAP_CHROMIUM = found;
}

// ---- Redis -------------------------------------------------------------------------------------------------------

/** Names the server that the tests of `sweep` start in KVCAP_REDIS, which a user may set, too. */
export function redis() {
  if (environment.KVCAP_REDIS) return;
  const look = () => find(["redis-server"]);
  const found = look() ??
    (systemPackage("redis-server", "the tests of sweep need Redis; KVCAP_REDIS names redis-server") && look());
  if (found) environment.KVCAP_REDIS = found;
}

// ---- hosts that the package is tried in --------------------------------------------------------------------------

const BUN = "1.4.5";
/** @type {Record<string, string>} by the first part of it */
const NODES = { 20: "20.20.2", 22: "22.23.3" };

/** Installs what is no package of the project's into a folder of its own. */
function bring(/** @type {string} */ folder, /** @type {string} */ name, /** @type {string} */ version) {
  say(`installing ${name} ${version} into ${folder.slice(root.length)} (npm)`);
  mkdirSync(folder, { recursive: true });
  const listed = JSON.stringify({ private: true, dependencies: { [name]: version } });
  writeFileSync(join(folder, "package.json"), `${listed}\n`);
  const args = ["install", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
  spawnSync("npm", args, { cwd: folder, stdio: ["ignore", 2, 2], env: environment, shell: windows });
}

/** Names a Node of each version in KVCAP_NODE20 and KVCAP_NODE22, which a user may set, too: this one, or one from npm. */
export function nodes() {
  const { arch, platform } = process;
  const kind = `${platform === "darwin" && arch === "arm64" ? "node-bin" : "node"}-${
    windows ? "win" : platform
  }-${arch}`;
  for (const [major, version] of Object.entries(NODES)) {
    const name = `KVCAP_NODE${major}`;
    if (environment[name]) continue;
    const folder = join(out, `node-${major}`);
    const own = process.versions.node.startsWith(`${major}.`);
    const program = own ? process.execPath : join(folder, "node_modules", kind, "bin", windows ? "node.exe" : "node");
    if (!runs(program)) bring(folder, kind, version);
    if (runs(program)) environment[name] = program;
    else say(`the package is tried in Node ${major} where ${name} names one`);
  }
}

/** Names the Bun that the package is tried in in KVCAP_BUN, which a user may set, too. It is no package of the project's. */
export function bun() {
  if (environment.KVCAP_BUN) return;
  const folder = join(out, "bun");
  const look = () => {
    const own = join(folder, "node_modules/@oven");
    const builds = existsSync(own)
      ? readdirSync(own).map((build) => join(own, build, "bin", windows ? "bun.exe" : "bun"))
      : [];
    return builds.find((file) => runs(file) && spawnSync(file, ["--version"], { stdio: "ignore" }).status === 0) ??
      find(["bun"]);
  };
  let found = look();
  if (!found) {
    bring(folder, "bun", BUN);
    found = look();
    if (!found) say("the package is tried in Bun where KVCAP_BUN names one");
  }
  if (found) environment.KVCAP_BUN = found;
}
