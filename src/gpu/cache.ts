/** The KV cache on the GPU and the feed that tells each step which tokens go into which slots. */
import { refuse } from "../errors.ts";
import { createBuffer, type Gpu, releaseBuffer, STORAGE } from "./device.ts";
import { kvRowBytes, type KvType } from "../engine/kv.ts";
import type { ModelConfig } from "../model/config.ts";
import type { Pool } from "../eviction/pool.ts";

/** What a cache is to hold. */
export interface CacheShape {
  /** Rows of K and V per layer and lane, on average over the layer's lanes: [layers]. */
  readonly rows: readonly number[];
  /** Slots per lane in arrays over all lanes: no lane ever has more. */
  readonly capacity: number;
  /** Most tokens of a step. */
  readonly stride: number;
  /** How K and V are stored. */
  readonly kv: KvType;
  /** Whether keys are stored unrotated and rotated by their rank among the lane's live slots. */
  readonly ranked: boolean;
  /** Whether the lanes of a layer share its rows, so that one may have more slots than another. */
  readonly pooled: boolean;
}

/** Buffers of one session's cache. They are made once and never grow. */
export interface Cache extends CacheShape {
  readonly lanes: number; // layers · kvHeads
  readonly keys: GPUBuffer[]; // per layer [kvHeads · rows, rowBytes]: a slot's row is kvHead · rows + slot, or as `places` says
  readonly values: GPUBuffer[]; // likewise
  readonly positions: GPUBuffer; // [lanes, capacity] i32, -1 is a free slot
  /** Ranked: each slot's rank; pooled: its row. [2, lanes, capacity] i32; null where neither is needed. */
  readonly places: GPUBuffer | null;
  readonly angles: GPUBuffer | null; // ranked: cos, sin by rank [capacity, 2, headDim / 2]
  readonly layers: GPUBufferBinding[]; // per layer: first lane, window, capacity, lanes, rows
  readonly feed: Feed;
  readonly rowBytes: number; // of K or V of one slot
  readonly kvBytes: number; // bytes of keys and values
  readonly bytes: number; // of all its buffers
  release(): void;
}

/**
 * What one step uploads, as the shaders read it (u32 words, floats by their bits):
 * ```
 * tokens | extent | first position | first rank | next id | 0 | 0 | 0 |
 * ids [tokens] | slots [lanes, tokens] | cos, sin [tokens, 2, headDim / 2] | pooled: rows [lanes, tokens]
 * ```
 */
export interface Feed {
  readonly buffer: GPUBuffer;
  readonly words: Uint32Array<ArrayBuffer>;
  readonly floats: Float32Array<ArrayBuffer>; // the same memory
}

const HEADER = 8; // words
const LAYER_BYTES = 32; // the kernels' Layer, padded

/** Bytes of K and V that one slot of every lane takes. */
export function slotBytes({ layers, kvHeads, headDim }: ModelConfig, kv: KvType): number {
  return layers * kvHeads * 2 * kvRowBytes(headDim, kv);
}

/** Bytes of a cache's buffers; 0 where there is none. */
export function cacheSizes({ device }: Gpu, { layers, kvHeads, headDim }: ModelConfig, shape: CacheShape) {
  const { rows, capacity, stride, kv, ranked, pooled } = shape;
  const lanes = layers * kvHeads;
  return {
    rows: rows.map((count) => kvHeads * count * kvRowBytes(headDim, kv)), // of keys, and of values
    positions: lanes * capacity * 4,
    feed: 4 * (HEADER + stride * (1 + lanes * (pooled ? 2 : 1) + headDim)),
    places: ranked || pooled ? 2 * lanes * capacity * 4 : 0,
    angles: ranked ? capacity * headDim * 4 : 0,
    layers: layers * Math.max(LAYER_BYTES, device.limits.minUniformBufferOffsetAlignment),
  };
}

/** @throws RangeError where one layer's keys exceed the adapter's largest binding, or a model's heads cannot be ranked */
export function checkCache(gpu: Gpu, config: ModelConfig, shape: CacheShape): void {
  const { rows, positions, places } = cacheSizes(gpu, config, shape);
  const { kvHeads, headDim } = config;
  if (Math.max(...rows, positions, places) > gpu.maxBinding) {
    const most = Math.floor(gpu.maxBinding / (kvHeads * kvRowBytes(headDim, shape.kv)));
    const needed = Math.max(...shape.rows);
    refuse("create session", `this adapter holds at most ${most} slots`, needed, {
      code: "no-memory",
      option: "budget",
    });
  }
  if (shape.ranked && headDim % 8 !== 0) {
    throw new RangeError(
      `Cannot create session: positions cache needs a head_dim that is a multiple of 8, got ${headDim}`,
    );
  }
}

/** Allocates the cache of a session; `shape` has been checked. */
export function createCache(gpu: Gpu, config: ModelConfig, shape: CacheShape): Cache {
  const { layers, kvHeads, headDim } = config;
  const { rows, capacity, kv } = shape;
  const lanes = layers * kvHeads;
  const sizes = cacheSizes(gpu, config, shape);
  const buffers: GPUBuffer[] = [];
  const create = (label: string, bytes: number, usage = STORAGE) => {
    const buffer = createBuffer(gpu, label, bytes, usage);
    buffers.push(buffer);
    return buffer;
  };
  const keys = sizes.rows.map((bytes, i) => create(`keys ${i}`, bytes));
  const values = sizes.rows.map((bytes, i) => create(`values ${i}`, bytes));
  const kvBytes = sizes.rows.reduce((sum, bytes) => sum + 2 * bytes, 0);
  const positions = create("positions", sizes.positions);
  const words = new Uint32Array(sizes.feed / 4);
  const feed = { buffer: create("feed", sizes.feed), words, floats: new Float32Array(words.buffer) };

  const places = sizes.places > 0 ? create("places", sizes.places) : null;
  const angles = sizes.angles > 0 ? create("angles", sizes.angles) : null;
  if (angles) {
    const table = new Float32Array(capacity * headDim);
    for (let rank = 0; rank < capacity; rank++) writeAngles(table, rank * headDim, rank, config.rope);
    gpu.device.queue.writeBuffer(angles, 0, table);
  }

  const uniforms = create("layers", sizes.layers, 0x40 | 0x8); // UNIFORM | COPY_DST
  const apart = sizes.layers / layers;
  const table = new Uint32Array(sizes.layers / 4);
  for (let i = 0; i < layers; i++) {
    table.set([i * kvHeads, config.windows[i], capacity, lanes, rows[i]], i * apart / 4);
  }
  gpu.device.queue.writeBuffer(uniforms, 0, table);

  return {
    ...shape,
    lanes,
    keys,
    values,
    positions,
    places,
    angles,
    layers: keys.map((_, i) => ({ buffer: uniforms, offset: i * apart, size: LAYER_BYTES })),
    feed,
    rowBytes: kvRowBytes(headDim, kv),
    kvBytes,
    bytes: buffers.reduce((sum, buffer) => sum + buffer.size, 0),
    release: () => buffers.forEach((buffer) => releaseBuffer(gpu, buffer)),
  };
}

/** Writes cos and sin of a position's angles, [2, headDim / 2], to `to` from `at`. */
function writeAngles(to: Float32Array, at: number, position: number, rope: Float32Array): void {
  for (let i = 0; i < rope.length; i++) {
    const angle = Math.fround(position * rope[i]); // rounded as the reference does
    to[at + i] = Math.cos(angle);
    to[at + rope.length + i] = Math.sin(angle);
  }
}

/**
 * Fills and uploads the feed of one step.
 * @param ids tokens of this step, `count` of them from `begin`
 * @param slots [lanes, count]: where each lane stores them
 * @param pool where lanes share rows: each slot takes one
 * @param first position of the first of them
 * @param firstRank its rank among the live slots of the longest lane
 * @param extent slots of a lane that may hold anything: the kernels look no further
 */
export function uploadFeed(
  gpu: Gpu,
  cache: Cache,
  rope: Float32Array, // inverse frequencies [headDim / 2]
  ids: ArrayLike<number>,
  begin: number,
  count: number,
  slots: Uint32Array,
  pool: Pool | null,
  first: number,
  firstRank: number,
  extent: number,
): void {
  const { words, floats, buffer } = cache.feed;
  words[0] = count;
  words[1] = extent;
  words[2] = first;
  words[3] = firstRank;
  words[4] = ids[begin + count] ?? 0; // what follows, where losses are asked for
  for (let t = 0; t < count; t++) words[HEADER + t] = ids[begin + t];
  words.set(slots, HEADER + count);
  let at = HEADER + count + cache.lanes * count;
  const origin = cache.ranked ? firstRank : first; // what queries are rotated by
  for (let t = 0; t < count; t++, at += 2 * rope.length) writeAngles(floats, at, origin + t, rope);
  for (let lane = 0; pool && lane < cache.lanes; lane++) {
    for (let t = 0; t < count; t++) words[at++] = pool.take(lane, slots[lane * count + t]);
  }
  gpu.device.queue.writeBuffer(buffer, 0, words, 0, at);
}
