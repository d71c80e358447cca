// Constants of inner loops. What a loop names as a constant an engine may make anew in every turn, in three instructions or more;
// what was loaded before the loop stays in a register, and what is loaded in it is one instruction. So they lie in memory.

// prettier-ignore
const masks = memory.data<u32>([
  0x8fffe000, 0x8fffe000, 0x8fffe000, 0x8fffe000, // sign, exponent and fraction of an f16 that was moved to f32's places
  0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff, // all but the sign
  0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f, // the low four bits of every byte
  0x00010001, 0x00010001, 0x00010001, 0x00010001, // 1 in every i16
  0x4b400000 - 127, 0x4b400000 - 127, 0x4b400000 - 127, 0x4b400000 - 127, // see keptMagic
], 16);

// prettier-ignore
const numbers = memory.data<f32>([
  5.070602400912918e30, 5.070602400912918e30, 5.070602400912918e30, 5.070602400912918e30, // 2¹⁰²
  5.192296858534828e33, 5.192296858534828e33, 5.192296858534828e33, 5.192296858534828e33, // 2¹¹²
  1, 1, 1, 1,
  12582912, 12582912, 12582912, 12582912,
  -87, -87, -87, -87,
  1.44269504, 1.44269504, 1.44269504, 1.44269504,
  0.693359375, 0.693359375, 0.693359375, 0.693359375,
  2.12194440e-4, 2.12194440e-4, 2.12194440e-4, 2.12194440e-4,
  1.9875691500e-4, 1.9875691500e-4, 1.9875691500e-4, 1.9875691500e-4,
  1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3, 1.3981999507e-3,
  8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3, 8.3334519073e-3,
  4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2, 4.1665795894e-2,
  1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1, 1.6666665459e-1,
  5.0000001201e-1, 5.0000001201e-1, 5.0000001201e-1, 5.0000001201e-1,
], 16);

/** See `raised` in half.ts. */
@inline
export function keptSign(): v128 {
  return v128.load(masks);
}

@inline
export function keptAbsolute(): v128 {
  return v128.load(masks, 16);
}

@inline
export function keptNibble(): v128 {
  return v128.load(masks, 32);
}

@inline
export function keptOnes(): v128 {
  return v128.load(masks, 48);
}

/** As integers, keptMagic less the exponent of 1 in f32. */
@inline
export function keptBias(): v128 {
  return v128.load(masks, 64);
}

/** See `raised` in half.ts. */
@inline
export function keptRaise(): v128 {
  return v128.load(numbers);
}

/** See `moved` in kv.ts. */
@inline
export function keptFactor(): v128 {
  return v128.load(numbers, 16);
}

@inline
export function keptOne(): v128 {
  return v128.load(numbers, 32);
}

/**
 * 1.5 · 2²³, as bits 0x4b400000. A number of at most 22 bits and this, added, is the nearest integer, ties to even, in the low bits
 * of the sum: less this, as f32 or as integers, it is that integer.
 */
@inline
export function keptMagic(): v128 {
  return v128.load(numbers, 48);
}

/** Of `exponential`, from its least exponent on. */
@inline
export function keptStep(index: usize): v128 {
  return v128.load(numbers + 64 + (index << 4));
}
