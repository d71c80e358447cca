/** What the library uses of its host, in the words of Deno, so that its files compile where Deno's types are unknown. */
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
  readDir(path: string | URL): AsyncIterable<{ name: string; isFile: boolean }>;
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
