/** A model whose weights are on some hardware: what steps and sessions need of it. */
import type { Device, Engine } from "../engine/engine.ts";
import type { KvType } from "../engine/kv.ts";
import type { Tokenizer } from "../tokenizer/tokenizer.ts";
import type { ModelSampling } from "../options/sampling.ts";
import type { ModelConfig } from "../engine/config.ts";

/** Config, tokenizer and weights of one model. */
export interface LoadedModel {
  readonly config: ModelConfig;
  readonly tokenizer: Tokenizer;
  /** The model's own Jinja template for chats; null where its files have none. */
  readonly chatTemplate: string | null;
  /** The one for conversations with tools, where it is another. */
  readonly toolTemplate: string | null;
  /** How its files say that it is sampled; null where they say nothing, or are not asked. */
  readonly sampling: ModelSampling | null;
  /** What holds its weights and does the forward pass. */
  readonly engine: Engine;
  /** What that is, and why. */
  readonly device: Device;
  /** Of its shape and all of its weights: see engine/fingerprint.ts. */
  readonly fingerprint: number;
  /** How sessions store K and V that are not told otherwise. */
  readonly kv: KvType;
}
