/** Who offers WebGPU here: the host itself, or in Node and Bun the package `webgpu` (Dawn), where that is installed. */
import { builtin, runtime } from "../host/runtime.ts";

let installed: Promise<GPU | undefined> | undefined;

/** What there is; undefined: nothing. */
export async function webgpu(): Promise<GPU | undefined> {
  const own = globalThis.navigator?.gpu;
  if (own || runtime !== "node" && runtime !== "bun") return own;
  return await (installed ??= fromPackage());
}

async function fromPackage(): Promise<GPU | undefined> {
  try {
    const { create } = await builtin("webgpu");
    return create([]);
  } catch {
    return undefined; // it is not there, or not for this machine
  }
}
