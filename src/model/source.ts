// Where a model's files come from: a folder (Deno) or a base URL (fetch). The only place that reads bytes from outside.
import { checkName, checkRange, decodeText, oneLine, refuse, unreadable } from "./refuse.ts";
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

/** The part of Deno that is used here, so that this file compiles where Deno's types are unknown. */
interface DenoFiles {
  open(path: string | URL, options: { read: true }): Promise<{
    seek(offset: number, whence: number): Promise<number>;
    read(into: Uint8Array): Promise<number | null>;
    close(): void;
  }>;
  stat(path: string | URL): Promise<{ isFile: boolean; isDirectory: boolean; size: number }>;
  errors: { NotFound: new () => Error; NotADirectory?: new () => Error };
}

/**
 * Opens a folder of model files. Nothing is read yet, so a folder that is missing shows at the first read.
 *
 * @param where In Deno a path, a `file:` URL, or an http(s) base URL. In a page an http(s) URL, or a path relative to the page.
 * @throws RangeError if `where` cannot name a folder here.
 */
export function openSource(where: string | URL): Source {
  const deno = (globalThis as { Deno?: DenoFiles }).Deno;
  if (typeof where !== "string" && !(where instanceof URL)) throw refuse("the model must be a folder or a URL", where);
  const given = String(where);
  if (given.trim() === "") throw refuse("the model must be a folder or a URL", given);
  if (/^https?:\/\//i.test(given)) return urlSource(parseUrl(given), given);
  if (deno) return folderSource(deno, /^file:\/\//i.test(given) ? parseUrl(given) : given, given);
  const page = globalThis as { document?: { baseURI: string }; location?: { href: string } };
  const base = page.document?.baseURI ?? page.location?.href;
  if (base === undefined) {
    throw refuse("folders are read in Deno alone, elsewhere the model must be an http or https URL", given);
  }
  const url = parseUrl(given, base);
  if (!/^https?:$/.test(url.protocol)) throw refuse("a page reads models over http or https", given);
  return urlSource(url, given);
}

function parseUrl(text: string, base?: string): URL {
  try {
    return new URL(text, base);
  } catch {
    throw refuse("the model must be a folder or a URL", text);
  }
}

function folderSource(deno: DenoFiles, folder: string | URL, name: string): Source {
  const place = (file: string) =>
    folder instanceof URL
      ? new URL(folder.href.replace(/[?#].*$/, "").replace(/\/*$/, "/") + encodeURI(checkName(file)))
      : `${folder.replace(/\/+$/, "")}/${checkName(file)}`;
  const absent = (error: unknown) =>
    error instanceof deno.errors.NotFound ||
    deno.errors.NotADirectory !== undefined && error instanceof deno.errors.NotADirectory;
  const failed = (what: string, error: unknown) =>
    unreadable(`${what} must be readable`, error instanceof Error ? oneLine(error.message) : String(error), error);

  /** Length of a file in bytes, or null where there is none; a folder that is itself missing is an error. */
  async function find(file: string): Promise<number | null> {
    const path = place(file);
    try {
      const stat = await deno.stat(path);
      if (!stat.isFile) throw unreadable(`${name}/${file} must be a file`, "a folder");
      return stat.size;
    } catch (error) {
      if (!absent(error)) throw isOurs(error) ? error : failed(`${name}/${file}`, error);
    }
    let isFolder: boolean;
    try {
      isFolder = (await deno.stat(folder)).isDirectory;
    } catch (error) {
      throw absent(error) ? unreadable(`${name} must be a folder`, "nothing there", error) : failed(name, error);
    }
    if (!isFolder) throw unreadable(`${name} must be a folder`, "a file");
    return null;
  }

  async function size(file: string): Promise<number> {
    const bytes = await find(file);
    if (bytes === null) throw unreadable(`${name} must have the file ${file}`, "none");
    return bytes;
  }

  async function read(file: string, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
    checkRange(file, begin, end, await size(file));
    const bytes = new Uint8Array(end - begin);
    try {
      const handle = await deno.open(place(file), { read: true });
      try {
        await handle.seek(begin, 0);
        for (let at = 0; at < bytes.length;) {
          const got = await handle.read(bytes.subarray(at));
          if (got === null) throw unreadable(`${name}/${file} must have ${end} bytes`, String(begin + at));
          at += got;
        }
      } finally {
        handle.close();
      }
    } catch (error) {
      throw isOurs(error) ? error : failed(`${name}/${file}`, error);
    }
    return bytes;
  }

  return {
    name,
    has: async (file) => await find(file) !== null,
    size,
    read,
    text: async (file) => decodeText(await read(file, 0, await size(file)), `${name}/${file}`),
  };
}

function isOurs(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith("Cannot load model: ");
}
