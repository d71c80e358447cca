/** Whether there is a GPU that is worth having: software that stands in for one is slower than the processor by itself. */
import { nameOf, requestAdapter } from "./device.ts";
import { webgpu } from "./webgpu.ts";

/** What was found, in words. */
export interface Found {
  readonly real: boolean;
  readonly why: string;
  /** What may be opened; null: nothing is there. */
  readonly adapter: GPUAdapter | null;
}

/** Adapters that are programs, by what they call themselves. */
const SOFTWARE = /llvmpipe|lavapipe|swiftshader|softpipe|software|basic render|\bwarp\b/i;

/** Looks at the adapter that is there. */
export async function lookForGpu(): Promise<Found> {
  if (!await webgpu()) return { real: false, why: "this host has no WebGPU", adapter: null };
  const adapter = await requestAdapter().catch(() => null);
  if (!adapter) return { real: false, why: "WebGPU offers no adapter", adapter };
  const { info } = adapter;
  const fallback = info?.isFallbackAdapter || (adapter as { isFallbackAdapter?: boolean }).isFallbackAdapter;
  const words = [info?.description, info?.device, info?.architecture, info?.vendor];
  if (fallback || words.some((word) => SOFTWARE.test(word ?? ""))) {
    return { real: false, why: `WebGPU offers software only: ${nameOf(info)}`, adapter };
  }
  return { real: true, why: `WebGPU offers ${nameOf(info)}`, adapter };
}
