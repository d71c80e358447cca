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
  if (held.length < length) held = new Float64Array(length);
  return held;
}

let held = new Float64Array(256);
