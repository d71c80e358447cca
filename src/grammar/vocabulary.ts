/** A vocabulary as a tree of its tokens' bytes, by which all tokens that fit somewhere are found in one walk. */
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** What reads bytes: a grammar, or what looks out for banned texts. */
export interface Reader {
  /** Of each byte: [256]. */
  readonly classes: Uint8Array;
  /** @returns where a byte of this class leads; below 0: it does not fit */
  step(place: number, kind: number): number;
}

/** Those tokens that stand for text. Nodes lie as a walk comes by them, children by their bytes. */
export class Vocabulary {
  /** Ids, and so bits of a mask. */
  readonly size: number;
  /** The bytes of each id that stands for text. */
  readonly bytes: (id: number) => Uint8Array;
  /** A bit for each id that does not: [size / 32]. */
  readonly others: Uint32Array<ArrayBuffer>;
  readonly #values: Uint8Array; // [nodes]: the byte that leads to it
  readonly #depths: Uint16Array; // [nodes]
  readonly #skips: Int32Array; // [nodes]: the node behind all that are below it
  readonly #first: Int32Array; // [nodes + 1]: where its tokens begin in ids
  readonly #ids: Int32Array;
  readonly #way: Int32Array; // [depth + 1]: places from the root to a node

  /** @param size ids that the model knows */
  constructor(tokenizer: Tokenizer, size: number) {
    this.size = size;
    this.bytes = tokenizer.bytes;
    const special = new Set(tokenizer.specialTokens.map(({ id }) => id));
    const tokens: { id: number; key: string }[] = [];
    for (let id = 0; id < Math.min(size, tokenizer.vocab); id++) {
      const bytes = tokenizer.bytes(id);
      if (bytes.length === 0 || bytes.length > 0xffff || special.has(id)) continue;
      let key = ""; // a letter for each byte
      for (const byte of bytes) key += String.fromCharCode(byte);
      tokens.push({ id, key });
    }
    this.others = new Uint32Array(Math.ceil(size / 32)).fill(-1);
    for (const { id } of tokens) this.others[id >> 5] &= ~(1 << (id & 31));
    tokens.sort((a, b) => a.key < b.key ? -1 : a.key > b.key ? 1 : a.id - b.id);
    const values: number[] = [], depths: number[] = [], first: number[] = [];
    let before = "";
    tokens.forEach(({ key }, at) => {
      let depth = 0;
      while (depth < before.length && before[depth] === key[depth]) depth++;
      for (; depth < key.length; depth++) {
        values.push(key.charCodeAt(depth));
        depths.push(depth);
        first.push(at);
      }
      before = key;
    });
    first.push(tokens.length);
    this.#values = Uint8Array.from(values);
    this.#depths = Uint16Array.from(depths);
    this.#first = Int32Array.from(first);
    this.#ids = Int32Array.from(tokens, ({ id }) => id);
    this.#skips = skipsOf(depths);
    this.#way = new Int32Array(depths.reduce((most, depth) => Math.max(most, depth), 0) + 2);
  }

  /** Sets the bit of every id whose bytes fit behind a place, and clears all others. @param mask [size / 32] */
  fill(reader: Reader, place: number, mask: Uint32Array): void {
    const values = this.#values, depths = this.#depths, skips = this.#skips;
    const first = this.#first, ids = this.#ids, way = this.#way, { classes } = reader;
    mask.fill(0);
    way[0] = place;
    for (let node = 0; node < values.length;) {
      const depth = depths[node];
      const next = reader.step(way[depth], classes[values[node]]);
      if (next < 0) {
        node = skips[node];
        continue;
      }
      way[depth + 1] = next;
      for (let at = first[node]; at < first[node + 1]; at++) mask[ids[at] >> 5] |= 1 << (ids[at] & 31);
      node++;
    }
  }
}

/** Of every node, the one behind all that are below it: the next that is no deeper. */
function skipsOf(depths: readonly number[]): Int32Array {
  const skips = new Int32Array(depths.length);
  const next: number[] = []; // the nodes that are behind, of falling depth
  for (let node = depths.length - 1; node >= 0; node--) {
    while (next.length > 0 && depths[next[next.length - 1]] > depths[node]) next.pop();
    skips[node] = next.at(-1) ?? depths.length;
    next.push(node);
  }
  return skips;
}
