/** The module of the pass in Wasm: compiled once, an instance for every thread. assembly/forward documents its exports. */
import plainBytes from "../../build/out/forward.wasm" with { type: "bytes" };
import relaxedBytes from "../../build/out/forward.relaxed.wasm" with { type: "bytes" };
import { quote, refuse } from "../errors.ts";

/** What the module exports: addresses and numbers. Answers are codes of abi.ts where nothing else is said. */
export interface Exports {
  /** @returns an id; below zero, a code: nothing was touched */
  run(model: number, context: number): number;
  /** To be called once the words of a structure are filled in, and after any change. */
  seal(at: number, open: number): number;
  repack(
    matrix: number,
    part: number,
    format: number,
    from: number,
    columns: number,
    first: number,
    rows: number,
  ): number;
  /** @returns bytes */
  fourBytes(kind: number, form: number, columns: number): number;
  /** Of tests: the parts of a pass that meet stored numbers. */
  prepare(context: number, matrix: number, rows: number, columns: number, begin: number, end: number): number;
  multiply(
    context: number,
    matrix: number,
    rows: number,
    columns: number,
    y: number,
    pitch: number,
    tokens: number,
    more: number,
    index: number,
    count: number,
  ): number;
  readRow(matrix: number, row: number, to: number): number;
  storeRow(kv: number, row: number, to: number, dim: number): number;
  /** @returns an address; 0 where it is refused */
  rowOf(kv: number, from: number, to: number, dim: number): number;
  serve(model: number, thread: number): number;
  endTeam(model: number): number;
}

/** The smallest module with an instruction of relaxed SIMD: i16x8.relaxed_dot_i8x16_i7x16_s. */
const RELAXED = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0],
  ...[65, 0, 253, 15, 65, 0, 253, 15, 253, 146, 2, 11],
);

/** Which of the two builds this host runs: they give the same to the last bit, but for activations in bytes. */
export type Build = "relaxed SIMD" | "SIMD";

export const buildHere = (): Build => WebAssembly.validate(RELAXED) ? "relaxed SIMD" : "SIMD";

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
  try {
    const module = await WebAssembly.compile(shared ? bytes : unshared(bytes));
    compiled.set(key, module);
    return module;
  } catch (error) {
    const rule = "the host must compile WebAssembly with SIMD";
    refuse("load model", rule, quote((error as Error).message), { kind: "plain", code: "device" });
  }
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

export async function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Exports> {
  return (await WebAssembly.instantiate(module, { env: { memory } })).exports as unknown as Exports;
}
