/** The module of the pass in Wasm, an instance for every thread. assembly/forward documents its exports, compiled.ts has its bytes. */

/** What the module exports: addresses and numbers. Answers are codes of abi.ts where nothing else is said. */
export interface Exports {
  /** @returns an id; below zero, a code: nothing was touched */
  run(model: number, context: number): number;
  /** Of contexts that one gathers: a code. */
  runTogether(model: number, gathering: number): number;
  /** Sums up what the slots hold that the context says are gone. */
  fold(model: number, context: number): number;
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

/** Which of the two builds this host runs: they give the same to the last bit. */
export type Build = "relaxed SIMD" | "SIMD";

export const buildHere = (): Build => WebAssembly.validate(RELAXED) ? "relaxed SIMD" : "SIMD";

/** Gives the module for a memory that threads share, or for one that is not shared. */
export type ModuleFor = (shared: boolean) => Promise<WebAssembly.Module>;

export async function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Promise<Exports> {
  const now = () => performance.now();
  return (await WebAssembly.instantiate(module, { env: { memory, now } })).exports as unknown as Exports;
}
