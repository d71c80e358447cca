// Makes the script of the worker that a page's engine on the processor runs in, build/out/worker.txt, which src/wasm/remote.ts
// embeds as text; and worker.inputs.json, the files that it was made of.
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as esbuild from "esbuild";
import { root } from "./setup.mjs";

const { outputFiles: [{ text }], metafile } = await esbuild.build({
  absWorkingDir: root,
  entryPoints: ["src/wasm/worker.ts"],
  bundle: true,
  write: false,
  minify: true,
  format: "iife",
  target: "es2022",
  metafile: true,
  logLevel: "warning",
});
await esbuild.stop();

/** Puts a whole file in the place of the one before: others may be reading it. */
function put(/** @type {string} */ name, /** @type {string} */ content) {
  const path = join(root, "build/out", name);
  writeFileSync(`${path}.new`, content);
  renameSync(`${path}.new`, path);
}
put("worker.txt", text);
put("worker.inputs.json", JSON.stringify(Object.keys(metafile.inputs).sort()));
