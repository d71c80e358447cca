/** Reads the values of a GGUF header, none of which is believed. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md */
import { words } from "../../errors.ts";
import { checkPointer, refuseFile } from "../../files/checks.ts";
import type { Source } from "../../files/source.ts";

/** A value of the metadata. 64-bit integers beyond 2^53 are kept as the nearest number: none that we need is near. */
export type Value = number | boolean | string | number[] | boolean[] | string[] | Skipped;

/** An array that nobody asks for: it was gone over, and not made. */
export class Skipped {
  readonly length: number;

  /** @param length how many elements it has */
  constructor(length: number) {
    this.length = length;
  }

  /** In words, where it stands in place of another value. */
  toJSON(): string {
    return `a list of ${this.length}`;
  }
}

export const MAX_HEADER_BYTES = 100_000_000; // of everything before the tensors' data; the largest known have 10 MB
const MAX_ELEMENTS = 1 << 20; // of an array that is made; vocabularies have up to 2^18 tokens, and merges up to 2^19
const FEW = 8; // numbers
const FIRST_READ = 1 << 20; // bytes; what is read doubles until the header is whole

/** Bytes of a value of each type; strings (8) and arrays (9) have their own lengths. */
const WIDTHS = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const STRING = 8, ARRAY = 9;
const LEAST: Record<number, number> = { [STRING]: 8, [ARRAY]: 12 }; // bytes of those: a length, and a type before it
const MAX_DEPTH = 8; // of arrays in arrays

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }); // U+FEFF is a token of many vocabularies

/** What an array is of. */
type Head = Readonly<Record<"type" | "length" | "width", number>>;

/** Thrown where the bytes read so far end before the header does. */
class Short extends Error {}

/**
 * Hands `parse` a reader over the first bytes of a file, and again over twice as many until the header is whole; so nothing
 * but the header is held, whatever the size of the file, and a header is parsed for at most twice its length.
 * @throws Error or RangeError, one sentence, for what `parse` refuses, or a header that is too long.
 */
export async function readHeader<T>(source: Source, file: string, parse: (reader: Reader) => T): Promise<T> {
  const size = await source.size(file);
  const most = Math.min(size, MAX_HEADER_BYTES);
  let bytes = new Uint8Array(0);
  for (let length = Math.min(FIRST_READ, most);; length = Math.min(2 * length, most)) {
    const more = await source.read(file, bytes.length, length);
    const whole = new Uint8Array(length);
    whole.set(bytes);
    whole.set(more, bytes.length);
    bytes = whole;
    checkPointer(bytes, file);
    try {
      return parse(new Reader(bytes, size, file));
    } catch (error) {
      if (!(error instanceof Short)) throw error;
      if (length === size) {
        refuseFile(`the header of ${file} must end within the file`, words(`the end at ${size} bytes`));
      }
      if (length === most) refuseFile(`the header of ${file} must have at most ${most} bytes`, words("more"));
    }
  }
}

/** A place in a header, and what can be read there. Little-endian. */
export class Reader {
  at = 0; // bytes
  readonly size: number; // of the whole file, bytes
  readonly #file: string;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array<ArrayBuffer>, size: number, file: string) {
    this.size = size;
    this.#file = file;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Moves on by `bytes` and returns where they begin. */
  #take(bytes: number, what: string): number {
    if (bytes > this.size - this.at) {
      refuseFile(`${what} must end within the ${this.size} bytes of ${this.#file}`, this.at + bytes);
    }
    if (this.at + bytes > this.#bytes.length) throw new Short();
    this.at += bytes;
    return this.at - bytes;
  }

  u32(what: string): number {
    return this.#view.getUint32(this.#take(4, what), true);
  }

  /** An unsigned 64-bit number: a count, a length or an offset. @throws RangeError if it is above `most`. */
  count(what: string, most: number): number {
    const value = this.#view.getBigUint64(this.#take(8, what), true);
    if (value > BigInt(most)) refuseFile(`${what} must be at most ${most}`, value);
    return Number(value);
  }

  /** @throws RangeError for a string of more than `most` bytes, Error for one that is no UTF-8. */
  string(what: string, most: number): string {
    const length = this.count(`the length of ${what}`, most);
    const begin = this.#take(length, what);
    try {
      return utf8.decode(this.#bytes.subarray(begin, begin + length));
    } catch (error) {
      refuseFile(`${what} must be UTF-8 text`, words("other bytes"), { cause: error });
    }
  }

  /** A value of a type given by number. @param made whether it is made, should it be an array */
  value(type: number, what: string, made: boolean): Value {
    if (type === ARRAY) return made ? this.#array(what) : this.#skip(what);
    if (type === STRING) return this.string(what, MAX_HEADER_BYTES);
    const width = WIDTHS[type];
    if (width === undefined) refuseFile(`the type of ${what} must be one of GGUF's 0 to 12`, type);
    return this.#number(type, this.#take(width, what), what);
  }

  /** What an array is of: how many elements, of which type, and how many bytes each has at least. Nothing is made here: there may be millions. */
  #head(what: string): Head {
    const type = this.u32(what), length = this.#length(what);
    const width = LEAST[type] ?? WIDTHS[type];
    if (width === undefined) refuseFile(`the element type of ${what} must be one of GGUF's 0 to 12`, type);
    if (length * width > this.size - this.at) {
      refuseFile(`${what} must end within the ${this.size} bytes of ${this.#file}`, this.at + length * width);
    }
    return { type, length, width };
  }

  /** As count, without a bound. */
  #length(what: string): number {
    const at = this.#take(8, what);
    return this.#view.getUint32(at, true) + 2 ** 32 * this.#view.getUint32(at + 4, true);
  }

  #array(what: string): Value {
    const { type, length, width } = this.#head(what);
    if (length > MAX_ELEMENTS) refuseFile(`the number of elements of ${what} must be at most ${MAX_ELEMENTS}`, length);
    if (type === ARRAY) refuseFile(`${what} must be a list of numbers or strings`, words("one of lists"));
    if (type === STRING) {
      return Array.from({ length }, () => this.string(`an element of ${what}`, MAX_HEADER_BYTES));
    }
    return this.#numbers({ type, length, width }, what);
  }

  #numbers({ type, length, width }: Head, what: string): Value {
    const begin = this.#take(length * width, what);
    return Array.from({ length }, (_, i) => this.#number(type, begin + i * width, what)) as number[] | boolean[];
  }

  /** Goes over an array; a few numbers are made, for a refusal to show. */
  #skip(what: string): Value {
    const from = this.at, head = this.#head(what);
    if (LEAST[head.type] === undefined && head.length <= FEW) return this.#numbers(head, what);
    this.at = from;
    this.#over(what, 0);
    return new Skipped(head.length);
  }

  /** @param depth how many arrays it lies in */
  #over(what: string, depth: number): void {
    if (depth === MAX_DEPTH) refuseFile(`arrays in ${what} must lie at most ${MAX_DEPTH} deep`, words("more"));
    const { type, length, width } = this.#head(what);
    if (type === STRING) { for (let i = 0; i < length; i++) this.#take(this.#length(what), what); }
    else if (type === ARRAY) { for (let i = 0; i < length; i++) this.#over(what, depth + 1); }
    else this.#take(length * width, what);
  }

  #number(type: number, at: number, what: string): number | boolean {
    const view = this.#view;
    switch (type) {
      case 0:
        return view.getUint8(at);
      case 1:
        return view.getInt8(at);
      case 2:
        return view.getUint16(at, true);
      case 3:
        return view.getInt16(at, true);
      case 4:
        return view.getUint32(at, true);
      case 5:
        return view.getInt32(at, true);
      case 6:
        return view.getFloat32(at, true);
      case 7:
        if (view.getUint8(at) > 1) refuseFile(`${what} must be true (1) or false (0)`, view.getUint8(at));
        return view.getUint8(at) === 1;
      case 10:
        return Number(view.getBigUint64(at, true));
      case 11:
        return Number(view.getBigInt64(at, true));
      default:
        return view.getFloat64(at, true);
    }
  }
}
