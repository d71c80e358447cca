/** A context in the memory of the pass: its cache, and what a pass works on. */
import * as abi from "../../assembly/forward/abi.ts";
import type { ModelConfig } from "../engine/config.ts";
import type { ContextBytes, ContextShape, EngineContext, Pass } from "../engine/engine.ts";
import { refuseFailed } from "../engine/failure.ts";
import { kvRowBytes, queryBytes, runsOf } from "../engine/kv.ts";
import { writeTurns } from "../engine/stored.ts";
import { messageOf, quote, refuse } from "../errors.ts";
import { Floats, type Heap } from "./heap.ts";
import {
  cachesOf,
  contextBytes,
  type ContextLayout,
  contextWords,
  hiddenPitch,
  layoutOf,
  savedBytes,
  savedOf,
} from "./layout.ts";
import type { Exports } from "./module.ts";
import { isPauseDue, pause } from "./pause.ts";

/** A model that passes run on. */
export interface WasmModel {
  readonly heap: Heap;
  readonly wasm: Exports;
  readonly config: ModelConfig;
  /** Its address. */
  readonly at: number;
  /** How many run a pass. */
  readonly threads: number;
  /** Why it can no longer be used; null while it can. */
  failure: string | null;
}

/** Copies bytes, a row at a time: short, and without a view of its own. */
function copyRow(from: Uint8Array, at: number, to: Uint8Array, begin: number, bytes: number): void {
  for (let i = 0; i < bytes; i++) to[begin + i] = from[at + i];
}

/** Runs the pass of a context, or of those that one gathers. @returns what it answers @throws Error "Cannot generate: …": all is lost then */
export function ran(model: WasmModel, context: number, together = false): number {
  try {
    const { wasm, at } = model;
    const answer = together ? -wasm.runTogether(at, context) : wasm.run(at, context);
    if (answer < 0) throw new Error(`it was refused with code ${-answer}`);
    return answer;
  } catch (error) {
    model.failure ??= `the pass stopped (${messageOf(error)})`;
    refuseFailed("generate", model.failure);
  }
}

/** See Engine.context. */
export class WasmContext implements EngineContext {
  readonly shape: ContextShape;
  readonly bytes: ContextBytes;
  readonly logits: Float32Array<ArrayBuffer>;
  readonly losses: Float32Array<ArrayBuffer>;
  waited = 0;
  clamped = false;
  readonly #model: WasmModel;
  readonly #layout: ContextLayout;
  readonly #at: number; // 0: memory was refused, which `guarded` tells; nothing is written then
  readonly #newest: Floats; // logits, where only the newest token has any
  readonly #observed: Floats; // [3, lanes, capacity]
  readonly #queries: Floats; // [layers · heads, 3, headDim / 2]
  readonly #plane: Floats; // the first of these: all that is observed of one token
  #inPlace = false; // whether the pass under way writes observations where they are wanted

  constructor(model: WasmModel, shape: ContextShape) {
    const { heap, config } = model;
    this.shape = shape;
    this.bytes = contextBytes(config, shape, model.threads);
    this.logits = new Float32Array(config.vocab);
    this.losses = new Float32Array(shape.stride);
    this.#model = model;
    this.#layout = layoutOf(config, shape, model.threads);
    this.#at = heap.take("a session", this.#layout.bytes);
    const slots = config.layers * config.kvHeads * shape.capacity;
    this.#newest = new Floats(heap, this.#from(abi.CONTEXT_LOGITS), config.vocab);
    this.#observed = new Floats(heap, this.#from(abi.CONTEXT_OBSERVED), 3 * slots);
    this.#plane = new Floats(heap, this.#from(abi.CONTEXT_OBSERVED), slots);
    this.#queries = new Floats(heap, this.#from(abi.CONTEXT_QUERIES), queryBytes(config, shape) / 4);
    if (this.#at === 0) return;
    heap.words.set(contextWords(config, shape, this.#layout, this.#at), this.#at / 4);
    model.wasm.seal(this.#at, abi.CONTEXT_OPEN);
    if (shape.ranked) {
      writeTurns(heap.floats, this.#from(abi.CONTEXT_RANK_ANGLES) / 4, config.ropes, 0, shape.capacity);
    }
  }

  /** Where a part begins, in bytes of the memory. */
  #from(word: number): number {
    return this.#at + this.#layout.parts.get(word)!.from;
  }

  async pass(pass: Pass): Promise<number> { // short: what an asynchronous function names is allocated at every call
    const id = this.#run(pass);
    if (isPauseDue()) await pause(); // behind it: a pass's views end where the memory grows meanwhile
    return id;
  }

  /** Has the next pass write observations where they are wanted, if that is in its memory. @returns whether it is */
  #observeIn(observations: Float32Array | null): boolean {
    const { heap, wasm } = this.#model;
    const inPlace = observations?.buffer === heap.floats.buffer;
    const to = inPlace ? observations!.byteOffset : this.#from(abi.CONTEXT_OBSERVED);
    const word = this.#at / 4 + abi.CONTEXT_OBSERVED;
    if (this.shape.observe && heap.words[word] !== to) {
      heap.words[word] = to;
      wasm.seal(this.#at, abi.CONTEXT_OPEN);
    }
    return inPlace;
  }

  #run(pass: Pass): number {
    this.enter(pass);
    const began = performance.now();
    const id = ran(this.#model, this.#at);
    this.leave(pass, performance.now() - began);
    return id;
  }

  /** Its address. */
  get at(): number {
    return this.#at;
  }

  /** Whose context it is. */
  get model(): WasmModel {
    return this.#model;
  }

  /** Says what a pass is to do, before it runs. @throws Error where it cannot */
  enter(pass: Pass): void {
    const { heap, config, failure } = this.#model;
    if (failure) refuseFailed("generate", failure);
    this.#checkHeld("generate");
    const { ids, begin, count, slots, rows, first, firstRank, extent, reused, wanted, observations } = pass;
    const { ranked, stride } = this.shape;
    const to = this.#from(abi.CONTEXT_IDS) / 4;
    for (let t = 0; t < count; t++) heap.words[to + t] = ids[begin + t];
    heap.words[to + count] = ids[begin + count] ?? 0; // what follows, where losses are asked for
    heap.words.set(slots, this.#from(abi.CONTEXT_SLOTS) / 4);
    if (rows) heap.words.set(rows, this.#from(abi.CONTEXT_NEW_ROWS) / 4);
    const origin = ranked ? firstRank : first; // what queries are rotated by
    writeTurns(heap.floats, this.#from(abi.CONTEXT_ANGLES) / 4, config.ropes, origin, count, stride);
    const words = this.#at / 4;
    heap.words[words + abi.CONTEXT_TOKENS] = count;
    heap.words[words + abi.CONTEXT_EXTENT] = extent;
    heap.words[words + abi.CONTEXT_FIRST] = first;
    heap.words[words + abi.CONTEXT_FIRST_RANK] = firstRank;
    heap.words[words + abi.CONTEXT_ASKED] = (wanted === "nothing" ? 0 : abi.PASS_OUTPUT) |
      (reused ? abi.PASS_REUSED : 0);
    this.#inPlace = this.#observeIn(observations);
  }

  /** Takes what a pass gives, when it has run. @param waited milliseconds that it took */
  leave(pass: Pass, waited: number): void {
    const { heap, config } = this.#model;
    const { count, wanted, observations } = pass;
    this.waited = waited;
    if (heap.words[this.#at / 4 + abi.CONTEXT_ASKED] & abi.PASS_CLAMPED) this.clamped = true;
    if (wanted === "logits") {
      if (this.shape.every) this.#copy(abi.CONTEXT_LOGITS, (count - 1) * config.vocab, this.logits);
      else this.logits.set(this.#newest.view);
    }
    if (wanted === "losses") this.#copy(abi.CONTEXT_LOSSES, 0, this.losses.subarray(0, count));
    if (!this.#inPlace) observations?.set(count === 1 ? this.#plane.view : this.#observed.view);
    if (pass.told) this.#tell(pass, pass.told);
    if (pass.queries) pass.queries.set(this.#queries.view);
  }

  /** Copies the rows of the tokens that a pass took in. */
  #tell({ count, slots, rows }: Pass, told: Uint8Array): void {
    const { heap: { bytesOf }, config: { kvHeads, headDim } } = this.#model;
    const bytes = kvRowBytes(headDim, this.shape.kv);
    for (let i = 0; i < slots.length; i++) {
      const lane = Math.floor(i / count);
      const layer = Math.floor(lane / kvHeads);
      const row = rows ? rows[i] : (lane % kvHeads) * this.shape.rows[layer] + slots[i];
      const [key, value] = [this.#layout.keys[layer], this.#layout.values[layer]];
      copyRow(bytesOf, this.#at + key.from + row * bytes, told, i * bytes, bytes);
      copyRow(bytesOf, this.#at + value.from + row * bytes, told, (slots.length + i) * bytes, bytes);
    }
  }

  /** @throws Error where memory was refused, which nobody asked about */
  #checkHeld(action: string): void {
    if (this.#at > 0) return;
    const { refusal } = this.#model.heap;
    const rule = `the device must hold ${this.#layout.bytes} bytes of a session`;
    refuse(action, rule, quote(refusal?.message ?? "none"), { kind: "plain", code: "no-memory" });
  }

  /** Copies floats of a part, from the `index`-th on. */
  #copy(word: number, index: number, into: Float32Array): void {
    const from = this.#from(word) / 4 + index;
    into.set(this.#model.heap.floats.subarray(from, from + into.length));
  }

  place(positions: Int32Array<ArrayBuffer>, ranks: Int32Array<ArrayBuffer> | null): void {
    if (this.#at === 0) return;
    const { words } = this.#model.heap;
    words.set(positions, this.#from(abi.CONTEXT_POSITIONS) / 4);
    if (ranks) words.set(ranks, this.#from(abi.CONTEXT_RANKS) / 4);
  }

  placeRows(rows: Int32Array<ArrayBuffer>): void {
    if (this.#at > 0) this.#model.heap.words.set(rows, this.#from(abi.CONTEXT_ROWS) / 4);
  }

  fold(gone: Uint32Array<ArrayBuffer>): void {
    if (this.#at === 0) return;
    const { heap: { words }, wasm, config, at } = this.#model;
    const lanes = config.layers * config.kvHeads;
    const to = this.#from(abi.CONTEXT_GONE) / 4;
    for (let i = 0; i <= lanes + gone[lanes]; i++) words[to + i] = gone[i];
    const code = wasm.fold(at, this.#at);
    if (code === abi.OK) return;
    this.#model.failure ??= `what was evicted could not be summed up (code ${code})`;
    refuseFailed("generate", this.#model.failure);
  }

  forget(): void {
    if (this.#at === 0 || this.shape.remainders === 0) return;
    const { from, bytes } = this.#layout.parts.get(abi.CONTEXT_REMAINDER)!;
    this.#model.heap.bytesOf.fill(0, this.#at + from, this.#at + from + bytes);
  }

  ban(bits: Uint32Array<ArrayBuffer>): void {
    if (this.#at > 0) this.#model.heap.words.set(bits, this.#from(abi.CONTEXT_BANNED) / 4);
  }

  // deno-lint-ignore require-await
  async read(count: number, logits: Float32Array, hidden: Float32Array): Promise<void> {
    this.#checkHeld("generate");
    const { heap: { floats }, config } = this.#model;
    const pitch = hiddenPitch(config);
    this.#copy(abi.CONTEXT_LOGITS, 0, logits.subarray(0, count * config.vocab));
    const stages = this.#from(abi.CONTEXT_STAGES) / 4;
    for (let i = 0; i <= config.layers; i++) {
      for (let t = 0; t < count; t++) {
        const from = stages + (i * this.shape.stride + t) * pitch;
        hidden.set(floats.subarray(from, from + config.hidden), (i * count + t) * config.hidden);
      }
    }
  }

  // deno-lint-ignore require-await
  async states(count: number, stage: number, into: Float32Array): Promise<void> {
    this.#checkHeld("read hidden states");
    const { config: { hidden } } = this.#model;
    for (let t = 0; t < count; t++) {
      const row = into.subarray(t * hidden, (t + 1) * hidden);
      this.#copy(abi.CONTEXT_STAGES, (stage * this.shape.stride + t) * hiddenPitch(this.#model.config), row);
    }
  }

  get savedBytes(): number {
    return savedBytes(this.#layout);
  }

  // deno-lint-ignore require-await
  async save(action: string, into: Uint8Array): Promise<void> {
    this.#checkHeld(action);
    let to = 0;
    for (const { from, bytes } of savedOf(this.#layout)) {
      into.set(this.#model.heap.bytesOf.subarray(this.#at + from, this.#at + from + bytes), to);
      to += bytes;
    }
  }

  load(saved: Uint8Array<ArrayBuffer>): void {
    if (this.#at === 0) return;
    let at = 0;
    for (const { from, bytes } of savedOf(this.#layout)) {
      this.#model.heap.bytesOf.set(saved.subarray(at, at + bytes), this.#at + from);
      at += bytes;
    }
  }

  copyFrom(other: EngineContext): void {
    const { bytesOf } = this.#model.heap;
    const source = other as WasmContext;
    if (this.#at === 0 || source.#at === 0) return;
    const theirs = savedOf(source.#layout);
    savedOf(this.#layout).forEach(({ from, bytes }, i) => {
      const at = source.#at + theirs[i].from;
      bytesOf.copyWithin(this.#at + from, at, at + bytes);
    });
  }

  growFrom(other: EngineContext): void {
    const { heap: { bytesOf }, config } = this.#model;
    const source = other as WasmContext;
    if (this.#at === 0 || source.#at === 0) return;
    const theirs = cachesOf(source.#layout);
    const runs = runsOf(config, source.shape, this.shape);
    cachesOf(this.#layout).forEach(({ from }, i) => {
      for (const { source: begin, target, bytes } of runs[i >> 1]) {
        const at = source.#at + theirs[i].from + begin;
        bytesOf.copyWithin(this.#at + from + target, at, at + bytes);
      }
    });
    const { from, bytes } = source.#layout.parts.get(abi.CONTEXT_REMAINDER)!;
    bytesOf.copyWithin(this.#from(abi.CONTEXT_REMAINDER), source.#at + from, source.#at + from + bytes);
  }

  release(): void {
    this.#model.heap.give(this.#at);
  }
}
