// What makes the lab's scripts lighter than esbuild alone does: an esbuild plugin.
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { patched, patchOf } from "./patch.mjs";

const read = (/** @type {string} */ path) => readFileSync(path, "utf8");

/** Shaders without comments, indentation and spaces; every line stays on its line, as compile errors count them. */
const shader = (/** @type {string} */ code) =>
  code.replace(/^[ \t]+|[ \t]*\/\/.*$/gm, "").replace(/ *([,;:={}()[\]]|[+*<>&|^%!]=?|<<|>>) */g, "$1");

const UNUSED = [
  ...["fmtDate", "timeAxisVals", "timeAxisStamps", "timeSeriesVal", "timeSeriesStamp", "tzDate", "genTimeStuffs"],
];

/** uPlot without what no plot of numbers over numbers uses: dates, and the names that keep bars, splines and steps alive. */
function plots(/** @type {string} */ code) {
  const statics =
    /^\s*\(?(?:uPlot\.(?:join|fmtDate|tzDate|orient|addGap|clipGaps)|paths\.(?:stepped|bars|spline)) .*$/gm;
  const left = code.replace(statics, "");
  const bodies = UNUSED.map((name) => new RegExp(`^function ${name}\\([^]*?^\\}$`, "m"));
  if (code.match(statics)?.length !== 9 || !bodies.every((body) => body.test(left))) {
    throw new Error("build/lighten.mjs does not know this version of uPlot");
  }
  return bodies.reduce((code, body, i) => code.replace(body, `const ${UNUSED[i]} = () => [[], [], () => []];`), left);
}

/** What a page never reaches, and what stands there instead. */
const NOT_IN_PAGES = {
  node: "export function nodeHost() {}",
  folder: "export const cacheFolder = () => null, folderStore = cacheFolder;",
  writable: "export function writeInPlace() {}", // the lab may start workers
  pip: `import { words } from "../../errors.ts";
    import { refuseFile } from "../checks.ts";
    export async function fromPip(wanted) {
      refuseFile("pip must be there to download " + wanted, words("a page"), { code: "unsupported" });
    }`,
};

/** What few templates ask for: in the lab it is refused by name. */
const rare = (/** @type {string} */ code) => {
  const [, table, entries] = /export const (RARE_\w+)[^{]*\{\n([^]*?)^\};/m.exec(code) ?? [];
  const names = [...entries.matchAll(/^ {2}(\w+):/gm)].map(([, name]) => name);
  return `import { cannot } from "./error.ts";
    export const ${table} = Object.fromEntries(${JSON.stringify(names.join(" "))}.split(" ").map((name) => [
      name,
      [${/FILTERS/.test(table) ? "null" : '"a? b? c? d?"'}, () => cannot(name + " in the lab")],
    ]));`;
};
const FORMAT = `import { cannot } from "./error.ts";
  export const percent = () => cannot("% on a text in the lab"), format = () => cannot("format in the lab"), namesOf = format;`;

/** What few models of a lab have: there it is refused by name. */
const NOT_IN_LAB = {
  sentencepiece: `import { refuseFile } from "../files/checks.ts";
    export function fromSentencePiece() {
      refuseFile("tokenizer.json must be there in the lab", "tokenizer.model", { code: "unsupported" });
    }`,
  conversions: "export const CONVERSIONS = {};",
  scaled: "export const inFull = (stored) => stored;",
  "stored-as": `import { refuseFile } from "../files/checks.ts";
    export function storedAs({ quantization_config: how }) {
      if (how) refuseFile("weights must be plain in the lab", how, { code: "unsupported" });
    }`,
};

/** The lab offers its models no tools, and shows answers as they are. */
const ANSWER = `export const answerOf = (content) => ({ role: "assistant", content });
  export const answered = (messages, text) => [...messages, answerOf(text)];`;

/** The lab loads its models in a worker: no engine of its page runs in another. */
const NO_REMOTE = `export async function openRemoteEngine() { throw new Error("The lab loads models in its worker"); }`;

/** The lab reads what is generated in a loop. */
const NO_STREAM = "export function streamOf() {}";

/** The lab takes no snapshots, which alone ask for fingerprints, and shows no logprobs. */
const FINGERPRINT = `export class Fingerprint {
    constructor(tensors) { this.tensors = tensors; }
    of() { return 0; }
  }`;
const LOGPROBS = "export class Foreseen {}";

/** What the lab never does with a session, by file: the names that others import of it. */
const NEVER_DONE = {
  session: ["checkPinned", "fillCache", "openSnapshot", "optionsAgain", "restoring", "writeSnapshot"],
  cache: ["loadCache", "saveCache"],
  file: ["refuseSnapshot"],
};

/** A module whose exports end in an error: it takes snapshots' code out of the lab. */
const never = (/** @type {string[]} */ names) =>
  `function never() { throw new Error("The lab has no snapshots"); }
  export { ${names.map((name) => `never as ${name}`).join(", ")} };`;

/** Bytes as a string of as many characters: gzipped it is a quarter smaller than base64, in which no byte keeps its place. */
const text = (/** @type {Uint8Array} */ bytes) =>
  `Uint8Array.from(${JSON.stringify(Buffer.from(bytes).toString("latin1"))}, (one) => one.charCodeAt(0))`;

/** The build of the pass with relaxed SIMD, as what it is more than the one without. */
function relaxed(/** @type {string} */ path) {
  const { steps, fresh } = patchOf(readFileSync(path.replace(".relaxed", "")), readFileSync(path));
  return `import plain from "./forward.wasm" with { type: "bytes" };
    ${patched}
    export default patched(plain, ${JSON.stringify(steps)}, ${text(fresh)});`;
}

/** @type {import("esbuild").Plugin} */
export const lighten = {
  name: "lighten",
  setup(build) {
    build.onLoad({ filter: /\.wgsl$/ }, ({ path }) => ({ contents: shader(read(path)), loader: "text" }));
    build.onLoad({ filter: /uPlot\.esm\.js$/ }, ({ path }) => ({ contents: plots(read(path)), loader: "js" }));
    build.onLoad(
      { filter: /src[\\/](host[\\/]node|files[\\/](cache[\\/](folder|writable)|pip[\\/]pip))\.ts$/ },
      ({ path }) => {
        const name = /** @type {keyof NOT_IN_PAGES} */ (/(\w+)\.ts$/.exec(path)?.[1]);
        return { contents: NOT_IN_PAGES[name], loader: "js", resolveDir: dirname(path) };
      },
    );
    build.onLoad({ filter: /src[\\/]jinja[\\/]rare-\w+\.ts$/ }, ({ path }) => {
      return { contents: rare(read(path)), loader: "js", resolveDir: dirname(path) };
    });
    build.onLoad({ filter: /src[\\/]tokenizer[\\/]rare-\w+\.ts$/ }, ({ path }) => {
      const [, table] = /** @type {RegExpExecArray} */ (/export const (RARE_\w+)/.exec(read(path)));
      return { contents: `export const ${table} = {};`, loader: "js" }; // refused by name, like what there is not
    });
    build.onLoad({ filter: /src[\\/]jinja[\\/]format\.ts$/ }, ({ path }) => {
      return { contents: FORMAT, loader: "js", resolveDir: dirname(path) };
    });
    build.onLoad(
      {
        filter:
          /src[\\/](formats[\\/](scaled|gguf[\\/]conversions)|model[\\/]stored-as|tokenizer[\\/]sentencepiece)\.ts$/,
      },
      ({ path }) => {
        const name = /** @type {keyof NOT_IN_LAB} */ (/([\w-]+)\.ts$/.exec(path)?.[1]);
        return { contents: NOT_IN_LAB[name], loader: "js", resolveDir: dirname(path) };
      },
    );
    build.onLoad({ filter: /src[\\/]chat[\\/]answer\.ts$/ }, () => ({ contents: ANSWER, loader: "js" }));
    build.onLoad({ filter: /src[\\/]engine[\\/]fingerprint\.ts$/ }, () => ({ contents: FINGERPRINT, loader: "js" }));
    build.onLoad({ filter: /src[\\/]session[\\/]stream\.ts$/ }, () => ({ contents: NO_STREAM, loader: "js" }));
    build.onLoad({ filter: /src[\\/]session[\\/]logprobs\.ts$/ }, () => ({ contents: LOGPROBS, loader: "js" }));
    build.onLoad({ filter: /src[\\/]wasm[\\/]remote\.ts$/ }, () => ({ contents: NO_REMOTE, loader: "js" }));
    build.onLoad({ filter: /src[\\/]snapshot[\\/](session|cache|file)\.ts$/ }, ({ path }) => {
      const [, name] = /** @type {RegExpExecArray} */ (/(\w+)\.ts$/.exec(path));
      return { contents: never(NEVER_DONE[/** @type {keyof typeof NEVER_DONE} */ (name)]), loader: "js" };
    });
    build.onLoad(
      { filter: /forward\.relaxed\.wasm$/ },
      ({ path }) => ({ contents: relaxed(path), loader: "js", resolveDir: dirname(path) }),
    );
    build.onLoad(
      { filter: /\.wasm$/ },
      ({ path }) => ({ contents: `export default ${text(readFileSync(path))};`, loader: "js" }),
    );
  },
};
