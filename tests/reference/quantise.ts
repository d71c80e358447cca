// The naive twin of reading quantised blocks: one weight at a time, by the layouts of ggml-common.h.
import { widenF16 } from "../../src/engine/widen.ts";

const LEVELS = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/** The weights that blocks of 32 hold. */
export function unquantised(blocks: Uint8Array, type: "Q8_0" | "IQ4_NL"): Float32Array {
  const size = type === "Q8_0" ? 34 : 18; // bytes of a block
  return Float32Array.from({ length: blocks.length / size * 32 }, (_, i) => {
    const block = blocks.subarray(Math.floor(i / 32) * size);
    const scale = widenF16(block[0] | (block[1] << 8));
    const place = i % 32;
    if (type === "Q8_0") return scale * (block[2 + place] << 24 >> 24);
    const byte = block[2 + place % 16];
    return scale * LEVELS[place < 16 ? byte & 15 : byte >> 4];
  });
}
