/** Books moved into wider ones: the same lanes and window, more slots per lane. */
import * as abi from "../../assembly/abi.ts";
import { type Core, exportsOf } from "./core.ts";
import { readSnapshot, type SnapshotShape, writeSnapshot } from "./snapshot.ts";

/** Every region of the books with entries for each slot: rows of a lane, and entries to a slot. */
function regionsOf(window: number): (readonly [region: number, rows: number, entries: number])[] {
  const plain = [
    abi.REGION_SUM,
    abi.REGION_SUMSQ,
    abi.REGION_LAST,
    abi.REGION_BIRTH,
    abi.REGION_POSITION,
    abi.REGION_LOOSE,
    abi.REGION_FREED,
  ].map((region) => [region, 1, 1] as const);
  const windowed = [[abi.REGION_RING, window, 1], [abi.REGION_RECENT, 1, 1]] as const;
  return [...plain, [abi.REGION_ORDER, 1, 2], ...(window > 0 ? windowed : [])];
}

/** Where a core's books begin, and how long they are, in words. */
function booksOf(core: Core) {
  const at = (region: number) => (exportsOf(core).address(region) >>> 0) / 4;
  const begin = at(abi.REGION_STATE);
  return { words: at(abi.REGION_ROWS) - begin, from: (region: number) => at(region) - begin };
}

/**
 * Goes on in `to` from the books of `from`: rule, pins and all. Slots keep their numbers.
 * @param layers of both: they have the same lanes and window, and `to` has as many slots or more
 */
export function widen(from: Core, to: Core, layers: number): void {
  const shapeOf = ({ lanes, capacity, window }: Core): SnapshotShape => [layers, lanes / layers, capacity, window];
  const [narrow, wide] = [booksOf(from), booksOf(to)];
  const { books, pins } = readSnapshot(from.snapshot(), shapeOf(from), 4 * narrow.words);
  const source = new Int32Array(books.slice().buffer);
  const target = new Int32Array(new Uint8Array(readSnapshot(to.snapshot(), shapeOf(to), 4 * wide.words).books).buffer);
  target.set(source.subarray(abi.STATE_SEEN, abi.STATE_WORDS), abi.STATE_SEEN); // all of the state behind the shape
  for (const [region, rows, entries] of regionsOf(from.window)) {
    const [width, wider] = [entries * from.capacity, entries * to.capacity];
    const [begin, anew] = [narrow.from(region), wide.from(region)];
    for (let row = 0; row < rows * from.lanes; row++) {
      target.set(source.subarray(begin + row * width, begin + (row + 1) * width), anew + row * wider);
    }
  }
  to.restore(writeSnapshot(shapeOf(to), new Uint8Array(target.buffer), pins));
}
