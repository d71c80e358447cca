/** Ranges of code points as ranges of UTF-8 bytes. */
import { spend } from "./work.ts";
import { byte, choice, type Piece, sequence } from "./network.ts";

/** Code points from the first to the second, which is included. */
export type Range = readonly [low: number, high: number];

export const MOST_CODE = 0x10ffff;
const SURROGATES: Range = [0xd800, 0xdfff];

/** Sorted, without overlaps; what touches is one. */
export function united(ranges: readonly Range[]): Range[] {
  const out: [number, number][] = [];
  for (const [low, high] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = out.at(-1);
    if (last && low <= last[1] + 1) last[1] = Math.max(last[1], high);
    else out.push([low, high]);
  }
  return out;
}

/** All other code points. */
export function inverted(ranges: readonly Range[]): Range[] {
  const out: Range[] = [];
  let from = 0;
  for (const [low, high] of united(ranges)) {
    if (low > from) out.push([from, low - 1]);
    from = high + 1;
  }
  if (from <= MOST_CODE) out.push([from, MOST_CODE]);
  return out;
}

/** What is in both. */
export function shared(a: readonly Range[], b: readonly Range[]): Range[] {
  return inverted([...inverted(a), ...inverted(b)]);
}

/** One character of these ranges, as bytes; surrogates are none. */
export function character(ranges: readonly Range[]): Piece {
  const plain = shared(ranges, inverted([SURROGATES]));
  spend(4 * plain.length);
  return choice(...plain.flatMap(([low, high]) => bytesOf(low, high)));
}

const LAST = [0x7f, 0x7ff, 0xffff, MOST_CODE]; // code points of one, two, three and four bytes

/** Sequences of byte ranges that are these code points. */
function bytesOf(low: number, high: number): Piece[] {
  const length = LAST.findIndex((last) => low <= last) + 1;
  if (high > LAST[length - 1]) return [...bytesOf(low, LAST[length - 1]), ...bytesOf(LAST[length - 1] + 1, high)];
  return tails(low, high, length - 1).map((ranges) => {
    const lead = length === 1 ? 0 : [0, 0xc0, 0xe0, 0xf0][length - 1];
    const bytes = ranges.map(([from, to], i) => i === 0 ? byte(lead + from, lead + to) : byte(0x80 + from, 0x80 + to));
    return sequence(...bytes);
  });
}

/** The same in digits of six bits: for every sequence, a range for each digit. */
function tails(low: number, high: number, more: number): Range[][] {
  if (more === 0) return [[[low, high]]];
  const unit = 2 ** (6 * more);
  const [first, last] = [Math.floor(low / unit), Math.floor(high / unit)];
  if (first === last) return tails(low % unit, high % unit, more - 1).map((rest) => [[first, first], ...rest]);
  if (low % unit !== 0) {
    return [...tails(low, first * unit + unit - 1, more), ...tails((first + 1) * unit, high, more)];
  }
  if (high % unit !== unit - 1) return [...tails(low, last * unit - 1, more), ...tails(last * unit, high, more)];
  return [[[first, last], ...Array.from({ length: more }, (): Range => [0, 63])]];
}
