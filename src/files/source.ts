// Where a model's files come from: a folder (Deno) or a base URL (fetch). The only place that reads bytes from outside.
import { catalogue } from "./catalogue.ts";
import { type Host, host, isAbsent, readRange, said } from "./host.ts";
import { shownUrl } from "./http.ts";
import { checkName, checkRange, decodeText, refuse, unreadable } from "./refuse.ts";
import { urlSource } from "./remote.ts";

/** A model's files, by plain name ("config.json"). Every method throws one sentence when a file cannot be had. */
export interface Source {
  /** The folder or URL, as messages show it. */
  readonly name: string;
  /** The whole of a UTF-8 file. */
  text(file: string): Promise<string>;
  /** Whether the file exists. A missing folder is an error, not an answer. */
  has(file: string): Promise<boolean>;
  /** Length in bytes. */
  size(file: string): Promise<number>;
  /** Bytes [begin, end) in a buffer of their own; the rest of the file is not held in memory, if it can be helped. */
  read(file: string, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
}

/**
 * Opens a folder of model files. Nothing is read yet, so a folder that is missing shows at the first read.
 *
 * @param where In Deno a path, a `file:` URL, or an http(s) base URL. In a page an http(s) URL, or a path relative to the page.
 * @param remote Opens what lies behind a base URL; by default it is read where it is.
 * @throws RangeError if `where` cannot name a folder here.
 */
export function openSource(where: string | URL, remote: (base: URL, name: string) => Source = urlSource): Source {
  if (typeof where !== "string" && !(where instanceof URL)) throw refuse("the model must be a folder or a URL", where);
  const given = String(where);
  if (given.trim() === "") throw refuse("the model must be a folder or a URL", given);
  const web = (url: URL) => {
    if (url.username === "" && url.password === "") return remote(url, shownUrl(given));
    throw unreadable("a URL must be without user name and password", "one with them");
  };
  if (/^https?:\/\//i.test(given)) return web(parseUrl(given));
  if (host) return folderSource(host, /^file:\/\//i.test(given) ? parseUrl(given) : given, given);
  const page = globalThis as { document?: { baseURI: string }; location?: { href: string } };
  const base = page.document?.baseURI ?? page.location?.href;
  if (base === undefined) {
    throw refuse("folders are read in Deno alone, elsewhere the model must be an http or https URL", given);
  }
  const url = parseUrl(given, base);
  if (!/^https?:$/.test(url.protocol)) throw refuse("a page reads models over http or https", given);
  return web(url);
}

function parseUrl(text: string, base?: string): URL {
  try {
    return new URL(text, base);
  } catch {
    throw refuse("the model must be a folder or a URL", text);
  }
}

function folderSource({ stat }: Host, folder: string | URL, name: string): Source {
  const place = (file: string) =>
    folder instanceof URL
      ? new URL(folder.href.replace(/[?#].*$/, "").replace(/\/*$/, "/") + encodeURI(checkName(file)))
      : `${folder.replace(/\/+$/, "")}/${checkName(file)}`;
  const failed = (what: string, error: unknown) => unreadable(`${what} must be readable`, said(error), error);

  /** Length of a file in bytes, or null where there is none; a folder that is itself missing is an error. */
  async function find(file: string): Promise<number | null> {
    const path = place(file);
    try {
      const found = await stat(path);
      if (found.isFile) return found.size;
    } catch (error) {
      if (!isAbsent(error)) throw failed(`${name}/${file}`, error);
      await checkFolder();
      return null;
    }
    throw unreadable(`${name}/${file} must be a file`, "a folder");
  }

  async function checkFolder(): Promise<void> {
    let isFolder: boolean;
    try {
      isFolder = (await stat(folder)).isDirectory;
    } catch (error) {
      const names = /^[^/\\:]+$/.test(name) ? `, or one of ${Object.keys(catalogue).join(", ")}` : "";
      if (isAbsent(error)) throw unreadable(`${name} must be a folder or a .gguf file${names}`, "nothing there", error);
      throw failed(name, error);
    }
    if (!isFolder) throw unreadable(`${name} must be a folder or a .gguf file`, "another file");
  }

  async function size(file: string): Promise<number> {
    const bytes = await find(file);
    if (bytes === null) throw unreadable(`${name} must have the file ${file}`, "none");
    return bytes;
  }

  async function read(file: string, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(file, begin, end, await size(file));
    try {
      return await readRange(place(file), begin, end);
    } catch (error) {
      throw failed(`${name}/${file}`, error);
    }
  }

  return {
    name,
    has: async (file) => await find(file) !== null,
    size,
    read,
    text: async (file) => decodeText(await read(file, 0, await size(file)), `${name}/${file}`),
  };
}
