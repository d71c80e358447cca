/** Keys and values of the live tokens on the host, for policies that read them: filled as slots are claimed. And, where they read those, queries. */
import type { LaneViews, QueryViews } from "../core/core.ts";
import { kvRowBytes, type KvType, toldBytes } from "../engine/kv.ts";
import { Queries } from "./queries.ts";
import type { Rope } from "../engine/rope.ts";
import { StoredRows } from "../engine/stored-rows.ts";
import { bufferBytes } from "../engine/stored.ts";

/** How many there are. */
export interface VectorsShape {
  readonly layers: number;
  readonly kvHeads: number;
  readonly headDim: number;
  /** Slots per lane. */
  readonly width: number;
  /** Most tokens of a pass. */
  readonly stride: number;
  /** How the cache stores them. */
  readonly kv: KvType;
  /** Whether means of queries are kept. */
  readonly asks: boolean;
  /** Query heads. */
  readonly heads: number;
  /** How positions turn queries and keys, and which way is a layer's. */
  readonly ropes: readonly Rope[];
  readonly layerRopes: readonly number[];
  /** What products of queries and keys are multiplied by. */
  readonly attentionScale: number;
  /** Whether keys are stored unrotated. */
  readonly ranked: boolean;
}

/** Where saved rows lie. */
export interface SavedRows {
  /** Rows of K, and of V, per layer and lane, [layers]: see ContextShape.rows. */
  readonly rows: readonly number[];
  /** Which row holds which slot, [lanes, width], where lanes share rows. */
  readonly pooled: Int32Array | null;
  /** The position of each slot's token, [lanes, width], −1: free. */
  readonly positions: Int32Array;
}

const copyOfQueries = (queries: QueryViews): QueryViews =>
  Object.freeze({ ...queries, means: queries.means.slice(), rope: queries.rope.slice() });

/** As the cache stores them, in f32: keys rotated for absolute positions, and unrotated where positions count live slots. */
export class Vectors {
  readonly keys: Float32Array<ArrayBuffer>; // [lanes, width, headDim]; what stands at free slots means nothing
  readonly values: Float32Array<ArrayBuffer>; // likewise
  /** What queries were like, where that is read. */
  readonly queries: Queries | null;
  /** Bytes of host memory. */
  readonly bytes: number;
  readonly #shape: VectorsShape;
  readonly #told: StoredRows; // [2, lanes, stride] rows
  readonly #toldOf: Uint8Array<ArrayBuffer>[] = []; // its beginnings, by tokens
  readonly #slots: Uint32Array; // [lanes, tokens]: the engine's memory, and views of it, may move while a pass runs
  readonly #views: LaneViews[] = []; // by lane
  readonly #copies: LaneViews[] = []; // by lane, of the same two arrays
  #copied: { readonly keys: Float32Array; readonly values: Float32Array } | null = null; // [width, headDim]

  constructor(shape: VectorsShape) {
    const { layers, kvHeads, headDim, width, stride, kv } = this.#shape = shape;
    const lanes = layers * kvHeads;
    this.keys = new Float32Array(lanes * width * headDim);
    this.values = new Float32Array(lanes * width * headDim);
    this.#told = new StoredRows(kv, headDim, 2 * lanes * stride);
    this.#slots = new Uint32Array(lanes * stride);
    this.queries = shape.asks ? new Queries(shape) : null;
    const more = this.#told.bytes.byteLength + this.#slots.byteLength + (this.queries?.bytes ?? 0);
    this.bytes = 2 * this.keys.byteLength + more;
  }

  /** Where a pass of so many tokens into these slots, [lanes, count], is to tell what it stored: see Pass.told. */
  roomFor(slots: Uint32Array, count: number): Uint8Array<ArrayBuffer> {
    this.#slots.set(slots);
    const bytes = () => toldBytes(this.#shape, { kv: this.#shape.kv, tells: true }, count);
    return this.#toldOf[count] ??= this.#told.bytes.subarray(0, bytes());
  }

  /** Takes what the pass told. */
  fill(count: number): void {
    const { layers, kvHeads, headDim, width } = this.#shape;
    const rows = layers * kvHeads * count;
    for (let i = 0; i < rows; i++) {
      const at = (Math.floor(i / count) * width + this.#slots[i]) * headDim;
      this.#told.read(i, this.keys, at);
      this.#told.read(rows + i, this.values, at);
    }
    this.queries?.add(count);
  }

  /** A lane's books with its keys and values, [capacity, headDim] each. @param books whose arrays may be others than before */
  viewsOf(lane: number, books: LaneViews): LaneViews {
    const known = this.#views[lane];
    if (known?.positions === books.positions) return known;
    const { headDim, width } = this.#shape;
    const from = lane * width * headDim;
    const to = from + books.positions.length * headDim;
    const [keys, values] = [this.keys.subarray(from, to), this.values.subarray(from, to)];
    return this.#views[lane] = { ...books, keys, values, ...this.#queriesOf(lane) };
  }

  /** As viewsOf, for functions that are not kvcap's: copies, which the next call overwrites. */
  copyOf(lane: number, books: LaneViews): LaneViews {
    const { keys, values, queries } = this.viewsOf(lane, books) as Required<LaneViews>;
    if (this.#copies[lane]?.positions !== books.positions) {
      const { headDim, width } = this.#shape;
      const copied = this.#copied ??= {
        keys: new Float32Array(width * headDim),
        values: new Float32Array(width * headDim),
      };
      const own = { keys: copied.keys.subarray(0, keys.length), values: copied.values.subarray(0, keys.length) };
      this.#copies[lane] = Object.freeze({ ...books, ...own, ...(queries ? { queries: copyOfQueries(queries) } : {}) });
    }
    const copy = this.#copies[lane];
    copy.keys!.set(keys);
    copy.values!.set(values);
    if (queries) {
      copy.queries!.means.set(queries.means);
      copy.queries!.rope.set(queries.rope);
    }
    return copy;
  }

  /** What a lane's views have of its group's queries. */
  #queriesOf(lane: number): Pick<LaneViews, "queries"> {
    if (!this.queries) return {};
    const { heads, kvHeads, ropes, layerRopes, attentionScale: factor, ranked } = this.#shape;
    const { frequencies: rope, scale } = ropes[layerRopes[Math.floor(lane / kvHeads)]];
    const length = heads / kvHeads * 3 * rope.length;
    const means = this.queries.means.subarray(lane * length, (lane + 1) * length);
    return { queries: { means, rope, scale, factor, ranked } };
  }

  /** Takes over what narrower ones hold. */
  growFrom(smaller: Vectors): void {
    const { keys, values } = smaller;
    const { width: narrow } = smaller.#shape;
    const { layers, kvHeads, headDim, width } = this.#shape;
    for (let lane = 0; lane < layers * kvHeads; lane++) {
      const [from, to] = [lane * narrow * headDim, (lane + 1) * narrow * headDim];
      this.keys.set(keys.subarray(from, to), lane * width * headDim);
      this.values.set(values.subarray(from, to), lane * width * headDim);
    }
    this.#takeQueries(smaller);
  }

  #takeQueries({ queries }: Vectors): void {
    if (queries) this.queries!.load(queries.save());
  }

  /** Takes over what others of the same shape hold. */
  copyFrom(other: Vectors): void {
    this.keys.set(other.keys);
    this.values.set(other.values);
    this.#takeQueries(other);
  }

  /** Fills them from what EngineContext.save gives. */
  load(saved: Uint8Array, { rows, pooled, positions }: SavedRows): void {
    const { layers, kvHeads, headDim, width, kv } = this.#shape;
    const bytes = kvRowBytes(headDim, kv);
    const one = new StoredRows(kv, headDim, 1);
    let keysAt = 0; // bytes
    for (let layer = 0; layer < layers; layer++) {
      const size = bufferBytes(kvHeads * rows[layer] * bytes);
      for (let at = layer * kvHeads * width; at < (layer + 1) * kvHeads * width; at++) {
        if (positions[at] < 0) continue;
        const head = Math.floor(at / width) - layer * kvHeads;
        const row = pooled ? pooled[at] : head * rows[layer] + at % width;
        for (const [into, begin] of [[this.keys, keysAt], [this.values, keysAt + size]] as const) {
          one.bytes.set(saved.subarray(begin + row * bytes, begin + (row + 1) * bytes));
          one.read(0, into, at * headDim);
        }
      }
      keysAt += 2 * size;
    }
  }
}
