/** What a session will hold, in bytes, before any of it is made. */
import type { ContextBytes, ContextShape } from "../engine/engine.ts";
import { kvRowBytes } from "../engine/kv.ts";
import { MOST_SUMMED } from "../engine/remainder.ts";
import { type Grouping, groupingOf } from "../eviction/shares.ts";
import type { LoadedModel } from "../model/loaded.ts";
import type { CheckedSession } from "../options/index.ts";
import { readsAttention, readsQueries, readsVectors } from "../eviction/rule.ts";

/** Bytes that one session holds, all of them made at its start (a full cache's: when a generation begins). */
export interface Memory {
  /** K and V of `capacity` slots of every lane: the budget, and those that reading a prompt needs on top. */
  readonly kv: number;
  /** Positions (and ranks) of the slots, and the feed of a step. */
  readonly slots: number;
  /** Activations of `stride` tokens, attention scores of a chunk over every slot, observations, logits. */
  readonly scratch: number;
  /** What a step maps back to the host. */
  readonly readback: number;
  /** All of the above: GPU memory. */
  readonly gpu: number;
  /** The Wasm core's books, and keys and values where the policy reads them: host memory. */
  readonly wasm: number;
  /** What each part is made of, in words. */
  readonly why: Readonly<Record<"kv" | "slots" | "scratch" | "readback" | "wasm", string>>;
}

/** What a session holds before it has a cache. */
export const NO_MEMORY: Memory = {
  ...{ kv: 0, slots: 0, scratch: 0, readback: 0, gpu: 0, wasm: 0 },
  why: { kv: "", slots: "", scratch: "", readback: "", wasm: "" },
};

/** A session's parts, and what they take. */
export interface Sizes {
  readonly grouping: Grouping;
  readonly shape: ContextShape;
  readonly memory: Omit<Memory, "wasm">;
}

/** What a context is made for besides sessions. */
export interface Purpose {
  /** Whether logits and losses of every token are wanted. */
  readonly every?: boolean;
  /** Whether hidden states are, too. */
  readonly hidden?: boolean;
  /** Whether attention is written down, though nobody else may need it. */
  readonly records?: boolean;
}

/** Bytes of all the parts that the engine holds. */
export function totalOf({ kv, slots, scratch, readback }: ContextBytes): number {
  return kv + slots + scratch + readback;
}

/** Bytes of K and V that one slot of every lane takes. */
export function slotBytes({ layers, kvHeads, headDim }: LoadedModel["config"], kv: CheckedSession["kv"]): number {
  return layers * kvHeads * 2 * kvRowBytes(headDim, kv);
}

/**
 * The sizes of a context of `slots` slots per lane, on average.
 * @throws RangeError where a buffer would be larger than the adapter can bind
 */
export function sizesOf(
  { engine, config }: LoadedModel,
  options: CheckedSession,
  slots: number,
  { every = false, hidden = false, records = options.record !== null || options.onStep !== null }: Purpose = {},
): Sizes {
  const { stride, kv, positions } = options;
  const grouping = groupingOf(config, options, slots);
  const capacity = Math.max(...grouping.shapes.map(({ capacity }) => capacity));
  const { rows, pooled } = grouping;
  const observe = readsAttention(options) || records ? options.aggregate : null;
  const ranked = positions === "cache";
  // What was evicted is older than what was not, but for the sinks: it stands where the oldest of these does.
  const foldRank = Math.min(options.sinks, capacity - 1);
  const remainders = options.policy === "full" ? 0 : options.remainder;
  // And where positions count live slots, no more tokens than these are to be seen at once.
  const foldMost = ranked ? Math.max(1, Math.floor(options.budget / Math.max(1, remainders))) : MOST_SUMMED;
  const shape = {
    ...{
      rows,
      pooled,
      capacity,
      stride,
      kv,
      ranked,
      tells: readsVectors(options),
      asks: readsQueries(options),
      observe,
    },
    ...{ remainders, foldRank, foldMost, every, hidden },
  };
  const bytes = engine.sizes(shape);
  const why = explain(config, options, slots, observe !== null);
  return { grouping, shape, memory: { ...bytes, gpu: totalOf(bytes), why } };
}

function explain(
  { layers, kvHeads, headDim, vocab }: LoadedModel["config"],
  options: CheckedSession,
  slots: number,
  observed: boolean,
): Memory["why"] {
  const { policy, budget, stride, spare, kv, allocation, window, remainder } = options;
  const vectors = readsVectors(options) ? ", and their keys and values in f32" : "";
  const made = policy === "full" || slots > budget + spare ? "" : ` (budget ${budget} + spare ${spare})`;
  const parts = `${slots} slots${made}`;
  const lanes = `${layers * kvHeads} lanes${allocation === "uniform" ? "" : " on average"}`;
  const sums = policy === "full" || remainder === 0
    ? ""
    : ` and ${remainder} × 2 × ${headDim} numbers in f32 of what was evicted`;
  const rows = observed ? `attention of ${stride} queries over every slot` : `attention of ${stride} queries`;
  return {
    kv: `${parts} × ${lanes} × 2 × ${kvRowBytes(headDim, kv)} bytes of ${headDim} numbers in ${kv}${sums}`,
    slots: "which position each slot holds, and the ids, slots and angles of a step",
    scratch: `activations and ${rows}, logits of ${vocab} ids`,
    readback: `logits, the id chosen${observed ? ", and the attention that every slot received" : ""}`,
    wasm: `scores and places of every slot${window > 0 ? `, and ${window} rows of its attention` : ""}${vectors}`,
  };
}
