/** How weights are stored: the number types of safetensors and the block formats of GGUF, alike in files and in GPU memory. */

/** One format. */
export interface Format {
  /** DTYPE in the shaders. */
  readonly code: number;
  /** Neighbouring elements of a row that are stored together. */
  readonly elements: number;
  /** Bytes of one block. */
  readonly bytes: number;
}

const blocks = (code: number, elements: number, bytes: number): Format => ({ code, elements, bytes });
const plain = (code: number, bytes: number): Format => blocks(code, 1, bytes);

/**
 * Every format that the shaders read. Bytes per weight of the quantised ones: Q4_0 and IQ4_NL 0.5625, Q4_1 0.625,
 * Q5_0 0.6875, Q5_1 0.75, Q8_0 1.0625, Q2_K 0.328, Q3_K 0.430, Q4_K 0.5625, Q5_K 0.6875, Q6_K 0.820, IQ4_XS 0.531.
 */
export const formats = {
  F32: plain(0, 4),
  F16: plain(1, 2),
  BF16: plain(2, 2),
  Q4_0: blocks(3, 32, 18),
  Q4_1: blocks(4, 32, 20),
  Q5_0: blocks(5, 32, 22),
  Q5_1: blocks(6, 32, 24),
  Q8_0: blocks(7, 32, 34),
  IQ4_NL: blocks(8, 32, 18),
  Q2_K: blocks(9, 256, 84),
  Q3_K: blocks(10, 256, 110),
  Q4_K: blocks(11, 256, 144),
  Q5_K: blocks(12, 256, 176),
  Q6_K: blocks(13, 256, 210),
  IQ4_XS: blocks(14, 256, 136),
} as const satisfies Record<string, Format>;

/** Name of a format, as safetensors and GGUF have it. */
export type Dtype = keyof typeof formats;

/** Those that are numbers by themselves. */
export type Plain = "F32" | "F16" | "BF16";

/** Those whose blocks blocks.wgsl reads. */
export type Quantised = Exclude<Dtype, Plain>;

export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(formats, name);
}

/** Whether a format stores blocks of codes with a scale. */
export function isQuantised(dtype: Dtype): dtype is Quantised {
  return formats[dtype].elements > 1;
}

/** Bytes of `elements` neighbouring elements of a row; whole blocks only. */
export function bytesOf(dtype: Dtype, elements: number): number {
  return elements / formats[dtype].elements * formats[dtype].bytes;
}
