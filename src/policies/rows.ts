/** Sums over rows of keys and values, [capacity, headDim], for scores that read them. In f64: exact enough that order does not matter. */

/** ‖row‖₂. @param at where the row begins */
export function lengthOf(rows: Float32Array, at: number, headDim: number): number {
  return Math.sqrt(dot(rows, at, rows, at, headDim));
}

/** ‖row‖₁. */
export function sizeOf(rows: Float32Array, at: number, headDim: number): number {
  let sum = 0;
  for (let i = at; i < at + headDim; i++) sum += Math.abs(rows[i]);
  return sum;
}

/** The product of two rows. */
export function dot(a: ArrayLike<number>, atA: number, b: ArrayLike<number>, atB: number, length: number): number {
  let sum = 0;
  for (let i = 0; i < length; i++) sum += a[atA + i] * b[atB + i];
  return sum;
}

/** Numbers that a score works on, of at least this length: one array, which grows, and which the next user overwrites. */
export function workspace(length: number): Float64Array {
  if (held.length < length) held = new Float64Array(2 * length);
  return held;
}

let held = new Float64Array(256);

/** The slots of live tokens by ascending position, in the first places of one array, which the next user overwrites. */
export const order = { slots: new Uint32Array(256), count: 0 };

/** Fills in `order`. */
export function putInOrder(positions: Int32Array): typeof order {
  if (order.slots.length < positions.length) order.slots = new Uint32Array(2 * positions.length);
  const { slots } = order;
  let count = 0;
  for (let slot = 0; slot < positions.length; slot++) if (positions[slot] >= 0) slots[count++] = slot;
  for (let gap = count >> 1; gap > 0; gap >>= 1) { // Shell's sort
    for (let i = gap; i < count; i++) {
      const slot = slots[i];
      let at = i;
      for (; at >= gap && positions[slots[at - gap]] > positions[slot]; at -= gap) slots[at] = slots[at - gap];
      slots[at] = slot;
    }
  }
  order.count = count;
  return order;
}

/** Moves the largest n of `numbers` [from, from + count), in whatever order, into the first n places there: n from 1 to count. */
export function largestFirst(numbers: Float64Array, from: number, count: number, n: number): void {
  let low = from;
  let high = from + count - 1;
  const last = from + n - 1; // its place
  while (low < high) {
    const middle = numbers[(low + high) >> 1];
    let i = low;
    let j = high;
    while (i <= j) {
      while (numbers[i] > middle) i++;
      while (numbers[j] < middle) j--;
      if (i > j) break;
      const one = numbers[i];
      numbers[i++] = numbers[j];
      numbers[j--] = one;
    }
    if (last <= j) high = j;
    else if (last >= i) low = i;
    else return;
  }
}
