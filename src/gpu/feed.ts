/** What tells a pass which tokens go into which slots: the one upload of a step. */
import type { ModelConfig } from "../engine/config.ts";
import type { ContextShape, Pass } from "../engine/engine.ts";
import type { Rope } from "../engine/rope.ts";
import { writeTurns } from "../engine/stored.ts";
import type { Gpu } from "./device.ts";

/**
 * What one pass uploads, as the shaders read it (u32 words, floats by their bits):
 * ```
 * tokens | extent | first position | first rank | next id | 0 | 0 | 0 |
 * ids [tokens] | slots [lanes, tokens] | pooled: rows [lanes, tokens] | cos, sin [ropes, tokens, 2, headDim / 2]
 * ```
 */
export interface Feed {
  readonly buffer: GPUBuffer;
  readonly words: Uint32Array<ArrayBuffer>;
  readonly floats: Float32Array<ArrayBuffer>; // the same memory
}

const HEADER = 8; // words

/** Bytes of the longest feed. */
export function feedBytes({ layers, kvHeads, headDim, ropes }: ModelConfig, { stride, pooled }: ContextShape): number {
  return 4 * (HEADER + stride * (1 + layers * kvHeads * (pooled ? 2 : 1) + ropes.length * headDim));
}

/** @param buffer of feedBytes, or more */
export function createFeed(buffer: GPUBuffer): Feed {
  const words = new Uint32Array(buffer.size / 4);
  return { buffer, words, floats: new Float32Array(words.buffer) };
}

/** Fills and uploads the feed of a pass. @param ropes of the model @param ranked as the cache's shape says */
export function uploadFeed(
  { device: { queue } }: Gpu,
  { words, floats, buffer }: Feed,
  pass: Pass,
  { ropes, ranked }: { ropes: readonly Rope[]; ranked: boolean },
): void {
  const { ids, begin, count, slots, rows, first, firstRank, extent } = pass;
  words[0] = count;
  words[1] = extent;
  words[2] = first;
  words[3] = firstRank;
  words[4] = ids[begin + count] ?? 0; // what follows, where losses are asked for
  for (let t = 0; t < count; t++) words[HEADER + t] = ids[begin + t];
  words.set(slots, HEADER + count);
  let at = HEADER + count + slots.length;
  if (rows) {
    words.set(rows, at);
    at += rows.length;
  }
  writeTurns(floats, at, ropes, ranked ? firstRank : first, count); // of what queries are rotated by
  queue.writeBuffer(buffer, 0, words, 0, at + ropes.length * count * 2 * ropes[0].frequencies.length);
}
