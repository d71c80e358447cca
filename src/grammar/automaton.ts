/**
 * Reads bytes by a grammar, all ways at once. A place is where the text may be: states, each with what is to come back to. What is to
 * come back to is shared, as in a graph-structured stack (Tomita, 1985): a node is a set of (state, node below). Places and nodes are
 * made when they are first come to and have numbers, so that steps are looked up, and one place is one mask over a vocabulary.
 */
import { refuse, words } from "../errors.ts";
import type { Machine } from "./machine.ts";
import { isPlain, MOST_RUN, type Reader } from "./vocabulary.ts";

const UNKNOWN = -2;
/** No text goes on there. */
export const DEAD = -1;

const MOST_PLACES = 8192; // more are forgotten, but for the one that the text is at
const MOST_NODES = 1 << 16; // likewise
const MOST_ITEMS = 20_000; // of a place, or of a node: ways to read one text
const NODES = 2 ** 26; // an item is state · NODES + node
const BOTTOM = -1; // in a node: nothing is below, the text may end

/** A finished grammar at work. */
export class Automaton implements Reader {
  readonly machine: Machine;
  readonly classes: Uint8Array;
  readonly classCount: number;
  #items: Float64Array[] = []; // by place: sorted
  #accepts: boolean[] = []; // by place
  #table: Int32Array<ArrayBuffer>; // [places, classes]: the place after, or UNKNOWN, or DEAD
  readonly #plain: readonly number[]; // classes of plain bytes
  readonly #runs = new Map<number, number>(); // by place
  readonly #after = new Map<number, number>(); // by place: where all plain bytes lead
  readonly #known = new Map<string, number>(); // places by their items
  #nodes: Float64Array[] = []; // sorted items, BOTTOM among them; an older node is never made of a newer one
  readonly #single = new Map<number, number>(); // places by the one item that a byte has led to
  readonly #knownNodes = new Map<string, number>();
  #mostPlaces = MOST_PLACES;
  #mostNodes = MOST_NODES;
  #age = 0;
  readonly #root: number;

  /** @param root the rule that a text is */
  constructor(machine: Machine, root: number) {
    this.machine = machine;
    this.classes = machine.classes;
    this.classCount = machine.classCount;
    this.#root = root;
    this.#plain = [...new Set(machine.classes.filter((_, byte) => isPlain(byte)))];
    this.#table = new Int32Array(16 * machine.classCount).fill(UNKNOWN);
  }

  /** Grows when numbers of places are no more what they were. */
  get age(): number {
    return this.#age;
  }

  /** Where a text begins. */
  start(): number {
    const pending = new Map([[this.#root, new Set([BOTTOM])]]);
    const items = new Set<number>();
    const empty = this.machine.closures[this.machine.starts[this.#root]].some((state) => this.machine.isEnd[state]);
    this.#enter(pending, items);
    return this.#place(items, empty);
  }

  /** Whether the text may end here. */
  accepts(place: number): boolean {
    return this.#accepts[place];
  }

  /** Whether it must. */
  isOver(place: number): boolean {
    return this.#items[place].length === 0;
  }

  /** Where a byte leads. @param kind its number among the machine's classes @returns DEAD where no text goes on with it */
  step(place: number, kind: number): number {
    const next = this.#table[place * this.machine.classCount + kind];
    return next === UNKNOWN ? this.#find(place, kind) : next;
  }

  /** Another one after more places were found. */
  get table(): Int32Array<ArrayBuffer> {
    return this.#table;
  }

  run(place: number): number {
    let run = this.#runs.get(place);
    if (run !== undefined) return run;
    run = 0;
    for (let at = this.#alike(place); at !== DEAD; at = this.#alike(at)) if (++run === MOST_RUN) break;
    this.#runs.set(place, run);
    return run;
  }

  /** Where all plain bytes lead, if that is one place. */
  #alike(place: number): number {
    let to = this.#after.get(place);
    if (to !== undefined) return to;
    to = this.step(place, this.#plain[0]);
    for (let i = 1; to !== DEAD && i < this.#plain.length; i++) {
      if (this.step(place, this.#plain[i]) !== to) to = DEAD;
    }
    this.#after.set(place, to);
    return to;
  }

  #find(place: number, kind: number): number {
    const { steps, samples, classCount } = this.machine;
    const value = samples[kind];
    const kernel: number[] = [];
    for (const item of this.#items[place]) {
      const node = item % NODES, state = (item - node) / NODES;
      for (const { low, high, to } of steps[state]) {
        if (low <= value && value <= high) kernel.push(to * NODES + node);
      }
    }
    let next: number | undefined = DEAD;
    if (kernel.length === 1) { // most are one, and many bytes lead to the same
      const [item] = kernel;
      next = this.#single.get(item);
      if (next === undefined) this.#single.set(item, next = this.#close(kernel));
    } else if (kernel.length > 1) next = this.#close(kernel);
    this.#table[place * classCount + kind] = next;
    return next;
  }

  /** The place that all these are, with what they are without a byte. */
  #close(kernel: number[]): number {
    const { closures, calls, isEnd } = this.machine;
    const items = new Set<number>(), pending = new Map<number, Set<number>>();
    let accepts = false;
    for (let i = 0; i < kernel.length; i++) {
      const node = kernel[i] % NODES, from = (kernel[i] - node) / NODES;
      for (const state of closures[from]) {
        const item = state * NODES + node;
        if (items.has(item)) continue;
        items.add(item);
        if (isEnd[state] === 1) {
          for (const below of this.#nodes[node]) {
            if (below === BOTTOM) accepts = true;
            else kernel.push(below);
          }
        }
        if (calls[state].length > 0) this.#call(state, node, pending);
      }
      if (kernel.length > 8 * MOST_ITEMS) this.#refuse();
    }
    this.#enter(pending, items);
    return this.#place(items, accepts);
  }

  /** Rules that a state goes on with. */
  #call(state: number, node: number, pending: Map<number, Set<number>>): void {
    for (const { rule, to } of this.machine.calls[state]) {
      let set = pending.get(rule);
      if (!set) pending.set(rule, set = new Set());
      if (this.machine.isTail[to] === 0) set.add(to * NODES + node);
      else for (const below of this.#nodes[node]) set.add(below); // nothing is left to come back to here
    }
  }

  /** Begins rules, callers first: all that come back from one are one node by then. */
  #enter(pending: Map<number, Set<number>>, items: Set<number>): void {
    const { starts, closures, calls, ranks } = this.machine;
    while (pending.size > 0) {
      let rule = -1;
      for (const one of pending.keys()) if (rule < 0 || ranks[one] < ranks[rule]) rule = one;
      const node = this.#node(pending.get(rule)!);
      pending.delete(rule);
      for (const state of closures[starts[rule]]) {
        items.add(state * NODES + node);
        if (calls[state].length > 0) this.#call(state, node, pending);
      }
      if (items.size > MOST_ITEMS) this.#refuse();
    }
  }

  /** The place of these items, of which those that no byte leads on from are left out. */
  #place(items: Set<number>, accepts: boolean): number {
    const { steps } = this.machine;
    const list = Float64Array.from([...items].filter((item) => steps[Math.floor(item / NODES)].length > 0)).sort();
    const key = `${accepts}${list.join()}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const place = this.#items.push(list) - 1;
    this.#accepts.push(accepts);
    this.#known.set(key, place);
    const { classCount } = this.machine;
    if ((place + 1) * classCount > this.#table.length) {
      const wider = new Int32Array(2 * this.#table.length).fill(UNKNOWN);
      wider.set(this.#table);
      this.#table = wider;
    }
    return place;
  }

  #node(items: Set<number>): number {
    if (items.size > MOST_ITEMS) this.#refuse();
    const list = Float64Array.from(items).sort();
    const key = list.join();
    let node = this.#knownNodes.get(key);
    if (node === undefined) this.#knownNodes.set(key, node = this.#nodes.push(list) - 1);
    return node;
  }

  /**
   * Forgets places where there have come to be many.
   * @param place where the text is @returns its number from now on
   */
  settle(place: number): number {
    if (this.#items.length <= this.#mostPlaces && this.#nodes.length <= this.#mostNodes) return place;
    const [items, nodes, accepts] = [this.#items[place], this.#nodes, this.#accepts[place]];
    const used = new Uint8Array(nodes.length);
    for (const item of items) used[item % NODES] = 1;
    for (let node = nodes.length - 1; node >= 0; node--) {
      if (used[node] === 1) { for (const item of nodes[node]) if (item !== BOTTOM) used[item % NODES] = 1; }
    }
    this.#age++;
    this.#items = [];
    this.#accepts = [];
    this.#nodes = [];
    this.#known.clear();
    this.#runs.clear();
    this.#after.clear();
    this.#single.clear();
    this.#knownNodes.clear();
    this.#table.fill(UNKNOWN);
    const renamed = new Float64Array(nodes.length);
    const again = (item: number) => item === BOTTOM ? item : item - item % NODES + renamed[item % NODES];
    for (let node = 0; node < nodes.length; node++) {
      if (used[node] === 1) renamed[node] = this.#node(new Set(nodes[node].map(again)));
    }
    const live = this.#nodes.length; // a text may be as deep as it likes: this is not to be done at every step
    [this.#mostPlaces, this.#mostNodes] = [Math.max(MOST_PLACES, live), Math.max(MOST_NODES, 2 * live)];
    return this.#place(new Set(items.map(again)), accepts);
  }

  #refuse(): never {
    refuse("generate", `the grammar must have at most ${MOST_ITEMS} ways to read a text`, words("more"), {
      option: "grammar",
    });
  }
}
