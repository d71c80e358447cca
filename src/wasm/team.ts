/** The further threads of an engine: workers that share its memory. */
import { builtin, runtime } from "../host/runtime.ts";
import type { Exports } from "./module.ts";
import { startWorker } from "../host/worker.ts";

/** What a thread is given. */
interface Share {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  readonly model: number; // its address
  readonly thread: number; // from 1
}

/** What a thread runs: it works until the team ends. */
const WORK = `
const work = async ({ module, memory, model, thread }, ready) => {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory, now: Date.now } });
  ready("ready");
  exports.serve(model, thread);
};`;
const IN_PAGES = `${WORK}
const fail = (error) => setTimeout(() => { throw error; }); // where the page hears of it
onmessage = ({ data }) => work(data, postMessage).catch(fail);
onmessageerror = () => fail(new Error("the module did not arrive"));`;
const ELSEWHERE = `${WORK}
const { parentPort, workerData } = require("node:worker_threads");
work(workerData, (word) => parentPort.postMessage(word));`;

/** Threads at work. */
export interface Team {
  end(): void;
}

/** Starts a thread. @returns what ends it, once it is ready */
type Start = (share: Share) => Promise<() => void>;

/** Web workers, of a page. */
async function startInPage(share: Share): Promise<() => void> {
  const worker = await startWorker(IN_PAGES, {}, share);
  return () => worker.terminate();
}

/** Deno, Node and Bun have workers that keep no program from its end: a web worker would. */
async function startElsewhere(): Promise<Start> {
  const { Worker } = await builtin("node:worker_threads");
  return async (workerData) => {
    const worker = new Worker(ELSEWHERE, { eval: true, workerData, execArgv: [] });
    await new Promise<void>((resolve, reject) => {
      worker.once("message", () => resolve());
      worker.once("error", reject);
      worker.once("exit", () => reject(new Error("a worker ended before it began")));
    });
    worker.unref();
    return () => void worker.terminate();
  };
}

/** Starts threads 1 … count - 1 of an engine. @throws where the host starts no workers */
export async function startTeam(
  wasm: Exports,
  { count, ...shared }: Omit<Share, "thread"> & { readonly count: number },
): Promise<Team> {
  const start: Start = runtime === "page" || "importScripts" in globalThis ? startInPage : await startElsewhere();
  const started = await Promise.allSettled(
    Array.from({ length: count - 1 }, (_, i) => start({ ...shared, thread: i + 1 })),
  );
  const ends = started.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
  const end = () => {
    wasm.endTeam(shared.model);
    for (const over of ends) over();
  };
  const failed = started.find((one) => one.status === "rejected");
  if (failed) {
    end();
    throw failed.reason;
  }
  return { end };
}
