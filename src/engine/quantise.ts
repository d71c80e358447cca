/**
 * Rows of numbers turned into GGUF's blocks of 32 while a model is loaded, in the layouts that blocks.wgsl reads. A block's
 * scale is tried at several sizes and the one of least squared error taken; an importance of weights is not known here.
 */
import { refuse, words } from "../errors.ts";
import { bytesOf, type Dtype, isQuantised, type Plain } from "./dtypes.ts";
import { narrowF16, widen, widenF16 } from "./widen.ts";

/** Every type that plain weights may be quantised to. */
export const WEIGHT_TYPES = ["q8", "q4"] as const;

/**
 * How matrices are stored that a file holds as plain numbers. q8: Q8_0, 1.0625 bytes a weight. q4: IQ4_NL, 0.5625 bytes, whose
 * error is a tenth below that of Q4_0, which is as large; embeddings and output head in Q8_0, which takes a third of the loss away.
 */
export type WeightType = typeof WEIGHT_TYPES[number];

const BLOCK = 32; // weights
const TARGETS = { q8: "Q8_0", q4: "IQ4_NL" } as const satisfies Record<WeightType, Dtype>;

/** The 16 values of a code of IQ4_NL, times the block's scale: dense where most weights are. */
const LEVELS = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/** The format that a matrix of `dtype` is to have: its own where it is quantised, or its rows are no whole blocks. */
export function targetOf(dtype: Dtype, columns: number, type: WeightType | null): Dtype {
  return type === null || isQuantised(dtype) || columns % BLOCK !== 0 ? dtype : TARGETS[type];
}

/**
 * Quantises whole rows.
 * @param bytes of F32, F16 or BF16 @param target Q8_0 or IQ4_NL @param name of the tensor, for messages
 * @throws Error where a weight is NaN or infinite
 */
export function quantise(bytes: Uint8Array<ArrayBuffer>, dtype: Dtype, target: Dtype, name: string) {
  const weights = widen(bytes, dtype as Plain);
  const bad = weights.findIndex((weight) => !Number.isFinite(weight));
  if (bad >= 0) {
    const rule = `weights that are to be quantised must be numbers, in ${name}`;
    refuse("load model", rule, words(weights[bad]), { code: "bad-numbers", kind: "plain" });
  }
  const blocks = new Uint8Array(bytesOf(target, weights.length));
  const size = bytesOf(target, BLOCK);
  const write = target === "Q8_0" ? writeEights : writeFours;
  for (let i = 0; i * BLOCK < weights.length; i++) {
    write(weights.subarray(i * BLOCK, (i + 1) * BLOCK), blocks.subarray(i * size, (i + 1) * size));
  }
  return blocks;
}

function setScale(to: Uint8Array, bits: number): void {
  to[0] = bits & 255;
  to[1] = bits >> 8;
}

/** Q8_0: f16 scale | 32 signed bytes. */
function writeEights(weights: Float32Array, to: Uint8Array): void {
  let largest = 0;
  for (const weight of weights) largest = Math.max(largest, Math.abs(weight));
  const bits = narrowF16(largest / 127);
  const scale = widenF16(bits);
  if (scale === 0) return; // all zero, or too small for an f16
  setScale(to, bits);
  for (let i = 0; i < BLOCK; i++) to[2 + i] = Math.max(-127, Math.min(127, Math.round(weights[i] / scale)));
}

/** IQ4_NL: f16 scale | 16 bytes, codes of weights 0 to 15 in their low halves, of 16 to 31 in the high ones. */
function writeFours(weights: Float32Array, to: Uint8Array): void {
  let largest = 0; // by size, signed
  for (let i = 0; i < BLOCK; i++) if (Math.abs(weights[i]) > Math.abs(largest)) largest = weights[i];
  let most = 0;
  let best = 0;
  for (let i = 0; i < TRIES.length && largest !== 0; i++) {
    // With these codes the best scale is Σ weight · level / Σ level², which leaves an error of Σ weight² less `gain`.
    const inverse = TRIES[i] / largest;
    let [products, squares] = [0, 0];
    for (let j = 0; j < BLOCK; j++) {
      const level = LEVELS[nearest(weights[j] * inverse)];
      products += weights[j] * level;
      squares += level * level;
    }
    const gain = products * products / squares;
    if (gain > most) [most, best] = [gain, products / squares];
  }
  const bits = narrowF16(best);
  const scale = widenF16(bits);
  if (scale === 0) return; // all zero, or too small for an f16
  setScale(to, bits);
  for (let i = 0; i < BLOCK / 2; i++) {
    to[2 + i] = nearest(weights[i] / scale) | (nearest(weights[i + 16] / scale) << 4);
  }
}

/** What the largest weight of a block may be in units of its scale: about the last level at either end. */
const TRIES = [-127, 113].flatMap((end) => [-12, -8, -4, 0, 4, 8, 12].map((i) => end + i));

const MIDDLES = LEVELS.slice(1).map((level, i) => (level + LEVELS[i]) / 2);

/** The code of the level next to each number from -128 to 127, in halves: the levels' middles are such. */
const NEAREST = Uint8Array.from({ length: 512 }, (_, i) => MIDDLES.filter((middle) => (i - 256) / 2 > middle).length);

/** The code of the level next to a number. */
function nearest(number: number): number {
  return NEAREST[Math.max(0, Math.min(511, Math.ceil(2 * number) + 256))];
}
