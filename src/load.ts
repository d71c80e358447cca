/** From files to a model that can be used. */
import { Core } from "./core/core.ts";
import type { Device } from "./engine/engine.ts";
import type { PickedFiles } from "./files/picked.ts";
import { openGpuEngine } from "./gpu/engine.ts";
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
 * there is no real one: `device` says otherwise. Quantised weights stay as they are in the file, others do unless the options
 * quantise them. What comes over the network is cached.
 * @throws Error in one sentence for a missing or damaged file, an unsupported model, or a device that is absent or too small.
 */
export async function load(where: string | URL | PickedFiles, options: LoadOptions = {}): Promise<Model> {
  const checked = checkLoad(options);
  const { maxBinding, memory, kv, weights: type, precision, threads, onProgress, access } = checked;
  const { config, tokenizer, chatTemplate, tensors } = await openModel(where, access);
  const total = [...tensors.values()].reduce((sum, tensor) => sum + tensor.bytes, 0);
  let done = 0;
  const onBytes = (bytes: number) => onProgress(done += bytes, total);
  await Core.ready();
  const device = await choose(checked);
  const source = { config, tensors, type, memory, onBytes };
  const engine = device.name === "wasm"
    ? await openProcessor({ ...source, threads, exact: precision === "exact" })
    : await openGpuEngine({ ...source, device: device.given, maxBinding });
  return new Model({ config, tokenizer, chatTemplate, engine, device, kv });
}

type Given = Exclude<CheckedLoad["device"], string>;

/** What computes: what was asked for, or a real GPU before the processor. */
async function choose({ device }: CheckedLoad): Promise<Device & { readonly given?: Given }> {
  if (typeof device === "object") return { name: "webgpu", why: "a device was given", given: device };
  if (device !== "auto") return { name: device, why: "it was asked for" };
  const { real, why } = await lookForGpu();
  return { name: real ? "webgpu" : "wasm", why };
}
