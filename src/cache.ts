/** The KV cache on the GPU and the feed that tells each step which tokens go into which slots. */
import { createBuffer, type Gpu, releaseBuffer, STORAGE } from "./gpu/device.ts";
import type { ModelConfig } from "./model/config.ts";

/** Buffers of one session's cache. They are made once and never grow. */
export interface Cache {
  readonly capacity: number; // slots per lane
  readonly lanes: number; // layers · kvHeads
  readonly keys: GPUBuffer[]; // per layer [kvHeads, capacity, headDim]
  readonly values: GPUBuffer[]; // per layer [kvHeads, capacity, headDim]
  readonly positions: GPUBuffer; // [lanes, capacity] i32, -1 is a free slot
  /** Only where positions are counted in the cache: ranks [lanes, capacity] i32, and cos, sin by rank [capacity, 2, headDim / 2]. */
  readonly ranked: { readonly ranks: GPUBuffer; readonly angles: GPUBuffer } | null;
  readonly layers: GPUBufferBinding[]; // per layer: first lane, window, capacity, lanes
  readonly feed: Feed;
  readonly kvBytes: number; // bytes of keys and values
  readonly bytes: number; // of all its buffers
  release(): void;
}

/**
 * What one step uploads, as the shaders read it (u32 words, floats by their bits):
 * ```
 * tokens | extent | first position | first rank | next id | 0 | 0 | 0 |
 * ids [tokens] | slots [lanes, tokens] | cos, sin [tokens, 2, headDim / 2]
 * ```
 */
export interface Feed {
  readonly buffer: GPUBuffer;
  readonly words: Uint32Array<ArrayBuffer>;
  readonly floats: Float32Array<ArrayBuffer>; // the same memory
}

const HEADER = 8; // words

/** Bytes that one slot of every lane takes: K and V in f32. */
export function slotBytes(config: ModelConfig): number {
  return config.layers * config.kvHeads * config.headDim * 2 * 4;
}

/**
 * Allocates the cache of a session.
 * @param ranked whether keys are stored unrotated and rotated by their rank among the lane's live slots
 * @throws RangeError where one layer's keys exceed the adapter's largest binding, or a model's heads cannot be ranked.
 */
export function createCache(gpu: Gpu, config: ModelConfig, capacity: number, stride: number, ranked: boolean): Cache {
  const { layers, kvHeads, headDim } = config;
  const lanes = layers * kvHeads;
  const laneBytes = capacity * headDim * 4;
  const most = Math.floor(gpu.maxBinding / (kvHeads * headDim * 4));
  if (kvHeads * laneBytes > gpu.maxBinding || lanes * capacity * 4 > gpu.maxBinding) {
    throw new RangeError(`Cannot create session: this adapter holds at most ${most} slots, got ${capacity}`);
  }
  if (ranked && headDim % 8 !== 0) {
    throw new RangeError(
      `Cannot create session: positions cache needs a head_dim that is a multiple of 8, got ${headDim}`,
    );
  }
  const buffers: GPUBuffer[] = [];
  const create = (label: string, bytes: number, usage = STORAGE) => {
    const buffer = createBuffer(gpu, label, bytes, usage);
    buffers.push(buffer);
    return buffer;
  };
  const keys = Array.from({ length: layers }, (_, i) => create(`keys ${i}`, kvHeads * laneBytes));
  const values = Array.from({ length: layers }, (_, i) => create(`values ${i}`, kvHeads * laneBytes));
  const positions = create("positions", lanes * capacity * 4);
  const words = new Uint32Array(HEADER + stride * (1 + lanes + headDim));
  const feed = { buffer: create("feed", words.byteLength), words, floats: new Float32Array(words.buffer) };

  const ranks = ranked ? { ranks: create("ranks", lanes * capacity * 4), angles: create("angles", laneBytes) } : null;
  if (ranks) {
    const angles = new Float32Array(capacity * headDim);
    for (let rank = 0; rank < capacity; rank++) writeAngles(angles, rank * headDim, rank, config.rope);
    gpu.device.queue.writeBuffer(ranks.angles, 0, angles);
  }

  const apart = Math.max(16, gpu.device.limits.minUniformBufferOffsetAlignment); // bytes
  const uniforms = create("layers", layers * apart, 0x40 | 0x8); // UNIFORM | COPY_DST
  const table = new Uint32Array(layers * apart / 4);
  for (let i = 0; i < layers; i++) table.set([i * kvHeads, config.windows[i], capacity, lanes], i * apart / 4);
  gpu.device.queue.writeBuffer(uniforms, 0, table);

  return {
    capacity,
    lanes,
    keys,
    values,
    positions,
    ranked: ranks,
    layers: keys.map((_, i) => ({ buffer: uniforms, offset: i * apart, size: 16 })),
    feed,
    kvBytes: 2 * lanes * laneBytes,
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
 * @param first position of the first of them
 * @param firstRank its rank among the lane's live slots
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
  gpu.device.queue.writeBuffer(buffer, 0, words, 0, at);
}
