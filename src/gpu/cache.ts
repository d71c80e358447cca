/** The KV cache on the GPU: its buffers, and moving what they hold. */
import type { ModelConfig } from "../engine/config.ts";
import type { ContextShape } from "../engine/engine.ts";
import { kvRowBytes, runsOf } from "../engine/kv.ts";
import { goneWords, remainderBytes } from "../engine/remainder.ts";
import { writeTurns } from "../engine/stored.ts";
import { refuse } from "../errors.ts";
import { createBuffer, type Gpu, releaseBuffer, STORAGE } from "./device.ts";
import { createFeed, type Feed, feedBytes } from "./feed.ts";

/** Buffers of one context's cache. They are made once and never grow. */
export interface Cache {
  readonly shape: ContextShape;
  readonly lanes: number; // layers · kvHeads
  readonly keys: GPUBuffer[]; // per layer [kvHeads · rows, rowBytes]: a slot's row is kvHead · rows + slot, or as `places` says
  readonly values: GPUBuffer[]; // likewise
  readonly positions: GPUBuffer; // [lanes, capacity] i32, -1 is a free slot; and whether anything was clamped
  /** Ranked: each slot's rank; pooled: its row. [2, lanes, capacity] i32; null where neither is needed. */
  readonly places: GPUBuffer | null;
  readonly angles: GPUBuffer | null; // ranked: cos, sin by rank [ropes, capacity, 2, headDim / 2]
  readonly remainder: GPUBuffer | null; // f32 [lanes, remainders, 2, headDim], [lanes, remainders]: see fold.wgsl; null: none
  readonly gone: GPUBuffer | null; // what is to be summed up: see EngineContext.fold
  readonly layers: GPUBufferBinding[]; // per layer: first lane, window, capacity, lanes, rows, rope
  readonly feed: Feed;
  readonly rowBytes: number; // of K or V of one slot
  release(): void;
}

const LAYER_BYTES = 32; // the kernels' Layer, padded

/** Bytes of a cache's buffers; 0 where there is none. */
export function cacheSizes({ device }: Gpu, config: ModelConfig, shape: ContextShape) {
  const { layers, kvHeads, headDim } = config;
  const { rows, capacity, kv, ranked, pooled, remainders } = shape;
  const lanes = layers * kvHeads;
  return {
    rows: rows.map((count) => kvHeads * count * kvRowBytes(headDim, kv)), // of keys, and of values
    positions: lanes * capacity * 4 + 4,
    feed: feedBytes(config, shape),
    places: ranked || pooled ? 2 * lanes * capacity * 4 : 0,
    angles: ranked ? config.ropes.length * capacity * headDim * 4 : 0,
    remainder: remainderBytes(config, remainders),
    gone: remainders > 0 ? 4 * goneWords(config, shape) : 0,
    layers: layers * Math.max(LAYER_BYTES, device.limits.minUniformBufferOffsetAlignment),
  };
}

/** @throws RangeError where one layer's keys exceed the adapter's largest binding, or a model's heads cannot be ranked */
export function checkCache(gpu: Gpu, config: ModelConfig, shape: ContextShape): void {
  const { rows, positions, places } = cacheSizes(gpu, config, shape);
  const { kvHeads, headDim } = config;
  if (Math.max(...rows, positions, places) > gpu.maxBinding) {
    const most = Math.floor(gpu.maxBinding / (kvHeads * kvRowBytes(headDim, shape.kv)));
    const needed = Math.max(...shape.rows);
    const more = { code: "no-memory", option: "budget" } as const;
    refuse("create session", `this adapter holds at most ${most} slots`, needed, more);
  }
  if (shape.ranked && headDim % 8 !== 0) {
    const more = { code: "unsupported", option: "positions" } as const;
    refuse("create session", "positions cache needs a head_dim that is a multiple of 8", headDim, more);
  }
}

/** Allocates the cache of a session; `shape` has been checked. */
export function createCache(gpu: Gpu, config: ModelConfig, shape: ContextShape): Cache {
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
  const positions = create("positions", sizes.positions);
  const feed = createFeed(create("feed", sizes.feed));

  const places = sizes.places > 0 ? create("places", sizes.places) : null;
  const angles = sizes.angles > 0 ? create("angles", sizes.angles) : null;
  if (angles) {
    const table = new Float32Array(sizes.angles / 4);
    writeTurns(table, 0, config.ropes, 0, capacity);
    gpu.device.queue.writeBuffer(angles, 0, table);
  }

  const remainder = sizes.remainder > 0 ? create("remainder", sizes.remainder) : null;
  const gone = sizes.gone > 0 ? create("gone", sizes.gone) : null;

  const uniforms = create("layers", sizes.layers, 0x40 | 0x8); // UNIFORM | COPY_DST
  const apart = sizes.layers / layers;
  const table = new Uint32Array(sizes.layers / 4);
  for (let i = 0; i < layers; i++) {
    table.set([i * kvHeads, config.windows[i], capacity, lanes, rows[i], config.layerRopes[i]], i * apart / 4);
  }
  gpu.device.queue.writeBuffer(uniforms, 0, table);

  return {
    shape,
    lanes,
    keys,
    values,
    positions,
    places,
    angles,
    remainder,
    gone,
    layers: keys.map((_, i) => ({ buffer: uniforms, offset: i * apart, size: LAYER_BYTES })),
    feed,
    rowBytes: kvRowBytes(headDim, kv),
    release: () => buffers.forEach((buffer) => releaseBuffer(gpu, buffer)),
  };
}

/** Every buffer that holds K or V, layer by layer. */
export function kvBuffers({ keys, values }: Cache): GPUBuffer[] {
  return keys.flatMap((buffer, i) => [buffer, values[i]]);
}

/** And remainders, where there are any: all that a snapshot holds. */
export function savedBuffers(cache: Cache): GPUBuffer[] {
  return cache.remainder ? [...kvBuffers(cache), cache.remainder] : kvBuffers(cache);
}

/** Copies the K, V and remainders of one cache into another of the same shape. */
export function copyCache({ device }: Gpu, from: Cache, to: Cache): void {
  const encoder = device.createCommandEncoder();
  const targets = savedBuffers(to);
  savedBuffers(from).forEach((buffer, i) => encoder.copyBufferToBuffer(buffer, 0, targets[i], 0, buffer.size));
  device.queue.submit([encoder.finish()]);
}

/** Copies K and V into a larger cache, where rows keep their numbers. */
export function growCache({ device }: Gpu, config: ModelConfig, from: Cache, to: Cache): void {
  const encoder = device.createCommandEncoder();
  const targets = kvBuffers(to);
  const runs = runsOf(config, from.shape, to.shape);
  kvBuffers(from).forEach((buffer, i) => {
    for (const { source, target, bytes } of runs[i >> 1]) {
      encoder.copyBufferToBuffer(buffer, source, targets[i], target, bytes);
    }
  });
  if (from.remainder) encoder.copyBufferToBuffer(from.remainder, 0, to.remainder!, 0, from.remainder.size);
  device.queue.submit([encoder.finish()]);
}
