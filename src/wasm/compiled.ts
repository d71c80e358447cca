/** The bytes of the pass in Wasm, compiled once for all engines. */
import plainBytes from "../../build/out/forward.wasm" with { type: "bytes" };
import relaxedBytes from "../../build/out/forward.relaxed.wasm" with { type: "bytes" };
import { compile } from "../core/compile.ts";
import { buildHere } from "./module.ts";

const compiled = new Map<string, WebAssembly.Module>();

/**
 * The module for a memory that threads share, or for one that is not shared.
 * @throws Error, one sentence, where the host has no Wasm with SIMD, or may not compile it
 */
export async function moduleFor(shared: boolean, build = buildHere()): Promise<WebAssembly.Module> {
  const key = `${shared} ${build}`;
  const found = compiled.get(key);
  if (found) return found;
  const bytes = build === "SIMD" ? plainBytes : relaxedBytes;
  const module = await compile(shared ? bytes : unshared(bytes), "load model");
  compiled.set(key, module);
  return module;
}

/** The same module with its memory imported unshared: one bit, behind the names "env" and "memory" and the kind of import. */
function unshared(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode("memory");
  const copy = bytes.slice();
  const at = copy.findIndex((_, i) => name.every((byte, j) => copy[i + j] === byte));
  const flags = at + name.length + 1;
  if (copy[flags] !== 3) throw new Error("the module's memory is not where it was");
  copy[flags] = 1;
  return copy;
}
