/** What all engines store alike, so that a snapshot of one goes on on another: sizes, and the angles of rotary positions. */
import { turn } from "./elementary.ts";
import { refuse, words } from "../errors.ts";
import type { Rope } from "./rope.ts";
import { megabytes } from "./megabytes.ts";
import { bytesOf, type Dtype, isQuantised } from "./dtypes.ts";
import { targetOf, WEIGHT_TYPES, type WeightType } from "./quantise.ts";
import type { Tensor } from "./tensor.ts";

/** Bytes of a buffer that holds `bytes`: rounded up to 16. */
export function bufferBytes(bytes: number): number {
  return Math.max(16, Math.ceil(bytes / 16) * 16);
}

/** Bytes of a row of weights in a buffer: padded to 8 elements, or, in quantised blocks, to whole words. */
export function storedBytes(dtype: Dtype, columns: number): number {
  return isQuantised(dtype) ? Math.ceil(bytesOf(dtype, columns) / 4) * 4 : bytesOf(dtype, Math.ceil(columns / 8) * 8);
}

/** The format that a tensor's matrix is to have; null for a vector, which becomes f32. @param type what plain matrices are quantised to */
export function targetFor({ dtype, shape }: Tensor, name: string, type: WeightType | null): Dtype | null {
  if (shape.length < 2) return null;
  const outer = /^(model\.embed_tokens|lm_head)\./.test(name); // see WeightType
  const router = /\.mlp\.gate\.weight$/.test(name); // which stays as it is: what it rounds decides who comes to answer
  return targetOf(dtype, shape[1], router ? null : outer ? type && "q8" : type);
}

/** Bytes that the tensors take, but for what rounds buffers up. @param type what plain matrices are quantised to */
export function weightBytes(tensors: Map<string, Tensor>, type: WeightType | null): number {
  let sum = 0;
  for (const [name, tensor] of tensors) {
    const target = targetFor(tensor, name, type);
    const [rows, columns] = tensor.shape;
    sum += target ? rows * storedBytes(target, columns) : 4 * rows;
  }
  return sum;
}

/**
 * @param weigh what an engine needs to hold them
 * @throws RangeError where the weights alone exceed the memory: it says as what they would not
 */
export function checkFits(
  tensors: Map<string, Tensor>,
  type: WeightType | null,
  memory: number,
  weigh = weightBytes,
): void {
  const bytes = weigh(tensors, type);
  if (bytes <= memory) return;
  const ways = WEIGHT_TYPES.map((other) => [other, weigh(tensors, other)] as const)
    .filter(([, less]) => less < bytes)
    .map(([other, less]) => `, or ${megabytes(less, Math.ceil)} as ${other}`);
  const [needed, given] = [megabytes(bytes, Math.ceil), megabytes(memory, Math.floor)];
  const more = { code: "no-memory", option: "memory" } as const;
  refuse("load model", `memory must hold ${needed} of weights${ways.join("")}`, words(given), more);
}

/** Rows of `bytes` moved `pitch` bytes apart, the gaps zero. */
export function padRows(bytes: Uint8Array<ArrayBuffer>, rows: number, pitch: number): Uint8Array<ArrayBuffer> {
  const length = bytes.byteLength / rows;
  if (length === pitch) return bytes;
  const padded = new Uint8Array(rows * pitch);
  for (let row = 0; row < rows; row++) padded.set(bytes.subarray(row * length, (row + 1) * length), row * pitch);
  return padded;
}

/** Writes cos and sin of a position's angles, scaled where there is a frequency, [2, headDim / 2], to `to` from `at`. */
export function writeAngles(to: Float32Array, at: number, position: number, rope: Rope): void {
  const { frequencies } = rope;
  const half = frequencies.length;
  const scale = Math.fround(rope.scale);
  for (let i = 0; i < half; i++) {
    turn(Math.fround(position * frequencies[i]), to, at + i, at + half + i); // rounded as the reference does
    if (frequencies[i] === 0) continue; // it stays as it is
    to[at + i] *= scale;
    to[at + half + i] *= scale;
  }
}

/** Writes those of positions [from, from + count), [ropes, pitch, 2, headDim / 2], to `to` from `at`. */
export function writeTurns(
  to: Float32Array,
  at: number,
  ropes: readonly Rope[],
  from: number,
  count: number,
  pitch = count,
): void {
  for (let r = 0; r < ropes.length; r++) {
    const apart = 2 * ropes[r].frequencies.length;
    for (let t = 0; t < count; t++) writeAngles(to, at + (r * pitch + t) * apart, from + t, ropes[r]);
  }
}
