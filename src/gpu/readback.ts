/** Reading results back: the one wait of a step. */
import { refuseFailed } from "../engine/failure.ts";
import { createBuffer, type Gpu } from "./device.ts";

/** A buffer that the host can map. */
export function createReadback(gpu: Gpu, bytes: number): GPUBuffer {
  return createBuffer(gpu, "readback", bytes, 0x1 | 0x8); // MAP_READ | COPY_DST
}

/**
 * Deno's mapAsync waits for the GPU inside the call, but settles its promise only at a poll 11 ms later. In the versions
 * where this was tried the range can be read at once, provided the buffer has been mapped the ordinary way before.
 * Elsewhere, and in browsers, we wait as the standard says.
 */
const EAGER = /^2\.9\./.test((globalThis as { Deno?: { version: { deno: string } } }).Deno?.version.deno ?? "");
const BREATH = 20; // ms without a turn of the event loop, after which signals and timers get one

const mappedBefore = new WeakSet<GPUBuffer>();
let lastBreath = 0;

/**
 * Waits until the GPU has done what was submitted, and maps a range of `buffer`. The caller unmaps.
 * @throws Error "Cannot <action>: …" where the device fails
 */
export async function mapped(
  action: string,
  gpu: Gpu,
  buffer: GPUBuffer,
  { offset, bytes }: { offset: number; bytes: number },
): Promise<ArrayBuffer> {
  try {
    const done = buffer.mapAsync(1, offset, bytes); // GPUMapMode.READ
    if (EAGER && mappedBefore.has(buffer) && !gpu.failure) {
      done.catch(() => {}); // an unmap before the poll is no fault
      try {
        const range = buffer.getMappedRange(offset, bytes);
        if (performance.now() - lastBreath > BREATH) {
          await new Promise((resolve) => setTimeout(resolve, 0));
          lastBreath = performance.now();
        }
        return range;
      } catch {
        // Not there yet: wait for it.
      }
    }
    await done;
    if (gpu.failure) throw new Error(gpu.failure);
    mappedBefore.add(buffer);
    return buffer.getMappedRange(offset, bytes);
  } catch (error) {
    await new Promise((resolve) => setTimeout(resolve, 0)); // lets the device say why first
    refuseFailed(action, gpu.failure ?? (error as Error).message);
  }
}
