/** A context on the GPU: its cache, its scratch, and the one wait of a pass. */
import type { ContextBytes, ContextShape, EngineContext, Pass } from "../engine/engine.ts";
import { refuseFailed } from "../engine/failure.ts";
import { queryBytes, toldBytes } from "../engine/kv.ts";
import { bufferBytes } from "../engine/stored.ts";
import { readRanges, wholeOf } from "./buffers.ts";
import { type Cache, cacheSizes, checkCache, copyCache, createCache, growCache, savedBuffers } from "./cache.ts";
import { type Gpu, releaseBuffer } from "./device.ts";
import { uploadFeed } from "./feed.ts";
import { encode, encodeFold, type Forward } from "./forward.ts";
import { createOps } from "./ops.ts";
import { createReadback, mapped } from "./readback.ts";
import { checkScratch, createScratch, pad8, scratchSizes } from "./scratch.ts";
import type { GpuModel } from "./weights.ts";

const padded = (bytes: number[]) => bytes.reduce((sum, one) => sum + (one > 0 ? bufferBytes(one) : 0), 0);

/** Where in the readback the greedy id and the observations begin, and its bytes. A pass maps what it needs. */
function readbackShape({ config }: GpuModel, shape: ContextShape) {
  const { observe, stride, capacity } = shape;
  // Logits [vocab] or losses | greedy id, whether anything was clamped, padded to 16 bytes | Σp, Σp², last p, a plane each | right behind them, rows of K and V.
  const chosenAt = Math.ceil(Math.max(config.vocab, stride) / 4) * 16;
  const observedAt = chosenAt + 16;
  const plane = config.layers * config.kvHeads * capacity; // floats
  return {
    chosenAt,
    observedAt,
    plane,
    bytes: observedAt + (observe ? 3 * plane * 4 : 0) + toldBytes(config, shape, stride) + queryBytes(config, shape),
  };
}

/** See Engine.sizes. */
export function contextBytes(model: GpuModel, shape: ContextShape): ContextBytes {
  const { gpu, config } = model;
  const scratch = scratchSizes(config, shape);
  checkScratch(gpu.maxBinding, scratch);
  checkCache(gpu, config, shape);
  const { rows, remainder, ...rest } = cacheSizes(gpu, config, shape);
  const kv = 2 * rows.reduce((sum, bytes) => sum + bytes, 0) + remainder;
  return {
    kv,
    slots: 2 * padded(rows) + remainder - kv + padded(Object.values(rest)),
    scratch: padded(Object.values(scratch)),
    readback: bufferBytes(readbackShape(model, shape).bytes),
  };
}

/** See Engine.context. */
export class GpuContext implements EngineContext {
  readonly shape: ContextShape;
  readonly bytes: ContextBytes;
  readonly logits: Float32Array<ArrayBuffer>;
  readonly losses: Float32Array<ArrayBuffer>;
  waited = 0;
  clamped = false;
  readonly #gpu: Gpu;
  readonly #cache: Cache;
  readonly #forward: Forward;
  readonly #readback: GPUBuffer;
  readonly #at: ReturnType<typeof readbackShape>;
  readonly #releaseScratch: () => void;

  constructor(model: GpuModel, shape: ContextShape) {
    const { gpu, config } = model;
    this.bytes = contextBytes(model, shape);
    this.shape = shape;
    this.logits = new Float32Array(config.vocab);
    this.losses = new Float32Array(shape.stride);
    this.#gpu = gpu;
    this.#at = readbackShape(model, shape);
    this.#cache = createCache(gpu, config, shape);
    const { scratch, release } = createScratch(gpu, config, shape);
    this.#releaseScratch = release;
    const ops = createOps({ model, cache: this.#cache, scratch });
    this.#forward = { config, cache: this.#cache, scratch, ops };
    this.#readback = createReadback(gpu, this.#at.bytes);
  }

  async pass(pass: Pass): Promise<number> {
    const { count, wanted, observations, told, queries } = pass;
    const { device } = this.#gpu;
    const { config, cache, scratch } = this.#forward;
    if (this.#gpu.failure) refuseFailed("generate", this.#gpu.failure);
    uploadFeed(this.#gpu, cache.feed, pass, { ropes: config.ropes, ranked: this.shape.ranked });
    const encoder = device.createCommandEncoder();
    const { extent, reused } = pass;
    encode(encoder, this.#forward, { tokens: count, extent, reused, logits: wanted !== "nothing" });

    const { chosenAt, observedAt, plane } = this.#at;
    const floats = wanted === "logits" ? config.vocab : wanted === "losses" ? count : 0;
    const from = chosenAt - Math.ceil(floats / 4) * 16;
    const observed = observations ? (count === 1 ? plane : 3 * plane) : 0; // floats
    const source = wanted === "losses" ? scratch.losses : scratch.logits;
    if (floats > 0) encoder.copyBufferToBuffer(source, 0, this.#readback, from, floats * 4);
    encoder.copyBufferToBuffer(scratch.chosen, 0, this.#readback, chosenAt, 16);
    encoder.copyBufferToBuffer(cache.positions, 4 * plane, this.#readback, chosenAt + 4, 4);
    if (observed > 0) encoder.copyBufferToBuffer(scratch.observed, 0, this.#readback, observedAt, observed * 4);
    const toldAt = observedAt + observed * 4;
    const queriesAt = toldAt + (told?.length ?? 0);
    const end = queriesAt + (queries?.byteLength ?? 0);
    if (told) encoder.copyBufferToBuffer(scratch.told!, 0, this.#readback, toldAt, told.length);
    if (queries) encoder.copyBufferToBuffer(scratch.queries!, 0, this.#readback, queriesAt, queries.byteLength);
    device.queue.submit([encoder.finish()]);

    const submitted = performance.now();
    const range = await mapped("generate", this.#gpu, this.#readback, {
      offset: from,
      bytes: end - from,
    });
    this.waited = performance.now() - submitted;
    const chosen = new Uint32Array(range, chosenAt - from, 2);
    const id = chosen[0];
    this.clamped = chosen[1] > 0;
    if (floats > 0) (wanted === "logits" ? this.logits : this.losses).set(new Float32Array(range, 0, floats));
    if (observed > 0) observations!.set(new Float32Array(range, observedAt - from, observed));
    told?.set(new Uint8Array(range, toldAt - from, told.length));
    queries?.set(new Float32Array(range, queriesAt - from, queries.length));
    this.#readback.unmap();
    return id;
  }

  place(positions: Int32Array<ArrayBuffer>, ranks: Int32Array<ArrayBuffer> | null): void {
    const { queue } = this.#gpu.device;
    queue.writeBuffer(this.#cache.positions, 0, positions);
    if (ranks) queue.writeBuffer(this.#cache.places!, 0, ranks);
  }

  placeRows(rows: Int32Array<ArrayBuffer>): void {
    this.#gpu.device.queue.writeBuffer(this.#cache.places!, rows.byteLength, rows);
  }

  fold(gone: Uint32Array<ArrayBuffer>): void {
    const { device } = this.#gpu;
    const { cache } = this.#forward;
    device.queue.writeBuffer(cache.gone!, 0, gone, 0, cache.lanes + 1 + gone[cache.lanes]);
    const encoder = device.createCommandEncoder();
    encodeFold(encoder, this.#forward);
    device.queue.submit([encoder.finish()]);
  }

  forget(): void {
    const { device } = this.#gpu;
    const { remainder } = this.#cache;
    if (!remainder) return;
    const encoder = device.createCommandEncoder();
    encoder.clearBuffer(remainder);
    device.queue.submit([encoder.finish()]);
  }

  ban(bits: Uint32Array<ArrayBuffer>): void {
    this.#gpu.device.queue.writeBuffer(this.#forward.scratch.banned, 0, bits);
  }

  async read(count: number, logits: Float32Array, hidden: Float32Array): Promise<void> {
    const { config, scratch } = this.#forward;
    const pitch = pad8(config.hidden); // floats between rows of hidden states
    const stages = config.layers + 1;
    const stage = this.shape.stride * pitch; // floats
    const floats = new Float32Array(count * config.vocab + stages * stage);
    const ranges = [{ buffer: scratch.logits, from: 0, bytes: 4 * count * config.vocab }];
    ranges.push({ buffer: scratch.captured!, from: 0, bytes: 4 * stages * stage });
    await readRanges("generate", this.#gpu, { readback: this.#readback, ranges, into: new Uint8Array(floats.buffer) });
    logits.set(floats.subarray(0, count * config.vocab));
    for (let i = 0; i < stages; i++) {
      for (let t = 0; t < count; t++) {
        const at = count * config.vocab + i * stage + t * pitch;
        hidden.set(floats.subarray(at, at + config.hidden), (i * count + t) * config.hidden);
      }
    }
  }

  async states(count: number, stage: number, into: Float32Array): Promise<void> {
    const { config: { hidden }, scratch } = this.#forward;
    const pitch = pad8(hidden); // floats between rows
    const floats = new Float32Array(count * pitch);
    const ranges = [{
      buffer: scratch.captured!,
      from: 4 * stage * this.shape.stride * pitch,
      bytes: floats.byteLength,
    }];
    await readRanges("read hidden states", this.#gpu, {
      readback: this.#readback,
      ranges,
      into: new Uint8Array(floats.buffer),
    });
    for (let t = 0; t < count; t++) into.set(floats.subarray(t * pitch, t * pitch + hidden), t * hidden);
  }

  get savedBytes(): number {
    return savedBuffers(this.#cache).reduce((sum, { size }) => sum + size, 0);
  }

  async save(action: string, into: Uint8Array): Promise<void> {
    const ranges = savedBuffers(this.#cache).map(wholeOf);
    await readRanges(action, this.#gpu, { readback: this.#readback, ranges, into });
  }

  load(bytes: Uint8Array<ArrayBuffer>): void {
    let at = 0;
    for (const buffer of savedBuffers(this.#cache)) {
      this.#gpu.device.queue.writeBuffer(buffer, 0, bytes, at, buffer.size);
      at += buffer.size;
    }
  }

  copyFrom(other: EngineContext): void {
    copyCache(this.#gpu, (other as GpuContext).#cache, this.#cache);
  }

  growFrom(other: EngineContext): void {
    growCache(this.#gpu, this.#forward.config, (other as GpuContext).#cache, this.#cache);
  }

  release(): void {
    this.#cache.release();
    this.#releaseScratch();
    releaseBuffer(this.#gpu, this.#readback);
  }
}
