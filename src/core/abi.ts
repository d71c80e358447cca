// The Wasm core's ABI as TypeScript sees it.

/** The module's exports: numbers in, numbers out. assembly/index.ts documents each. */
export interface Exports {
  bytes(layers: number, kvHeads: number, capacity: number, window: number): number;
  init(layers: number, kvHeads: number, capacity: number, window: number): number;
  address(region: number): number;
  rule(
    score: number,
    scope: number,
    sinks: number,
    newest: number,
    unsettled: number,
    seed: number,
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

// The error codes that a caller of Core can meet; assembly/index.ts lists all.
export const OK = 0;
export const NO_ROOM = 6;
export const WRONG_QUERIES = 7;
export const BAD_ROW = 8;
export const NOT_OBSERVED = 9;
export const TOO_FEW = 10;
export const BAD_SLOT = 11;
export const LANES_DIFFER = 12;
export const BAD_SCORE = 13;

/** The numbers of the arena's regions that a host reads or writes; assembly/layout.ts draws all. */
export const REGION = {
  state: 0,
  rows: 1,
  sum: 2,
  sumsq: 3,
  last: 4,
  birth: 5,
  position: 6,
  claimed: 10,
  victims: 11,
  list: 12,
  scores: 13,
} as const;

/** The places of what all lanes have in common, in the words of the state. */
export const STATE = { seen: 4, clock: 5, pending: 6, live: 7, extent: 8, words: 28 } as const;

/** An instance of the module that lives in `memory`. */
export function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): Exports {
  return new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as Exports;
}
