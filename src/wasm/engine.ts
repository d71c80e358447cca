/** The engine without a GPU: a model's weights in a Wasm memory, and the pass on the processor. */
import { MODEL_THREADS } from "../../assembly/forward/abi.ts";
import type { Home } from "../core/arena.ts";
import type { ModelConfig } from "../engine/config.ts";
import type { ContextBytes, ContextShape, Engine } from "../engine/engine.ts";
import type { WeightType } from "../engine/quantise.ts";
import { checkFits, type weightBytes } from "../engine/stored.ts";
import type { Tensor } from "../engine/tensor.ts";
import { messageOf, quote, refuse } from "../errors.ts";
import { processors } from "../host/runtime.ts";
import { WasmContext, type WasmModel } from "./context.ts";
import { gatheringShape, WasmGathering } from "./gathering.ts";
import { Heap, MOST } from "./heap.ts";
import { sizesBeside } from "./layout.ts";
import { buildHere, instantiate, type ModuleFor } from "./module.ts";
import { startTeam, type Team } from "./team.ts";
import { layOut, neededBytes } from "./weights.ts";

/** What is loaded, and how. */
export interface WasmOptions {
  readonly config: ModelConfig;
  /** Checked against the config (checkWeights). */
  readonly tensors: Map<string, Tensor>;
  /** What matrices of plain numbers are quantised to; null: nothing. */
  readonly type: WeightType | null;
  /** Whether quantised weights meet activations in f32; else rounded ones, which is faster. */
  readonly exact: boolean;
  /** How many threads run a pass; undefined: the processor's, at most 8, where they may share memory. */
  readonly threads: number | undefined;
  /** Bytes; a bound on all that is held. */
  readonly memory: number;
  /** Hears how many bytes of the files have been read since it was last called. */
  readonly onBytes: (bytes: number) => void;
}

const MOST_THREADS = 8; // where nothing is said

/** Whether threads may share memory here, and this one may wait for others: a page's own may not, and its engine is in a worker (open.ts). */
const canShare = () =>
  typeof SharedArrayBuffer === "function" && (globalThis.crossOriginIsolated ?? true) && !("document" in globalThis);

/**
 * Lays out a model.
 * @throws Error or RangeError, one sentence, where the host cannot run it, lets no threads share memory that were asked for, or
 * has too little memory
 */
export async function openWasmEngine(options: WasmOptions, moduleFor: ModuleFor): Promise<WasmEngine> {
  const { memory: limit, threads: asked, ...source } = options;
  const able = canShare();
  if (!able && asked !== undefined && asked > 1) {
    const rule = "threads must be 1 but in cross-origin isolated pages";
    refuse("load model", rule, asked, { option: "threads" });
  }
  const most = able ? asked ?? Math.min(MOST_THREADS, await processors()) : 1;
  /** What is done where threads cannot be had: with one, unless more were asked for. */
  const refused = (error: unknown) => {
    if (asked === undefined) return;
    const more = { kind: "plain", code: "device", option: "threads" } as const;
    refuse("load model", "the host must start workers for threads", quote(messageOf(error)), more);
  };
  let heap: Heap | null = null;
  try {
    if (most > 1) heap = new Heap(limit, true); // which takes addresses for all that it may ever hold
  } catch (error) {
    refused(error);
  }
  const threads = heap ? most : 1;
  heap ??= new Heap(limit, false);
  const module = await moduleFor(threads > 1);
  const wasm = await instantiate(module, heap.memory);
  const weigh = (...of: Parameters<typeof weightBytes>) => neededBytes(wasm, ...of);
  checkFits(source.tensors, source.type, Math.min(limit, MOST), weigh);
  const at = await layOut({ ...source, heap, wasm, threads });
  const model = { heap, wasm, config: source.config, at, threads, failure: null };
  if (threads === 1) return new WasmEngine(model, null);
  try {
    const team = await startTeam(wasm, { module, memory: heap.memory, model: at, count: threads });
    return new WasmEngine(model, team);
  } catch (error) {
    refused(error);
    heap.words[at / 4 + MODEL_THREADS] = 1; // a page whose policy forbids workers goes on with one
    wasm.seal(at, 0);
    return new WasmEngine({ ...model, threads: 1 }, null);
  }
}

/** Weights in memory, and the contexts made for them. */
export class WasmEngine implements Engine {
  readonly adapter: string;
  readonly weightBytes: number;
  readonly limit: number;
  readonly lost: Promise<string>;
  readonly #model: WasmModel;
  readonly #team: Team | null;
  #lose: (why: string) => void = () => {};

  constructor(model: WasmModel, team: Team | null) {
    this.#team = team;
    const { threads } = model;
    this.adapter = `WebAssembly (${buildHere()}, ${threads === 1 ? "1 thread" : `${threads} threads`})`;
    this.#model = model;
    this.weightBytes = model.heap.bytes;
    this.limit = model.heap.limit;
    this.lost = new Promise((resolve) => this.#lose = resolve);
  }

  /** What passes run on, for tests and benchmarks. */
  get model(): WasmModel {
    return this.#model;
  }

  get home(): Home {
    return this.#model.heap;
  }

  get failure(): string | null {
    return this.#model.failure;
  }

  get bytes(): number {
    return this.#model.heap.bytes;
  }

  get peak(): number {
    return this.#model.heap.peak;
  }

  sizes(shape: ContextShape): ContextBytes {
    const { config, threads } = this.#model;
    return sizesBeside({ config, threads, weightBytes: this.weightBytes }, shape);
  }

  context(shape: ContextShape): WasmContext {
    this.sizes(shape);
    return new WasmContext(this.#model, shape);
  }

  gather(most: number): WasmGathering {
    const { heap, config } = this.#model;
    heap.refusal = null;
    const rooms = this.context(gatheringShape(config.layers, most));
    const { refusal } = heap as { refusal: { readonly message: string } | null };
    if (refusal === null) return new WasmGathering(rooms);
    const rule = `the device must hold what ${most} sessions work on together`;
    refuse("batch sessions", rule, quote(refusal.message), { kind: "plain", code: "no-memory" });
  }

  guarded<T>(make: () => T): { made: T; refused: Promise<{ readonly message: string } | null> } {
    this.#model.heap.refusal = null;
    const made = make();
    return { made, refused: Promise.resolve(this.#model.heap.refusal) };
  }

  release(): void {
    this.#model.failure ??= "the engine was released";
    this.#team?.end();
    this.#model.heap.close();
    this.#lose(this.#model.failure);
  }
}
