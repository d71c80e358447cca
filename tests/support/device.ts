// The GPU that tests share, and suites that are counted as skipped where there is none.
import { suite, type Test } from "uvu";

let shared: Promise<GPUDevice | null> | undefined;

/**
 * The device that every test shares, with all that the adapter can do that kvcap uses; null where there is no adapter.
 * An error that no error scope of the test catches fails the run. A test that loses or destroys a device opens its own.
 */
export function testDevice(): Promise<GPUDevice | null> {
  return shared ??= open();
}

/**
 * A suite whose tests are skipped, and counted so, where there is no adapter:
 * `const test = await gpuSuite("matmul");`, then `test("…", async () => { const device = (await testDevice())!; … })`.
 */
export async function gpuSuite(name: string): Promise<Test> {
  return suiteWhere(await testDevice() !== null, name);
}

/** A suite whose tests are skipped, and counted so, where they cannot run. */
export function suiteWhere(able: boolean, name: string): Test {
  const test = suite(name);
  if (able) return test;
  return Object.assign((...args: Parameters<Test["skip"]>) => test.skip(...args), test);
}

async function open(): Promise<GPUDevice | null> {
  const adapter = await navigator.gpu?.requestAdapter();
  if (!adapter) {
    console.log("  no WebGPU adapter: what needs one is skipped");
    return null;
  }
  const features = (["shader-f16", "timestamp-query", "subgroups"] as GPUFeatureName[])
    .filter((feature) => adapter.features.has(feature));
  const limits = [
    "maxBufferSize",
    "maxStorageBufferBindingSize",
    "maxStorageBuffersPerShaderStage",
    "maxComputeWorkgroupStorageSize",
    "maxComputeInvocationsPerWorkgroup",
    "maxComputeWorkgroupSizeX",
    "maxComputeWorkgroupsPerDimension",
  ] as const;
  const device = await adapter.requestDevice({
    requiredFeatures: features,
    requiredLimits: Object.fromEntries(limits.map((name) => [name, adapter.limits[name]])),
  });
  // The runner counts a rejection that nobody handles as a failure.
  device.addEventListener("uncapturederror", (event) => {
    Promise.reject(new Error(`uncaptured GPU error: ${(event as GPUUncapturedErrorEvent).error.message}`));
  });
  return device;
}
