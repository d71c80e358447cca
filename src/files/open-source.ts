// Where a model's files come from: a folder (Deno, Node, Bun) or a base URL (fetch). The only place that reads bytes from outside.
import { catalogue } from "./catalogue.ts";
import { host, isAbsent, readRange } from "../host/here.ts";
import type { Host } from "../host/host.ts";
import { shownUrl } from "./http.ts";
import { messageOf, nearest, words } from "../errors.ts";
import { checkName, checkRange, decodeText, refuseFile } from "./checks.ts";
import { urlSource } from "./remote.ts";
import type { Source } from "./source.ts";
import { readWhole } from "./whole.ts";

/**
 * Opens a folder of model files. Nothing is read yet, so a folder that is missing shows at the first read.
 *
 * @param where In Deno, Node and Bun a path, a `file:` URL, or an http(s) base URL. In a page an http(s) URL, or a path relative to the page.
 * @param remote Opens what lies behind a base URL; by default it is read where it is.
 * @throws RangeError if `where` cannot name a folder here.
 */
export function openSource(where: string | URL, remote: (base: URL, name: string) => Source = urlSource): Source {
  if (typeof where !== "string" && !(where instanceof URL)) {
    refuseFile("the model must be a folder or a URL", where, { code: "bad-input" });
  }
  const given = String(where);
  if (given.trim() === "") refuseFile("the model must be a folder or a URL", given, { code: "bad-input" });
  const web = (url: URL) => {
    if (url.username === "" && url.password === "") return remote(url, shownUrl(given));
    refuseFile("a URL must be without user name and password", words("one with them"), { code: "bad-input" });
  };
  if (/^https?:\/\//i.test(given)) return web(parseUrl(given));
  if (host) return folderSource(host, /^file:\/\//i.test(given) ? parseUrl(given) : given, given);
  const page = globalThis as { document?: { baseURI: string }; location?: { href: string } };
  const base = page.document?.baseURI ?? page.location?.href;
  if (base === undefined) {
    refuseFile("folders are read in Deno, Node and Bun, elsewhere the model must be an http or https URL", given, {
      code: "unsupported",
    });
  }
  const url = parseUrl(given, base);
  if (!/^https?:$/.test(url.protocol)) {
    refuseFile("a page reads models over http or https", given, { code: "unsupported" });
  }
  return web(url);
}

function parseUrl(text: string, base?: string): URL {
  try {
    return new URL(text, base);
  } catch {
    refuseFile("the model must be a folder or a URL", text, { code: "bad-input" });
  }
}

function folderSource({ stat, readDir }: Host, folder: string | URL, name: string): Source {
  const place = (file: string) =>
    folder instanceof URL
      ? new URL(folder.href.replace(/[?#].*$/, "").replace(/\/*$/, "/") + encodeURI(checkName(file)))
      : `${folder.replace(/\/+$/, "")}/${checkName(file)}`;
  function failed(what: string, cause: unknown): never {
    refuseFile(`${what} must be readable`, words(messageOf(cause)), { code: "unreadable", cause });
  }

  /** Length of a file in bytes, or null where there is none; a folder that is itself missing is an error. */
  async function find(file: string): Promise<number | null> {
    const path = place(file);
    let found: Awaited<ReturnType<Host["stat"]>>;
    try {
      found = await stat(path);
    } catch (error) {
      if (!isAbsent(error)) failed(`${name}/${file}`, error);
      await checkFolder();
      return null;
    }
    if (found.isFile) return found.size;
    // A pipe or a device may have no end, or never begin.
    const other = found.isDirectory ? "a folder" : "a pipe or a device";
    refuseFile(`${name}/${file} must be a file`, words(other), { code: "unreadable" });
  }

  async function checkFolder(): Promise<void> {
    let isFolder: boolean;
    try {
      isFolder = (await stat(folder)).isDirectory;
    } catch (error) {
      if (!isAbsent(error)) failed(name, error);
      const known = /^[^/\\:]+$/.test(name) ? Object.keys(catalogue) : []; // it may be meant as a name
      const names = known.length > 0 ? `, or one of ${known.join(", ")}` : "";
      refuseFile(`${name} must be a folder or a .gguf file${names}`, words("nothing there"), {
        ...{ code: "unreadable", cause: error, meant: nearest(name, known) },
      });
    }
    if (!isFolder) {
      refuseFile(`${name} must be a folder or a .gguf file`, words("another file"), { code: "unreadable" });
    }
  }

  async function size(file: string): Promise<number> {
    const bytes = await find(file);
    if (bytes === null) refuseFile(`${name} must have the file ${file}`, words("none"), { code: "unreadable" });
    return bytes;
  }

  async function read(file: string, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(file, begin, end, await size(file));
    try {
      return await readRange(place(file), begin, end);
    } catch (error) {
      failed(`${name}/${file}`, error);
    }
  }

  async function list(): Promise<string[]> {
    const names: string[] = [];
    try {
      for await (const { name } of readDir(folder)) names.push(name);
    } catch (error) {
      if (isAbsent(error)) await checkFolder();
      failed(name, error);
    }
    return names;
  }

  return {
    name,
    list,
    has: async (file) => await find(file) !== null,
    size,
    read,
    text: async (file) => decodeText(await readWhole({ size, read }, file), `${name}/${file}`),
  };
}
