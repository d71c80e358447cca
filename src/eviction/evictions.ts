/** Telling who was evicted: made only where a session asks for it. */
import type { Tokens } from "../engine/engine.ts";
import type { Evicted } from "../options/events.ts";
import type { Books, Group } from "./books.ts";

/** Which token is in which slot, and was until the slot is claimed again: ids and positions of every lane, nothing older. */
export class Tenants {
  readonly ids: Int32Array; // [lanes, width]
  readonly positions: Int32Array; // [lanes, width]
  readonly #books: Books;

  constructor(books: Books) {
    this.#books = books;
    this.ids = new Int32Array(books.lanes * books.width);
    this.positions = new Int32Array(books.lanes * books.width);
  }

  /** Tokens have taken the slots [lanes, count]. */
  claimed({ ids, begin, count }: Tokens, slots: Uint32Array): void {
    const { lanes, width, seen } = this.#books;
    for (let lane = 0; lane < lanes; lane++) {
      for (let t = 0; t < count; t++) {
        const at = lane * width + slots[lane * count + t];
        this.ids[at] = ids[begin + t];
        this.positions[at] = seen - count + t;
      }
    }
  }

  /** Takes over who is in the slots of narrower books. */
  growFrom({ ids, positions }: Tenants): void {
    const { lanes, width } = this.#books;
    const narrow = ids.length / lanes;
    for (let lane = 0; lane < lanes; lane++) {
      this.ids.set(ids.subarray(lane * narrow, (lane + 1) * narrow), lane * width);
      this.positions.set(positions.subarray(lane * narrow, (lane + 1) * narrow), lane * width);
    }
  }
}

/** Knows every victim of a step, when all lanes have chosen theirs. */
export class EvictionWatch {
  readonly #books: Books;
  readonly #tenants: Tenants;
  readonly #kvHeads: number;
  readonly #scores: Float32Array[]; // per group [lanes, capacity]

  constructor(books: Books, tenants: Tenants, kvHeads: number) {
    this.#books = books;
    this.#tenants = tenants;
    this.#kvHeads = kvHeads;
    this.#scores = books.groups.map(({ core }) => new Float32Array(core.scores.length));
  }

  /** Notes the scores that the rule is about to choose by. */
  choosing({ core, own }: Group, index: number): void {
    if (!own) this.#scores[index].set(core.showScores());
  }

  /** Every victim, lane by lane. */
  victims(): Evicted[] {
    const gone: Evicted[] = [];
    const { groups, width } = this.#books;
    const { ids, positions } = this.#tenants;
    for (let index = 0; index < groups.length; index++) {
      const { core, own, first, victims, freed } = groups[index];
      const scores = own ? core.scores : this.#scores[index]; // those of the session's own are still where it wrote them
      for (let i = 0; i < victims.length; i++) {
        const inGroup = Math.floor(i / freed);
        const lane = first + inGroup;
        const at = lane * width + victims[i];
        const [layer, head] = [Math.floor(lane / this.#kvHeads), lane % this.#kvHeads];
        const score = scores[inGroup * core.capacity + victims[i]];
        gone.push({ token: ids[at], position: positions[at], layer, head, score });
      }
    }
    return gone;
  }
}
