/** One step: claim slots, upload once, submit once, read back once, observe, evict. */
import { type Cache, createCache, uploadFeed } from "../gpu/cache.ts";
import { Books, type Group } from "../eviction/books.ts";
import { EvictionWatch, Tenants } from "../eviction/evictions.ts";
import { checkMemory } from "../memory/fit.ts";
import { releaseBuffer } from "../gpu/device.ts";
import { createReadback, mapped } from "../gpu/readback.ts";
import { createForward, type Forward, type StepShape } from "../gpu/forward.ts";
import type { LoadedModel } from "../model/loaded.ts";
import type { CheckedSession } from "../options/index.ts";
import { ruleOf } from "../policies/rule.ts";
import { Pool } from "../eviction/pool.ts";
import type { Recorder } from "../recording/recorder.ts";
import { Shares } from "../eviction/shares.ts";
import { type Memory, sizesOf } from "../memory/sizes.ts";
import { uploadSlots } from "../gpu/slots.ts";

/** Milliseconds spent in steps: all of it, waiting for the GPU's answer, and in the Wasm core. */
export interface Clock {
  total: number;
  wait: number;
  wasm: number;
}

/**
 * What a step is to give: nothing (a chunk inside a prompt), the greedy id, logits to sample from, or the losses of all its
 * tokens (only with logits of every token).
 */
export type Wanted = "nothing" | "id" | "logits" | "losses";

/** Cache, books and forward pass of one context, stepped together. */
export interface Stepper {
  readonly books: Books;
  readonly cache: Cache;
  readonly forward: Forward;
  readonly clock: Clock;
  /** Logits of the newest token after a step that wanted them: [vocab]. */
  readonly logits: Float32Array<ArrayBuffer>;
  /** -ln p of the id that follows each token of a step that wanted losses: [stride]. */
  readonly losses: Float32Array<ArrayBuffer>;
  /** Most live slots per lane, on average over the lanes, that any step has seen, its own tokens included. */
  peak: number;
  /**
   * Takes in `count` tokens of `ids` from `begin`, at most the session's stride, and evicts back to the budget.
   * @returns the greedy id where an id is wanted
   * @throws Error when the device fails; the context is then lost
   */
  step(ids: ArrayLike<number>, begin: number, count: number, wanted: Wanted): Promise<number>;
  /** As step, but evicts nothing. @param observed false: attention is not counted, see Core.claim */
  take(ids: ArrayLike<number>, begin: number, count: number, wanted: Wanted, observed?: boolean): Promise<number>;
  /** Where lanes differ in budget: their rows, and how these are shared out. */
  readonly pool: Pool | null;
  readonly shares: Shares | null;
  /** Ids of the live tokens, where somebody asks who was evicted. */
  readonly tenants: Tenants | null;
  /** Slots per lane that it was made with. */
  readonly slots: number;
  /** What a step maps back to the host; between steps it is free. */
  readonly readback: GPUBuffer;
  /** Why these books can no longer be trusted. */
  readonly fault: Error | null;
  /** Evicts `n` tokens from every lane of a group: those the policy chooses, or those in the slots given, [lanes, n]. */
  evict(group: Group, n: number, chosen?: ArrayLike<number>): void;
  /** Bytes held on the GPU and in the core: see Memory. */
  readonly memory: Memory;
  /** Forgets everything; buffers stay. */
  reset(): void;
  release(): void;
}

/**
 * Makes a context of `slots` slots per lane, on average: the budget, and what a step takes in on top.
 * @param every see createForward; logits of every token stay on the GPU in forward.logits
 * @param more.tap see StepShape @param more.recorder writes down the attention of every step
 * @param more.ids keeps the ids of live tokens though nobody asks yet
 * @throws RangeError where the adapter's largest binding or the model's memory is too small; nothing is made then
 */
export function createStepper(
  model: LoadedModel,
  options: CheckedSession,
  slots: number,
  every = false,
  { tap, recorder = null, ids = false }: { tap?: StepShape["tap"]; recorder?: Recorder | null; ids?: boolean } = {},
): Stepper {
  const { gpu, config, weights, pipelines } = model;
  const { stride } = options;
  const { kvHeads } = config;
  const sizes = sizesOf(model, options, slots, every, recorder !== null);
  checkMemory(model, options, slots, sizes.memory.gpu, every);
  const { grouping, shape, work } = sizes;
  const needsAttention = work.observe !== null;
  const books = new Books(grouping.shapes, options, (part) => ruleOf(options, part));
  const { onEvict } = options;
  const tenants = onEvict || recorder || ids ? new Tenants(books) : null;
  const watch = onEvict && new EvictionWatch(books, tenants!, kvHeads, onEvict);
  recorder?.begin(config, options);
  const { rows, pooled, capacity } = shape;
  const cache = createCache(gpu, config, shape);
  const pool = pooled ? new Pool(rows, kvHeads, capacity) : null;
  const shares = pooled ? new Shares(books, kvHeads, options) : null;
  const forward = createForward(gpu, pipelines, config, weights, cache, work);
  const plane = books.lanes * capacity; // floats of one plane of observations
  const { chosenAt, observedAt } = sizes.readback;
  const readback = createReadback(gpu, sizes.readback.bytes);
  uploadSlots(gpu, books, cache);

  const clock: Clock = { total: 0, wait: 0, wasm: 0 };
  const logits = new Float32Array(config.vocab);
  const losses = new Float32Array(stride);
  const sources = { logits: forward.logits, losses: forward.losses }; // of what is read back before the id
  const { queue } = gpu.device;
  let fault: Error | null = null; // why these books can no longer be trusted

  function broken(rule: string): Error {
    return fault = new Error(`Cannot generate: ${rule}`);
  }

  async function step(ids: ArrayLike<number>, begin: number, count: number, wanted: Wanted): Promise<number> {
    const id = await take(ids, begin, count, wanted);
    if (wanted === "id" && id >= config.vocab) throw broken("the model's logits must be numbers, got none that is");
    const started = performance.now();
    recorder?.pass(books, ids, begin, count);
    shares?.taken(count);
    for (let i = 0; i < books.groups.length; i++) {
      const group = books.groups[i];
      const n = options.policy === "full" ? 0 : Math.max(0, group.core.live - group.budget);
      if (n > 0) watch?.choosing(group, i);
      evictFrom(group, n);
    }
    const ms = performance.now() - started;
    clock.wasm += ms;
    clock.total += ms;
    recorder?.evicted(books, tenants!);
    watch?.evicted();
    return id;
  }

  function evictFrom(group: Group, n: number, chosen?: ArrayLike<number>): void {
    try {
      books.evict(group, n, chosen);
    } catch (error) {
      throw fault = error as Error; // a score of the caller's own that threw or gave no number: more is live than may be
    }
    if (!pool) return;
    const { first, victims, freed } = group;
    for (let i = 0; i < victims.length; i++) pool.give(first + Math.floor(i / freed), victims[i]);
  }

  async function take(
    ids: ArrayLike<number>,
    begin: number,
    count: number,
    wanted: Wanted,
    observed = true,
  ): Promise<number> {
    const started = performance.now();
    if (gpu.failure) throw new Error(`Cannot generate: ${gpu.failure}`);
    if (fault) throw fault;
    const first = books.seen;
    const firstRank = books.longest;
    const { freed } = books;
    const slots = books.claim(count, observed);
    tenants?.claimed(ids, begin, count, slots);
    const claimed = performance.now();
    stepper.peak = Math.max(stepper.peak, books.live);

    // Slots freed and taken again at once are overwritten by this step; any others must be marked free first.
    const reused = freed === count;
    if (freed !== 0 && !reused) uploadSlots(gpu, books, cache);
    uploadFeed(gpu, cache, config.rope, ids, begin, count, slots, pool, first, firstRank, books.extent);
    const encoder = gpu.device.createCommandEncoder();
    forward.encode(encoder, { tokens: count, extent: books.extent, reused, logits: wanted !== "nothing", tap });
    const floats = wanted === "logits" ? config.vocab : wanted === "losses" ? count : 0;
    const from = chosenAt - Math.ceil(floats / 4) * 16;
    const observedBytes = needsAttention && observed ? (count === 1 ? plane : 3 * plane) * 4 : 0;
    if (floats > 0) encoder.copyBufferToBuffer(sources[wanted as keyof typeof sources], 0, readback, from, floats * 4);
    encoder.copyBufferToBuffer(forward.chosen, 0, readback, chosenAt, 16);
    if (observedBytes > 0) encoder.copyBufferToBuffer(forward.observed, 0, readback, observedAt, observedBytes);
    queue.submit([encoder.finish()]);

    const submitted = performance.now();
    const range = await mapped(gpu, readback, from, observedAt + observedBytes - from);
    const answered = performance.now();
    const id = new Uint32Array(range, chosenAt - from, 1)[0];
    if (floats > 0) (wanted === "logits" ? logits : losses).set(new Float32Array(range, 0, floats));
    const copied = performance.now();
    try {
      if (observedBytes > 0) books.observe(count, new Float32Array(range, observedAt - from, observedBytes / 4));
      else if (observed) books.advance(count);
    } catch (error) {
      throw broken(`the model's attention must be probabilities (${(error as Error).message})`);
    } finally {
      readback.unmap();
    }
    const ended = performance.now();
    clock.wait += answered - submitted;
    clock.wasm += claimed - started + (ended - copied);
    clock.total += ended - started;
    return id;
  }

  function reset() {
    books.reset();
    pool?.reset();
    shares?.reset();
    recorder?.reset(options.pin);
    fault = null;
    uploadSlots(gpu, books, cache);
    stepper.peak = 0;
    Object.assign(clock, { total: 0, wait: 0, wasm: 0 });
  }

  const release = () => {
    cache.release();
    forward.release();
    releaseBuffer(gpu, readback);
  };
  const [kv, scratch] = [cache.kvBytes, forward.bytes];
  const gpuBytes = cache.bytes + scratch + readback.size;
  const stepper: Stepper = {
    memory: {
      kv,
      slots: cache.bytes - kv,
      scratch,
      readback: readback.size,
      gpu: gpuBytes,
      wasm: books.bytes,
      why: sizes.memory.why,
    },
    books,
    cache,
    forward,
    clock,
    logits,
    losses,
    pool,
    shares,
    tenants,
    slots,
    readback,
    get fault() {
      return fault;
    },
    peak: 0,
    step,
    take,
    evict: evictFrom,
    reset,
    release,
  };
  return stepper;
}
