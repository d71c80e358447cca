/** Telling models apart that have the same shape: a fine-tune's cache means nothing to its base model. */
import { crc32 } from "../core/snapshot.ts";
import { bufferBytes, releaseBuffer } from "../gpu/device.ts";
import { createReadback } from "../gpu/readback.ts";
import { describeModel } from "../model/config.ts";
import type { LoadedModel } from "../model/loaded.ts";
import type { Matrix } from "../gpu/weights.ts";
import { type Range, readRanges } from "./buffers.ts";

const MOST = 256; // bytes of every matrix

const known = new WeakMap<LoadedModel, Promise<number>>();

const readBytes = (ranges: Range[]) => ranges.reduce((sum, { bytes }) => sum + bytes, 0);

function rangesOf({ weights }: Pick<LoadedModel, "weights">): Range[] {
  const matrices = (matrix: Matrix) => matrix.parts.map(({ buffer }) => buffer);
  const buffers = [weights.norm, ...matrices(weights.embedding), ...matrices(weights.head)];
  for (const { attentionNorm, qkv, output, mlpNorm, gateUp, down } of weights.layers) {
    buffers.push(attentionNorm, mlpNorm, ...[qkv, output, gateUp, down].flatMap(matrices));
  }
  return buffers.map((buffer): Range => ({ buffer, from: 0, bytes: Math.min(MOST, buffer.size) }));
}

/** Bytes of GPU memory that a fingerprint takes for a moment. */
export function fingerprintBytes(model: Pick<LoadedModel, "weights">): number {
  return bufferBytes(readBytes(rangesOf(model)));
}

/**
 * The CRC-32 of a model's shape and of the first bytes of all its matrices and norms, as they lie on the GPU.
 * They are copied at once: the model may be disposed of before they are here.
 * @throws Error "Cannot <action>: …" where the device fails
 */
export function fingerprint(action: string, model: LoadedModel): Promise<number> {
  let print = known.get(model);
  if (!print) {
    print = takeFingerprint(action, model);
    known.set(model, print); // those who ask meanwhile wait for it: memory is kept free for one
    print.catch(() => known.delete(model));
  }
  return print;
}

async function takeFingerprint(action: string, model: LoadedModel): Promise<number> {
  const { gpu, config } = model;
  const ranges = rangesOf(model);
  const { rope, windows } = config;
  const shape = new TextEncoder().encode(`${describeModel(config)} ${windows} ${rope}`);
  const bytes = new Uint8Array(shape.length + readBytes(ranges));
  bytes.set(shape);
  const readback = createReadback(gpu, readBytes(ranges));
  try {
    await readRanges(action, gpu, readback, ranges, bytes.subarray(shape.length));
  } finally {
    releaseBuffer(gpu, readback);
  }
  return crc32(bytes);
}
