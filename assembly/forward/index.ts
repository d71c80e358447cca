// The module of the second engine: a forward pass on the processor. Addresses and numbers only; src/wasm lays out its memory.

export { rowOf, storeRow } from "./kv";
export { run } from "./pass";
export { multiply, prepare } from "./product";
export { repack } from "./repack";
export { fourBytes, readRow } from "./rows";
export { endTeam, serve } from "./team";
