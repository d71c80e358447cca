/** The slots that a step's evictions freed, as an engine is told of them where it sums up what they hold. */
import type { Books } from "./books.ts";

export class Gone {
  /** See EngineContext.fold: [lanes + 1] beginnings, then slots. */
  readonly words: Uint32Array<ArrayBuffer>;

  /** @param words how many there may be (goneWords) */
  constructor(words: number) {
    this.words = new Uint32Array(words);
  }

  /** Lists the victims of the last eviction. @returns whether there are any */
  fill({ groups, lanes }: Books): boolean {
    const { words } = this;
    let count = 0;
    for (let i = 0; i < groups.length; i++) {
      const { core, first, victims, freed } = groups[i];
      for (let lane = 0; lane < core.lanes; lane++) {
        words[first + lane] = count;
        for (let at = lane * freed; at < (lane + 1) * freed; at++) words[lanes + 1 + count++] = victims[at];
      }
    }
    words[lanes] = count;
    return count > 0;
  }
}
