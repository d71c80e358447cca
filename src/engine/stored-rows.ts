/** Rows of K and V as numbers: what kv.ts lays out, read on the host. */
import { kvRowBytes, type KvType } from "./kv.ts";

/** Room for stored rows, and how they are read. Made once: reading allocates nothing. */
export class StoredRows {
  /** The rows, one behind the other. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #kv: KvType;
  readonly #headDim: number;
  readonly #rowBytes: number;
  readonly #halves: Uint16Array; // the same memory, and so the next two
  readonly #floats: Float32Array;
  readonly #codes: Int8Array;

  /** @param rows how many there is room for */
  constructor(kv: KvType, headDim: number, rows: number) {
    this.#kv = kv;
    this.#headDim = headDim;
    this.#rowBytes = kvRowBytes(headDim, kv);
    this.bytes = new Uint8Array(rows * this.#rowBytes);
    const { buffer } = this.bytes;
    this.#halves = new Uint16Array(buffer);
    this.#floats = new Float32Array(buffer);
    this.#codes = new Int8Array(buffer);
  }

  /** Writes the numbers of a row, [headDim], to `into` from `at`. */
  read(row: number, into: Float32Array, at: number): void {
    const begin = row * this.#rowBytes;
    switch (this.#kv) {
      case "f32":
        for (let i = 0; i < this.#headDim; i++) into[at + i] = this.#floats[begin / 4 + i];
        return;
      case "f16":
        for (let i = 0; i < this.#headDim; i++) into[at + i] = numberOf(this.#halves[begin / 2 + i]);
        return;
      case "q8":
        return this.#readCodes(begin, into, at);
    }
  }

  #readCodes(begin: number, into: Float32Array, at: number): void {
    const dim = this.#headDim;
    const scales = (begin + Math.ceil(dim / 8) * 8) / 4;
    const middle = Math.floor((dim + 4) / 8) * 4; // whole quads
    const low = Math.fround(this.#floats[scales] / 127);
    const high = Math.fround(this.#floats[scales + 1] / 127);
    for (let i = 0; i < dim; i++) into[at + i] = Math.max(-127, this.#codes[begin + i]) * (i < middle ? low : high);
  }
}

const bits = new Uint32Array(1);
const asFloat = new Float32Array(bits.buffer);

/** The number of an f16: its bits in f32's places are 2⁻¹¹² of it, but for what is no number. */
function numberOf(half: number): number {
  if ((half & 0x7c00) === 0x7c00) return NaN; // the cache stores no infinity
  bits[0] = (half & 0x8000) << 16 | (half & 0x7fff) << 13;
  return asFloat[0] * 2 ** 112;
}
