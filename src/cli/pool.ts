/** Processes that measure units side by side. One that ends is made again, and its unit is measured by another. */
import { fileURLToPath } from "node:url";
import { type Result, resultOf } from "../eval/results.ts";
import type { Unit } from "../eval/units.ts";
import { KvcapError } from "../errors.ts";
import { cacheFolder } from "../files/cache/folder.ts";
import { linesOf } from "./json-lines.ts";
import type { Message, Orders } from "./sweep-worker.ts";

const TRIES = 3; // of a unit whose workers end

/** One process. */
class WorkerProcess {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #results: AsyncGenerator<string, void, void>;
  #orders: Orders | null = null; // in force

  constructor(flags: readonly string[]) {
    const program = new URL("./sweep-worker.ts", import.meta.url);
    const config = fileURLToPath(new URL("../../deno.json", import.meta.url));
    const args = ["run", "--quiet", "--no-prompt", "--no-check", "--config", config, ...flags, program.href];
    this.#child = new Deno.Command(Deno.execPath(), { args, stdin: "piped", stdout: "piped", stderr: "inherit" })
      .spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#results = linesOf(this.#child.stdout);
  }

  /** Writes a line. @returns whether anybody is there to read it */
  async #write(value: Message): Promise<boolean> {
    try {
      await this.#input.write(new TextEncoder().encode(`${JSON.stringify(value)}\n`));
      return true;
    } catch {
      return false;
    }
  }

  /** @returns null: the process ended meanwhile */
  async measure(unit: Unit, orders: Orders): Promise<Result | null> {
    if (orders !== this.#orders && !await this.#write({ orders })) return null;
    this.#orders = orders;
    if (!await this.#write({ unit })) return null;
    try {
      const { value } = await this.#results.next();
      return value === undefined ? null : JSON.parse(value);
    } catch {
      return null;
    }
  }

  /** Lets it end. */
  async close(): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#results.return();
    await this.#child.status;
  }
}

/** What this process may do, its workers may, but that they write to the cache alone: as flags of Deno. */
async function permissions(): Promise<string[]> {
  const names = ["read", "env", "net", "sys"] as const;
  const granted = await Promise.all(
    names.map(async (name) => (await Deno.permissions.query({ name })).state === "granted"),
  );
  const folders = [cacheFolder(Deno.build.os), Deno.env.get("TMPDIR")].filter((path) => typeof path === "string");
  const asked = await Promise.all(folders.map((path) => Deno.permissions.query({ name: "write", path })));
  const written = folders.filter((_, i) => asked[i].state === "granted").map((path) => path.replaceAll(",", ",,"));
  const pip = await Deno.permissions.query({ name: "run", command: "pip" });
  const flags = [...names.filter((_, i) => granted[i]).map((name) => `--allow-${name}`)];
  if (written.length > 0) flags.push(`--allow-write=${written}`);
  return pip.state === "granted" ? [...flags, "--allow-run=pip,pip3,python3,python,py"] : flags;
}

/** So many processes, started when they are needed. */
export class Pool {
  readonly #flags: readonly string[];
  readonly #free: WorkerProcess[] = [];
  readonly #waiting: ((worker: WorkerProcess) => void)[] = [];
  readonly #most: number;
  #count = 0;

  private constructor(most: number, flags: readonly string[]) {
    this.#most = most;
    this.#flags = flags;
  }

  static async open(most: number): Promise<Pool> {
    return new Pool(most, await permissions());
  }

  /** Measures a unit in a process that is free, or the next to be. A unit whose process ends three times is given up. */
  async measure(unit: Unit, orders: Orders): Promise<Result> {
    let worker = await this.#take();
    for (let tries = 1;; tries++) {
      const result = await worker.measure(unit, orders);
      if (result) {
        this.#give(worker);
        return result;
      }
      await worker.close();
      worker = this.#make();
      if (tries < TRIES) continue;
      this.#give(worker);
      return resultOf(unit, null, {
        error: new KvcapError({
          ...{ code: "device", action: "measure the unit", rule: "its process must go on" },
          got: `one that ended ${TRIES} times`,
        }),
      });
    }
  }

  #make(): WorkerProcess {
    return new WorkerProcess(this.#flags);
  }

  async #take(): Promise<WorkerProcess> {
    const free = this.#free.pop();
    if (free) return free;
    if (this.#count === this.#most) return await new Promise((resolve) => this.#waiting.push(resolve));
    this.#count++;
    return this.#make();
  }

  #give(worker: WorkerProcess): void {
    const next = this.#waiting.shift();
    if (next) next(worker);
    else this.#free.push(worker);
  }

  /** Ends the processes that are free; all are when every unit is measured. */
  async close(): Promise<void> {
    await Promise.all(this.#free.splice(0).map((worker) => worker.close()));
  }
}
