/** Conversations kept in a folder: a file each, written whole or not at all. */
import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, quote, refuse } from "../errors.ts";
import type { Kept, Store } from "../openai/store.ts";

const LEFT = 3_600_000; // ms after which a file that is not whole is nobody's
const NAME = /^[0-9a-f]{64}$/;

export class FolderStore implements Store {
  readonly what: string;
  readonly #folder: string;
  readonly #most: number;

  private constructor(folder: string, most: number) {
    this.what = `the folder ${folder}`;
    this.#folder = folder;
    this.#most = most;
  }

  /**
   * Opens a folder, or makes it, for you alone.
   * @param most bytes of all files: those that were written longest ago go first
   * @throws KvcapError where it cannot be made or written to
   */
  static async open(folder: string, most: number): Promise<FolderStore> {
    const store = new FolderStore(folder, most);
    try {
      await mkdir(folder, { mode: 0o700 }).catch((error) => { // not what is above it, too: on /proc that never comes to an end
        if (error.code !== "EEXIST") throw error;
      });
      for (const name of await readdir(folder)) {
        if (!name.endsWith(".part")) continue; // another server may be writing it, which takes seconds
        const { mtimeMs } = await stat(join(folder, name)).catch(() => ({ mtimeMs: Infinity }));
        if (Date.now() - mtimeMs > LEFT) await rm(join(folder, name), { force: true });
      }
      const trial = join(folder, `${randomUUID()}.part`);
      await (await open(trial, "wx", 0o600)).close();
      await rm(trial);
    } catch (error) {
      refuse("keep conversations", `${folder} must be a folder that can be written to`, quote(messageOf(error)), {
        kind: "plain",
        code: "unreadable",
      });
    }
    return store;
  }

  #path(name: string): string {
    if (!NAME.test(name)) throw new Error("a name must be 64 digits");
    return join(this.#folder, name);
  }

  async version(name: string): Promise<string | null> {
    const there = await stat(this.#path(name), { bigint: true }).catch(() => null);
    return there && `${there.mtimeNs}-${there.ino}-${there.size}`;
  }

  async read(name: string): Promise<Kept | null> {
    const version = await this.version(name);
    if (version === null) return null;
    const bytes = await readFile(this.#path(name)).catch(() => null);
    return bytes && { bytes, version };
  }

  async write(name: string, bytes: Uint8Array): Promise<string> {
    const path = this.#path(name), partial = `${path}.${randomUUID()}.part`;
    try {
      const file = await open(partial, "wx", 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(partial, path);
    } catch (error) {
      await rm(partial, { force: true });
      return refuse("keep the conversation", `${this.what} must take it`, quote(messageOf(error)), {
        kind: "plain",
        code: "unreadable",
      });
    }
    await this.#trim(name);
    return (await this.version(name))!;
  }

  /** Removes what was written longest ago, until the rest is within bounds. */
  async #trim(newest: string): Promise<void> {
    const names = (await readdir(this.#folder)).filter((name) => NAME.test(name));
    const files = (await Promise.all(names.map(async (name) => {
      const there = await stat(join(this.#folder, name)).catch(() => null);
      return there ? [{ name, size: there.size, at: there.mtimeMs }] : [];
    }))).flat().sort((a, b) => a.at - b.at);
    let total = files.reduce((sum, { size }) => sum + size, 0);
    for (const { name, size } of files) {
      if (total <= this.#most) return;
      if (name === newest) continue;
      await this.remove(name);
      total -= size;
    }
  }

  async remove(name: string): Promise<void> {
    await rm(this.#path(name), { force: true });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
