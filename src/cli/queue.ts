/**
 * Units on a Redis server, by BullMQ: who has a plan puts its units there and collects the results; any number of machines take
 * units from it. A unit whose machine goes away is taken again by another when its lock has expired.
 */
import { type ConnectionOptions, type Job as BullJob, Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import about from "../../package.json" with { type: "json" };
import { messageOf, quote, refuse } from "../errors.ts";
import { digest } from "../engine/sha256.ts";
import { type Result, resultOf } from "../eval/results.ts";
import { idOf, type Unit } from "../eval/units.ts";
import { redisOptions } from "../serve/redis-url.ts";
import type { Pool } from "./pool.ts";
import type { Orders } from "./sweep-worker.ts";

const NAME = `kvcap-${about.version}`; // other versions may give other numbers
const LOCK = 10_000; // ms that a unit stays with a machine that says nothing
const LOOK = 300; // ms between two looks for results
const CHECK = 3_000; // ms between two looks whether all units are there
const KEPT = 86_400; // seconds that a text stays there after its last look
const TEXTS = 8; // that a machine remembers
const TRIES = 3; // of a unit that machines give back as failed

/** What stands for a unit on the server. */
interface Job {
  readonly unit: Unit;
  /** Under which the text is there. */
  readonly text: string;
  readonly times: boolean;
}

/** What is asked of a job that has ended. */
type Ended = Pick<BullJob<Job, Result>, "id" | "finishedOn" | "returnvalue" | "failedReason" | "remove">;

const textKey = (name: string) => `${NAME}:text:${name}`;

/** The queue on one server. */
export class UnitQueue {
  readonly #connection: ConnectionOptions;
  readonly #redis: Redis;
  readonly #queue: Queue<Job, Result>;
  #worker: Worker<Job, Result> | null = null;

  private constructor(options: ReturnType<typeof redisOptions>) {
    const patient = {
      ...options,
      maxRetriesPerRequest: null,
      retryStrategy: (tries: number) => Math.min(100 * tries, 2_000),
    };
    this.#connection = patient as ConnectionOptions;
    this.#redis = new Redis(patient);
    this.#queue = new Queue(NAME, { connection: this.#connection });
    for (const part of [this.#redis, this.#queue]) part.on("error", () => {}); // they connect again, and go on
  }

  /** @throws KvcapError where no server answers */
  static async open(url: URL): Promise<UnitQueue> {
    const options = redisOptions(url);
    const probe = new Redis({ ...options, lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null });
    let heard: unknown = null;
    probe.on("error", (error) => heard = error);
    try {
      await probe.connect();
      await probe.ping();
    } catch (error) {
      const rule = `a Redis server must answer at ${url.host}`;
      refuse("open the queue", rule, quote(messageOf(heard ?? error)), {
        code: "unreachable",
        kind: "plain",
        cause: error,
      });
    } finally {
      probe.disconnect();
    }
    return new UnitQueue(options);
  }

  /** How many units wait, and how many are being measured, of all plans. */
  async counts(): Promise<{ waiting: number; active: number }> {
    const { waiting = 0, active = 0, prioritized = 0 } = await this.#queue.getJobCounts(
      "waiting",
      "active",
      "prioritized",
    );
    return { waiting: waiting + prioritized, active };
  }

  /** Measures units of the queue, so many at a time, until it is closed. @param told hears of every unit that is begun */
  serve(pool: Pool, count: number, load: Orders["load"], told: (unit: Unit) => void): void {
    const known = new Map<string, Promise<Orders>>(); // by text and times: processes keep what they were told
    const ordersOf = ({ text, times }: Job) => {
      const name = `${text}/${times}`;
      const found = known.get(name) ?? this.#text(text).then((text) => ({ text, load, times }));
      known.delete(name);
      known.set(name, found); // the newest last
      for (const [old] of known) if (known.size > TEXTS) known.delete(old);
      found.catch(() => known.delete(name)); // it may be there another time
      return found;
    };
    const measure = async ({ data }: { data: Job }) => {
      told(data.unit);
      return await pool.measure(data.unit, await ordersOf(data));
    };
    const waits = { lockDuration: LOCK, stalledInterval: LOCK / 2, maxStalledCount: 100 };
    this.#worker = new Worker(NAME, measure, { connection: this.#connection, concurrency: count, ...waits });
    this.#worker.on("error", () => {});
  }

  async #text(name: string): Promise<string> {
    const text = await this.#redis.get(textKey(name));
    return text ?? refuse("measure the unit", "its text must be on the queue's server", name, { code: "bad-input" });
  }

  /**
   * Puts units onto the queue and collects their results, each once, until all are there. What the server loses is put there
   * again.
   */
  async measure(units: readonly Unit[], text: string, times: boolean, done: (result: Result) => void): Promise<void> {
    const left = new Map(units.map((unit) => [`${times ? "timed" : "unit"}-${idOf(unit)}`, unit]));
    const tries = new Map<string, number>();
    const name = digest(text);
    const take = (id: string, result: Result) => {
      if (left.delete(id)) done(result);
    };
    const collect = async (job: Ended | undefined) => {
      const unit = job?.id && left.get(job.id);
      if (!unit || !job.finishedOn) return;
      if (job.returnvalue) take(job.id!, job.returnvalue);
      else tries.set(job.id!, (tries.get(job.id!) ?? 0) + 1);
      await job.remove().catch(() => {}); // it was another's, too
      if ((tries.get(job.id!) ?? 0) >= TRIES) {
        take(job.id!, resultOf(unit, null, { error: new Error(job.failedReason) }));
      }
    };
    let checked = -Infinity;
    while (left.size > 0) {
      if (performance.now() - checked > CHECK) {
        await this.#redis.set(textKey(name), text, "EX", KEPT);
        // What ended long ago may stand behind others' jobs that nobody collects, where the lists below do not reach.
        for (const job of await this.#put(left, (unit) => ({ unit, text: name, times }))) await collect(job);
        checked = performance.now();
      }
      for (const list of ["completed", "failed"] as const) {
        for (const job of await this.#queue.getJobs([list], 0, 99)) await collect(job);
      }
      if (left.size > 0) await new Promise((resolve) => setTimeout(resolve, LOOK));
    }
  }

  /** Puts what is not there onto the queue. @returns what is, what is done among it */
  async #put(units: ReadonlyMap<string, Unit>, jobOf: (unit: Unit) => Job): Promise<(Ended | undefined)[]> {
    const ids = [...units.keys()];
    const there = await Promise.all(ids.map((id) => this.#queue.getJob(id)));
    const missing = ids.filter((_, i) => !there[i]);
    await this.#queue.addBulk(
      missing.map((id) => ({ name: "unit", data: jobOf(units.get(id)!), opts: { jobId: id } })),
    );
    return there;
  }

  /** Takes no more units; what is under way is finished first. */
  async close(): Promise<void> {
    await this.#worker?.close();
    await this.#queue.close();
    this.#redis.disconnect();
  }
}
