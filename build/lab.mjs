// Makes the lab, a page of static files in build/out/lab that any static host can serve, and serves it on this machine.
//   deno run -A build/lab.mjs [--build] [--port=8017]
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import process from "node:process";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { serveFolder } from "../src/cli/serve-folder.ts";
import { licencesOf } from "./licences.mjs";
import { lighten } from "./lighten.mjs";
import { root } from "./setup.mjs";

/** What the page's own JavaScript may weigh, with the Wasm inside, gzipped: what comes before it can write, and all. */
export const MOST_BYTES = { first: 219 * 1024, all: 258 * 1024 };

/**
 * Builds the lab into a folder.
 * @returns {Promise<{ out: string, sizes: Record<string, number>, bytes: { first: number, all: number } }>} gzipped bytes: by file;
 *   of the scripts that the page and its worker come with, and of all
 */
export async function buildLab(out = join(root, "build/out/lab")) {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: {
      main: "page/main.ts",
      worker: "page/worker.ts",
      cost: "page/cost/worker.ts",
      style: "page/style.css",
    },
    outdir: out,
    bundle: true,
    splitting: true, // what is looked at later is fetched later
    minify: true,
    charset: "utf8",
    plugins: [lighten],
    format: "esm",
    platform: "browser",
    target: "es2022",
    external: ["fs", "fs/promises", "stream", "url"], // never reached in a page
    legalComments: "none", // licenses.txt has them
    metafile: true,
    logLevel: "warning",
  });
  await esbuild.stop();
  for (const file of ["index.html", "icon.svg"]) cpSync(join(root, "page", file), join(out, file));
  cpSync(join(root, "models/fable-2m"), join(out, "model"), { recursive: true });
  writeFileSync(join(out, ".nojekyll"), "");
  writeFileSync(join(out, "licenses.txt"), licencesOf(metafile, "The lab"));
  const weigh = (/** @type {string} */ file) => gzipSync(readFileSync(join(out, file)), { level: 9 }).length;
  const files = readdirSync(out).filter((file) => /\.(js|css)$/.test(file)).sort();
  const sizes = Object.fromEntries(files.map((file) => [file, weigh(file)]));
  const first = imported(metafile, ["main.js", "worker.js"]);
  const sum = (/** @type {string[]} */ files) => files.reduce((sum, file) => sum + sizes[file], 0);
  return { out, sizes, bytes: { first: sum([...first]), all: sum(files.filter((file) => file.endsWith(".js"))) } };
}

/** Scripts and what they import, what they fetch later aside. @returns {Set<string>} */
function imported(/** @type {esbuild.Metafile} */ { outputs }, /** @type {string[]} */ scripts) {
  const paths = Object.fromEntries(Object.keys(outputs).map((path) => [basename(path), path]));
  const found = new Set(scripts);
  for (const script of found) { // which grows
    const statics = outputs[paths[script]].imports.filter(({ kind }) => kind === "import-statement");
    for (const { path } of statics) found.add(basename(path));
  }
  return found;
}

/** The port of `--port=N`. Ends the program where the flags are none. */
function portOf(/** @type {string[]} */ args) {
  const wrong = args.find((arg) => arg !== "--build" && !/^--port=\d{1,5}$/.test(arg));
  const port = Number(args.find((arg) => arg.startsWith("--port="))?.slice(7) ?? 8017);
  if (wrong === undefined && port < 65_536) return port;
  process.stderr.write(`Cannot make the lab: flags must be --build or --port=N, N below 65536, got ${wrong ?? port}\n`);
  process.exit(2);
}

if (import.meta.main) {
  const port = portOf(process.argv.slice(2));
  const { out, sizes, bytes: { first, all } } = await buildLab();
  const list = Object.entries(sizes).map(([file, bytes]) => `${file} ${(bytes / 1024).toFixed(1)}`);
  const kilobytes = (/** @type {number} */ bytes, /** @type {number} */ most) =>
    `${(bytes / 1024).toFixed(1)} of at most ${most / 1024}`;
  process.stderr.write(
    `kvcap: built build/out/lab; gzipped KB: ${list.join(", ")}; scripts that come first ${
      kilobytes(first, MOST_BYTES.first)
    }, all ${kilobytes(all, MOST_BYTES.all)}\n`,
  );
  if (first > MOST_BYTES.first || all > MOST_BYTES.all) process.exit(1);
  if (!process.argv.includes("--build")) {
    const { url } = await serveFolder(out, { port });
    console.log(`kvcap: the lab is at ${url} (Ctrl-C ends it)`);
  }
}
