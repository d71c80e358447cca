/** What a network looks like to those who run it; model/config.ts reads it out of files. */

import type { Norms } from "./norms.ts";
import type { Rope } from "./rope.ts";

/** Every family of models that runs here. */
export const ARCHITECTURES = [
  "llama",
  "mistral",
  "mixtral",
  "qwen2",
  "qwen3",
  "qwen3_moe",
  "phi3",
  "smollm3",
  "granite",
  "olmo2",
  "gemma2",
  "gemma3_text",
] as const;

/** A family, by transformers' `model_type`. */
export type Architecture = typeof ARCHITECTURES[number];

/** The feed-forward part of layers where every token goes through some of many. */
export interface Experts {
  /** How many a layer has. */
  count: number;
  /** How many of them a token goes through: those of the largest router logits, of equal ones the first. */
  used: number;
  /** Width of one. */
  width: number;
  /** Whether the shares of those that are used sum to 1; else they are what the softmax over all gave them. */
  normed: boolean;
  /** [layers]: which layers have them. */
  layers: boolean[];
}

/** What the forward pass needs to know about a model. */
export interface ModelConfig {
  /** The family. */
  architecture: Architecture;
  /** How many layers. */
  layers: number;
  /** Width of the hidden state. */
  hidden: number;
  /** Width of the feed-forward part of layers without experts; 0 where all have them. */
  intermediate: number;
  /** null: no layer has any. */
  experts: Experts | null;
  /** Query heads of a layer. */
  heads: number;
  /** KV heads of a layer: their number divides that of the query heads. */
  kvHeads: number;
  /** Width of a head: a multiple of 4, at most 256. */
  headDim: number;
  /** How many ids there are. */
  vocab: number;
  /** What RMSNorm adds to the mean square. */
  rmsEps: number;
  /** How positions turn queries and keys: in layers one way or another; pairs behind rotaryDim / 2 do not turn. */
  ropes: Rope[];
  /** [layers]: which of `ropes` is a layer's. */
  layerRopes: number[];
  /** How many numbers of a head turn: in files the first so many, here the first of either half. */
  rotaryDim: number;
  /** What embeddings are multiplied by. */
  embeddingScale: number;
  /** What products of queries and keys are multiplied by. */
  attentionScale: number;
  /** What attention and the feed-forward part are multiplied by before they join the residual. */
  residualScale: number;
  /** What logits are multiplied by. */
  logitScale: number;
  /** Where scores of attention end: cap · tanh(score / cap); 0: nowhere. */
  scoreCap: number;
  /** Where logits end, likewise. */
  logitCap: number;
  /** Whether the output head is the embedding. */
  tied: boolean;
  /** Whether queries and keys go through RMSNorm: every head by itself, or all heads of a token together. */
  qkNorm: "none" | "each head" | "all heads";
  /** Where layers have norms. */
  norms: Norms;
  /** What is made of the gate of the feed-forward part; gelu is its approximation by tanh. */
  activation: "silu" | "gelu";
  /** Whether q, k and v have biases. */
  qkvBias: boolean;
  /** Whether the projection behind the attention has a bias. */
  oBias: boolean;
  /** Whether the feed-forward part has biases. */
  mlpBias: boolean;
  /** [layers]: 0 = unlimited, else a query sees the last so many positions, its own included. */
  windows: number[];
  /** Tokens that the model was made for. */
  maxPositions: number;
  /** The id that begins a text; null where there is none. */
  bosId: number | null;
  /** Ids that end a text, ascending, none twice. */
  eosIds: number[];
}

/** A model's kind and size in words. */
export function describeModel({ architecture, layers, hidden, heads, headDim, experts, vocab }: ModelConfig): string {
  const chosen = experts ? `, ${experts.used} of ${experts.count} experts` : "";
  return `${architecture}, ${layers} layers of ${hidden}, ${heads} heads of ${headDim}${chosen}, ${vocab} ids`;
}

/** What K and V depend on besides the weights, in words and numbers: models of other shapes cannot go on from each other's. */
export function shapeOf(config: ModelConfig): string {
  const { windows, layerRopes, rmsEps, headDim, embeddingScale, residualScale, attentionScale, scoreCap, experts } =
    config;
  const scales = [embeddingScale, residualScale, attentionScale * Math.sqrt(headDim)];
  const ropes = config.ropes.map(({ frequencies, scale }) => `${frequencies} × ${scale}`);
  return `${describeModel(config)} ${windows} ${ropes.join(", ")}${ropes[1] ? ` in ${layerRopes}` : ""} ${rmsEps}${
    scales.every((scale) => scale === 1) && scoreCap === 0 ? "" : ` ${scales} ${scoreCap}`
  }${experts ? ` ${experts.normed}` : ""}`;
}
