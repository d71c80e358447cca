/** A loaded model: weights on the GPU, tokenizer, and the sessions that use them. */
import { type Gpu, openGpu } from "./gpu/device.ts";
import { Pipelines } from "./gpu/dispatch.ts";
import { type Perplexity, perplexity } from "./session/perplexity.ts";
import { Session } from "./session/session.ts";
import type { OwnFunctions } from "./options/kept.ts";
import { checkLoad, type LoadOptions, type PerplexityOptions, type SessionOptions } from "./options/index.ts";
import type { Tokenizer } from "./tokenizer/tokenizer.ts";
import type { KvType } from "./engine/kv.ts";
import { megabytes } from "./memory/fit.ts";
import { planSession } from "./memory/plan.ts";
import { Core } from "./core/core.ts";
import type { ModelConfig } from "./model/config.ts";
import type { LoadedModel } from "./model/loaded.ts";
import { openModel } from "./model/open.ts";
import type { PickedFiles } from "./files/picked.ts";
import { WEIGHT_TYPES, type WeightType } from "./engine/quantise.ts";
import type { Tensor } from "./formats/safetensors.ts";
import { uploadWeights, weightBytes, type Weights } from "./gpu/weights.ts";

/** A model ready to make sessions. */
export class Model implements LoadedModel {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  /** The model's own Jinja template for chats; null where its files have none. */
  readonly chatTemplate: string | null;
  readonly gpu: Gpu;
  readonly pipelines: Pipelines;
  readonly weights: Weights;
  readonly kv: KvType;
  readonly #sessions = new Set<Session>();
  readonly #ownsDevice: boolean;
  #disposed = false;

  constructor(
    { config, tokenizer, chatTemplate }: { config: ModelConfig; tokenizer: Tokenizer; chatTemplate: string | null },
    gpu: Gpu,
    weights: Weights,
    kv: KvType,
    ownsDevice: boolean,
  ) {
    this.config = config;
    this.tokenizer = tokenizer;
    this.chatTemplate = chatTemplate;
    this.gpu = gpu;
    this.pipelines = new Pipelines(gpu);
    this.weights = weights;
    this.kv = kv;
    this.#ownsDevice = ownsDevice;
  }

  /**
   * Starts an empty context with its own cache. Sessions of one model may be used side by side.
   * @throws RangeError for options out of range or a cache beyond the adapter's limits; Error on a disposed model or lost device.
   */
  session(options: SessionOptions = {}): Session {
    planSession(this, options);
    this.#checkUsable("create session");
    return new Session(this, options, this.#join);
  }

  /**
   * Goes on from a snapshot of a session of this model, in the same or another run of the program, exactly as that session
   * would have. It has the options of that session.
   * @param own the session's own policy or score, without which it cannot go on; an `onEvict`, if it had one
   * @throws TypeError, RangeError if `bytes` is not a whole, undamaged snapshot of a session of this model; Error on a
   *   disposed model or a lost device, or where the GPU has no room
   */
  async restore(bytes: Uint8Array, own: OwnFunctions = {}): Promise<Session> {
    this.#checkUsable("restore session");
    return await Session.restore(this, this.#join, bytes, own);
  }

  readonly #join = (session: Session) => {
    this.#checkUsable("create session");
    this.#sessions.add(session);
    return () => this.#sessions.delete(session);
  };

  #checkUsable(action: string) {
    if (this.#disposed) throw new Error(`Cannot ${action}: the model must not be disposed, got a disposed one`);
    if (this.gpu.failure) throw new Error(`Cannot ${action}: the GPU must work, got: ${this.gpu.failure}`);
  }

  /**
   * Measures how well the model foresees `text` when its cache is kept as the options say. The same tokens are counted for
   * every policy and budget.
   * @throws RangeError for bad options or a text too short; Error on a disposed model or lost device
   */
  async perplexity(text: string | ArrayLike<number>, options: PerplexityOptions = {}): Promise<Perplexity> {
    const check = () => this.#checkUsable("measure perplexity");
    check();
    return await perplexity(this, text, options, check);
  }

  /** Bytes of GPU memory held by the weights and by every session. */
  get gpuBytes(): number {
    return this.gpu.bytes;
  }

  /** The most that it ever was, while the weights were uploaded included; `load`'s `memory` is its bound. */
  get peakGpuBytes(): number {
    return this.gpu.peak;
  }

  /** Gives every buffer back, those of its sessions too. @throws what a session's recording throws, once all is given back */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    let failure: unknown = null;
    for (const session of [...this.#sessions]) {
      try {
        session.dispose();
      } catch (error) {
        failure ??= error;
      }
    }
    this.weights.release();
    this.gpu.unwatch();
    if (this.#ownsDevice) this.gpu.device.destroy();
    if (failure !== null) throw failure;
  }
}

/**
 * Loads a Hugging Face folder (config.json, safetensors, tokenizer.json), given as a folder or base URL, or a GGUF file, given
 * as a path or URL that ends in .gguf, onto the GPU; or the files of either, as a picker gives them; of the hub
 * `hf:owner/name[@revision][/file]`, of the catalogue a name. Quantised weights stay as they are in the file, others do unless the
 * options quantise them. What comes over the network is cached.
 * @throws Error in one sentence for a missing or damaged file, an unsupported model, or a GPU that is absent or too small.
 */
export async function load(where: string | URL | PickedFiles, options: LoadOptions = {}): Promise<Model> {
  const { device, maxBinding, memory, kv, weights: type, onProgress, access } = checkLoad(options);
  const files = await openModel(where, access);
  const { config, tensors } = files;
  if (weightBytes(tensors, type) > memory) throw tooLarge(tensors, type, memory);

  await Core.ready();
  const gpu = await openGpu(device, maxBinding, memory);
  const { device: opened } = gpu;
  opened.pushErrorScope("validation");
  opened.pushErrorScope("out-of-memory");
  const total = [...tensors.values()].reduce((sum, tensor) => sum + tensor.bytes, 0);
  let done = 0;
  let weights: Weights | null = null;
  let refused: GPUError | null = null;
  try {
    weights = await uploadWeights(gpu, config, tensors, type, (bytes) => onProgress(done += bytes, total));
  } finally {
    const scopes = gpu.failure ? [] : [opened.popErrorScope(), opened.popErrorScope()];
    refused = (await Promise.all(scopes)).find((error) => error !== null) ?? null;
    if (!weights && !device) opened.destroy();
  }
  if (refused || gpu.failure) {
    weights.release();
    if (!device) opened.destroy();
    throw new Error(
      `Cannot load model: the GPU must hold ${weights.bytes} bytes of weights, got: ${refused?.message ?? gpu.failure}`,
    );
  }
  return new Model(files, gpu, weights, kv, !device);
}

/** What is said where the weights alone exceed the memory. */
function tooLarge(tensors: Map<string, Tensor>, type: WeightType | null, memory: number): RangeError {
  const bytes = weightBytes(tensors, type);
  const ways = WEIGHT_TYPES.map((other) => [other, weightBytes(tensors, other)] as const)
    .filter(([, less]) => less < bytes)
    .map(([other, less]) => `, or ${megabytes(less, Math.ceil)} as ${other}`);
  const [needed, given] = [megabytes(bytes, Math.ceil), megabytes(memory, Math.floor)];
  return new RangeError(`Cannot load model: memory must hold ${needed} of weights${ways.join("")}, got ${given}`);
}
