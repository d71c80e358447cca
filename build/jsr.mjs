// Makes what goes to JSR, in build/out/jsr: what npm packs, with a deno.json, and each script naming its types.
//   node build/start.mjs jsr      then: cd build/out/jsr && deno publish
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { spawnSync } from "node:child_process";
import { root } from "./setup.mjs";

const out = join(root, "build/out/jsr");
const { name, version, license, exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

const packed = spawnSync("npm", ["pack", "--dry-run", "--ignore-scripts", "--json"], {
  cwd: root,
  encoding: "utf8",
  shell: process.platform === "win32", // where npm is a script
});
if (packed.status !== 0) throw new Error(packed.stderr);
const [{ files }] = JSON.parse(packed.stdout);

rmSync(out, { recursive: true, force: true });
for (const { path } of files) {
  const command = /^build\/out\/(cli|sweep-worker|lab)/.test(path); // which npm brings
  if (path !== "package.json" && !path.endsWith(".map") && !command) cpSync(join(root, path), join(out, path));
}
/** @type {Record<string, string>} */
const entries = {};
for (const [entry, { default: script }] of Object.entries(exports)) {
  if (!script) continue; // a file that is no script
  entries[entry] = script;
  const types = script.replace(/\.js$/, ".d.ts");
  const change = (/** @type {string} */ file, /** @type {(text: string) => string} */ how) =>
    writeFileSync(join(out, file), how(readFileSync(join(out, file), "utf8")));
  change(script, (code) => `// @ts-self-types="./${types.split("/").at(-1)}"\n${code}`);
  change(types, (text) => text.replace(/^\/\/\/ <reference lib=.*\n/m, "")); // which JSR does not take, and Deno does not need
}
// A package of JSR has a scope, which its owner makes there: `deno.json` may be told another.
const described = { name: `@${name}/${name}`, version, license, exports: entries, publish: { exclude: ["!**"] } };
writeFileSync(join(out, "deno.json"), `${JSON.stringify(described, null, 2)}\n`);
process.stderr.write(`kvcap: build/out/jsr is ready (cd build/out/jsr && deno publish)\n`);
