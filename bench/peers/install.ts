// Installs the peers into this folder's node_modules, and bundles what pages and Deno load, kvcap and peers alike, into
// build/out/peers.
import * as esbuild from "esbuild";
import process from "node:process";
import { refuse } from "../../src/errors.ts";

const here = new URL(".", import.meta.url).pathname;
const root = new URL("../../", import.meta.url).pathname;

/** Where the bundles are: a folder for each peer, and `driver`. */
export const bundles = `${root}build/out/peers`;

/** The peers' packages. */
export const packages = `${here}node_modules`;

/** The exact versions that package.json names, by package. */
export const versions: Record<string, string> =
  JSON.parse(Deno.readTextFileSync(`${here}package.json`)).devDependencies;

function installed(): boolean {
  return Object.entries(versions).every(([name, version]) => {
    try {
      return JSON.parse(Deno.readTextFileSync(`${packages}/${name}/package.json`)).version === version;
    } catch {
      return false;
    }
  });
}

/**
 * Installs what package-lock.json says, where it is not there yet. Not by `npm ci`, which wants node-llama-cpp's builds for all
 * systems in that file: a registry may lack some.
 */
export async function install() {
  if (installed()) return;
  console.error(`kvcap: installing ${Object.keys(versions).join(", ")} into bench/peers (npm, 1.2 GB)`);
  const args = ["install", "--no-save", "--include=dev", "--no-audit", "--no-fund", "--loglevel=error"];
  // Their own builds are not wanted: node-llama-cpp brings a native one, and ONNX Runtime runs in pages only.
  const env = { ONNXRUNTIME_NODE_INSTALL: "skip", NODE_LLAMA_CPP_SKIP_DOWNLOAD: "true" };
  const windows = process.platform === "win32";
  const npm = new Deno.Command(windows ? "npm.cmd" : "npm", {
    args,
    cwd: here,
    env,
    stdout: "null",
    stderr: "inherit",
  });
  const { code } = await npm.output();
  if (code) {
    refuse("time the peers", "npm install in bench/peers must end well", `exit code ${code}`);
  }
}

/** Bundles, minified, what is timed: kvcap, and its `peers`, which are installed; and what their `pages` run. */
export async function bundle(peers: boolean, pages: boolean) {
  const common = {
    absWorkingDir: root,
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    logLevel: "error",
  } as const;
  const one = (contents: string, resolveDir: string, name: string, conditions: string[] = []) =>
    esbuild.build({ ...common, stdin: { contents, resolveDir }, outfile: `${bundles}/${name}/peer.js`, conditions });
  await one(`export * from "./src/index.ts";`, root, "kvcap");
  if (peers) {
    await one(`export * from "@wllama/wllama";`, here, "wllama");
    // ONNX Runtime then loads its Wasm from where it is told, instead of bringing its largest build inside the script.
    const outside = ["onnxruntime-web-use-extern-wasm"];
    await one(
      `export { AutoModelForCausalLM, Tensor, env } from "@huggingface/transformers";`,
      here,
      "transformers.js",
      outside,
    );
  }
  if (pages) {
    await esbuild.build({
      ...common,
      entryPoints: ["page", "worker"].map((name) => `${here}pages/${name}.js`),
      outdir: `${bundles}/driver`,
    });
  }
  await esbuild.stop();
}
