/** The engine of a page: it runs in a worker, so that no pass holds the page, and is spoken to by messages. */
import script from "../../build/out/worker.txt" with { type: "text" };
import type { ModelConfig } from "../engine/config.ts";
import type { ContextBytes, ContextShape, Engine } from "../engine/engine.ts";
import { refuseFailed } from "../engine/failure.ts";
import { quote, refuse } from "../errors.ts";
import { Link, whenStopped } from "./link.ts";
import { moduleFor } from "./compiled.ts";
import type { WasmOptions } from "./engine.ts";
import { gatheringShape } from "./gathering.ts";
import { checkRoom } from "./heap.ts";
import { sizesBeside } from "./layout.ts";
import { errorOf, type FromWorker, type Opened, type ToWorker } from "./messages.ts";
import { RemoteContext } from "./remote-context.ts";
import { RemoteGathering } from "./remote-gathering.ts";
import { startWorker } from "../host/worker.ts";

/**
 * Lays out a model in a worker of its own.
 * @throws as openWasmEngine, or Error where the page's policy allows no such worker
 */
export async function openRemoteEngine(options: WasmOptions): Promise<RemoteEngine> {
  const { config, memory } = options;
  const worker = await start();
  try {
    return new RemoteEngine(worker, await open(worker, options), { config, memory });
  } catch (error) {
    worker.terminate();
    throw error;
  }
}

/** Starts the worker. @throws Error, one sentence, where that may not be */
async function start(): Promise<Worker> {
  try {
    return await startWorker(script, { name: "kvcap" });
  } catch (error) {
    const rule = "the page's policy must allow kvcap's worker (worker-src blob:)";
    refuse("load model", rule, quote(error), { kind: "plain", code: "device", cause: error });
  }
}

/** Gives the worker what it asks for until the model is laid out. */
function open(
  worker: Worker,
  { tensors, onBytes, config, type, exact, threads, memory }: WasmOptions,
): Promise<Opened> {
  const post = (message: ToWorker, transfer: Transferable[] = []) => worker.postMessage(message, transfer);
  return new Promise((resolve, reject) => {
    const hear = async (message: FromWorker) => {
      switch (message.type) {
        case "module":
          return post({ type: "module", module: await moduleFor(message.shared) });
        case "read": { // a copy: what was read may be a part of what its source keeps
          const { read, name, from, to } = message;
          const bytes = (await tensors.get(name)!.read(from, to)).slice();
          return post({ type: "bytes", read, bytes }, [bytes.buffer]);
        }
        case "progress":
          return onBytes(message.bytes);
        case "opened":
          return resolve(message.opened);
        case "refused":
          return reject(errorOf(message.error));
      }
    };
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => void hear(data).catch(reject);
    whenStopped(worker, (why) => {
      try {
        refuseFailed("load model", why);
      } catch (error) {
        reject(error);
      }
    });
    const told = [...tensors].map(([key, { name, dtype, shape, bytes }]) =>
      [key, { name, dtype, shape, bytes }] as const
    );
    post({ type: "open", opening: { config, tensors: told, type, exact, threads, memory } });
  });
}

/** What of a model the page knows by itself. */
interface Known {
  readonly config: ModelConfig;
  readonly memory: number; // bytes
}

/** See openRemoteEngine. What is held is counted here as it is there, so that every answer about bytes is there at once. */
export class RemoteEngine implements Engine {
  readonly adapter: string;
  readonly weightBytes: number;
  readonly limit: number;
  readonly lost: Promise<string>;
  readonly #link: Link;
  readonly #config: ModelConfig;
  readonly #threads: number;
  #bytes: number;
  #peak: number; // as the worker last told
  #made = 0; // contexts
  #heard: Promise<{ readonly message: string } | null>[] = []; // of contexts that are being made

  constructor(worker: Worker, { adapter, threads, weightBytes, peak }: Opened, { config, memory }: Known) {
    this.adapter = adapter;
    this.weightBytes = this.#bytes = weightBytes;
    this.limit = memory;
    this.#config = config;
    this.#threads = threads;
    this.#peak = peak;
    this.#link = new Link(worker);
    this.lost = this.#link.lost;
  }

  get failure(): string | null {
    return this.#link.failure;
  }

  get bytes(): number {
    return this.failure === null ? this.#bytes : 0; // all went with the worker, whatever its contexts give back later
  }

  get peak(): number {
    return Math.max(this.#peak, this.#bytes);
  }

  sizes(shape: ContextShape): ContextBytes {
    return sizesBeside({ config: this.#config, threads: this.#threads, weightBytes: this.weightBytes }, shape);
  }

  context(shape: ContextShape): RemoteContext {
    const bytes = this.sizes(shape);
    const context = new RemoteContext({
      ...{ link: this.#link, config: this.#config, threads: this.#threads, shape, bytes, number: this.#made++ },
      count: (more: number) => {
        if (more > 0) checkRoom(this, "a session", more);
        this.#bytes += more;
      },
      peak: (peak: number) => this.#peak = peak,
    });
    this.#heard.push(context.refused);
    return context;
  }

  gather(most: number): RemoteGathering {
    return new RemoteGathering(this.#link, this.context(gatheringShape(this.#config.layers, most)));
  }

  guarded<T>(make: () => T): { made: T; refused: Promise<{ readonly message: string } | null> } {
    this.#heard = [];
    const made = make();
    const refused = Promise.all(this.#heard).then((all) => all.find((refusal) => refusal !== null) ?? null);
    return { made, refused };
  }

  release(): void {
    this.#link.fail("the engine was released");
  }
}
