// f16 and bf16 as f32, four numbers at a time, and f32 as f16. No number on the way is subnormal: processors are slow at those.

/** Four f16, each in the low half of a lane, widened. */
@inline
export function widenHalves(h: v128): v128 {
  const size = i32x4.shl(v128.and(h, i32x4.splat(0x7fff)), 13);
  const exponent = v128.and(size, i32x4.splat(0x0f800000));
  const small = i32x4.eq(exponent, i32x4.splat(0)); // 0 and subnormal: fraction · 2⁻²⁴
  const special = i32x4.eq(exponent, i32x4.splat(0x0f800000)); // infinite, or none
  const moved = i32x4.add(
    i32x4.add(size, i32x4.splat(112 << 23)),
    v128.or(v128.and(special, i32x4.splat(112 << 23)), v128.and(small, i32x4.splat(1 << 23))),
  );
  const number = f32x4.sub(moved, v128.and(small, f32x4.splat(0.00006103515625))); // 2⁻¹⁴
  return v128.or(number, i32x4.shl(v128.and(h, i32x4.splat(0x8000)), 16));
}

/** Four f16 at an address. */
@inline
export function halvesAt(at: usize, offset: usize): v128 {
  return widenHalves(v128.load_ext<u16>(at + offset));
}

/**
 * An f16 times 1024, as f16: then no number but 0 is subnormal, and four widen in a few operations. Exact below 64.
 * @returns its bits; ABOVE where the number is 64 or more, infinite or none
 */
export function raised(bits: u32): u32 {
  const number = widenHalf(bits);
  if (!(abs<f32>(number) < 64)) return ABOVE;
  return i32x4.extract_lane(narrowHalves(f32x4.splat(number * 1024)), 0) & 0xffff;
}

/** What `raised` cannot raise. */
export const ABOVE: u32 = 0x10000;

/** Four f16 at an address that were raised. @param sign, raise see kept.ts */
@inline
export function raisedAt(at: usize, offset: usize, sign: v128, raise: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(v128.load_ext<i16>(at + offset), 13), sign), raise);
}

/** Four bf16 at an address. */
@inline
export function bf16At(at: usize, offset: usize): v128 {
  return i32x4.shl(v128.load_ext<u16>(at + offset), 16);
}

/** One f16. */
export function widenHalf(bits: u32): f32 {
  return f32x4.extract_lane(widenHalves(i32x4.splat(bits)), 0);
}

/**
 * The nearest f16 of four f32, ties to even, in the low half of each lane. Beyond ±65 504 it is that; what is no finite number
 * is a NaN.
 */
export function narrowHalves(x: v128): v128 {
  const bits = v128.and(x, i32x4.splat(0x7fffffff));
  const finite = i32x4.lt_s(bits, i32x4.splat(0x7f800000));
  const size = f32x4.pmin(f32x4.splat(65504), bits);
  const least = f32x4.splat(0.00006103515625); // 2⁻¹⁴: below it f16 count steps of 2⁻²⁴, as f32 do from a half on
  const few = i32x4.sub(f32x4.add(size, f32x4.splat(0.5)), i32x4.splat(0x3f000000));
  const odd = v128.and(i32x4.shr_u(size, 13), i32x4.splat(1));
  const rounded = i32x4.shr_u(i32x4.add(i32x4.add(size, i32x4.splat(0xfff)), odd), 13);
  const half = v128.bitselect(few, i32x4.sub(rounded, i32x4.splat(112 << 10)), f32x4.lt(size, least));
  const signed = v128.or(half, i32x4.shl(i32x4.shr_u(x, 31), 15));
  return v128.bitselect(signed, i32x4.splat(0x7e00), finite);
}
