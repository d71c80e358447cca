// `npm test -- --watch [part of a path …]`: runs the named tests at once and again after every change; where none is named, those
// of the room that changed: src/NAME/… and tests/NAME/… concern tests/NAME/ (tests/session/, where a room has no tests
// of its own), a test file itself alone.
import { existsSync, watch } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { root } from "./setup.mjs";

/** Rooms that another folder than their own tests: shaders are the GPU's, the Wasm sources the core's, the lab is the page's. */
const rooms = { shaders: "gpu/", assembly: "core/", examples: "core/examples", page: "page/", bench: "core/bench" };
const folders = ["src", "tests", ...Object.keys(rooms)];
const QUIET = 300; // ms without a change before the tests run: editors write a file more than once

/** The part of test paths that a changed file concerns; null for what no test is about. */
function concerned(/** @type {string} */ path) {
  const [folder, room, ...rest] = path.split("/");
  if (Object.hasOwn(rooms, folder)) return rooms[/** @type {keyof typeof rooms} */ (folder)];
  if (path.endsWith(".test.ts")) return path;
  if (rest.length === 0) return "/"; // a file beside the rooms concerns all
  if (["support", "reference"].includes(room)) return null;
  return existsSync(join(root, "tests", room)) ? `tests/${room}/` : "tests/session/";
}

/** Watches until the program is ended. @param {(args: string[]) => Promise<unknown>} run @param {string[]} args */
export async function watchTests(run, args) {
  const named = args.some((arg) => !arg.startsWith("--"));
  /** @type {Set<string>} */
  const changed = new Set();
  let wake = () => {};
  for (const folder of folders) {
    watch(join(root, folder), { recursive: true }, (_, file) => {
      const part = file && concerned(`${folder}/${file.replaceAll("\\", "/")}`);
      if (part) changed.add(part);
      if (part || named) wake();
    });
  }
  if (named) await run(args);
  for (;;) {
    process.stderr.write("kvcap: watching; Ctrl-C ends it\n");
    if (changed.size === 0) await new Promise((resolve) => wake = () => resolve(undefined));
    for (let before = -1; before !== changed.size; await new Promise((resolve) => setTimeout(resolve, QUIET))) {
      before = changed.size;
    }
    const parts = [...changed];
    changed.clear();
    await run(named ? args : [...args, ...parts]);
  }
}
