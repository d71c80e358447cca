/** The forward pass of a Llama-like decoder over a capped cache: one straight line. */
import type { ModelConfig } from "../engine/config.ts";
import type { Cache } from "./cache.ts";
import { dispatch } from "./dispatch.ts";
import { add, feedForward } from "./feed-forward.ts";
import type { Ops } from "./ops.ts";
import { multiply } from "./product.ts";
import { pad8, type Scratch } from "./scratch.ts";

/** What a pass runs on: kernels bound to buffers. */
export interface Forward {
  readonly config: ModelConfig;
  readonly cache: Cache;
  readonly scratch: Scratch;
  readonly ops: Ops;
}

/** The sizes of one pass, and what is wanted of it. */
export interface PassShape {
  readonly tokens: number;
  /** Slots of a lane that may hold anything. */
  readonly extent: number;
  /** Whether this pass's slots are those that the last eviction freed. */
  readonly reused: boolean;
  /** Whether logits (and the greedy choice) are computed. */
  readonly logits: boolean;
}

/** Records a pass. */
export function encode(
  encoder: GPUCommandEncoder,
  forward: Forward,
  { tokens, extent, reused, logits }: PassShape,
): void {
  const { config: { hidden, heads, kvHeads, vocab }, cache, scratch, ops } = forward;
  const { ranked, every, remainders } = cache.shape;
  let pass = encoder.beginComputePass();
  const capture = (stage: number, from: GPUBuffer) => {
    if (!scratch.captured) return;
    pass.end();
    captureStage(encoder, forward, { stage, from, tokens });
    pass = encoder.beginComputePass();
  };
  const slotGroups = Math.ceil(extent / 64);
  const columnGroups = Math.ceil((extent + remainders) / 64);
  const quarters = Math.ceil(tokens / 4);

  if (ranked && reused) dispatch(pass, ops.rerank, slotGroups, cache.lanes);
  for (const part of ops.embed) dispatch(pass, part, Math.ceil(hidden / 64), tokens);
  for (let i = 0; i < ops.layers.length; i++) {
    const layer = ops.layers[i];
    capture(i, scratch.x);
    if (layer.attentionNorm) dispatch(pass, layer.attentionNorm, tokens);
    multiply(pass, layer.qkv, tokens);
    if (layer.whole) dispatch(pass, layer.whole, 2, tokens);
    dispatch(pass, layer.rope, heads + 2 * kvHeads, tokens);
    if (layer.ask) dispatch(pass, layer.ask, heads);
    if (layer.tell) dispatch(pass, layer.tell, kvHeads, tokens);
    dispatch(pass, layer.scores, columnGroups, heads, quarters);
    dispatch(pass, layer.softmax, kvHeads, tokens);
    if (layer.observe && tokens > 1) dispatch(pass, layer.observe, slotGroups, kvHeads);
    dispatch(pass, layer.attend, heads, quarters);
    add(pass, layer.output, tokens);
    if (layer.mlpNorm) dispatch(pass, layer.mlpNorm, tokens);
    feedForward(pass, layer.feedForward, hidden, tokens);
  }
  if (logits) {
    const rows = every ? tokens : 1;
    if (ops.everyNorm) dispatch(pass, ops.everyNorm, tokens);
    capture(ops.layers.length, scratch.normed);
    dispatch(pass, ops.finalNorm, rows);
    multiply(pass, ops.head, rows);
    if (ops.settle) dispatch(pass, ops.settle, Math.ceil(vocab / 64), rows);
    if (every) dispatch(pass, ops.loss, rows);
    dispatch(pass, ops.argmax, 1);
  }
  pass.end();
}

/** Keeps the hidden states of a stage: the embeddings, each layer's output, and that of the final norm. */
function captureStage(
  encoder: GPUCommandEncoder,
  { config, cache, scratch }: Forward,
  { stage, from, tokens }: { stage: number; from: GPUBuffer; tokens: number },
): void {
  const pitch = 4 * pad8(config.hidden);
  encoder.copyBufferToBuffer(from, 0, scratch.captured!, stage * cache.shape.stride * pitch, tokens * pitch);
}

/** Records the summing up of what the last pass's evictions freed. */
export function encodeFold(encoder: GPUCommandEncoder, { config, ops }: Forward): void {
  const pass = encoder.beginComputePass();
  for (const { fold } of ops.layers) dispatch(pass, fold!, config.kvHeads);
  pass.end();
}
