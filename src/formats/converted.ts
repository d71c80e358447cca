/** Tensors in formats that no engine computes with: they become others while they are read, a slice at a time. */
import { bytesOf, type Dtype } from "../engine/dtypes.ts";
import type { Tensor } from "../engine/tensor.ts";

/** What a file has of a tensor, of whatever format. */
export type Stored = Omit<Tensor, "dtype"> & { dtype: string };

/** How a format becomes another. */
export interface Conversion {
  /** Elements of a tensor that are stored together. */
  readonly elements: number;
  /** Bytes of these in the file. */
  readonly bytes: number;
  /** What they become. */
  readonly dtype: Dtype;
  /** Turns whole blocks into as many; `first` is the place of their first element in the tensor. */
  readonly convert: (blocks: Uint8Array<ArrayBuffer>, first: number) => Uint8Array<ArrayBuffer>;
  /** What is read before the first slice. */
  readonly prepare?: () => Promise<void>;
}

/** The tensor in its new format. A slice is made of the blocks that it lies in. */
export function converted(stored: Stored, { elements, bytes, dtype, convert, prepare }: Conversion): Tensor {
  const made = bytesOf(dtype, elements);
  const all = stored.bytes / bytes * made;
  return {
    ...stored,
    dtype,
    bytes: all,
    async read(from = 0, to = all) {
      await prepare?.();
      const [first, last] = [Math.floor(from / made), Math.ceil(to / made)];
      const blocks = convert(await stored.read(first * bytes, last * bytes), first * elements);
      return blocks.length === to - from ? blocks : blocks.slice(from - first * made, to - first * made);
    },
  };
}
