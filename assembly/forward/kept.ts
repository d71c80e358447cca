// Constants of inner loops. What a loop names as a constant an engine may make anew in every turn, in three instructions or more;
// what was loaded before the loop stays in a register. So they lie in memory, and a loop's function loads them first.

// prettier-ignore
const kept = memory.data<u32>([
  0x8fffe000, 0x8fffe000, 0x8fffe000, 0x8fffe000, // sign, exponent and fraction of an f16 that was moved to f32's places
  0x72800000, 0x72800000, 0x72800000, 0x72800000, // 2¹⁰² as f32
  0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f, 0x0f0f0f0f,
  0x00010001, 0x00010001, 0x00010001, 0x00010001,
], 16);

/** See `raised` in half.ts. */
@inline
export function keptSign(): v128 {
  return v128.load(kept);
}

/** See `raised` in half.ts. */
@inline
export function keptRaise(): v128 {
  return v128.load(kept, 16);
}

/** The low four bits of every byte. */
@inline
export function keptNibble(): v128 {
  return v128.load(kept, 32);
}

/** 1 in every i16. */
@inline
export function keptOnes(): v128 {
  return v128.load(kept, 48);
}
