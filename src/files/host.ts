/** The part of Deno that the library uses, so that its files compile where Deno's types are unknown. */
export interface HostFile {
  seek(offset: number, whence: number): Promise<number>;
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  truncate(bytes: number): Promise<void>;
  stat(): Promise<{ size: number }>;
  sync(): Promise<void>;
  tryLock(exclusive: boolean): Promise<boolean>;
  close(): void;
}

type Program = new (program: string, options: {
  args: string[];
  stdin: "null";
  stdout: "null" | "piped";
  stderr: "piped";
  signal: AbortSignal;
}) => { output(): Promise<{ code: number; stderr: Uint8Array }> };

export interface Host {
  open(
    path: string | URL,
    options: { read?: boolean; write?: boolean; create?: boolean },
  ): Promise<HostFile>;
  stat(path: string | URL): Promise<{ isFile: boolean; isDirectory: boolean; size: number }>;
  readDir(path: string): AsyncIterable<{ name: string; isFile: boolean }>;
  readTextFile(path: string): Promise<string>;
  writeTextFile(path: string, text: string): Promise<void>;
  mkdir(path: string, options: { recursive: boolean }): Promise<void>;
  makeTempDir(options: { prefix: string }): Promise<string>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string, options?: { recursive: boolean }): Promise<void>;
  env: { get(name: string): string | undefined };
  permissions: { querySync(wanted: { name: "env"; variable: string }): { state: string } };
  build: { os: string };
  Command: Program;
  errors: { NotFound: new () => Error; NotADirectory?: new () => Error; NotCapable?: new () => Error };
}

/** Deno, or undefined in a page. */
export const host: Host | undefined = (globalThis as { Deno?: Host }).Deno;

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
