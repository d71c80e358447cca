// The memory of one core: a Wasm instance that lives in exactly as much as its books need, or in a block of someone else's memory.
import { OK } from "../../assembly/abi.ts";
import { refuse, words } from "../errors.ts";
import { type Exports, instantiate } from "./abi.ts";
import type { CoreShape } from "./rule.ts";

const PAGE = 65536; // bytes

/** A memory in which a core may live beside what is there already, so that what its host computes there need not be copied. */
export interface Home {
  readonly memory: WebAssembly.Memory;
  /** Whether threads share it. */
  readonly shared: boolean;
  /** A zeroed block at a multiple of 16; 0 where there is none. */
  lend(bytes: number): number;
  give(at: number): void;
  /** Calls back whenever the memory has grown, which ends all views of it. @returns what stops that */
  whenGrown(call: () => void): () => void;
}

/** An instance, its memory, and how much of that is books and scratch. */
export interface Arena {
  readonly wasm: Exports;
  readonly memory: WebAssembly.Memory;
  readonly bytes: number;
  /** Gives back what is another's. */
  release(): void;
}

/** Makes an instance with empty books. @throws RangeError if the shape is refused */
export function openArena(module: WebAssembly.Module, shape: CoreShape): Arena {
  const { layers, kvHeads, capacity, window = 0 } = shape;
  const bytes = neededBytes(module, shape);
  const pages = Math.ceil(bytes / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const wasm = instantiate(module, memory);
  wasm.init(layers, kvHeads, capacity, window);
  return { wasm, memory, bytes, release: () => {} };
}

/**
 * Likewise in a block of a home; null where that has none, or none below 2 GiB.
 * @param moduleFor gives the module for a memory that is shared, or not @param grown hears that views must be made again
 */
export function openArenaIn(
  home: Home,
  moduleFor: (shared: boolean) => WebAssembly.Module,
  shape: CoreShape,
  grown: () => void,
): Arena | null {
  const { layers, kvHeads, capacity, window = 0 } = shape;
  const bytes = neededBytes(moduleFor(false), shape);
  const at = home.lend(bytes);
  if (at === 0) return null;
  const wasm = instantiate(moduleFor(home.shared), home.memory);
  if (wasm.settle(at) !== OK || wasm.init(layers, kvHeads, capacity, window) !== OK) {
    home.give(at);
    return null;
  }
  const stop = home.whenGrown(grown);
  const release = () => {
    stop();
    home.give(at);
  };
  return { wasm, memory: home.memory, bytes, release };
}

/** Bytes that a core of this shape takes. */
function neededBytes(module: WebAssembly.Module, { layers, kvHeads, capacity, window = 0 }: CoreShape): number {
  // An instance on one page tells how large the memory must be.
  const measure = instantiate(module, new WebAssembly.Memory({ initial: 1 }));
  const whole = [layers, kvHeads, capacity, window + 1].every((n) => Number.isInteger(n) && n > 0 && n < 2 ** 31);
  const bytes = whole ? measure.bytes(layers, kvHeads, capacity, window) >>> 0 : 0;
  if (bytes === 0) {
    const got = `${layers} × ${kvHeads} × ${capacity}${window ? ` with a window of ${window} rows` : ""}`;
    const rule = "layers, kvHeads and capacity must be positive integers within 2 GiB of books";
    refuse("create a core", rule, words(got), { code: whole ? "no-memory" : "bad-input" });
  }
  return bytes;
}
