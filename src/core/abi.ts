// The Wasm core's exports as TypeScript sees them. The numbers that go in and out are in assembly/abi.ts.

/** The module's exports: numbers in, numbers out. assembly/index.ts documents each. */
export interface Exports {
  settle(at: number): number;
  bytes(layers: number, kvHeads: number, capacity: number, window: number): number;
  init(layers: number, kvHeads: number, capacity: number, window: number): number;
  address(region: number): number;
  rule(
    score: number,
    scope: number,
    sinks: number,
    newest: number,
    unsettled: number,
    parameter: number,
    pool: number,
    width: number,
    shared: number,
  ): number;
  reset(): number;
  claim(tokens: number, observed: number): number;
  observe(queries: number): number;
  advance(queries: number): number;
  evictable(): number;
  choose(n: number): number;
  evict(n: number): number;
  chooseScored(n: number): number;
  evictScored(n: number): number;
  step(queries: number, n: number): number;
  free(n: number): number;
  pin(from: number, to: number): number;
  listLive(): number;
  showScores(): number;
  restore(): number;
  copyPlane(): number;
  addPlane(): number;
}

/** An instance of the module that lives in `memory`. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Exports {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
}
