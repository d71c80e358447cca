/** Node and Bun in the words of Deno. */
import type { Host, HostFile } from "./host.ts";
import { builtin } from "./runtime.ts";

const { process } = globalThis as unknown as {
  process: {
    pid: number;
    platform: string;
    env: Record<string, string | undefined>;
    kill(pid: number, signal: 0): void;
  };
};

/** Errors of a code, as a class of them. */
const errorsOf = (code: string) =>
  class extends Error {
    static override [Symbol.hasInstance](error: unknown): boolean {
      return (error as { code?: unknown } | null)?.code === code;
    }
  };

/** The part of `node:fs` that is used here. */
interface Files {
  readonly constants: { O_RDWR: number; O_CREAT: number; O_RDONLY: number };
  rmSync(path: string, options: { force: true }): void;
  // deno-lint-ignore no-explicit-any
  readonly promises: any;
}
const files = (): Promise<Files> => builtin("node:fs");

/** What of a file that is open is used here. */
interface Handle {
  read(into: Uint8Array, offset: number, bytes: number, at: number): Promise<{ bytesRead: number }>;
  write(from: Uint8Array, offset: number, bytes: number, at: number): Promise<{ bytesWritten: number }>;
  truncate(bytes: number): Promise<void>;
  stat(): Promise<{ size: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

class NodeFile implements HostFile {
  readonly #fs: Files;
  readonly #handle: Handle;
  readonly #lock: string; // the file that is there while this one is locked
  #at = 0; // where the next bytes are
  #locked = false;

  constructor(fs: Files, handle: Handle, path: string | URL) {
    this.#fs = fs;
    this.#handle = handle;
    this.#lock = `${path}.pid`;
  }

  seek(offset: number): Promise<number> {
    return Promise.resolve(this.#at = offset);
  }

  async read(into: Uint8Array): Promise<number | null> {
    const { bytesRead } = await this.#handle.read(into, 0, into.length, this.#at);
    this.#at += bytesRead;
    return bytesRead === 0 ? null : bytesRead;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const { bytesWritten } = await this.#handle.write(bytes, 0, bytes.length, this.#at);
    this.#at += bytesWritten;
    return bytesWritten;
  }

  truncate(bytes: number): Promise<void> {
    return this.#handle.truncate(bytes);
  }

  stat(): Promise<{ size: number }> {
    return this.#handle.stat();
  }

  sync(): Promise<void> {
    return this.#handle.sync();
  }

  /** Node has no locks of the system's: a file beside this one says which process has it. What a dead one left is taken. */
  async tryLock(): Promise<boolean> {
    const { promises: fs } = this.#fs;
    for (let tries = 0; tries < 2; tries++) {
      try {
        await fs.writeFile(this.#lock, `${process.pid}`, { flag: "wx" });
        held.add(this.#lock);
        return this.#locked = true;
      } catch (error) {
        if ((error as { code?: string }).code !== "EEXIST") throw error;
      }
      const pid = Number(await fs.readFile(this.#lock, "utf8").catch(() => ""));
      if (pid === process.pid ? held.has(this.#lock) : pid === 0 || isAlive(pid)) return false;
      await fs.rm(this.#lock, { force: true });
    }
    return false;
  }

  close(): void {
    if (this.#locked) {
      held.delete(this.#lock);
      this.#fs.rmSync(this.#lock, { force: true });
    }
    this.#locked = false;
    void this.#handle.close();
  }
}

const held = new Set<string>(); // locks of this process: in a container the one before had the same number

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM"; // another user's
  }
}

/** A program, as `Deno.Command`. */
class Command {
  readonly #program: string;
  readonly #options: { args: string[]; signal: AbortSignal };

  constructor(program: string, options: { args: string[]; signal: AbortSignal }) {
    this.#program = program;
    this.#options = options;
  }

  async output(): Promise<{ code: number; stderr: Uint8Array }> {
    const { spawn } = await builtin("node:child_process");
    const { args, signal } = this.#options;
    return await new Promise((resolve, reject) => {
      const child = spawn(this.#program, args, { signal, stdio: ["ignore", "ignore", "pipe"] });
      let said = "";
      child.stderr?.setEncoding("utf8").on("data", (text: string) => said += text);
      child.on("error", reject);
      child.on("close", (code: number | null) => resolve({ code: code ?? 1, stderr: new TextEncoder().encode(said) }));
    });
  }
}

/** The host, where it is Node or Bun. */
export function nodeHost(): Host {
  const fs = async () => (await files()).promises;
  return {
    async open(path, { write }) {
      const all = await files();
      const { O_RDONLY, O_RDWR, O_CREAT } = all.constants;
      return new NodeFile(all, await all.promises.open(path, write ? O_RDWR | O_CREAT : O_RDONLY), path);
    },
    async stat(path) {
      const found = await (await fs()).stat(path);
      return { isFile: found.isFile(), isDirectory: found.isDirectory(), size: found.size };
    },
    async *readDir(path) {
      for (const entry of await (await fs()).readdir(path, { withFileTypes: true })) {
        yield { name: entry.name, isFile: entry.isFile() };
      }
    },
    readTextFile: async (path) => await (await fs()).readFile(path, "utf8"),
    writeTextFile: async (path, text) => await (await fs()).writeFile(path, text),
    mkdir: async (path, options) => void await (await fs()).mkdir(path, options),
    async makeTempDir({ prefix }) {
      const { tmpdir } = await builtin("node:os");
      return await (await fs()).mkdtemp(`${tmpdir()}/${prefix}`);
    },
    rename: async (from, to) => await (await fs()).rename(from, to),
    remove: async (path, options) => await (await fs()).rm(path, options),
    env: { get: (name) => process.env[name] },
    permissions: { querySync: () => ({ state: "granted" }) },
    build: { os: process.platform === "win32" ? "windows" : process.platform },
    Command,
    errors: { NotFound: errorsOf("ENOENT"), NotADirectory: errorsOf("ENOTDIR") },
  };
}
