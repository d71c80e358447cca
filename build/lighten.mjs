// What makes the lab's scripts lighter than esbuild alone does: an esbuild plugin.
import { readFileSync } from "node:fs";

const read = (/** @type {string} */ path) => readFileSync(path, "utf8");

/** Shaders without comments and indentation; every line stays on its line, as compile errors count them. */
const shader = (/** @type {string} */ code) => code.replace(/^[ \t]+|[ \t]*\/\/.*$/gm, "");

/** uPlot without the names that nobody here uses, so that what they name is left out: bars, splines, steps, dates. */
function plots(/** @type {string} */ code) {
  const statics =
    /^\s*\(?(?:uPlot\.(?:join|fmtDate|tzDate|orient|addGap|clipGaps)|paths\.(?:stepped|bars|spline)) .*$/gm;
  if (code.match(statics)?.length !== 9) throw new Error("build/lighten.mjs does not know this version of uPlot");
  return code.replace(statics, "");
}

/** Bytes as a string of as many characters: gzipped it is a quarter smaller than base64, in which no byte keeps its place. */
function bytes(/** @type {string} */ path) {
  const text = JSON.stringify(readFileSync(path, "latin1"));
  return `export default Uint8Array.from(${text}, (one) => one.charCodeAt(0));`;
}

/** @type {import("esbuild").Plugin} */
export const lighten = {
  name: "lighten",
  setup(build) {
    build.onLoad({ filter: /\.wgsl$/ }, ({ path }) => ({ contents: shader(read(path)), loader: "text" }));
    build.onLoad({ filter: /uPlot\.esm\.js$/ }, ({ path }) => ({ contents: plots(read(path)), loader: "js" }));
    build.onLoad({ filter: /\.wasm$/ }, ({ path }) => ({ contents: bytes(path), loader: "js" }));
  },
};
