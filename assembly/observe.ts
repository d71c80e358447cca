// A row of attention enters the books, lane by lane.
//
// Every loop over slots, here and in the files of scores and selection, has the same form: vectors of four slots where the
// build has SIMD, then one slot at a time for what is left (in the scalar build: for everything). Both do the same
// operations in the same order, so books and victims are the same to the last bit.

import { P_BOUND } from "./abi";
import { capacity, lanes, position, rows, state, sum, sumsq } from "./layout";

/** Bits of 2⁴⁰: values of a row lie below it, so that no sum, square or mean can overflow. */
const TOO_LARGE: u32 = reinterpret<u32>(<f32> P_BOUND);
const SQUARE_IS_NORMAL: f32 = reinterpret<f32>(0x20000000); // 2⁻⁶³
const MINUS_ZERO: u32 = 0x80000000;

/** Whether one plane of the row holds, in live slots, only values from 0 to below 2⁴⁰. */
function acceptable(plane: i32): bool {
  const size = state.extent;
  for (let lane = 0; lane < lanes; lane++) {
    const first = <usize> lane * <usize> capacity;
    const from = rows + ((<usize> plane * <usize> lanes * <usize> capacity + first) << 2);
    const places = position + (first << 2);
    let i = 0;
    // As unsigned integers the bits of good values lie below those of every large, infinite, negative or undefined one.
    if (ASC_FEATURE_SIMD) {
      let most = i32x4.splat(0);
      let more = most;
      for (; i + 8 <= size; i += 8) {
        const at = from + ((<usize> i) << 2);
        most = i32x4.max_u(most, v128.load(at));
        more = i32x4.max_u(more, v128.load(at, 16));
      }
      // −0, or a free slot, or a bad value: look closer
      if (v128.any_true(i32x4.ge_u(i32x4.max_u(most, more), i32x4.splat(TOO_LARGE)))) i = 0;
    }
    for (; i < size; i++) {
      const bits = load<u32>(from + ((<usize> i) << 2));
      if (bits >= TOO_LARGE && bits != MINUS_ZERO && load<i32>(places + ((<usize> i) << 2)) >= 0) return false;
    }
  }
  return true;
}

/** Whether the row can be added: plane 0 alone for one query, all three planes for more. */
export function rowIsGood(queries: i32): bool {
  return queries == 1 ? acceptable(0) : acceptable(0) && acceptable(1) && acceptable(2);
}

/**
 * x², or 0 where it would be below the smallest normal float: x < 2⁻⁶³. Most of a long context gets such attention, no sum
 * shows the difference, and computing with subnormal numbers is ten times slower on common processors.
 */
export function squareOf(x: f32): f32 {
  return x >= SQUARE_IS_NORMAL ? x * x : 0;
}

/** squareOf for four numbers. */
export function squares4(x: v128): v128 {
  const normal = v128.and(x, f32x4.ge(x, f32x4.splat(SQUARE_IS_NORMAL)));
  return f32x4.mul(normal, normal);
}

/** Adds the row to one lane's S and Q. */
export function addSums(lane: i32, queries: i32): void {
  if (queries == 1) addQuery(lane);
  else addChunk(lane);
}

/**
 * S += p, Q += p² for every slot that was ever used. Free slots gather what stands in the row: `claim` clears them.
 * Adding to a number that is not −0 makes −0 the same as 0.
 */
export function addQuery(lane: i32): void {
  const size = state.extent;
  const first = (<usize> lane * <usize> capacity) << 2;
  const row = rows + first;
  const sums = sum + first;
  const squares = sumsq + first;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      const p = v128.load(row + at);
      v128.store(sums + at, f32x4.add(v128.load(sums + at), p));
      v128.store(squares + at, f32x4.add(v128.load(squares + at), squares4(p)));
    }
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    const p = load<f32>(row + at);
    store<f32>(sums + at, load<f32>(sums + at) + p);
    store<f32>(squares + at, load<f32>(squares + at) + squareOf(p));
  }
}

/** S += Σp, Q += Σp² of a row of several queries. */
function addChunk(lane: i32): void {
  const size = state.extent;
  const first = (<usize> lane * <usize> capacity) << 2;
  const plane = (<usize> lanes * <usize> capacity) << 2;
  const row = rows + first;
  const sums = sum + first;
  const squares = sumsq + first;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      v128.store(sums + at, f32x4.add(v128.load(sums + at), v128.load(row + at)));
      v128.store(squares + at, f32x4.add(v128.load(squares + at), v128.load(row + plane + at)));
    }
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    store<f32>(sums + at, load<f32>(sums + at) + load<f32>(row + at));
    store<f32>(squares + at, load<f32>(squares + at) + load<f32>(row + plane + at));
  }
}
