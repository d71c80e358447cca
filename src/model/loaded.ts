/** A model whose weights are on the GPU: what steps and sessions need of it. */
import type { Gpu } from "../gpu/device.ts";
import type { Pipelines } from "../gpu/dispatch.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { KvType } from "../engine/kv.ts";
import type { ModelConfig } from "./config.ts";
import type { Weights } from "../gpu/weights.ts";

/** Config, tokenizer and weights of one model, and the device they are on. */
export interface LoadedModel {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  /** The model's own Jinja template for chats; null where its files have none. */
  readonly chatTemplate: string | null;
  readonly gpu: Gpu;
  readonly pipelines: Pipelines;
  readonly weights: Weights;
  /** How sessions store K and V that are not told otherwise. */
  readonly kv: KvType;
}
