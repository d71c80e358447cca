/** From files to a model that can be used. */
import { Core } from "./core/core.ts";
import type { PickedFiles } from "./files/picked.ts";
import { openGpuEngine } from "./gpu/engine.ts";
import { openModel } from "./model/open.ts";
import { checkLoad, type LoadOptions } from "./options/index.ts";
import { Model } from "./session/model.ts";

export type { Model };

/**
 * Loads a Hugging Face folder (config.json, safetensors, tokenizer.json), given as a folder or base URL, or a GGUF file, given
 * as a path or URL that ends in .gguf, onto the GPU; or the files of either, as a picker gives them; of the hub
 * `hf:owner/name[@revision][/file]`, of the catalogue a name. Quantised weights stay as they are in the file, others do unless the
 * options quantise them. What comes over the network is cached.
 * @throws Error in one sentence for a missing or damaged file, an unsupported model, or a GPU that is absent or too small.
 */
export async function load(where: string | URL | PickedFiles, options: LoadOptions = {}): Promise<Model> {
  const { device, maxBinding, memory, kv, weights: type, onProgress, access } = checkLoad(options);
  const { config, tokenizer, chatTemplate, tensors } = await openModel(where, access);
  const total = [...tensors.values()].reduce((sum, tensor) => sum + tensor.bytes, 0);
  let done = 0;
  const onBytes = (bytes: number) => onProgress(done += bytes, total);
  await Core.ready();
  const engine = await openGpuEngine({ config, tensors, type, device, maxBinding, memory, onBytes });
  return new Model({ config, tokenizer, chatTemplate, engine, kv });
}
