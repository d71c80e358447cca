/** GPU buffers to host bytes and back. */
import type { Gpu } from "./device.ts";
import { mapped } from "./readback.ts";

/** Bytes [from, from + bytes) of a buffer; both multiples of 4. */
export interface Range {
  readonly buffer: GPUBuffer;
  readonly from: number;
  readonly bytes: number;
}

/** All of a buffer. */
export const wholeOf = (buffer: GPUBuffer): Range => ({ buffer, from: 0, bytes: buffer.size });

/**
 * Reads ranges one behind the other into `into`, through a buffer that can be mapped: as much at once as it holds.
 * @throws Error "Cannot <action>: …" where the device fails
 */
export async function readRanges(
  action: string,
  gpu: Gpu,
  { readback, ranges, into }: { readback: GPUBuffer; ranges: readonly Range[]; into: Uint8Array },
): Promise<void> {
  let encoder = gpu.device.createCommandEncoder();
  let held = 0; // bytes on their way
  let done = 0;
  const take = async () => {
    gpu.device.queue.submit([encoder.finish()]);
    const range = await mapped(action, gpu, readback, { offset: 0, bytes: held });
    into.set(new Uint8Array(range, 0, held), done);
    readback.unmap();
    encoder = gpu.device.createCommandEncoder();
    done += held;
    held = 0;
  };
  for (const { buffer, from, bytes } of ranges) {
    for (let at = 0; at < bytes;) {
      const count = Math.min(bytes - at, readback.size - held);
      encoder.copyBufferToBuffer(buffer, from + at, readback, held, count);
      held += count;
      at += count;
      if (held === readback.size) await take();
    }
  }
  if (held > 0) await take();
}
