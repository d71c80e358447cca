/** The engine of WebGPU: a model's weights on a device. */
import type { ModelConfig } from "../engine/config.ts";
import type { ContextBytes, ContextShape, Engine, EngineContext } from "../engine/engine.ts";
import type { WeightType } from "../engine/quantise.ts";
import { checkFits } from "../engine/stored.ts";
import type { Tensor } from "../engine/tensor.ts";
import { quote, refuse } from "../errors.ts";
import { contextBytes, GpuContext } from "./context.ts";
import { type Gpu, type GpuDevice, guarded, openGpu } from "./device.ts";
import { Pipelines } from "./dispatch.ts";
import { type GpuModel, uploadWeights, type Weights } from "./weights.ts";

/** What goes onto a GPU, and how. */
export interface GpuOptions {
  readonly config: ModelConfig;
  /** Checked against the config (checkWeights). */
  readonly tensors: Map<string, Tensor>;
  /** What matrices of plain numbers are quantised to; null: nothing. */
  readonly type: WeightType | null;
  /** A device of the caller's own; by default one is opened, and closed with the engine. */
  readonly device?: GpuDevice | undefined;
  /** The adapter to open; undefined: the default one. */
  readonly adapter?: GPUAdapter | undefined;
  /** Bytes; a bound of the caller's own on what a kernel may bind. */
  readonly maxBinding: number;
  /** Bytes; a bound on all buffers together. */
  readonly memory: number;
  /** Hears how many bytes of the files have been read since it was last called. */
  readonly onBytes: (bytes: number) => void;
}

/** Opens the GPU and uploads a model. @throws Error or RangeError, one sentence, where there is none or it is too small */
export async function openGpuEngine(options: GpuOptions): Promise<GpuEngine> {
  const { config, tensors, type, device, adapter, maxBinding, memory, onBytes } = options;
  checkFits(tensors, type, memory);
  const gpu = await openGpu(device as GPUDevice | undefined ?? adapter, maxBinding, memory);
  const close = () => device || gpu.device.destroy();
  gpu.device.pushErrorScope("validation");
  gpu.device.pushErrorScope("out-of-memory");
  let weights: Weights | null = null;
  let refused: GPUError | null = null;
  try {
    weights = await uploadWeights({ gpu, config, tensors, type, onBytes });
  } finally {
    const scopes = gpu.failure ? [] : [gpu.device.popErrorScope(), gpu.device.popErrorScope()];
    refused = (await Promise.all(scopes)).find((error) => error !== null) ?? null;
    if (!weights) close();
  }
  if (refused || gpu.failure) {
    weights.release();
    close();
    const rule = `the GPU must hold ${weights.bytes} bytes of weights`;
    const code = refused ? "no-memory" : "device";
    refuse("load model", rule, quote(refused?.message ?? gpu.failure), { kind: "plain", code });
  }
  return new GpuEngine({ gpu, config, weights, pipelines: new Pipelines(gpu) }, !device);
}

/** Weights on a device, and the contexts made for them. */
export class GpuEngine implements Engine {
  readonly weightBytes: number;
  readonly #model: GpuModel;
  readonly #ownsDevice: boolean;

  /** @param ownsDevice whether the device goes with the engine */
  constructor(model: GpuModel, ownsDevice: boolean) {
    this.#model = model;
    this.#ownsDevice = ownsDevice;
    this.weightBytes = model.weights.bytes;
  }

  /** The device and its account, for tests and benchmarks. */
  get model(): GpuModel {
    return this.#model;
  }

  get #gpu(): Gpu {
    return this.#model.gpu;
  }

  get adapter(): string {
    return this.#gpu.adapter;
  }

  get failure(): string | null {
    return this.#gpu.failure;
  }

  get lost(): Promise<string> {
    return this.#gpu.lost;
  }

  get bytes(): number {
    return this.#gpu.bytes;
  }

  get peak(): number {
    return this.#gpu.peak;
  }

  get limit(): number {
    return this.#gpu.limit;
  }

  sizes(shape: ContextShape): ContextBytes {
    return contextBytes(this.#model, shape);
  }

  context(shape: ContextShape): EngineContext {
    return new GpuContext(this.#model, shape);
  }

  guarded<T>(make: () => T): { made: T; refused: Promise<GPUError | null> } {
    return guarded(this.#gpu, make);
  }

  release(): void {
    this.#model.weights.release();
    this.#gpu.unwatch();
    if (this.#ownsDevice) this.#gpu.device.destroy();
  }
}
