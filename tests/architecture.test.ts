// The rooms of src/, and who may call whom: arrows only go down.
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { repoPath } from "./support/files.ts";

/** Every room, from the top down: a file imports from its own room and from those below. */
const ROOMS = [
  ...["index", "cli", "serve", "eval", "ai", "service-worker", "worker", "openai", "load", "session", "snapshot"],
  ...["recording", "memory", "eviction", "model", "options", "policies", "chat", "jinja", "grammar", "tokenizer"],
  ...["formats", "files", "gpu", "wasm", "engine", "core", "host", "errors"],
];
/** Files that stand above all rooms, wherever they lie: what the package's entries export. */
const ENTRIES = [
  "src/core/index.ts",
  "src/eval/index.ts",
  "src/openai/index.ts",
  "src/worker/index.ts",
  "src/service-worker/index.ts",
  "src/ai/index.ts",
];
const MOST_LINES = 350;

const sources = (folder: string): string[] =>
  [...Deno.readDirSync(repoPath(folder))].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    return isDirectory ? sources(path) : /(?<!\.d)\.ts$/.test(name) ? [path] : [];
  }).sort();

/** What a source imports of `folder`, types too: paths from the root. */
const importsOf = (path: string, folder: string): string[] =>
  [...Deno.readTextFileSync(repoPath(path)).matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)"/g)]
    .map(([, to]) => new URL(to, `file:///${path}`).pathname.slice(1))
    .filter((to) => to.startsWith(`${folder}/`) && to.endsWith(".ts"));

/** A file's room: its folder, or its own name where it stands beside the folders. */
const roomOf = (path: string): string => path.split("/")[1].replace(/\.ts$/, "");

const architecture = suite("architecture");

architecture("every source has a room, and every room is there", () => {
  const rooms = new Set(sources("src").map(roomOf));
  assert.equal([...rooms].sort(), [...ROOMS].sort());
});

architecture("arrows only go down", () => {
  const up = sources("src").filter((path) => !ENTRIES.includes(path)).flatMap((path) => {
    const rank = ROOMS.indexOf(roomOf(path));
    return importsOf(path, "src").filter((to) => {
      return roomOf(to) !== roomOf(path) && ROOMS.indexOf(roomOf(to)) <= rank || ENTRIES.includes(to);
    }).map((to) => `${path} → ${to}`);
  });
  assert.equal(up, []);
});

architecture("WebGPU is spoken of in src/gpu alone, and in the option that takes a device", () => {
  const speaks = sources("src").filter((path) =>
    /\bGPU[A-Z]\w+|navigator\??\.gpu/.test(Deno.readTextFileSync(repoPath(path)))
  );
  assert.equal(speaks.filter((path) => roomOf(path) !== "gpu" && roomOf(path) !== "options"), []);
});

architecture("no two files import each other, in however many steps", () => {
  const next = new Map(
    ["src", "page"].flatMap((folder) => sources(folder).map((path) => [path, importsOf(path, folder)] as const)),
  );
  const done = new Set<string>();
  const circleFrom = (path: string, way: string[]): string[] | null => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
    if (done.has(path)) return null;
    for (const to of next.get(path) ?? []) {
      const circle = circleFrom(to, [...way, path]);
      if (circle) return circle;
    }
    done.add(path);
    return null;
  };
  for (const path of next.keys()) assert.is(circleFrom(path, []), null);
});

architecture(`no file is longer than ${MOST_LINES} lines`, () => {
  const folders = ["src", "assembly", "shaders", "page", "tests", "bench", "build"];
  const files = folders.flatMap(all).filter((path) => !/golden\/|build\/out/.test(path));
  const long = files.map((path) => [path, Deno.readTextFileSync(repoPath(path)).split("\n").length - 1] as const)
    .filter(([, lines]) => lines > MOST_LINES);
  assert.equal(long, []);
});

const all = (folder: string): string[] =>
  [...Deno.readDirSync(repoPath(folder))].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (name === "node_modules") return []; // bench/peers has its own
    return isDirectory ? all(path) : /\.(ts|mjs|wgsl)$/.test(name) ? [path] : [];
  });

architecture.run();
