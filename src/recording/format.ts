/**
 * A recording: the attention of a run, in 32-bit little-endian words.
 * ```
 * file    magic "kvcaprec" | version | bytes of the header | header, JSON in UTF-8, spaces up to a multiple of 4 | checksum
 *         | frames, of which END is the last
 * frame   kind | words of the body | body | checksum of the frame's words before it
 * PASS    queries | first position | planes, 1 or 3 | lists, 1 or 0 | ids [queries]
 *         | live tokens [lanes], those of the pass included | victims [lanes]
 *         | positions of the live tokens, lane by lane, ascending (only with lists 1; else all so far: 0, 1, …)
 *         | Σp of the live tokens over the queries, f32, lane by lane; with 3 planes so Σp², then p of the last query
 *         | positions of the tokens evicted after the pass, lane by lane, ascending
 * PIN     from | to: tokens at these positions are not evicted from here on
 * RESET   everything seen, and every pin, is forgotten
 * END     number of passes
 * ```
 * A pass of one query has one plane, which says all three. p is the mean or maximum over a KV head's query heads, as the
 * header's `aggregate` says. Lanes are KV heads of layers, layer by layer.
 */
export const MAGIC = [0x6163766b, 0x63657270]; // "kvca" "prec"
export const VERSION = 1;
export const PASS = 1;
export const PIN = 2;
export const RESET = 3;
export const END = 4;
/** Words of a pass before its ids. */
export const PASS_WORDS = 4;

/** FNV-1a over words [from, to): any single word that changes changes it. */
export function checksum(words: Uint32Array, from: number, to: number): number {
  let hash = 0x811c9dc5;
  for (let i = from; i < to; i++) hash = Math.imul(hash ^ words[i], 0x01000193);
  return hash >>> 0;
}

/** What a recording says of itself. */
export interface RecordingHeader {
  /** Layers of the model. */
  readonly layers: number;
  /** KV heads of a layer: lanes are KV heads of layers. */
  readonly kvHeads: number;
  /** The model, in words. */
  readonly model: string;
  /**
   * What the run evicted by: a session's options, defaults filled in; a score of its own is told as "own", a policy of its own by
   * its name and `ownPolicy`.
   */
  readonly options: Record<string, unknown>;
}
