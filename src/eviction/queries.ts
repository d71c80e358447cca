/** What a session's queries were like, for policies that read it: their means before they are rotated, by head, over all since the start. */
import { queryBytes } from "../engine/kv.ts";

/** How many there are. */
export interface QueriesShape {
  readonly layers: number;
  readonly heads: number;
  readonly headDim: number;
}

export class Queries {
  /** Where a pass is to tell its sums: see Pass.queries. */
  readonly told: Float32Array<ArrayBuffer>;
  /** [layers · heads, 3, headDim / 2], as Pass.queries has them; zeros before there is any. */
  readonly means: Float64Array<ArrayBuffer>;
  readonly #sums: Float64Array<ArrayBuffer>; // likewise, then how many queries they are of

  constructor(shape: QueriesShape) {
    const length = queryBytes(shape, { asks: true }) / 4;
    this.told = new Float32Array(length);
    this.means = new Float64Array(length);
    this.#sums = new Float64Array(length + 1);
  }

  /** Bytes of host memory. */
  get bytes(): number {
    return this.told.byteLength + this.means.byteLength + this.#sums.byteLength;
  }

  /** Bytes of `save`. */
  get savedBytes(): number {
    return this.#sums.byteLength;
  }

  /** Takes what a pass of so many tokens told. */
  add(count: number): void {
    for (let i = 0; i < this.told.length; i++) this.#sums[i] += this.told[i];
    this.#sums[this.told.length] += count;
    this.#look();
  }

  #look(): void {
    const count = this.#sums[this.told.length];
    for (let i = 0; i < this.means.length; i++) this.means[i] = this.#sums[i] / Math.max(1, count);
  }

  /** All that is needed to go on from here. */
  save(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.#sums.slice().buffer);
  }

  /** Takes what `save` gave. @returns whether these are sums of finite numbers, of so many queries */
  load(bytes: Uint8Array): boolean {
    this.#sums.set(new Float64Array(bytes.slice().buffer));
    this.#look();
    return this.#sums.every(Number.isFinite) && this.#sums[this.told.length] >= 0;
  }

  /** Forgets everything. */
  reset(): void {
    this.#sums.fill(0);
    this.#look();
  }
}
