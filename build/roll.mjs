// Rolls up the types of the package: one .d.ts beside the script of each entry, with what its users can name or meet, and nothing
// else. What an earlier entry exports is taken from there, so that a class is the same in both.
import { readFileSync, writeFileSync } from "node:fs";
import { fileAt, originOf, renamed } from "./declarations.mjs";

/** An entry: its script's name, and where its declarations begin. @typedef {{ name: string, file: string }} Entry */

/** TypeScript before 5.7 knows no Uint8Array<ArrayBuffer>; this is that from there on, and Uint8Array before. */
const arrays = (/** @type {string} */ text) => text.replace(/\b(\w+Array)<ArrayBuffer>/g, "ReturnType<typeof $1.of>");

/** @param {string} out the folder @param {Entry[]} entries those that others take from first */
export function rollUp(out, entries) {
  /** @type {Map<string, { entry: string, name: string }>} by file and name: who exports it */
  const before = new Map();
  const owned = new Map(); // by file and name of a class: the entry that declares it
  for (const entry of entries) {
    const { text, exports, declared } = rolled(entry, before);
    for (const [key, kind] of declared) {
      if (kind !== "class") continue;
      if (owned.has(key)) throw new Error(`${entry.name} declares a class of ${owned.get(key)}'s anew: ${key}`);
      owned.set(key, entry.name);
    }
    writeFileSync(`${out}/${entry.name}.d.ts`, text);
    for (const [key, name] of exports) if (!before.has(key)) before.set(key, { entry: entry.name, name });
  }
}

const keyOf = (/** @type {{ file: string, name: string }} */ { file, name }) => `${file} ${name}`;

/** @param {Entry} entry @param {Map<string, { entry: string, name: string }>} before */
function rolled({ file }, before) {
  const exported = [...fileAt(file).exported].map(([as, { name, type }]) => {
    const origin = originOf({ file, name });
    if (!origin) throw new Error(`${file} exports ${name}, which is nowhere`);
    return {
      as,
      type: type || fileAt(origin.file).exported.get(origin.name)?.type === true,
      origin,
      key: keyOf(origin),
    };
  });
  /** @type {Map<string, string>} by file and name: what it is called here */
  const names = new Map(exported.map(({ key, as }) => [key, as]));
  const taken = new Set(names.values());
  const calledHere = (/** @type {string} */ key, /** @type {string} */ name) => {
    let here = names.get(key) ?? name;
    if (!names.has(key)) {
      while (taken.has(here)) here += "_";
      names.set(key, here);
      taken.add(here);
    }
    return here;
  };
  const imports = new Map(); // by entry
  const texts = [];
  /** @type {Map<string, string>} */
  const declared = new Map();
  const left = exported.map(({ origin }) => origin);
  for (let at = 0; at < left.length; at++) {
    const key = keyOf(left[at]);
    if (declared.has(key)) continue;
    const { file: where, name } = left[at];
    const here = calledHere(key, name);
    const elsewhere = before.get(key);
    if (elsewhere) {
      declared.set(key, "import");
      const list = imports.get(elsewhere.entry) ?? [];
      imports.set(elsewhere.entry, [...list, here === elsewhere.name ? here : `${elsewhere.name} as ${here}`]);
      continue;
    }
    const all = fileAt(where).declared.get(name) ?? [];
    declared.set(key, all.some(({ kind }) => kind === "class") ? "class" : all[0].kind);
    for (const { text, comment, kind } of all) {
      if (text.includes('import("')) throw new Error(`${where}: ${name} must say its types by name`);
      const said = renamed(text, (word) => {
        const origin = originOf({ file: where, name: word });
        if (!origin) return word;
        left.push(origin);
        return calledHere(keyOf(origin), origin.name);
      });
      texts.push(`${comment}${comment && "\n"}${/^(interface|type)$/.test(kind) ? "" : "declare "}${arrays(said)}\n`);
    }
  }
  const lists = [...imports].map(([entry, list]) => `import { ${list.sort().join(", ")} } from "./${entry}.js";\n`);
  const shown = exported.map(({ as, type }) => `${type ? "type " : ""}${as}`).sort();
  const body = texts.join("\n");
  const disposable = body.includes("Symbol.dispose") ? '/// <reference lib="esnext.disposable" />\n' : "";
  const about = /^\/\*\*[^]*?\*\/\n/.exec(readFileSync(file, "utf8"))?.[0];
  return {
    text: `${about}${disposable}${lists.join("")}\n${body}\nexport { ${shown.join(", ")} };\n`,
    exports: exported.map(({ key, as }) => /** @type {const} */ ([key, as])),
    declared: [...declared],
  };
}
