/** The command `sweep`: the units of a plan, measured by several processes, of one machine or of many. */
import { availableParallelism } from "node:os";
import process from "node:process";
import { refuse, words } from "../errors.ts";
import { commandOf } from "../eval/command.ts";
import { isMeasured, type Result } from "../eval/results.ts";
import { type Unit, unitsOf } from "../eval/units.ts";
import type { Command } from "./command.ts";
import { Countdown } from "./countdown.ts";
import { loadOptions } from "./model.ts";
import { PLAN_FLAGS, readPlan, textOf } from "./plan.ts";
import { Pool } from "./pool.ts";
import type { UnitQueue } from "./queue.ts";
import { ResultsFile } from "./results.ts";
import type { Orders } from "./sweep-worker.ts";
import { checkReport, tell } from "./tell.ts";
import { note, print, printJson, Progress } from "./terminal.ts";
import { type Arguments, misused } from "./usage.ts";

async function sweep(args: Arguments): Promise<number> {
  const [, ...given] = args.positionals;
  const asksStatus = given[0] === "status";
  const [path, ...more] = asksStatus ? given.slice(1) : given;
  const url = queueOf(args);
  const count = workersOf(args, url);
  if (more.length > 0) misused("sweep takes one plan", more.length + 1);
  if (path === undefined) {
    if (!url || asksStatus) misused("sweep takes one plan", words("none"));
    return await serve(args, url, count);
  }
  const out = args.text("out") ?? misused("sweep needs --out FILE for its results", words("none"));
  const plan = await readPlan(args, path);
  const text = await textOf(plan);
  const units = unitsOf(plan, text);
  if (asksStatus) return await status(args, units, out);
  checkReport(args);
  const file = await ResultsFile.open(out);
  try {
    const times = !args.has("no-times");
    await measureAll(args, { units: file.left(units), text, times, count, url }, (result) => file.add(result));
    file.settle(units);
    return tell(file.of(units), plan.baseline, args);
  } finally {
    file.close();
  }
}

/** What is to be measured, and by whom. */
interface Job {
  readonly units: readonly Unit[];
  readonly text: string;
  readonly times: boolean;
  /** Processes here. */
  readonly count: number;
  /** Where machines meet; null: here alone. */
  readonly url: URL | null;
}

async function measureAll(args: Arguments, job: Job, done: (result: Result) => void): Promise<void> {
  const { units, text, times, count, url } = job;
  if (units.length === 0) return;
  const progress = new Progress();
  const shown = new Countdown(progress, units.length);
  const pool = await Pool.open(count);
  const load = loadingOf(args, progress, count);
  let queue: UnitQueue | null = null;
  const counted = (result: Result) => {
    done(result);
    shown.count();
  };
  try {
    if (url) {
      queue = await openQueue(url);
      if (count > 0) queue.serve(pool, count, load, (unit) => shown.show(unit, 0));
      await queue.measure(units, text, times, counted);
    } else {
      const orders = { text, load, times };
      await sideBySide(units, count, async (unit) => {
        shown.show(unit, 0);
        counted(await pool.measure(unit, orders));
      });
    }
  } finally {
    await queue?.close();
    await pool.close();
    progress.clear();
  }
}

/** BullMQ is read only where it is used. @throws KvcapError where it is not installed */
async function openQueue(url: URL): Promise<UnitQueue> {
  const { UnitQueue } = await import("./queue.ts").catch((error) => {
    if (error.code !== "ERR_MODULE_NOT_FOUND") throw error;
    const more = { code: "unsupported", kind: "plain", cause: error } as const;
    refuse("open the queue", "bullmq and ioredis must be installed beside kvcap", words("none"), more);
  });
  return await UnitQueue.open(url);
}

/** Measures what others put onto the queue, until it is stopped. */
async function serve(args: Arguments, url: URL, count: number): Promise<number> {
  if (count === 0) misused("--workers must be a whole number from 1 where there is no plan", count);
  const queue = await openQueue(url);
  const pool = await Pool.open(count);
  queue.serve(pool, count, loadingOf(args, new Progress(), count), (unit) => note(commandOf(unit)));
  note(`measuring units of ${url.host} with ${count} processes, until Ctrl-C`);
  await new Promise<void>((stop) => process.on("SIGINT", stop));
  await queue.close();
  await pool.close();
  return 0;
}

/** Does all of a list, so many at a time. */
async function sideBySide<T>(list: readonly T[], count: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = [...list];
  const lane = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: count }, lane));
}

/** How many processes measure; with a queue there may be none here. @throws Usage */
function workersOf(args: Arguments, queue: URL | null): number {
  const text = args.text("workers");
  if (text === undefined) return Math.max(1, Math.floor(availableParallelism() / 2));
  const [count, least] = [Number(text), queue ? 0 : 1];
  return Number.isInteger(count) && count >= least && count <= 256 && text.trim() !== ""
    ? count
    : misused(`--workers must be a whole number from ${least} to 256`, text);
}

function decodes(text: string): boolean {
  try {
    return decodeURIComponent(text) !== null;
  } catch {
    return false;
  }
}

/** The server of the queue. @throws Usage */
function queueOf(args: Arguments): URL | null {
  const text = args.text("queue");
  if (text === undefined) return null;
  const url = URL.parse(text);
  const plain = url && url.search === "" && url.hash === "" && decodes(url.username) && decodes(url.password);
  const sound = plain && /^rediss?:$/.test(url.protocol) && url.hostname !== "" && /^(\/\d*)?$/.test(url.pathname);
  return sound
    ? url
    : misused("--queue must be a Redis server, as redis://localhost:6379", text.replace(/\/\/.*@/, "//…@"));
}

/** How models are loaded: with so many threads that all processes together have a processor each. */
function loadingOf(args: Arguments, progress: Progress, count: number): Orders["load"] {
  const { cache, threads } = loadOptions(args, progress);
  return { cache, threads: threads ?? Math.max(1, Math.floor(availableParallelism() / Math.max(1, count))) };
}

/** Says how far the results are, and the queue. */
async function status(args: Arguments, units: readonly Unit[], out: string): Promise<number> {
  const results = (await ResultsFile.read(out)).of(units);
  const failed = results.filter((result) => !isMeasured(result)) as (Result & { error: string })[];
  const done = results.length - failed.length;
  const url = queueOf(args);
  const queue = url && await openQueue(url);
  const onQueue = queue && await queue.counts().finally(() => queue.close());
  const counts = { units: units.length, done, failed: failed.length, left: units.length - results.length };
  if (args.has("json")) printJson({ ...counts, ...onQueue ? { queue: onQueue } : {} });
  else {
    print(`${counts.done} of ${counts.units} units done, ${counts.failed} failed, ${counts.left} left\n`);
    if (onQueue) print(`on the queue ${onQueue.active} are being measured, ${onQueue.waiting} wait\n`);
    for (const { error, command } of failed) note(`${error} (${command})`);
  }
  return 0;
}

export const sweepCommand: Command = {
  run: sweep,
  takes: "[status] PLAN",
  about: "eval by many processes, or machines; status says how far it is",
  flags: [...PLAN_FLAGS, "no-cache", "threads", "out", "report", "force", "no-times", "workers", "queue"],
  examples: [
    ["sweep plan.yaml --out results.jsonl --workers 2", "a plan by two processes"],
    ["sweep status plan.yaml --out results.jsonl", "how far it is"],
  ],
};
