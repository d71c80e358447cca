// The naive twin of what storing K and V does to a row: what is read is not quite what was written.
import type { KvType } from "../../src/engine/kv.ts";

/** A row of K or V of one slot after it was stored and read. */
export function stored(row: ArrayLike<number>, kv: KvType): number[] {
  const numbers = Array.from(row);
  if (kv === "f32") return numbers;
  if (kv === "f16") return numbers.map(half);
  if (!numbers.every(Number.isFinite)) return numbers.map(() => NaN);
  const quads = Math.ceil(numbers.length / 8); // in the first half of the row
  const halves = [numbers.slice(0, 4 * quads), numbers.slice(4 * quads)];
  return halves.flatMap((half) => {
    const scale = Math.max(0, ...half.map(Math.abs));
    return half.map((number) => scale < 1e-30 ? 0 : Math.floor(0.5 + 127 * number / scale) / 127 * scale);
  });
}

/** The nearest f16, ties to even; NaN for what is no finite number. */
function half(number: number): number {
  if (!Number.isFinite(number)) return NaN;
  const size = Math.min(65504, Math.abs(number));
  const step = 2 ** (Math.max(-14, Math.floor(Math.log2(size || 1))) - 10);
  const steps = Math.floor(size / step);
  const rest = size / step - steps;
  return Math.sign(number) * step * (rest > 0.5 || (rest === 0.5 && steps % 2 === 1) ? steps + 1 : steps);
}
