// The random score: a hash, so that every machine draws alike.

import { keys, state } from "./layout";
import { candidate, keys4, NONE, setLowest, smallest } from "./score";

/** MurmurHash3's finaliser: every bit of x reaches every bit of the result. */
function mix(x: u32): u32 {
  x = (x ^ (x >> 16)) * 0x85ebca6b;
  x = (x ^ (x >> 13)) * 0xc2b2ae35;
  return x ^ (x >> 16);
}

/** mix of four numbers. */
function mixFour(x: v128): v128 {
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 16)), i32x4.splat(0x85ebca6b));
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 13)), i32x4.splat(0xc2b2ae35));
  return v128.xor(x, i32x4.shr_u(x, 16));
}

/** 2³² / the golden ratio: sends neighbouring positions far apart before they are mixed. */
const SPACING: i32 = 0x9e3779b9;

/** Where the draws of a lane's next eviction come from. */
export function streamOf(lane: i32): u32 {
  return mix(mix(mix(<u32> state.parameter) + <u32> lane) + <u32> state.evictions);
}

/** The draw of the token at a position: 30 bits. */
export function drawAt(stream: u32, place: i32): i32 {
  return <i32> (mix(stream + <u32> (place * SPACING)) >> 2);
}

/**
 * A uniform draw of 30 bits for every slot of a lane, a function of seed, lane, number of the eviction and position alone:
 * independent from lane to lane and from call to call, the same on every machine.
 */
export function randomKeys(stream: u32, places: usize, from: i32, to: i32): void {
  const size = state.extent;
  const out = keys;
  let least = NONE;
  let i = 0;
  if (ASC_FEATURE_SIMD) {
    const begin = i32x4.splat(from);
    const latest = i32x4.splat(to - 1);
    const streams = i32x4.splat(<i32> stream);
    const spacing = i32x4.splat(SPACING);
    let leasts = i32x4.splat(NONE);
    for (; i + 4 <= size; i += 4) {
      const at = (<usize> i) << 2;
      const place = v128.load(places + at);
      const draw = i32x4.shr_u(mixFour(i32x4.add(streams, i32x4.mul(place, spacing))), 2);
      const key = keys4(draw, place, begin, latest);
      v128.store(out + at, key);
      leasts = i32x4.min_s(leasts, key);
    }
    least = smallest(leasts);
  }
  for (; i < size; i++) {
    const at = (<usize> i) << 2;
    const place = load<i32>(places + at);
    const may = candidate(place, from, to);
    const key = may ? drawAt(stream, place) : NONE;
    store<i32>(out + at, key);
    least = min(least, key);
  }
  setLowest(least);
}
