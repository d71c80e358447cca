/** Rows of K and V that the lanes of a layer share: which row holds which slot. A lane may then have more slots than another. */
export class RowPool {
  /** [lanes, capacity]: the row of each slot in its layer's buffers; meaningful for live slots. */
  readonly rows: Int32Array<ArrayBuffer>;
  readonly #capacity: number;
  readonly #kvHeads: number;
  readonly #free: Uint32Array[]; // per layer, a stack [kvHeads · rows]
  readonly #heights: Uint32Array; // per layer

  /** @param rows rows per layer and lane, [layers] @param capacity slots per lane */
  constructor(rows: readonly number[], kvHeads: number, capacity: number) {
    this.#capacity = capacity;
    this.#kvHeads = kvHeads;
    this.rows = new Int32Array(rows.length * kvHeads * capacity);
    this.#free = rows.map((count) => new Uint32Array(kvHeads * count));
    this.#heights = new Uint32Array(rows.length);
    this.reset();
  }

  /** How many slots every lane can get. */
  get room(): number {
    return Math.floor(Math.min(...this.#heights) / this.#kvHeads);
  }

  /** Gives a row to a lane's slot. There is one: what lanes keep and a step's tokens never exceed a layer's rows. */
  take(lane: number, slot: number): number {
    const layer = Math.floor(lane / this.#kvHeads);
    return this.rows[lane * this.#capacity + slot] = this.#free[layer][--this.#heights[layer]];
  }

  /** Gives rows to slots that were claimed, [lanes, tokens], and writes them to `rows`, likewise. */
  takeAll(slots: Uint32Array, tokens: number, rows: Uint32Array): void {
    for (let i = 0; i < slots.length; i++) rows[i] = this.take(Math.floor(i / tokens), slots[i]);
  }

  /** Takes the row of a lane's slot back. */
  give(lane: number, slot: number): void {
    const layer = Math.floor(lane / this.#kvHeads);
    this.#free[layer][this.#heights[layer]++] = this.rows[lane * this.#capacity + slot];
  }

  /** Takes all rows back. */
  reset(): void {
    this.#free.forEach((free, layer) => {
      for (let i = 0; i < free.length; i++) free[i] = free.length - 1 - i;
      this.#heights[layer] = free.length;
    });
    this.rows.fill(0);
  }

  /** Takes over the rows of a smaller pool, whose slots and rows have the same numbers here. This one is empty. */
  growFrom(smaller: RowPool): void {
    const width = smaller.#capacity;
    for (let lane = 0; lane * width < smaller.rows.length; lane++) {
      this.rows.set(smaller.rows.subarray(lane * width, (lane + 1) * width), lane * this.#capacity);
    }
    smaller.#free.forEach((theirs, layer) => {
      const free = this.#free[layer];
      const height = free.length - theirs.length; // rows that the smaller pool has not: free, and first on this stack
      free.set(theirs.subarray(0, smaller.#heights[layer]), height);
      this.#heights[layer] = height + smaller.#heights[layer];
    });
  }

  /** Rows, heights and free rows as words: [lanes · capacity + layers + every layer's rows]. */
  save(): Uint32Array<ArrayBuffer> {
    const words = new Uint32Array(this.words);
    words.set(this.rows);
    words.set(this.#heights, this.rows.length);
    let at = this.rows.length + this.#heights.length;
    for (const free of this.#free) {
      words.set(free, at);
      at += free.length;
    }
    return words;
  }

  /** How many words `save` gives. */
  get words(): number {
    return this.#free.reduce((sum, free) => sum + free.length, this.rows.length + this.#heights.length);
  }

  /**
   * Takes what `save` gave. @param slots lane by lane, the slots in use
   * @returns whether every row is either free or one slot's, and no free slot has one that there is not; if not, nothing may be
   *   taken from this pool
   */
  load(words: Uint32Array, slots: readonly ArrayLike<number>[]): boolean {
    this.rows.set(words.subarray(0, this.rows.length));
    this.#heights.set(words.subarray(this.rows.length, this.rows.length + this.#heights.length));
    let at = this.rows.length + this.#heights.length;
    return this.#free.every((free, layer) => {
      free.set(words.subarray(at, at += free.length));
      const first = layer * this.#kvHeads * this.#capacity;
      const slotRows = this.rows.subarray(first, first + this.#kvHeads * this.#capacity);
      if (slotRows.some((row) => row < 0 || row >= free.length)) return false;
      const taken = new Uint8Array(free.length);
      const take = (row: number) => row >= 0 && row < taken.length && taken[row]++ === 0;
      let count = this.#heights[layer];
      if (count > free.length || !free.subarray(0, count).every(take)) return false;
      for (let lane = layer * this.#kvHeads; lane < (layer + 1) * this.#kvHeads; lane++) {
        for (let i = 0; i < slots[lane].length; i++, count++) {
          if (!take(this.rows[lane * this.#capacity + slots[lane][i]])) return false;
        }
      }
      return count === free.length;
    });
  }
}
