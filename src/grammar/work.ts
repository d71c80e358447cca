/**
 * A bound on the work that a schema or a grammar from strangers may take to be read, which is counted, so that it is the same on every
 * machine; and reading in slices, between which others have their turn.
 */

/** Something that is read in slices. */
export type Slices<T> = Generator<void, T, void>;

const MOST_SLICE = 400_000, MOST = 2_000_000; // a unit takes about a microsecond, and less

let left = Infinity; // of the slice under way
let refused: (() => never) | null = null;

/** Work that is about to be done, in units. @throws what refuses too much of it */
export function spend(units: number): void {
  left -= units;
  if (left < 0) refused?.();
}

/** The same slices, each and all of them bounded. @param refuse where there is more to do */
export function* bounded<T>(slices: Slices<T>, refuse: () => never): Slices<T> {
  for (let total = MOST;;) {
    const most = Math.min(total, MOST_SLICE), before = { left, refused };
    [left, refused] = [most, refuse];
    let next: IteratorResult<void, T>;
    try {
      next = slices.next();
      total -= most - left;
    } finally {
      ({ left, refused } = before);
    }
    if (next.done) return next.value;
    yield;
  }
}

/** Does all of it at a stretch. */
export function atOnce<T>(slices: Slices<T>): T {
  let next = slices.next();
  while (!next.done) next = slices.next();
  return next.value;
}

const PATIENCE = 10; // ms

/** Does it slice by slice. @param breathe lets others have their turn */
export async function inSlices<T>(slices: Slices<T>, breathe: () => Promise<void>): Promise<T> {
  let begun = performance.now(), next = slices.next();
  for (; !next.done; next = slices.next()) {
    if (performance.now() - begun < PATIENCE) continue;
    await breathe();
    begun = performance.now();
  }
  return next.value;
}
