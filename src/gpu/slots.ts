/** Moving what a cache holds: which slot is whose, as the books have it, and the slots themselves from one cache to another. */
import type { Books } from "../eviction/books.ts";
import type { Cache } from "./cache.ts";
import type { Gpu } from "./device.ts";
import type { LoadedModel } from "../model/loaded.ts";
import type { Pool } from "../eviction/pool.ts";
import type { Stepper } from "../session/step.ts";

/** Tells the GPU which slots hold which positions (and ranks), as the books have it. */
export function uploadSlots(gpu: Gpu, books: Books, { positions, places, ranked, lanes, capacity }: Cache): void {
  gpu.device.queue.writeBuffer(positions, 0, books.positions());
  if (!ranked) return;
  const ranks = new Int32Array(lanes * capacity);
  const { longest } = books;
  books.forEachLane((lane, live) => {
    live.forEach((slot, rank) => ranks[lane * capacity + slot] = rank + longest - live.length);
  });
  gpu.device.queue.writeBuffer(places!, 0, ranks);
}

/** Tells the GPU which row of a shared pool each slot has; a step does so for the slots that it takes. */
export function uploadPoolRows(gpu: Gpu, pool: Pool, { places }: Cache): void {
  gpu.device.queue.writeBuffer(places!, pool.rows.byteLength, pool.rows);
}

/** Copies every lane's slots of a smaller cache into a larger one, and its books: for the policy full, which fills slots in order. */
export function growInto(gpu: Gpu, model: LoadedModel, from: Stepper, to: Stepper): void {
  const { seen } = from.books;
  if (seen === 0) return;
  const { kvHeads } = model.config;
  const { rowBytes } = from.cache;
  const encoder = gpu.device.createCommandEncoder();
  const laneBytes = (stepper: Stepper) => stepper.cache.capacity * rowBytes;
  const copy = (a: GPUBuffer, b: GPUBuffer) => {
    for (let head = 0; head < kvHeads; head++) {
      encoder.copyBufferToBuffer(a, head * laneBytes(from), b, head * laneBytes(to), seen * rowBytes);
    }
  };
  from.cache.keys.forEach((keys, i) => copy(keys, to.cache.keys[i]));
  from.cache.values.forEach((values, i) => copy(values, to.cache.values[i]));
  gpu.device.queue.submit([encoder.finish()]);
  to.books.claim(seen, true);
  to.books.advance(seen);
  from.books.groups.forEach(({ core }, i) => {
    const { core: larger } = to.books.groups[i];
    for (let lane = 0; lane < core.lanes; lane++) {
      const begin = lane * core.capacity;
      for (const part of ["sums", "squares", "births"] as const) {
        larger[part].set(core[part].subarray(begin, begin + seen), lane * larger.capacity);
      }
    }
  });
  uploadSlots(gpu, to.books, to.cache);
  Object.assign(to.clock, from.clock);
  to.peak = from.peak;
}

/** Copies the K and V of one cache into another of the same shape. */
export function copySlots(gpu: Gpu, from: Cache, to: Cache): void {
  const encoder = gpu.device.createCommandEncoder();
  const targets = kvBuffers(to);
  kvBuffers(from).forEach((buffer, i) => encoder.copyBufferToBuffer(buffer, 0, targets[i], 0, buffer.size));
  gpu.device.queue.submit([encoder.finish()]);
}

/** Every buffer that holds K or V, layer by layer. */
export function kvBuffers({ keys, values }: Cache): GPUBuffer[] {
  return keys.flatMap((buffer, i) => [buffer, values[i]]);
}
