/** How K and V are stored in the cache: one row for every slot of a KV head, in one of three kinds. */

/** Every kind, in the order of the shaders' KV. */
export const KV_TYPES = ["f32", "f16", "q8"] as const;

/**
 * f32: as computed. f16: half as large; numbers beyond ±65 504 become ±65 504. q8: signed bytes, and two scales in f32, one
 * for each half of the row: the largest absolute value of that half. A row with a number that is none (NaN, ±∞) gives NaN in
 * all kinds when it is read, in f16 that number alone.
 */
export type KvType = typeof KV_TYPES[number];

const ROW_BYTES: Record<KvType, (headDim: number) => number> = {
  f32: (headDim) => headDim * 4,
  f16: (headDim) => headDim * 2,
  q8: (headDim) => Math.ceil(headDim / 8) * 8 + 8, // codes, scales
};

/** Bytes of one row of K or of V: one slot of one KV head. A multiple of 8. @param headDim a multiple of 4 */
export function kvRowBytes(headDim: number, kv: KvType): number {
  return ROW_BYTES[kv](headDim);
}

/** Bytes of the keys and values of a pass of `count` tokens: see Pass.told. */
export function toldBytes(
  { layers, kvHeads, headDim }: { readonly layers: number; readonly kvHeads: number; readonly headDim: number },
  { kv, tells }: { readonly kv: KvType; readonly tells: boolean },
  count: number,
): number {
  return tells ? 2 * layers * kvHeads * count * kvRowBytes(headDim, kv) : 0;
}

/** Bytes of the sums of a pass's queries: see Pass.queries. */
export function queryBytes(
  { layers, heads, headDim }: { readonly layers: number; readonly heads: number; readonly headDim: number },
  { asks }: { readonly asks: boolean },
): number {
  return asks ? layers * heads * 6 * headDim : 0;
}

/** Bytes of a layer's K, or V, that move into a larger cache, and where they begin. */
export interface Run {
  readonly source: number;
  readonly target: number;
  readonly bytes: number;
}

/** How the K, and V, of each layer move into a larger cache where every row keeps its number: [layers]. */
export function runsOf(
  { kvHeads, headDim }: { readonly kvHeads: number; readonly headDim: number },
  from: { readonly rows: readonly number[]; readonly kv: KvType; readonly pooled: boolean },
  to: { readonly rows: readonly number[] },
): Run[][] {
  const rowBytes = kvRowBytes(headDim, from.kv);
  return from.rows.map((rows, layer) => {
    if (from.pooled) return [{ source: 0, target: 0, bytes: kvHeads * rows * rowBytes }];
    return Array.from({ length: kvHeads }, (_, head) => ({
      source: head * rows * rowBytes,
      target: head * to.rows[layer] * rowBytes,
      bytes: rows * rowBytes,
    }));
  });
}
