/**
 * The one memory of an engine: its blocks, an account of them, and views that stay true when it grows.
 *
 *   ╒═ from ═╤═ what ═══════════════════════════════════════════════════════════════════════════════════════════════╕
 *   │ 0      │ the module's own: what it puts together while it repacks or reads a row                              │
 *   │ 64 KiB │ a model: words of every matrix, their rows, norms; its own words, and the team of its threads        │
 *   │        │ a session: its context (layout.ts), which holds K and V                                              │
 *   │        │ a session: its books (assembly/layout.ts), kept by an instance of the core; the pass writes what it  │
 *   │        │   observes into their rows                                                                           │
 *   │        │ … in the order they were asked for, where there is room                                              │
 *   ╘════════╧══════════════════════════════════════════════════════════════════════════════════════════════════════╛
 */
import { ALIGN, ARENA } from "../../assembly/forward/abi.ts";
import { refuse, words } from "../errors.ts";

const PAGE = 65536; // bytes
/** Bytes that a Wasm memory may have: 4 GiB, less a page. */
export const MOST = 65535 * PAGE;

/** Bytes rounded up to a block's. */
export const padded = (bytes: number): number => Math.ceil(bytes / ALIGN) * ALIGN;

/** Floats of the memory as a view of their own: made once, and again when the memory has grown. */
export class Floats {
  readonly #heap: Heap;
  readonly #from: number; // floats
  readonly #length: number;
  #view = new Float32Array(0);

  /** @param at in bytes */
  constructor(heap: Heap, at: number, length: number) {
    this.#heap = heap;
    this.#from = at / 4;
    this.#length = length;
  }

  /** Empty once all is given back. */
  get view(): Float32Array {
    const { floats } = this.#heap;
    if (this.#view.buffer !== floats.buffer) this.#view = floats.subarray(this.#from, this.#from + this.#length);
    return this.#view;
  }
}

/** A block of the memory. */
interface Block {
  readonly at: number;
  readonly bytes: number;
  readonly lent: boolean; // not counted
}

/** @throws RangeError where `more` bytes beside those that are held would exceed the limit */
export function checkRoom({ bytes, limit }: { bytes: number; limit: number }, what: string, more: number): void {
  if (bytes + more <= limit) return;
  const found = words(`${bytes} and ${more} of ${what}`);
  refuse("use the memory", `all of it must fit ${limit} bytes`, found, { code: "no-memory" });
}

export class Heap {
  readonly memory: WebAssembly.Memory;
  /** Bytes that blocks never exceed. */
  readonly limit: number;
  /** Bytes of all blocks. */
  bytes = 0;
  /** The most that there ever were. */
  peak = 0;
  /** Why memory was refused since this was last set to null. */
  refusal: { readonly message: string } | null = null;
  /** Views of all of the memory; other ones once it has grown. */
  bytesOf = new Uint8Array(0);
  words = new Uint32Array(0);
  floats = new Float32Array(0);
  readonly shared: boolean;
  #blocks: Block[] = []; // by address
  #packed = 0; // of the first of them, between which nothing is free
  readonly #listeners = new Set<() => void>();

  /** @param shared whether threads share it */
  constructor(limit: number, shared: boolean) {
    this.limit = limit;
    this.shared = shared;
    this.memory = new WebAssembly.Memory({ initial: ARENA / PAGE, maximum: MOST / PAGE + 1, shared });
    this.#look();
  }

  #look(): void {
    this.bytesOf = new Uint8Array(this.memory.buffer);
    this.words = new Uint32Array(this.memory.buffer);
    this.floats = new Float32Array(this.memory.buffer);
  }

  /**
   * A zeroed block; 0, and `refusal` says why, where the host has no more.
   * @throws RangeError where all blocks together would exceed the limit
   */
  take(what: string, length: number): number {
    const bytes = padded(length);
    checkRoom(this, what, bytes);
    const at = this.#place(bytes, false);
    if (at === 0) return 0;
    this.bytes += bytes;
    this.peak = Math.max(this.peak, this.bytes);
    return at;
  }

  /** Grows to hold so many bytes more, where the host has them: at once, since each time makes all views anew. */
  reserve(bytes: number): void {
    const { refusal } = this;
    this.#grow(this.memory.buffer.byteLength + bytes);
    this.refusal = refusal;
  }

  /** A zeroed block for someone who counts it, and can do without; 0 where the host has no more, which is no refusal. */
  lend(length: number): number {
    const { refusal } = this;
    const at = this.#place(padded(length), true);
    this.refusal = refusal;
    return at;
  }

  #place(bytes: number, lent: boolean): number {
    const endOf = (index: number) => index < 0 ? ARENA : this.#blocks[index].at + this.#blocks[index].bytes;
    let index = this.#packed;
    while (index < this.#blocks.length && this.#blocks[index].at - endOf(index - 1) < bytes) index++;
    const at = endOf(index - 1);
    if (!this.#grow(at + bytes)) return 0;
    this.#blocks.splice(index, 0, { at, bytes, lent });
    while (this.#blocks[this.#packed]?.at === endOf(this.#packed - 1)) this.#packed++;
    this.bytesOf.fill(0, at, at + bytes);
    return at;
  }

  /** Calls back whenever the memory has grown. @returns what stops that */
  whenGrown(call: () => void): () => void {
    this.#listeners.add(call);
    return () => void this.#listeners.delete(call);
  }

  /** Gives everything back: nothing may be taken any more. */
  close(): void {
    this.#blocks = [];
    this.#packed = 0;
    this.bytes = 0;
    this.bytesOf = new Uint8Array(0);
    this.words = new Uint32Array(0);
    this.floats = new Float32Array(0);
  }

  /** Gives a block back. */
  give(at: number): void {
    const index = this.#blocks.findIndex((block) => block.at === at);
    if (index < 0) return; // it was refused, or all is given back
    const { bytes, lent } = this.#blocks[index];
    if (!lent) this.bytes -= bytes;
    this.#blocks.splice(index, 1);
    this.#packed = Math.min(this.#packed, index);
  }

  #grow(end: number): boolean {
    const more = Math.ceil((end - this.memory.buffer.byteLength) / PAGE);
    if (more <= 0) return true;
    try {
      this.memory.grow(more);
    } catch (error) {
      this.refusal ??= { message: `${end} bytes: ${(error as Error).message}` };
      return false;
    }
    this.#look();
    for (const call of this.#listeners) call();
    return true;
  }
}
