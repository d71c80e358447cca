// Makes what the package ships, in build/out: kvcap.js (one module for pages and Deno, with shaders, Wasm and tokenizer
// inside), core.js (the eviction core alone, with its Wasm inside), eval.js (measuring what eviction costs), openai.js (models asked as the OpenAI API is), worker.js and service-worker.js (the same across threads), ai.js (a provider for the AI SDK), each with its source
// map and its types in one .d.ts; cli.js (the command, for Node, Bun and Deno); and the licences of what is bundled.
import { spawnSync } from "node:child_process";
import { chmodSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import * as esbuild from "esbuild";
import { licencesOf } from "./licences.mjs";
import { rollUp } from "./roll.mjs";
import { deno, root } from "./setup.mjs";

const out = join(root, "build/out");

const { metafile } = await esbuild.build({
  absWorkingDir: root,
  entryPoints: {
    ...{ kvcap: "src/index.ts", core: "src/core/index.ts", eval: "src/eval/index.ts", openai: "src/openai/index.ts" },
    ...{ worker: "src/worker/index.ts", "service-worker": "src/service-worker/index.ts", ai: "src/ai/index.ts" },
  },
  outdir: "build/out",
  bundle: true,
  format: "esm",
  platform: "browser",
  target: "es2022",
  sourcemap: true,
  metafile: true,
  logLevel: "warning",
});
for (const file of readdirSync(out).filter((name) => /^cli-.*\.js$/.test(name))) rmSync(join(out, file)); // of builds before
const command = await esbuild.build({
  absWorkingDir: root,
  entryPoints: { cli: "src/cli/main.ts", "sweep-worker": "src/cli/sweep-worker.ts" },
  outdir: "build/out",
  chunkNames: "cli-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "es2022",
  define: { "import.meta.main": "true" }, // which Node 20 does not know
  alias: { yaml: join(root, "node_modules/yaml/browser/index.js") }, // the package's modules; for Node it has scripts
  external: ["bullmq", "ioredis"], // of sweep's queue alone: who wants it installs them
  metafile: true,
  logLevel: "warning",
});
await esbuild.stop();
const cli = join(out, "cli.js");
writeFileSync(cli, `#!/usr/bin/env node\n${readFileSync(cli, "utf8")}`);
chmodSync(cli, 0o755);
const bundled = Object.values(command.metafile.outputs).map(({ inputs }) => inputs);
writeFileSync(`${cli}.licenses.txt`, licencesOf({ inputs: Object.assign({}, ...bundled) }, "cli.js"));

for (const file of ["kvcap.js"]) { // the others need no packages
  writeFileSync(join(out, `${file}.licenses.txt`), licencesOf(metafile.outputs[`build/out/${file}`], file));
}

rmSync(join(out, "types"), { recursive: true, force: true });
const tsc = spawnSync(deno, ["run", "-A", "--quiet", "node_modules/typescript/bin/tsc"], {
  cwd: root,
  stdio: "inherit",
});
if (tsc.status !== 0) process.exit(1);
const types = (/** @type {string} */ entry) => join(out, "types/src", entry, "index.d.ts");
rollUp(out, [
  { name: "core", file: types("core") },
  { name: "kvcap", file: types("") },
  { name: "eval", file: types("eval") },
  { name: "openai", file: types("openai") },
  { name: "worker", file: types("worker") },
  { name: "ai", file: types("ai") },
  { name: "service-worker", file: types("service-worker") },
]);

const sizes = ["kvcap.js", "core.js", "eval.js", "openai.js", "worker.js", "cli.js"].map((file) =>
  `build/out/${file} (${statSync(join(out, file)).size} bytes)`
);
process.stderr.write(`kvcap: built ${sizes.join(", ")} and types\n`);
