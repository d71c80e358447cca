/** Numbers of safetensors files as float32, and float32 as f16. */
import type { Plain } from "./dtypes.ts";
import type { Tensor } from "./tensor.ts";

/** A whole tensor of plain numbers widened to f32. */
export async function readFloats(tensor: Tensor): Promise<Float32Array<ArrayBuffer>> {
  return widen(await tensor.read(), tensor.dtype as Plain);
}

const WIDEN: Record<Plain, (aligned: ArrayBuffer) => Float32Array<ArrayBuffer>> = {
  F32: (aligned) => new Float32Array(aligned),
  F16: (aligned) => Float32Array.from(new Uint16Array(aligned), widenF16),
  BF16: (aligned) => Float32Array.from(new Uint16Array(aligned), widenBf16),
};

/** Bytes of plain numbers as float32: a copy. */
export function widen(bytes: Uint8Array<ArrayBuffer>, dtype: Plain): Float32Array<ArrayBuffer> {
  return WIDEN[dtype](bytes.slice().buffer);
}

const scratch = new Uint32Array(1);
const scratchFloat = new Float32Array(scratch.buffer);

function widenBf16(word: number): number {
  scratch[0] = word << 16;
  return scratchFloat[0];
}

export function widenF16(word: number): number {
  const sign = word & 0x8000 ? -1 : 1;
  const exponent = (word >> 10) & 31;
  const fraction = word & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const NARROW: Record<
  Plain,
  (floats: Float32Array<ArrayBuffer>) => Float32Array<ArrayBuffer> | Uint16Array<ArrayBuffer>
> = {
  F32: (floats) => floats,
  F16: (floats) => Uint16Array.from(floats, halfOf),
  BF16: (floats) =>
    Uint16Array.from(new Uint32Array(floats.buffer), (bits) => (bits + 0x7fff + (bits >>> 16 & 1)) >>> 16),
};

/** A whole buffer of float32 as bytes of plain numbers, the nearest ones, ties to even. */
export function narrow(floats: Float32Array<ArrayBuffer>, dtype: Plain): Uint8Array<ArrayBuffer> {
  return new Uint8Array(NARROW[dtype](floats).buffer);
}

/** The bits of the nearest f16, infinities and NaN among them. */
function halfOf(value: number): number {
  if (Math.abs(value) < 65520) return narrowF16(value);
  return Number.isNaN(value) ? 0x7e00 : value < 0 ? 0xfc00 : 0x7c00;
}

/** The bits of the nearest f16, ties to even, of a finite number; beyond ±65 504, of that. */
export function narrowF16(value: number): number {
  scratchFloat[0] = value;
  const sign = scratch[0] >>> 16 & 0x8000; // of zeros, too
  const size = Math.min(65504, Math.abs(value));
  scratchFloat[0] = size;
  const exponent = Math.max((scratch[0] >>> 23) - 127, -14);
  const steps = size * 2 ** (10 - exponent); // exact: a power of two
  let whole = Math.floor(steps);
  const rest = steps - whole;
  if (rest > 0.5 || rest === 0.5 && whole % 2 === 1) whole++;
  // The bits of an f16 count such steps: a whole of 2 048 carries into the exponent by itself.
  const bits = Math.min(0x7bff, whole + (exponent + 14) * 1024);
  return bits | sign;
}
