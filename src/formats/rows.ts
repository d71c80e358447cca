/** Tensors as parts of another, or with its rows in another order, made while it is read. */
import type { StoredTensor } from "./converted.ts";

/** Rows [from, to) of a matrix. */
export function rowsOf<T extends StoredTensor>(tensor: T, from: number, to: number): T {
  const [rows, ...others] = tensor.shape;
  const rowBytes = tensor.bytes / rows;
  const [begin, bytes] = [from * rowBytes, (to - from) * rowBytes];
  return {
    ...tensor,
    shape: [to - from, ...others],
    bytes,
    read: (from = 0, to = bytes) => tensor.read(begin + from, begin + to),
  };
}

/** A matrix or bias whose rows come in groups. @param order for each row of a group, which of the file's rows it is */
export function reordered<T extends StoredTensor>(tensor: T, order: ArrayLike<number>): T {
  const [rows] = tensor.shape;
  if (rows % order.length !== 0) return tensor; // its shape will be refused
  const rowBytes = tensor.bytes / rows;
  const groupBytes = order.length * rowBytes;
  return {
    ...tensor,
    async read(from = 0, to = tensor.bytes) {
      const begin = Math.floor(from / groupBytes) * groupBytes; // whole groups, since a slice may end within one
      const bytes = await tensor.read(begin, Math.ceil(to / groupBytes) * groupBytes);
      const ordered = new Uint8Array(bytes.length);
      for (let group = 0; group < bytes.length; group += groupBytes) {
        for (let row = 0; row < order.length; row++) {
          const at = group + order[row] * rowBytes;
          ordered.set(bytes.subarray(at, at + rowBytes), group + row * rowBytes);
        }
      }
      return ordered.slice(from - begin, to - begin);
    },
  };
}
