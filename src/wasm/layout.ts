/** Where everything of a context lies: one block of the memory, laid out once; assembly/forward/abi.ts numbers its words. */
import * as abi from "../../assembly/forward/abi.ts";
import type { ModelConfig } from "../engine/config.ts";
import type { ContextBytes, ContextShape } from "../engine/engine.ts";
import { KV_TYPES, kvRowBytes, queryBytes } from "../engine/kv.ts";
import { goneWords, remainderBytes } from "../engine/remainder.ts";
import { megabytes } from "../engine/megabytes.ts";
import { bufferBytes } from "../engine/stored.ts";
import { refuse, words } from "../errors.ts";
import { MOST, padded } from "./heap.ts";

const UNIT = abi.UNIT;
const quads = (length: number) => Math.ceil(length / 4) * 4;
const whole = (length: number) => Math.ceil(length / UNIT) * UNIT;

/** A part of a context: its bytes, from its beginning. */
export interface Region {
  readonly from: number;
  readonly bytes: number;
}

/** Every part by its word in the context; then of each layer, K and V. */
export interface ContextLayout {
  readonly parts: ReadonlyMap<number, Region>;
  readonly keys: readonly Region[];
  readonly values: readonly Region[];
  readonly bytes: number;
}

/** Floats between tokens of hidden states. */
export const hiddenPitch = ({ hidden }: ModelConfig): number => whole(hidden);

/** Bytes of each part; 0: it is not there. */
function partBytes(
  config: ModelConfig,
  shape: ContextShape,
  threads: number,
): [word: number, bytes: number][] {
  const { layers, hidden, intermediate, experts, heads, kvHeads, headDim, vocab, ropes } = config;
  const { capacity, stride, ranked, pooled, observe, every, remainders } = shape;
  const lanes = layers * kvHeads;
  const slots = lanes * capacity;
  const perSlot = (has: boolean) => has ? 4 * slots : 0;
  const rows = every ? stride : 1;
  const inner = intermediate > 0 ? stride : 0; // tokens that go through feed-forward parts that are no experts
  const { count, used, width } = experts ?? { count: 0, used: 0, width: 0 };
  const each = stride * used; // rows of experts
  const input = Math.max(
    stride * Math.max(whole(hidden), whole(heads * headDim), whole(intermediate)),
    each * Math.max(whole(hidden), whole(width)),
  );
  return [
    [abi.CONTEXT_POSITIONS, 4 * slots],
    [abi.CONTEXT_RANKS, perSlot(ranked)],
    [abi.CONTEXT_ROWS, perSlot(pooled)],
    [abi.CONTEXT_RANK_ANGLES, ranked ? 4 * ropes.length * capacity * headDim : 0],
    [abi.CONTEXT_IDS, 4 * (stride + 1)],
    [abi.CONTEXT_SLOTS, 4 * lanes * stride],
    [abi.CONTEXT_NEW_ROWS, pooled ? 4 * lanes * stride : 0],
    [abi.CONTEXT_ANGLES, 4 * ropes.length * stride * headDim],
    [abi.CONTEXT_X, 4 * stride * whole(hidden)],
    [abi.CONTEXT_NORMED, 4 * stride * whole(hidden)],
    [abi.CONTEXT_QKV, 4 * stride * (heads + 2 * kvHeads) * headDim],
    [abi.CONTEXT_MIXED, 4 * stride * whole(heads * headDim)],
    [abi.CONTEXT_GATE_UP, inner && 4 * inner * 2 * intermediate + 16],
    [abi.CONTEXT_ACTIVATED, 4 * inner * whole(intermediate)],
    [abi.CONTEXT_BYTES, 2 * input],
    [abi.CONTEXT_WIDE, 2 * input],
    [abi.CONTEXT_MARKS, input],
    [abi.CONTEXT_SCORES, 4 * threads * (heads / kvHeads) * stride * (quads(capacity) + quads(remainders))],
    [abi.CONTEXT_ROW, 4 * threads * 4 * headDim],
    [abi.CONTEXT_OBSERVED, observe ? 4 * 3 * slots : 0],
    [abi.CONTEXT_LOGITS, 4 * rows * vocab + 16],
    [abi.CONTEXT_LOSSES, 4 * rows],
    [abi.CONTEXT_BANNED, 4 * Math.ceil(vocab / 32)],
    [abi.CONTEXT_STAGES, shape.hidden ? 4 * (layers + 1) * stride * whole(hidden) : 0],
    [abi.CONTEXT_REMAINDER, remainderBytes(config, remainders)],
    [abi.CONTEXT_GONE, remainders > 0 ? 4 * goneWords(config, shape) : 0],
    [abi.CONTEXT_QUERIES, queryBytes(config, shape)],
    [abi.CONTEXT_ROUTED, 4 * stride * quads(count)],
    [abi.CONTEXT_ROUTES, experts ? 4 * (count + 1 + 4 * each) : 0],
    [abi.CONTEXT_GATHERED, 4 * each * whole(hidden)],
    [abi.CONTEXT_EXPERT_GATE_UP, each && 4 * each * 2 * width + 16],
    [abi.CONTEXT_EXPERT_ACTIVATED, 4 * each * whole(width)],
  ];
}

/** Lays out a context. */
export function layoutOf(config: ModelConfig, shape: ContextShape, threads: number): ContextLayout {
  const { layers, kvHeads, headDim } = config;
  let end = padded(4 * (abi.CONTEXT_HEADER + layers * abi.CACHE_WORDS));
  const place = (bytes: number): Region => {
    const from = end;
    end += padded(bytes);
    return { from, bytes };
  };
  const parts = new Map(partBytes(config, shape, threads).map(([word, bytes]) => [word, place(bytes)]));
  const cache = (rows: number) => place(bufferBytes(kvHeads * rows * kvRowBytes(headDim, shape.kv)));
  const keys = shape.rows.map(cache);
  const values = shape.rows.map(cache);
  return { parts, keys, values, bytes: end };
}

/** K and V, layer by layer, keys before values. */
export function cachesOf({ keys, values }: ContextLayout): Region[] {
  return keys.flatMap((one, i) => [one, values[i]]);
}

/** What a snapshot holds: K and V, and remainders where there are any. */
export function savedOf(layout: ContextLayout): Region[] {
  const remainder = layout.parts.get(abi.CONTEXT_REMAINDER)!;
  return remainder.bytes > 0 ? [...cachesOf(layout), remainder] : cachesOf(layout);
}

/** See EngineContext.savedBytes. */
export function savedBytes(layout: ContextLayout): number {
  return savedOf(layout).reduce((sum, { bytes }) => sum + bytes, 0);
}

/** Bytes of a context, part by part. */
export function contextBytes(config: ModelConfig, shape: ContextShape, threads: number): ContextBytes {
  const layout = layoutOf(config, shape, threads);
  const kv = savedBytes(layout);
  const slots = [abi.CONTEXT_POSITIONS, abi.CONTEXT_RANKS, abi.CONTEXT_ROWS, abi.CONTEXT_RANK_ANGLES, abi.CONTEXT_SLOTS]
    .reduce((sum, word) => sum + layout.parts.get(word)!.bytes, 0);
  return { kv, slots, scratch: layout.bytes - kv - slots, readback: 0 };
}

/** What a context is laid out for. */
export interface Held {
  readonly config: ModelConfig;
  readonly threads: number;
  readonly weightBytes: number;
}

/** See Engine.sizes. @throws RangeError where a Wasm memory cannot hold a context beside the weights */
export function sizesBeside({ config, threads, weightBytes }: Held, shape: ContextShape): ContextBytes {
  const sizes = contextBytes(config, shape, threads);
  const bytes = sizes.kv + sizes.slots + sizes.scratch;
  if (bytes > MOST - weightBytes) {
    const rule = `a Wasm memory holds ${megabytes(MOST, Math.floor)}, ${megabytes(weightBytes)} of it weights`;
    refuse("create session", rule, words(megabytes(bytes, Math.ceil)), { code: "no-memory", option: "budget" });
  }
  return sizes;
}

/** The words of a context that lies at `at`: they are to be sealed. */
export function contextWords(config: ModelConfig, shape: ContextShape, layout: ContextLayout, at: number): Uint32Array {
  const words = new Uint32Array(abi.CONTEXT_HEADER + config.layers * abi.CACHE_WORDS);
  words[abi.COUNT] = words.length;
  words[abi.CONTEXT_LENGTH] = layout.bytes;
  words[abi.CONTEXT_CAPACITY] = shape.capacity;
  words[abi.CONTEXT_STRIDE] = shape.stride;
  words[abi.CONTEXT_KV] = KV_TYPES.indexOf(shape.kv);
  words[abi.CONTEXT_ROW_BYTES] = kvRowBytes(config.headDim, shape.kv);
  words[abi.CONTEXT_REMAINDERS] = shape.remainders;
  words[abi.CONTEXT_FOLD_RANK] = shape.foldRank;
  words[abi.CONTEXT_FOLD_MOST] = shape.foldMost;
  const flags = { ...shape, maximum: shape.observe === "max" };
  words[abi.CONTEXT_FLAGS] = (flags.ranked ? abi.FLAG_RANKED : 0) | (flags.pooled ? abi.FLAG_POOLED : 0) |
    (flags.observe ? abi.FLAG_OBSERVED : 0) | (flags.maximum ? abi.FLAG_MAXIMUM : 0) |
    (flags.every ? abi.FLAG_EVERY : 0);
  for (const [word, { from, bytes }] of layout.parts) words[word] = bytes > 0 ? at + from : 0;
  for (let i = 0; i < config.layers; i++) {
    const cache = [at + layout.keys[i].from, at + layout.values[i].from, shape.rows[i]];
    words.set(cache, abi.CONTEXT_HEADER + i * abi.CACHE_WORDS);
  }
  return words;
}
