/** Processes that measure units side by side. One that ends is made again, and its unit is measured by another. */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { type Result, resultOf } from "../eval/results.ts";
import type { Unit } from "../eval/units.ts";
import { KvcapError } from "../errors.ts";
import { runtime } from "../host/runtime.ts";
import { linesOf } from "./json-lines.ts";
import type { Message, Orders } from "./sweep-worker.ts";

const TRIES = 3; // of a unit whose workers end

/** One process. */
class WorkerProcess {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #ended: Promise<unknown>;
  readonly #results: AsyncGenerator<string, void, void>;
  #orders: Orders | null = null; // in force

  constructor(flags: readonly string[]) {
    const program = new URL(
      import.meta.url.endsWith(".ts") ? "./sweep-worker.ts" : "./sweep-worker.js",
      import.meta.url,
    );
    const stdio = ["pipe", "pipe", "inherit"] as const;
    this.#child = spawn(process.execPath, [...flags, fileURLToPath(program)], { stdio: [...stdio] });
    this.#ended = once(this.#child, "exit").catch(() => {});
    this.#child.stdin.on("error", () => {}); // a process that ended reads nothing, which its missing answer says
    this.#results = linesOf(this.#child.stdout);
  }

  #write(value: Message): void {
    this.#child.stdin.write(`${JSON.stringify(value)}\n`);
  }

  /** @returns null: the process ended meanwhile */
  async measure(unit: Unit, orders: Orders): Promise<Result | null> {
    if (orders !== this.#orders) this.#write({ orders });
    this.#orders = orders;
    this.#write({ unit });
    try {
      const { value } = await this.#results.next();
      return value === undefined ? null : JSON.parse(value);
    } catch {
      return null;
    }
  }

  /** Lets it end. */
  async close(): Promise<void> {
    this.#child.stdin.end();
    await this.#results.return();
    await this.#ended;
  }
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
    return new Pool(most, runtime === "deno" ? await (await import("./deno.ts")).denoArguments() : []);
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
