// What a model is made of, for tests that look below its public face.
import type { GpuEngine } from "../../src/gpu/engine.ts";
import type { GpuModel } from "../../src/gpu/weights.ts";
import type { LoadedModel } from "../../src/model/loaded.ts";
import { insideOf, type Model } from "../../src/session/model.ts";

/** Config, tokenizer and engine. */
export const inside = (model: Model): LoadedModel => insideOf(model);

/** Its weights on the GPU, and the device. */
export const onGpu = (model: Model): GpuModel => (inside(model).engine as GpuEngine).model;
