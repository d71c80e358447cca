// The built-in module: compiled once, and once more for a memory that threads share.
import wasmBytes from "../../build/out/core.wasm" with { type: "bytes" };

import { compile as compileBytes, compileNow } from "./compile.ts";

let compiled: WebAssembly.Module | undefined;
let compiledShared: WebAssembly.Module | undefined;

/** Compiles it without blocking. @throws where a policy forbids it */
export async function compile(): Promise<void> {
  compiled ??= await compileBytes(wasmBytes, "load the core");
}

/** The module, for a memory that is shared, or not: compiled at once where it was not before. */
export function moduleFor(shared: boolean): WebAssembly.Module {
  if (!shared) return compiled ??= compileNow(wasmBytes, "create core");
  return compiledShared ??= compileNow(withSharedMemory(wasmBytes), "create core");
}

/**
 * The same module with its memory imported shared, which says how large it may become: in the section of imports, [2, its bytes, 1,
 * "env", "memory", 2, flags, least pages].
 */
function withSharedMemory(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode("env");
  const at = bytes.findIndex((_, i) => name.every((byte, j) => bytes[i + j] === byte)) - 4;
  const flags = at + 15;
  if (bytes[at] !== 2 || bytes[flags - 1] !== 2 || bytes[flags] !== 0 || bytes[flags + 1] > 127) {
    throw new Error("the core's memory is not where it was");
  }
  const most = [0x80, 0x80, 0x04]; // 65 536 pages
  const shared = Uint8Array.of(...bytes.subarray(0, flags), 3, bytes[flags + 1], ...most, ...bytes.subarray(flags + 2));
  shared[at + 1] += most.length;
  return shared;
}
