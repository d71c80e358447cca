/** What a lane keeps of evicted tokens: means of keys and of values, and of how many they are, all in f32. */
import type { ModelConfig } from "./config.ts";
import type { ContextShape } from "./engine.ts";
import { bufferBytes } from "./stored.ts";

/** The most that a lane may keep: assembly/forward/abi.ts has the same. */
export const MOST_REMAINDERS = 8;

/** The most tokens that one is of: as far as f32 counts. */
export const MOST_SUMMED = 2 ** 24;

type Sizes = Pick<ModelConfig, "layers" | "kvHeads" | "headDim">;

/** Bytes of the remainders of all lanes: 8 · headDim + 4 each, where they are stored as f16 about two slots of a lane; 0: none. */
export function remainderBytes({ layers, kvHeads, headDim }: Sizes, remainders: number): number {
  return remainders === 0 ? 0 : bufferBytes(4 * layers * kvHeads * remainders * (2 * headDim + 1));
}

/** Words of what EngineContext.fold is given, at most. */
export function goneWords({ layers, kvHeads }: Sizes, { capacity }: ContextShape): number {
  const lanes = layers * kvHeads;
  return lanes + 1 + lanes * capacity;
}
