/** Ids by their keys, the largest first, as far as somebody asks: a heap, made once. */

/** Of equal keys the smaller id comes first. */
export class Ranking {
  readonly #ids: Uint32Array<ArrayBuffer>; // the heap; behind it those that were taken, the last one first
  readonly #keys: Float64Array<ArrayBuffer>;
  #count = 0;
  #size = 0; // of the heap

  /** @param keys [vocab], of every id */
  constructor(keys: Float64Array<ArrayBuffer>) {
    this.#keys = keys;
    this.#ids = new Uint32Array(keys.length);
  }

  /** Begins anew with all ids. */
  all(): void {
    this.#count = this.#ids.length;
    for (let i = 0; i < this.#count; i++) this.#ids[i] = i;
    this.#heapify();
  }

  /** Begins anew with the first ids that another ranking took. */
  of(other: Ranking, count: number): void {
    this.#count = count;
    for (let i = 0; i < count; i++) this.#ids[i] = other.at(i);
    this.#heapify();
  }

  /** How many were taken. */
  get taken(): number {
    return this.#count - this.#size;
  }

  /** Whether there is another one. */
  get more(): boolean {
    return this.#size > 0;
  }

  /** The id that is taken next. */
  get next(): number {
    return this.#ids[0];
  }

  /** Takes it. */
  take(): void {
    const ids = this.#ids;
    const id = ids[0];
    ids[0] = ids[--this.#size];
    ids[this.#size] = id;
    this.#sink(0);
  }

  /** The id that was taken as the `i`-th, from 0. */
  at(i: number): number {
    return this.#ids[this.#count - 1 - i];
  }

  #heapify(): void {
    this.#size = this.#count;
    for (let i = (this.#size >>> 1) - 1; i >= 0; i--) this.#sink(i);
  }

  #sink(at: number): void {
    const ids = this.#ids, size = this.#size;
    const id = ids[at];
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && this.#before(ids[child + 1], ids[child])) child++;
      if (!this.#before(ids[child], id)) break;
      ids[at] = ids[child];
      at = child;
    }
    ids[at] = id;
  }

  #before(a: number, b: number): boolean {
    const keys = this.#keys;
    return keys[a] > keys[b] || keys[a] === keys[b] && a < b;
  }
}
