/** What may be said of how positions turn queries and keys. */

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
