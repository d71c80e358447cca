/** The buffer that goes to the worker with every pass and comes back with its answer: a pass makes no other one. */
import type { ModelConfig } from "../engine/config.ts";
import type { ContextShape } from "../engine/engine.ts";
import { queryBytes, toldBytes } from "../engine/kv.ts";

/** Its parts: what a pass is given, then what it gives. */
export interface Parcel {
  readonly buffer: ArrayBuffer;
  /** The tokens, and what follows the last: [stride + 1]. */
  readonly ids: Uint32Array<ArrayBuffer>;
  /** [lanes, tokens], at most the stride. */
  readonly slots: Uint32Array<ArrayBuffer>;
  /** Likewise; pooled only. */
  readonly rows: Uint32Array<ArrayBuffer>;
  /** [3, lanes, capacity] where attention is observed, as Pass has it. */
  readonly observed: Float32Array<ArrayBuffer>;
  /** [vocab]. */
  readonly logits: Float32Array<ArrayBuffer>;
  /** [stride]. */
  readonly losses: Float32Array<ArrayBuffer>;
  /** [2, lanes, tokens] rows of K and V, where the shape tells. */
  readonly told: Uint8Array<ArrayBuffer>;
  /** [layers · heads, 3, headDim / 2], where the shape asks. */
  readonly queries: Float32Array<ArrayBuffer>;
}

/** Looks at a buffer of a context of this shape, or makes one. */
export function parcelOf(config: ModelConfig, shape: ContextShape, buffer?: ArrayBuffer): Parcel {
  const lanes = config.layers * config.kvHeads;
  const { stride, capacity, pooled, observe } = shape;
  const lengths = [
    ...[stride + 1, lanes * stride, pooled ? lanes * stride : 0],
    ...[observe ? 3 * lanes * capacity : 0, config.vocab, stride],
    toldBytes(config, shape, stride) / 4,
    queryBytes(config, shape) / 4,
  ];
  const all = buffer ?? new ArrayBuffer(4 * lengths.reduce((sum, length) => sum + length, 0));
  let at = 0; // bytes
  const begins = lengths.map((length) => (at += 4 * length) - 4 * length);
  const words = (part: number) => new Uint32Array(all, begins[part], lengths[part]);
  const floats = (part: number) => new Float32Array(all, begins[part], lengths[part]);
  return {
    ...{ buffer: all, ids: words(0), slots: words(1), rows: words(2) },
    ...{ observed: floats(3), logits: floats(4), losses: floats(5) },
    told: new Uint8Array(all, begins[6], 4 * lengths[6]),
    queries: floats(7),
  };
}
