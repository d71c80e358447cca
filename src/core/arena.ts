// The memory of one core: a Wasm instance that lives in exactly as much as its books need.
import { refuse, words } from "../errors.ts";
import { type Exports, instantiate } from "./abi.ts";
import type { CoreShape } from "./rule.ts";

const PAGE = 65536; // bytes

/** An instance, its memory, and how much of that is books and scratch. */
export interface Arena {
  readonly wasm: Exports;
  readonly buffer: ArrayBuffer;
  readonly bytes: number;
}

/** Makes an instance with empty books. @throws RangeError if the shape is refused */
export function openArena(module: WebAssembly.Module, { layers, kvHeads, capacity, window = 0 }: CoreShape): Arena {
  // A first instance, on one page, tells how large the memory must be; the second lives in one of exactly that size.
  const measure = instantiate(module, new WebAssembly.Memory({ initial: 1 }));
  const whole = [layers, kvHeads, capacity, window + 1].every((n) => Number.isInteger(n) && n > 0 && n < 2 ** 31);
  const bytes = whole ? measure.bytes(layers, kvHeads, capacity, window) >>> 0 : 0;
  if (bytes === 0) {
    const got = `${layers} × ${kvHeads} × ${capacity}${window ? ` with a window of ${window} rows` : ""}`;
    const rule = "layers, kvHeads and capacity must be positive integers within 2 GiB of books";
    refuse("create a core", rule, words(got), { code: whole ? "no-memory" : "bad-input" });
  }
  const pages = Math.ceil(bytes / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const wasm = instantiate(module, memory);
  wasm.init(layers, kvHeads, capacity, window);
  return { wasm, buffer: memory.buffer as ArrayBuffer, bytes };
}
