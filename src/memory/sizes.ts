/** What a session will hold, in bytes, before any of it is made. */
import { refuse, words } from "../errors.ts";
import { type CacheShape, cacheSizes, checkCache } from "../gpu/cache.ts";
import { bufferBytes } from "../gpu/device.ts";
import { kvRowBytes } from "../engine/kv.ts";
import { scratchSizes, type Work } from "../gpu/forward.ts";
import type { LoadedModel } from "../model/loaded.ts";
import type { CheckedSession } from "../options/index.ts";
import { readsAttention } from "../policies/rule.ts";
import { type Grouping, groupingOf } from "../eviction/shares.ts";

/** Bytes that one session holds, all of them made at its start (a full cache's: when a generation begins). */
export interface Memory {
  /** K and V of `capacity` slots of every lane: the budget, and the stride that reading a prompt needs on top. */
  readonly kv: number;
  /** Positions (and ranks) of the slots, and the feed of a step. */
  readonly slots: number;
  /** Activations of `stride` tokens, attention scores of a chunk over every slot, observations, logits. */
  readonly scratch: number;
  /** What a step maps back to the host. */
  readonly readback: number;
  /** All of the above: GPU memory. */
  readonly gpu: number;
  /** The Wasm core's books: host memory. */
  readonly wasm: number;
  /** What each part is made of, in words. */
  readonly why: Readonly<Record<"kv" | "slots" | "scratch" | "readback" | "wasm", string>>;
}

/** A session's parts, and what its GPU buffers take. */
export interface Sizes {
  readonly grouping: Grouping;
  readonly shape: CacheShape;
  readonly work: Work;
  /** Where in the readback the greedy id and the observations begin, and its bytes. */
  readonly readback: { readonly chosenAt: number; readonly observedAt: number; readonly bytes: number };
  readonly memory: Omit<Memory, "wasm">;
}

const sum = (bytes: number[]) => bytes.reduce((total, one) => total + bufferBytes(one), 0);

/**
 * The sizes of a context of `slots` slots per lane, on average.
 * @param every whether logits of every token are wanted @param records whether attention is written down
 * @throws RangeError where a buffer would be larger than the adapter can bind
 */
export function sizesOf(
  { gpu, config }: LoadedModel,
  options: CheckedSession,
  slots: number,
  every = false,
  records = options.record !== null,
): Sizes {
  const { stride, kv, positions } = options;
  const grouping = groupingOf(config, options, slots);
  const capacity = Math.max(...grouping.shapes.map(({ capacity }) => capacity));
  const lanes = config.layers * config.kvHeads;
  const { rows, pooled } = grouping;
  const shape = { rows, pooled, capacity, stride, kv, ranked: positions === "cache" };
  const observe = readsAttention(options) || records ? options.aggregate : null;
  const work = { stride, observe, every };
  const scratch = scratchSizes(config, { lanes, capacity }, work);
  checkScratch(gpu.maxBinding, scratch);
  checkCache(gpu, config, shape);

  const { rows: kvRows, ...rest } = cacheSizes(gpu, config, shape);
  // Logits [vocab] or losses | greedy id, padded to 16 bytes | Σp, Σp², last p, a plane each. A step maps what it needs.
  const chosenAt = Math.ceil(Math.max(config.vocab, stride) / 4) * 16;
  const observedAt = chosenAt + 16;
  const readback = { chosenAt, observedAt, bytes: observedAt + (observe ? 3 * lanes * capacity * 4 : 0) };
  const kvBytes = 2 * kvRows.reduce((total, bytes) => total + bytes, 0);
  const parts = {
    kv: kvBytes,
    slots: 2 * sum(kvRows) - kvBytes + sum(Object.values(rest).filter((bytes) => bytes > 0)),
    scratch: sum(Object.values(scratch)),
    readback: bufferBytes(readback.bytes),
  };
  const gpuBytes = parts.kv + parts.slots + parts.scratch + parts.readback;
  const why = explain(config, options, slots, lanes, observe !== null);
  return { grouping, shape, work, readback, memory: { ...parts, gpu: gpuBytes, why } };
}

function explain(
  { headDim, vocab }: LoadedModel["config"],
  { policy, budget, stride, kv, allocation, window }: CheckedSession,
  slots: number,
  lanes: number,
  observed: boolean,
): Memory["why"] {
  const parts = policy === "full" ? `${slots} slots` : `${slots} slots (budget ${budget} + stride ${stride})`;
  const mean = allocation === "uniform" ? "" : " on average";
  const rows = observed ? `attention of ${stride} queries over every slot` : `attention of ${stride} queries`;
  return {
    kv: `${parts} × ${lanes} lanes${mean} × 2 × ${kvRowBytes(headDim, kv)} bytes of ${headDim} numbers in ${kv}`,
    slots: "which position each slot holds, and the ids, slots and angles of a step",
    scratch: `activations and ${rows}, logits of ${vocab} ids`,
    readback: `logits, the id chosen${observed ? ", and the attention that every slot received" : ""}`,
    wasm: `scores and places of every slot${window > 0 ? `, and ${window} rows of its attention` : ""}`,
  };
}

/** @throws RangeError where a scratch buffer would be larger than the adapter can bind */
function checkScratch(most: number, sizes: ReturnType<typeof scratchSizes>): void {
  const check = (what: string, bytes: number, remedy: string) => {
    if (bytes <= most) return;
    const rule = `${what} must fit the adapter's largest binding of ${most}`;
    refuse("create session", rule, words(`${bytes}; ${remedy}`), { code: "no-memory" });
  };
  const remedy = "fewer slots (of the budget, or of a full cache's tokens) or a smaller stride fit";
  check("heads · stride · slots · 4 bytes", sizes.scores, remedy);
  check("the largest scratch buffer", Math.max(...Object.values(sizes)), "fewer slots or a smaller stride fit");
}
