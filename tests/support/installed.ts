// The package as its users get it: packed, and installed into an empty folder.
import { repoPath } from "./files.ts";
import { shared } from "./shared.ts";

/** A folder with the package in node_modules. */
export class Installed {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** Packs and installs, without the network. @param dir where the folder is to be @throws Error with what npm said */
  static async make(dir?: string): Promise<Installed> {
    const made = new Installed(await Deno.makeTempDir({ prefix: "kvcap-pack-", dir }));
    const { folder, made: [tarball] } = await shared("package", (at) => alone(() => pack(at)));
    await made.write("package.json", `{ "name": "user", "private": true, "type": "module" }`);
    await made.run("npm", "install", "--offline", "--no-audit", "--no-fund", `${folder}/${tarball}`);
    return made;
  }

  /** Puts a file there. */
  async write(name: string, text: string): Promise<void> {
    await Deno.writeTextFile(`${this.folder}/${name}`, text);
  }

  /** Runs a program there. @returns what it printed @throws Error with its output if it fails */
  async run(program: string, ...args: string[]): Promise<string> {
    return await ran(program, args, this.folder);
  }

  async remove(): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

/** Packs into a folder. @returns the tarball's name, alone */
async function pack(folder: string): Promise<string[]> {
  await ran("npm", ["pack", "--json", "--pack-destination", folder], repoPath(""));
  const tarballs = [...Deno.readDirSync(folder)].map(({ name }) => name);
  if (tarballs.length !== 1) throw new Error(`npm pack made ${tarballs.length} tarballs`);
  return tarballs;
}

/** Does what reads or writes build/out while no other process does: packing builds. */
export async function alone<T>(work: () => Promise<T>): Promise<T> {
  const lock = await Deno.open(repoPath("build/out/pack.lock"), { write: true, create: true });
  await lock.lock(true);
  return await work().finally(() => lock.close());
}

/** Runs a program in a folder. @returns what it printed @throws Error with its output if it fails */
export async function ran(program: string, args: string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args, cwd, stdin: "null" }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  if (code) throw new Error(`${program} ${args.join(" ")}: exit code ${code}\n${out}${err}`);
  return out;
}
