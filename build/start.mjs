// The entry of every npm script: sets up what is missing, then runs the command in Deno.
//   node build/start.mjs run|test|test:all|golden|bench|bench:core|build|jsr|lab|check [arguments]
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { constants } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { permissions } from "./permissions.mjs";
import { adapter, browser, bun, deno, environment, nodes, packages, redis, root, wasm } from "./setup.mjs";
import { watchTests } from "./watch.mjs";

/**
 * Runs a program with our standard streams and returns its exit code. Ctrl-C on a terminal reaches it by itself, as it
 * reaches everything in the foreground; without a terminal a signal sent to us is handed on. Either way we wait for it.
 */
function run(/** @type {string} */ command, /** @type {string[]} */ args, cwd = root) {
  const child = spawn(command, args, { cwd, stdio: "inherit", env: environment });
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
  const signals = windowsOr(["SIGINT"], ["SIGINT", "SIGTERM", "SIGHUP"]);
  const handOn = (/** @type {NodeJS.Signals} */ signal) => {
    if (signal !== "SIGINT" || !terminal) child.kill(signal);
  };
  for (const signal of signals) process.on(signal, handOn);
  // A signal sent to npm ends the shell between npm and us, and that shell tells nobody: being orphaned tells us.
  const parent = process.ppid;
  const looking = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(looking); // once: a second signal ends a program at once
    child.kill("SIGTERM");
  }, 300).unref();
  if (!process.env.npm_lifecycle_event) clearInterval(looking);
  return new Promise((resolve) => {
    child.on("error", (error) => {
      process.stderr.write(`kvcap: cannot run ${command}: ${error.message}\n`);
      resolve(1);
    });
    child.on("exit", (code, signal) => {
      for (const name of signals) process.off(name, handOn);
      resolve(code ?? 128 + (constants.signals[signal ?? "SIGTERM"] ?? 15));
    });
  });
}

const windowsOr = (/** @type {string[]} */ windows, /** @type {string[]} */ others) =>
  process.platform === "win32" ? windows : others;

const inDeno = (/** @type {string[]} */ ...args) => run(deno, args);

/** The folders that hold TypeScript for Deno. */
const sources = ["src", "tests", "bench", "page"].filter((folder) =>
  existsSync(join(root, folder)) &&
  readdirSync(join(root, folder), { recursive: true }).some((f) => `${f}`.endsWith(".ts"))
);

/** Formatting, lint and types. Returns what failed. */
async function check() {
  const tsc = ["run", "-A", "--quiet", "node_modules/typescript/bin/tsc", "--noEmit"];
  const steps = [["fmt", "--check"], ["lint"], ["check", "--quiet", ...sources], tsc];
  const names = steps.map((step) => step === tsc ? "tsc" : `deno ${step[0]}`);
  const codes = await Promise.all(steps.map((step) => inDeno(...step)));
  return names.filter((_, i) => codes[i]);
}

const tests = (/** @type {string[]} */ ...args) =>
  inDeno("run", "-A", "--quiet", "--no-prompt", "tests/support/run.ts", ...args);

/** The value of `--NAME VALUE` or `--NAME=VALUE`. */
function flagOf(/** @type {string} */ name, /** @type {string[]} */ args) {
  const at = args.findIndex((arg) => arg === `--${name}` || arg.startsWith(`--${name}=`));
  return at < 0 ? undefined : args[at] === `--${name}` ? args[at + 1] : args[at].slice(name.length + 3);
}

/** @type {Record<string, (args: string[]) => Promise<number>>} */
const commands = {
  async run(args) {
    packages(), wasm();
    if (flagOf("device", args) === "webgpu") adapter(); // without it the processor computes where there is no GPU
    // The program may write what it is asked to keep. A model that is no path comes over the network, into the cache.
    const cwd = process.env.INIT_CWD ?? process.cwd();
    const { flags, env } = permissions(args, { cwd, env: environment, deno });
    Object.assign(environment, env);
    const program = ["--config", join(root, "deno.json"), join(root, "src/cli/main.ts")];
    // Paths among the arguments are the caller's.
    return await run(deno, ["run", ...flags, ...program, ...args], cwd);
  },
  async test(args) {
    packages(), wasm(), adapter(), browser(), redis(), bun();
    if (environment.KVCAP_DEPTH === "full") nodes();
    if (args.includes("--watch")) {
      return await watchTests((args) => (wasm(), tests(...args)), args.filter((arg) => arg !== "--watch"));
    }
    const failed = args.length ? [] : await check();
    return await tests(...(failed.length ? [`--failed=${failed}`] : []), ...args);
  },
  async "test:all"(args) {
    environment.KVCAP_DEPTH = "full";
    return await commands.test(args);
  },
  async golden(args) {
    return await commands["test:all"](["--golden", ...args]);
  },
  async bench(args) {
    packages(), wasm(), adapter();
    const alone = ["peers", "steady"].find((part) => part === args[0]); // they take long, and options of their own
    if (alone) {
      browser();
      // Their folder has a package.json, beside which Deno looks for no deno.json.
      const flags = ["-A", "--quiet", "--no-prompt", "--config=deno.json"];
      return await inDeno("run", ...flags, `bench/peers/${alone}.bench.ts`, ...args.slice(1));
    }
    const folder = join(root, "bench");
    const files = (existsSync(folder) ? readdirSync(folder) : []).filter((file) => file.endsWith(".bench.ts")).sort();
    const named = args.filter((arg) => !arg.startsWith("--"));
    const device = args.filter((arg) => /^--device=(auto|webgpu|wasm)$/.test(arg)); // of what loads a model
    if (named.length + device.length < args.length) {
      process.stderr.write("usage: npm run bench -- [PART …] [--device=auto|webgpu|wasm]\n");
      process.stderr.write("       npm run bench -- peers|steady [OPTION …], which --help explains\n");
      return 2;
    }
    const wanted = files.filter((file) => !named.length || named.some((part) => file.includes(part)));
    for (const file of wanted) {
      const flags = file === "core.bench.ts" ? ["--only=deno", "--quick"] : device; // `bench:core` does it all
      const code = await inDeno("run", "-A", "--quiet", "--no-prompt", `bench/${file}`, ...flags);
      if (code) return code;
    }
    if (!wanted.length) process.stderr.write("kvcap: no benchmark of that name (bench/NAME.bench.ts)\n");
    return wanted.length ? 0 : 1;
  },
  async "bench:core"(args) {
    packages(), wasm();
    if (!args.includes("--only=deno")) browser();
    return await inDeno("run", "-A", "--quiet", "--no-prompt", "bench/core.bench.ts", ...args);
  },
  async build() {
    packages(), wasm();
    return await inDeno("run", "-A", "--quiet", "--no-prompt", "build/build.mjs");
  },
  async jsr() {
    return await commands.build([]) || await inDeno("run", "-A", "--quiet", "--no-prompt", "build/jsr.mjs");
  },
  async lab(args) {
    packages(), wasm();
    return await inDeno("run", "-A", "--quiet", "--no-prompt", "build/lab.mjs", ...args);
  },
  async check() {
    packages(), wasm();
    return (await check()).length ? 1 : 0;
  },
};

const [name = "", ...args] = process.argv.slice(2);
if (!Object.hasOwn(commands, name)) {
  process.stderr.write(`usage: node build/start.mjs ${Object.keys(commands).join("|")} [arguments]\n`);
  process.exit(2);
}
process.exitCode = await commands[name](args);
