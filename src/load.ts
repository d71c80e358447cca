/** From files to a model that can be used. */
import { Core } from "./core/core.ts";
import type { Device, Engine } from "./engine/engine.ts";
import { Fingerprint } from "./engine/fingerprint.ts";
import { KvcapError, onConsole, reasonOf } from "./errors.ts";
import type { PickedFiles } from "./files/picked.ts";
import { type GpuOptions, openGpuEngine } from "./gpu/engine.ts";
import { lookForGpu } from "./gpu/look.ts";
import { openModel } from "./model/open.ts";
import { checkLoad, type LoadOptions } from "./options/index.ts";
import type { CheckedLoad } from "./options/load.ts";
import { Model } from "./session/model.ts";
import { openProcessor } from "./wasm/open.ts";

export type { Model };

/**
 * Loads a Hugging Face folder (config.json, safetensors, tokenizer.json), given as a folder or base URL, or a GGUF file, given
 * as a path or URL that ends in .gguf; or the files of either, as a picker gives them; of the hub
 * `hf:owner/name[@revision][/file]`, of the catalogue a name. It goes onto the GPU, or into the memory of the processor where
 * there is no real one, or one too small: `device` says otherwise. Quantised weights stay as they are in the file, others do unless the options
 * quantise them. What comes over the network is cached.
 * @throws Error in one sentence for a missing or damaged file, an unsupported model, or a device that is absent or too small; the
 *   signal's reason.
 */
export async function load(where: string | URL | PickedFiles, options: LoadOptions = {}): Promise<Model> {
  const checked = checkLoad(options);
  const { maxBinding, memory, kv, weights: type, precision, threads, onProgress, access, rope, signal } = checked;
  signal?.throwIfAborted();
  const { config, tokenizer, chatTemplate, toolTemplate, tensors, notes, ...files } = await openModel(
    where,
    access,
    rope,
  );
  const warn = access.onWarning ?? onConsole;
  for (const note of notes) warn(note, "model");
  const total = [...tensors.values()].reduce((sum, tensor) => sum + tensor.bytes, 0);
  let done = 0;
  const onBytes = (bytes: number) => {
    signal?.throwIfAborted();
    onProgress(done += bytes, total);
  };
  await Core.ready();
  const heard = new Fingerprint(tensors, type);
  const source = { config, tensors: heard.tensors, type, memory, onBytes };
  const onGpu = (gpu: Gpu) => openGpuEngine({ ...source, ...gpu, maxBinding });
  const onProcessor = () => openProcessor({ ...source, threads, exact: precision === "exact" });
  const { gpu, instead, ...device } = await choose(checked);
  const made = (engine: Engine, device: Device) => {
    return new Model({
      config,
      tokenizer,
      chatTemplate,
      toolTemplate,
      sampling: checked.sampling === "model" ? files.sampling : null,
      engine,
      device,
      kv,
      fingerprint: heard.of(config),
    });
  };
  if (!gpu) return made(await onProcessor(), device);
  try {
    return made(await onGpu(gpu), device);
  } catch (error) {
    if (!instead || !isTooSmall(error)) throw error;
    done = 0;
    return made(await onProcessor(), { name: "wasm", why: `${device.why}, but ${reasonOf(error)}` });
  }
}

/** Whether a GPU cannot run a model that the processor may. */
function isTooSmall(error: unknown): error is KvcapError {
  return error instanceof KvcapError && ["device", "no-memory"].includes(error.code) && error.option !== "memory";
}

/** What a GPU's engine is opened on. */
type Gpu = Pick<GpuOptions, "device" | "adapter">;

/** What computes, and on which GPU, if any. */
interface Choice extends Device {
  readonly gpu?: Gpu;
  /** Whether the processor may where the GPU cannot. */
  readonly instead?: boolean;
}

/** What was asked for, or a real GPU before the processor. */
async function choose({ device }: CheckedLoad): Promise<Choice> {
  if (typeof device === "object") return { name: "webgpu", why: "a device was given", gpu: { device } };
  if (device === "wasm") return { name: "wasm", why: "it was asked for" };
  if (device === "webgpu") return { name: "webgpu", why: "it was asked for", gpu: {} };
  const { real, why, adapter } = await lookForGpu();
  return real ? { name: "webgpu", why, gpu: { adapter: adapter! }, instead: true } : { name: "wasm", why };
}
