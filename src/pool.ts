/** Rows of K and V that the lanes of a layer share: which row holds which slot. A lane may then have more slots than another. */
export class Pool {
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

  /** Gives a row to a lane's slot. There is one: what lanes keep and a step's tokens never exceed a layer's rows. */
  take(lane: number, slot: number): number {
    const layer = Math.floor(lane / this.#kvHeads);
    return this.rows[lane * this.#capacity + slot] = this.#free[layer][--this.#heights[layer]];
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
}
