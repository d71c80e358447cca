/** Wasm compiled, or refused in a sentence. */
import { quote, refuse } from "../errors.ts";

/** @throws KvcapError always: a page's policy may forbid what the host could do */
function refuseCompiling(error: unknown, bytes: BufferSource, action: string): never {
  const able = WebAssembly.validate(bytes); // which no policy forbids
  const rule = able
    ? "the page's policy must allow WebAssembly (script-src 'wasm-unsafe-eval')"
    : "the host must compile WebAssembly with SIMD";
  refuse(action, rule, quote(error), { kind: "plain", code: "device", cause: error });
}

/** Compiles a module without blocking. @throws KvcapError where the host cannot, or may not */
export async function compile(bytes: BufferSource, action: string): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    refuseCompiling(error, bytes, action);
  }
}

/** Compiles a module of this package at once. @throws as `compile` */
export function compileNow(bytes: BufferSource, action: string): WebAssembly.Module {
  try {
    return new WebAssembly.Module(bytes);
  } catch (error) {
    refuseCompiling(error, bytes, action);
  }
}
