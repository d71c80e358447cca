/** Contexts of a page's engine that take in a token together: their passes go to its worker in one message. */
import type { Gathering, Members } from "../engine/engine.ts";
import type { Link } from "./link.ts";
import type { RemoteContext } from "./remote-context.ts";

export class RemoteGathering implements Gathering {
  readonly most: number;
  readonly #link: Link;
  readonly #rooms: RemoteContext;
  #released = false;

  /** @param rooms of gatheringShape */
  constructor(link: Link, rooms: RemoteContext) {
    this.most = rooms.shape.stride;
    this.#link = link;
    this.#rooms = rooms;
  }

  async pass({ contexts, passes, begin, count }: Members, ids: number[]): Promise<void> {
    const own = contexts.slice(begin, begin + count) as RemoteContext[];
    if (await this.#rooms.refused || this.#released) { // the worker has no memory for it, or no longer
      for (let i = 0; i < count; i++) ids[begin + i] = await own[i].pass(passes[begin + i]);
      return;
    }
    const began = performance.now();
    const members = own.map((one, i) => ({ context: one.number, ...one.pack(passes[begin + i]) }));
    const transfer = members.map(({ parcel }) => parcel);
    const answers = await this.#link.ask("passes", "generate", this.#rooms.number, { members, transfer });
    const waited = performance.now() - began;
    for (let i = 0; i < count; i++) ids[begin + i] = own[i].unpack(passes[begin + i], answers[i], waited);
  }

  release(): void {
    this.#released = true;
    this.#rooms.release();
  }
}
