/** Text that a command reads: what stands on the command line, "-" for standard input, "@FILE" for a file. */
import { Buffer } from "node:buffer";
import { promises as fs } from "node:fs";
import process from "node:process";
import { refuse, words } from "../errors.ts";

/** @throws Error where it is no UTF-8 text */
function decode(bytes: Uint8Array, what: string, where: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    refuse(`read the ${what}`, `${where} must be UTF-8 text`, words("other bytes"), {
      code: "bad-file",
      kind: "plain",
    });
  }
}

/** Standard input, without the newline that ends it. @throws Error */
export async function readStdin(what: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk);
  return decode(Buffer.concat(chunks), what, "standard input").replace(/\r?\n$/, "");
}

/** @throws Error where there is no such file, or it is no UTF-8 text */
export async function readTextFile(what: string, path: string): Promise<string> {
  return decode(await readFile(what, path), what, path);
}

/** What a command's word says: itself, "-" standard input, "@FILE" what is in a file. @throws Error */
export async function readArgument(what: string, word: string): Promise<string> {
  if (word === "-") return await readStdin(what);
  return word.startsWith("@") ? await readTextFile(what, word.slice(1)) : word;
}

/** @throws KvcapError always: why a file cannot be made or written @param action what cannot be done then */
export function refuseWriting(action: string, path: string, error: unknown): never {
  const { code, message } = error as { code?: string; message: string };
  const why = code === "ENOENT"
    ? "no such folder"
    : /^Requires write access/.test(message)
    ? "one where this program may not write: a chat may in its own folder"
    : message;
  const more = { code: "unreadable", kind: "plain", cause: error } as const;
  refuse(action, `${path} must be a file to write`, words(why), more);
}

/** @throws Error in one sentence where it cannot be read */
export async function readFile(what: string, path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await fs.readFile(path));
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    const why = code === "ENOENT" ? "no such file" : message;
    const more = { code: "unreadable", kind: "plain", cause: error } as const;
    refuse(`read the ${what}`, `${path} must be a file to read`, words(why), more);
  }
}
