/** What may be said of how positions turn queries and keys. */

/** One way in which positions turn queries and keys. */
export interface Rope {
  /** Inverse frequencies, scaling applied, [headDim / 2]; 0 for pairs that do not turn. */
  readonly frequencies: Float32Array<ArrayBuffer>;
  /** What cosines and sines are multiplied by, where there is a frequency. */
  readonly scale: number;
}

/** Kinds of scaling that a caller may ask for. */
export const ROPE_SCALINGS = ["none", "linear", "dynamic", "yarn"] as const;
/** A name of ROPE_SCALINGS. */
export type RopeScaling = typeof ROPE_SCALINGS[number];

/** What a caller says of rope. */
export interface RopeAsked {
  /** In place of what the file says. */
  readonly ropeScaling?: RopeScaling | undefined;
  /** The factor of that. */
  readonly ropeFactor?: number | undefined;
  /** How long texts are to be, tokens, where frequencies depend on that. */
  readonly ropeLength?: number | undefined;
}
