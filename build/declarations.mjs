// Reads the declarations (.d.ts) that tsc writes, as far as it takes to roll them up: statements, what each says of which names, and
// where a name comes from.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";

const TOKEN =
  /\/\*[^]*?\*\/|\/\/[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`|[\p{ID_Start}$_#][\p{ID_Continue}$]*|\s+|[^]/gu;
const NAMED = /^(?:export )?(?:declare )?(?:abstract )?(class|interface|function|const|let|type) ([\w$]+)/;

/**
 * One of a file's own: a class and the interface that is merged with it are two of one name.
 * @typedef {{ name: string, kind: string, text: string, comment: string }} Declaration
 */

/** A name in another file. @typedef {{ file: string, name: string }} Place */

/**
 * What a file says: its declarations by name, the names that it brings from others, and what it exports by which of those names.
 * @typedef {{ declared: Map<string, Declaration[]>, brought: Map<string, Place>, exported: Map<string, { name: string, type: boolean }> }} File
 */

/** A file's statements, each with the comment before it. */
function* statementsOf(/** @type {string} */ text) {
  let [comment, statement, depth] = ["", "", 0];
  for (const [token] of text.matchAll(TOKEN)) {
    const bare = /^\s|^\/[*/]/.test(token);
    if (statement === "" && bare) {
      if (token.startsWith("/")) comment = token; // the last one before it: a file begins with one of its own
      continue;
    }
    statement += token;
    if (bare) continue;
    if ("{([".includes(token)) depth++;
    if ("})]".includes(token)) depth--;
    const body = /^(export )?(declare )?(abstract )?(class|interface) /.test(statement);
    if (depth > 0 || token !== (body ? "}" : ";")) continue;
    yield { comment, statement };
    [comment, statement] = ["", ""];
  }
  if (statement !== "") throw new Error(`a declaration has no end: ${statement.slice(0, 80)}`);
}

/** The names in braces, `a, type b as c`, each as it is there and as it is here. */
function listed(/** @type {string} */ names) {
  return names.split(",").map((one) => one.trim()).filter((one) => one !== "").map((one) => {
    const [, type, there, here = there] = /** @type {string[]} */ (/^(type )?([\w$]+)(?: as ([\w$]+))?$/.exec(one));
    return { type: type !== undefined, there, here };
  });
}

/** @type {Map<string, File>} */
const files = new Map();

/** What a file says. @param {string} path @returns {File} */
export function fileAt(path) {
  const known = files.get(path);
  if (known) return known;
  /** @type {File} */
  const file = { declared: new Map(), brought: new Map(), exported: new Map() };
  files.set(path, file);
  for (const { comment, statement } of statementsOf(readFileSync(path, "utf8"))) read(file, path, comment, statement);
  return file;
}

/** @param {File} file @param {string} path @param {string} comment @param {string} statement */
function read(file, path, comment, statement) {
  const list = /^(import|export)( type)? \{([^}]*)\}(?: from "([^"]+)")?;$/.exec(statement);
  if (list) {
    const [, word, type, names, from] = list;
    const place = (/** @type {string} */ name) => ({ file: join(dirname(path), from).replace(/\.ts$/, ".d.ts"), name });
    for (const one of listed(names)) {
      if (from) file.brought.set(word === "export" ? one.there : one.here, place(one.there));
      if (word === "export") file.exported.set(one.here, { name: one.there, type: Boolean(type) || one.type });
    }
    return;
  }
  const [, kind, name] = NAMED.exec(statement) ?? [];
  if (name === undefined) throw new Error(`${path}: what is this? ${statement.slice(0, 80)}`);
  const text = statement.replace(/^(export )?(declare )?/, "");
  file.declared.set(name, [...file.declared.get(name) ?? [], { name, kind, text, comment }]);
  if (statement.startsWith("export ")) file.exported.set(name, { name, type: false });
}

/** Where what a file calls by a name is declared; undefined: a name of the language's own. @param {Place} place @returns {Place | undefined} */
export function originOf({ file, name }) {
  const { declared, brought } = fileAt(file);
  if (declared.has(name)) return { file, name };
  const place = brought.get(name);
  if (!place) return undefined;
  const { exported } = fileAt(place.file);
  return originOf({ file: place.file, name: exported.get(place.name)?.name ?? place.name });
}

/**
 * A declaration with every name that may mean another declaration as `named` has it: names of fields, methods and parameters, and
 * comments, stay.
 * @param {string} text @param {(name: string) => string} named
 */
export function renamed(text, named) {
  const tokens = [...text.matchAll(TOKEN)].map(([token]) => token);
  return tokens.map((token, i) => {
    const isName = /^[\p{ID_Start}$_]/u.test(token) && tokens[i - 1] !== ".";
    if (isName && /^(const|let)$/.test(tokens[i - 2])) return named(token); // what is declared
    const isKey = tokens[i + 1] === ":" || tokens[i + 1] === "?" ||
      tokens[i + 1] === "(" && tokens[i - 2] !== "function";
    return isName && !isKey ? named(token) : token;
  }).join("");
}
