/** Whether there is a GPU that is worth having: software that stands in for one is slower than the processor by itself. */

/** What was found, in words. */
export interface Found {
  readonly real: boolean;
  readonly why: string;
}

/** Adapters that are programs, by what they call themselves. */
const SOFTWARE = /llvmpipe|lavapipe|swiftshader|softpipe|software|basic render|\bwarp\b/i;

/** Looks at the adapter that would be opened. */
export async function lookForGpu(): Promise<Found> {
  const gpu = globalThis.navigator?.gpu;
  if (!gpu) return { real: false, why: "this host has no WebGPU" };
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  if (!adapter) return { real: false, why: "WebGPU offers no adapter" };
  const { info } = adapter;
  const fallback = info?.isFallbackAdapter || (adapter as { isFallbackAdapter?: boolean }).isFallbackAdapter;
  const names = [info?.description, info?.device, info?.architecture, info?.vendor].filter((name) => name);
  const name = names.find((name) => !/^\d+$/.test(name!)) ?? "unknown adapter";
  if (fallback || names.some((name) => SOFTWARE.test(name!))) {
    return { real: false, why: `WebGPU offers software only: ${name}` };
  }
  return { real: true, why: `WebGPU offers ${name}` };
}
