/** Parts of a text. */
import { refuse, words } from "../../errors.ts";
import { Draws } from "../draws.ts";

/**
 * Pieces of `length` ids, cut one behind another from the beginning; `count` of them, drawn by a name, in the text's order.
 * @throws KvcapRangeError where the text is too short
 */
export function pieces(ids: readonly number[], length: number, count: number, name: string): number[][] {
  const all = Math.floor(ids.length / length);
  if (all < count) {
    const rule = `the text must have at least ${length * count} tokens for ${count} documents of ${length}`;
    refuse("make the documents", rule, words(`${ids.length}`), { option: "text" });
  }
  const drawn = new Draws(name).some(Array.from({ length: all }, (_, i) => i), count).sort((a, b) => a - b);
  return drawn.map((i) => ids.slice(i * length, (i + 1) * length));
}

/**
 * How many lines bring a document to a length.
 * @param size tokens of the document with that many lines @returns at least 0
 */
export function linesFor(length: number, size: (lines: number) => number): number {
  const bare = size(0);
  return Math.max(0, Math.floor((length - bare) / Math.max(1, (size(8) - bare) / 8)));
}
