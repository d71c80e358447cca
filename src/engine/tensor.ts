import type { Dtype } from "./dtypes.ts";

/** A tensor that can be read. */
export interface Tensor {
  name: string;
  dtype: Dtype;
  shape: number[];
  bytes: number;
  /** Bytes [from, to) of the tensor as the file has them, little-endian, row-major; all of it by default. */
  read(from?: number, to?: number): Promise<Uint8Array<ArrayBuffer>>;
}
