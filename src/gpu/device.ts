/** The WebGPU device, its limits, and an account of every buffer made on it. */

import { bufferBytes } from "../engine/stored.ts";
import { refuse, words } from "../errors.ts";
import { runtime, RUNTIMES } from "../host/runtime.ts";
import { webgpu } from "./webgpu.ts";

/**
 * A GPUDevice, by what is asked of it where it is given: WebGPU's own types are not in every TypeScript, and no user of a processor
 * needs them.
 */
export interface GpuDevice {
  /** The device's own. */
  createComputePipeline(descriptor: never): object;
}

/** A device with the books of what lives on it. */
export interface Gpu {
  readonly device: GPUDevice;
  /** What the adapter calls itself, for reports. */
  readonly adapter: string;
  /** Largest buffer a kernel may bind, in bytes. */
  readonly maxBinding: number;
  /** Bytes of all buffers that are alive now. */
  bytes: number;
  /** The most that there ever were. */
  peak: number;
  /** Bytes that they never exceed. */
  readonly limit: number;
  /** Why the device can no longer be used; null while it can. */
  failure: string | null;
  /** Settles with why the device was lost. */
  readonly lost: Promise<string>;
  /** Stops hearing the device's errors. */
  unwatch(): void;
}

const NEEDED = {
  maxStorageBuffersPerShaderStage: 8,
  maxComputeInvocationsPerWorkgroup: 256,
  maxComputeWorkgroupSizeX: 256,
  maxComputeWorkgroupStorageSize: 8192, // bytes
} as const;

/**
 * Opens an adapter, by default the default one, with the largest bindings it offers, or takes the device given.
 * @param maxBinding bytes; a bound of the caller's own on what a kernel may bind
 * @param limit bytes; a bound on all buffers together
 * @throws Error where there is no WebGPU, no adapter, or one below what the kernels need.
 */
export async function openGpu(given?: GPUDevice | GPUAdapter, maxBinding = Infinity, limit = Infinity): Promise<Gpu> {
  if (given && "createComputePipeline" in given) {
    checkLimits(given.limits);
    // Deno 2.9 ends the process when it reads the adapterInfo of a device whose adapter has been collected.
    const name = runtime === "deno" ? given.label || "given device" : nameOf(given.adapterInfo);
    return watch(given, name, maxBinding, limit);
  }
  const adapter = given ?? await requestAdapter();
  if (!adapter) {
    const cure = runtime === "node" || runtime === "bun"
      ? `${RUNTIMES[runtime]} has one with the package webgpu and a driver; the device wasm needs none`
      : "on Debian: mesa-vulkan-drivers";
    const found = words(`none (${cure})`);
    refuse("open the GPU", "WebGPU must offer an adapter", found, { kind: "plain", code: "device" });
  }
  checkLimits(adapter.limits);
  const { maxStorageBufferBindingSize, maxBufferSize } = adapter.limits;
  const device = await adapter.requestDevice({ requiredLimits: { maxStorageBufferBindingSize, maxBufferSize } });
  return watch(device, nameOf(adapter.info), maxBinding, limit);
}

function checkLimits(limits: GPUSupportedLimits) {
  for (const [name, least] of Object.entries(NEEDED) as [keyof typeof NEEDED, number][]) {
    if (limits[name] < least) {
      const rule = `the adapter's ${name} must be at least ${least}`;
      refuse("open the GPU", rule, limits[name], { kind: "plain", code: "device" });
    }
  }
}

/** What an adapter calls itself. */
export function nameOf(info: GPUAdapterInfo | undefined): string {
  const family = [info?.vendor, info?.architecture].filter((word) => word).join(" ");
  const words = [info?.description, family, info?.device];
  return words.find((word) => word && !/^\d+$/.test(word)) ?? "unknown adapter";
}

/** The default adapter; null where there is none. */
export async function requestAdapter(): Promise<GPUAdapter | null> {
  return await (await webgpu())?.requestAdapter({ powerPreference: "high-performance" }) ?? null;
}

function watch(device: GPUDevice, adapter: string, most: number, limit: number): Gpu {
  const { maxStorageBufferBindingSize, maxBufferSize } = device.limits;
  const maxBinding = Math.min(maxStorageBufferBindingSize, maxBufferSize, most);
  const lost = device.lost.then((info) => {
    return `the GPU device was lost (${info.message || info.reason || "no reason given"})`;
  });
  const gpu: Gpu = { device, adapter, maxBinding, bytes: 0, peak: 0, limit, failure: null, lost, unwatch: () => {} };
  lost.then((why) => gpu.failure ??= why);
  const onError = (event: Event) => {
    gpu.failure ??= `the GPU refused an operation (${(event as GPUUncapturedErrorEvent).error.message})`;
    event.preventDefault();
  };
  device.addEventListener("uncapturederror", onError);
  gpu.unwatch = () => device.removeEventListener("uncapturederror", onError);
  return gpu;
}

/**
 * Makes a zeroed buffer and enters it into the account.
 * @throws RangeError where all buffers together would exceed the limit; nothing is made then
 */
export function createBuffer(gpu: Gpu, label: string, bytes: number, usage: GPUBufferUsageFlags): GPUBuffer {
  const size = bufferBytes(bytes);
  if (gpu.bytes + size > gpu.limit) {
    const found = words(`${gpu.bytes} and ${size} of ${label}`);
    refuse("use the GPU", `all buffers must fit memory of ${gpu.limit} bytes`, found, { code: "no-memory" });
  }
  const buffer = gpu.device.createBuffer({ label, size, usage });
  gpu.bytes += size;
  gpu.peak = Math.max(gpu.peak, gpu.bytes);
  return buffer;
}

/**
 * Makes something of buffers, and hears whether the GPU refused any of it.
 * @returns what was made, and what settles with the first refusal, null where there is none
 * @throws what `make` throws
 */
export function guarded<T>({ device }: Gpu, make: () => T): { made: T; refused: Promise<GPUError | null> } {
  device.pushErrorScope("validation"); // what follows from a buffer that was refused
  device.pushErrorScope("out-of-memory");
  let refused: Promise<GPUError | null> = Promise.resolve(null);
  let made: T;
  try {
    made = make();
  } finally {
    const scopes = [device.popErrorScope(), device.popErrorScope()];
    refused = Promise.all(scopes).then(([memory, validation]) => memory ?? validation);
    refused.catch(() => {}); // of a lost device, which says so itself
  }
  return { made, refused };
}

/** Gives a buffer back; giving it back twice is an error of ours, not the user's. */
export function releaseBuffer(gpu: Gpu, buffer: GPUBuffer): void {
  gpu.bytes -= buffer.size;
  buffer.destroy();
}

/** A storage buffer holding `values`, readable by kernels. */
export function uploadFloats(gpu: Gpu, label: string, values: Float32Array<ArrayBuffer>): GPUBuffer {
  const buffer = createBuffer(gpu, label, values.byteLength, STORAGE);
  gpu.device.queue.writeBuffer(buffer, 0, values);
  return buffer;
}

/** Usage of buffers that kernels work on and that can be filled and copied. */
export const STORAGE = 0x80 | 0x8 | 0x4; // STORAGE | COPY_DST | COPY_SRC: GPUBufferUsage is no constant to import
