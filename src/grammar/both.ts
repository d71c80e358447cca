/** A grammar beside banned texts: only what neither rules out, now or soon. A place is one of each. */
import type { Automaton } from "./automaton.ts";
import type { Banned } from "./banned.ts";
import type { Reader } from "./vocabulary.ts";

const UNKNOWN = -2, DEAD = -1;
const MOST_PLACES = 8192; // more are forgotten
const MOST_AHEAD = 5000; // places: where none of so many is a way out, there is taken to be one

/** What a text is kept to. */
export interface Form extends Reader {
  /** Grows when numbers of places are no more what they were. */
  readonly age: number;
  /** Where a text begins. */
  start(): number;
  /** Whether the text may end there. */
  accepts(place: number): boolean;
  /** Whether it must. */
  isOver(place: number): boolean;
  /** Forgets places where there have come to be many. @returns the number that the text's has from now on */
  settle(place: number): number;
}

/**
 * Both at once. A byte that begins a banned text is taken only where the grammar has a way out of it: otherwise what is left would be
 * forbidden later.
 */
export class Both implements Form {
  readonly classes = new Uint8Array(256);
  readonly classCount: number;
  table: Int32Array<ArrayBuffer>;
  age = 0;
  readonly #keeps: Automaton;
  readonly #shuns: Banned;
  readonly #samples: readonly number[]; // a byte of each class
  #places: (readonly [kept: number, shunned: number])[] = [];
  readonly #known = new Map<string, number>();
  readonly #open = new Map<string, boolean>(); // whether there is a way out

  constructor(keeps: Automaton, shuns: Banned) {
    this.#keeps = keeps;
    this.#shuns = shuns;
    const kinds = new Map<string, number>(), samples: number[] = [];
    for (let byte = 0; byte < 256; byte++) {
      const key = `${keeps.classes[byte]} ${shuns.classes[byte]}`;
      if (!kinds.has(key)) kinds.set(key, samples.push(byte) - 1);
      this.classes[byte] = kinds.get(key)!;
    }
    this.#samples = samples;
    this.classCount = samples.length;
    this.table = new Int32Array(16 * this.classCount).fill(UNKNOWN);
  }

  start(): number {
    return this.#place(this.#keeps.start(), 0);
  }

  accepts(place: number): boolean {
    return this.#keeps.accepts(this.#places[place][0]);
  }

  isOver(place: number): boolean {
    return this.#samples.every((_, kind) => this.step(place, kind) < 0);
  }

  step(place: number, kind: number): number {
    const at = place * this.classCount + kind;
    if (this.table[at] !== UNKNOWN) return this.table[at];
    const [kept, shunned] = this.#after(this.#places[place], kind);
    const next = kept >= 0 && shunned >= 0 && this.#isOpen(kept, shunned) ? this.#place(kept, shunned) : DEAD;
    return this.table[at] = next; // which may be another table by now
  }

  run(): number {
    return 0;
  }

  settle(place: number): number {
    const [kept, shunned] = this.#places[place];
    const { age } = this.#keeps;
    const settled = this.#keeps.settle(kept);
    if (this.#keeps.age === age && this.#places.length <= MOST_PLACES) return place;
    this.age++;
    this.#places = [];
    this.#known.clear();
    this.#open.clear();
    this.table.fill(UNKNOWN);
    return this.#place(settled, shunned);
  }

  #after([kept, shunned]: readonly [number, number], kind: number): readonly [number, number] {
    const byte = this.#samples[kind];
    return [this.#keeps.step(kept, this.#keeps.classes[byte]), this.#shuns.step(shunned, this.#shuns.classes[byte])];
  }

  #place(kept: number, shunned: number): number {
    const key = `${kept} ${shunned}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const place = this.#places.push([kept, shunned]) - 1;
    this.#known.set(key, place);
    if ((place + 1) * this.classCount > this.table.length) {
      const wider = new Int32Array(2 * this.table.length).fill(UNKNOWN);
      wider.set(this.table);
      this.table = wider;
    }
    return place;
  }

  /** Whether the text may end from there, or come to where no banned text has begun. */
  #isOpen(kept: number, shunned: number): boolean {
    const keyOf = ([kept, shunned]: readonly [number, number]) => `${kept} ${shunned}`;
    const first = [kept, shunned] as const;
    const known = shunned === 0 || this.#open.get(keyOf(first));
    if (known !== undefined) return known;
    const ways = new Map([[keyOf(first), first]]);
    let open = false;
    for (const way of ways.values()) { // which grows
      open = way[1] === 0 || this.#keeps.accepts(way[0]) || this.#open.get(keyOf(way)) === true ||
        ways.size > MOST_AHEAD;
      if (open) break;
      for (let kind = 0; kind < this.classCount; kind++) {
        const next = this.#after(way, kind);
        if (next[0] >= 0 && next[1] >= 0 && !ways.has(keyOf(next))) ways.set(keyOf(next), next);
      }
    }
    if (open) this.#open.set(keyOf(first), true);
    else for (const key of ways.keys()) this.#open.set(key, false);
    return open;
  }
}
