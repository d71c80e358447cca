/** Contexts that take in a token together: products are of all their tokens at once, in the rooms of one more context. */
import * as abi from "../../assembly/forward/abi.ts";
import type { ContextShape, Gathering, Members } from "../engine/engine.ts";
import { ran, type WasmContext } from "./context.ts";
import { isPauseDue, pause } from "./pause.ts";

/** The context that gathers `most` others; a multiple of four. It has a slot, which is never filled. */
export function gatheringShape(layers: number, most: number): ContextShape {
  return {
    ...{ rows: Array<number>(layers).fill(1), capacity: 1, stride: most, kv: "f32", ranked: false, pooled: false },
    ...{
      tells: false,
      asks: false,
      observe: null,
      remainders: 0,
      foldRank: 0,
      foldMost: 1,
      every: true,
      hidden: false,
    },
  };
}

/** See Engine.gather. */
export class WasmGathering implements Gathering {
  readonly most: number;
  readonly #rooms: WasmContext;

  /** @param rooms of gatheringShape */
  constructor(rooms: WasmContext) {
    this.most = rooms.shape.stride;
    this.#rooms = rooms;
  }

  async pass(members: Members, ids: number[]): Promise<void> {
    this.#run(members, ids);
    if (isPauseDue()) await pause();
  }

  #run({ contexts, passes, begin, count }: Members, ids: number[]): void {
    const { model, at: address } = this.#rooms;
    const { heap: { words } } = model;
    const at = address / 4;
    for (let i = 0; i < count; i++) {
      const context = contexts[begin + i] as WasmContext;
      context.enter(passes[begin + i]);
      words[words[at + abi.CONTEXT_SLOTS] / 4 + i] = context.at;
    }
    words[at + abi.CONTEXT_TOKENS] = count;
    const began = performance.now();
    ran(model, address, true);
    const waited = performance.now() - began;
    for (let i = 0; i < count; i++) {
      ids[begin + i] = words[words[at + abi.CONTEXT_IDS] / 4 + i];
      (contexts[begin + i] as WasmContext).leave(passes[begin + i], waited);
    }
  }

  release(): void {
    this.#rooms.release();
  }
}
