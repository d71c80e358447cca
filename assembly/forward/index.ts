// The module of the second engine: a forward pass on the processor. Addresses and numbers only; src/wasm lays out its memory.
// No call traps or writes outside the arena, whatever it is given: guard.ts looks first.

export { endTeam, fold, fourBytes, multiply, prepare, readRow, repack, rowOf, run, runTogether, seal, serve, storeRow } from "./guard";
