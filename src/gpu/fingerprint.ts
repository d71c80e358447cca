/** Telling models apart that have the same shape: a fine-tune's cache means nothing to its base model. */
import { crc32 } from "../core/snapshot.ts";
import { shapeOf } from "../engine/config.ts";
import { type Range, readRanges } from "./buffers.ts";
import { bufferBytes } from "../engine/stored.ts";
import { releaseBuffer } from "./device.ts";
import { createReadback } from "./readback.ts";
import type { GpuModel, Matrix, Weights } from "./weights.ts";

const MOST = 256; // bytes of every matrix

const readBytes = (ranges: Range[]) => ranges.reduce((sum, { bytes }) => sum + bytes, 0);

function rangesOf(weights: Weights): Range[] {
  const matrices = (matrix: Matrix) => matrix.parts.filter(({ begins }) => begins).map(({ buffer }) => buffer);
  const buffers = [weights.norm, ...matrices(weights.embedding), ...matrices(weights.head)];
  for (const { attentionNorm, qkv, output, mlpNorm, gateUp, down } of weights.layers) {
    buffers.push(attentionNorm, mlpNorm, ...[qkv, output, gateUp, down].flatMap(matrices));
  }
  return buffers.map((buffer): Range => ({ buffer, from: 0, bytes: Math.min(MOST, buffer.size) }));
}

/** Bytes of GPU memory that a fingerprint takes for a moment. */
export function fingerprintBytes(weights: Weights): number {
  return bufferBytes(readBytes(rangesOf(weights)));
}

/**
 * The CRC-32 of a model's shape, in words, and of the first bytes of all its matrices and norms, as they lie on the GPU.
 * They are copied at once: the model may be disposed of before they are here.
 * @throws Error "Cannot <action>: …" where the device fails
 */
export async function fingerprint(
  action: string,
  { gpu, config, weights }: GpuModel,
): Promise<number> {
  const ranges = rangesOf(weights);
  const words = new TextEncoder().encode(shapeOf(config));
  const bytes = new Uint8Array(words.length + readBytes(ranges));
  bytes.set(words);
  const readback = createReadback(gpu, readBytes(ranges));
  try {
    await readRanges(action, gpu, { readback, ranges, into: bytes.subarray(words.length) });
  } finally {
    releaseBuffer(gpu, readback);
  }
  return crc32(bytes);
}
