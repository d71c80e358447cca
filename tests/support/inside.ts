// What a model is made of, for tests that look below its public face.
import type { GpuEngine } from "../../src/gpu/engine.ts";
import type { GpuModel } from "../../src/gpu/weights.ts";
import { WasmEngine } from "../../src/wasm/engine.ts";
import { RemoteEngine } from "../../src/wasm/remote.ts";
import type { LoadedModel } from "../../src/model/loaded.ts";
import { insideOf, type Model } from "../../src/session/model.ts";
import { counting } from "./spies.ts";

/** Config, tokenizer and engine. */
export const inside = (model: Model): LoadedModel => insideOf(model);

/** Its weights on the GPU, and the device. */
export const onGpu = (model: Model): GpuModel => (inside(model).engine as GpuEngine).model;

/** Counts, until `stop`, how often memory is taken for anything on the engine. */
export function allocating(model: Model): { readonly count: number; stop(): void } {
  const { engine } = inside(model);
  if (engine instanceof RemoteEngine) return countingBuffers();
  const wasm = engine instanceof WasmEngine;
  const { counts, stop } = counting(wasm ? engine.model.heap : onGpu(model).gpu.device);
  return {
    get count() {
      return counts[wasm ? "take" : "createBuffer"] ?? 0;
    },
    stop,
  };
}

/** Counts the buffers that the page makes: a context in a worker makes one for all of its passes. */
function countingBuffers(): { readonly count: number; stop(): void } {
  const own = globalThis.ArrayBuffer;
  let count = 0;
  globalThis.ArrayBuffer = new Proxy(own, {
    construct: (target, args) => (count++, Reflect.construct(target, args)),
  });
  return {
    get count() {
      return count;
    },
    stop: () => void (globalThis.ArrayBuffer = own),
  };
}
