/** The host that there is: its files, and its environment. */
import type { Host } from "./host.ts";
import { nodeHost } from "./node.ts";
import { runtime } from "./runtime.ts";

/** Deno, or Node or Bun in its words; undefined in a page. */
export const host: Host | undefined = runtime === "deno"
  ? (globalThis as unknown as { Deno: Host }).Deno
  : runtime === "page"
  ? undefined
  : nodeHost();

/** An environment variable; undefined where it is unset or empty, where the program may not read it, and in a page. */
export function env(variable: string): string | undefined {
  // Not by trying: where nothing is said, that would ask whoever sits at the terminal.
  const granted = host?.permissions.querySync({ name: "env", variable }).state === "granted";
  return granted && host?.env.get(variable) || undefined;
}

/** Whether a path leads nowhere. */
export function isAbsent(error: unknown): boolean {
  const { NotFound, NotADirectory } = host!.errors;
  return error instanceof NotFound || NotADirectory !== undefined && error instanceof NotADirectory;
}

/** Bytes [begin, end) of a file. @throws the host's own error, or Error where the file ends before */
export async function readRange(path: string | URL, begin: number, end: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(end - begin);
  const file = await host!.open(path, { read: true });
  try {
    await file.seek(begin, 0);
    for (let at = 0; at < bytes.length;) {
      const got = await file.read(bytes.subarray(at));
      if (got === null) throw new Error(`the end at ${begin + at} bytes`);
      at += got;
    }
  } finally {
    file.close();
  }
  return bytes;
}
