/** Tensors in formats that no engine computes with: they become others while they are read, a slice at a time. */
import { bytesOf, type Dtype } from "../engine/dtypes.ts";
import type { Tensor } from "../engine/tensor.ts";
import { narrow } from "../engine/widen.ts";

/** A tensor as stored: its dtype may be one that we cannot use, which matters only if the model needs it. */
export type StoredTensor = Omit<Tensor, "dtype"> & { dtype: string };

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

/** A whole buffer of float64 as float32. */
export function singles(bytes: Uint8Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  return Float32Array.from(new Float64Array(bytes.slice().buffer));
}

/** F64: every number is rounded to F32. */
export const FROM_F64: Conversion = {
  ...{ elements: 1, bytes: 8, dtype: "F32" },
  convert: (bytes) => narrow(singles(bytes), "F32"),
};

/** The tensor in its new format. A slice is made of the blocks that it lies in. */
export function converted(stored: StoredTensor, { elements, bytes, dtype, convert, prepare }: Conversion): Tensor {
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
