/** What a network looks like to those who run it; model/config.ts reads it out of files. */

export type Architecture = "llama" | "mistral" | "qwen2" | "qwen3";

/** What the forward pass needs to know about a model. */
export interface ModelConfig {
  architecture: Architecture;
  layers: number;
  hidden: number;
  intermediate: number;
  heads: number; // query heads
  kvHeads: number; // divides heads
  headDim: number; // a multiple of 4, at most 256
  vocab: number;
  rmsEps: number;
  rope: Float32Array<ArrayBuffer>; // inverse frequencies, scaling applied, [headDim / 2]
  tied: boolean; // the head is the embedding
  qkNorm: boolean; // RMSNorm over headDim of every query and key head
  qkvBias: boolean;
  oBias: boolean;
  mlpBias: boolean;
  windows: number[]; // [layers]: 0 = unlimited, else a query sees the last `window` positions, its own included
  maxPositions: number; // tokens
  bosId: number | null;
  eosIds: number[]; // ascending, none twice
}

/** A model's kind and size in words. */
export function describeModel({ architecture, layers, hidden, heads, headDim, vocab }: ModelConfig): string {
  return `${architecture}, ${layers} layers of ${hidden}, ${heads} heads of ${headDim}, ${vocab} ids`;
}
