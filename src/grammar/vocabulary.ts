/** A vocabulary as a tree of its tokens' bytes, by which all tokens that fit somewhere are found in one walk. */
import type { Tokenizer } from "../tokenizer/tokenizer.ts";

/** What reads bytes: a grammar, or what looks out for banned texts. */
export interface Reader {
  /** Of each byte: [256]. */
  readonly classes: Uint8Array;
  /** How many there are. */
  readonly classCount: number;
  /** Where each class of bytes leads from each place, as far as it is known: [places, classes]. -1: it does not fit; -2: ask `step`. */
  readonly table: Int32Array;
  /** @returns where a byte of this class leads; below 0: it does not fit */
  step(place: number, kind: number): number;
  /** A number of plain bytes that lead on behind a place, whatever they are; 0 where that is not known. */
  run(place: number): number;
}

/** The longest run that anybody asks for. */
export const MOST_RUN = 64; // bytes

/** Whether a byte is one that JSON's strings have as it is, and so most bytes of most vocabularies. */
export const isPlain = (byte: number): boolean => byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c;

/** Those tokens that stand for text. Nodes lie as a walk comes by them, children by their bytes. */
export class Vocabulary {
  /** Ids, and so bits of a mask. */
  readonly size: number;
  /** The bytes of each id that stands for text. */
  readonly bytes: (id: number) => Uint8Array;
  /** Those ids, in the order of their bytes: a mask has a bit for each. */
  readonly ids: Int32Array<ArrayBuffer>;
  /** All other ids. */
  readonly others: Int32Array<ArrayBuffer>;
  readonly #values: Uint8Array; // [nodes]: the byte that leads to it
  readonly #depths: Uint16Array; // [nodes]
  readonly #skips: Int32Array; // [nodes]: the node behind all that are below it
  readonly #first: Int32Array; // [nodes + 1]: where its tokens begin in ids
  readonly #heights: Uint8Array; // [nodes]: bytes from above it to its lowest leaf, where all are plain; else 255
  readonly #kept: Float32Array; // logits of few tokens, while all are forbidden
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
    const texts = new Set(tokens.map(({ id }) => id));
    this.others = Int32Array.from({ length: size }, (_, id) => id).filter((id) => !texts.has(id));
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
    this.ids = Int32Array.from(tokens, ({ id }) => id);
    this.#skips = skipsOf(depths);
    this.#kept = new Float32Array(Math.max(1, tokens.length >> 3));
    this.#heights = heightsOf(depths, values);
    this.#way = new Int32Array(depths.reduce((most, depth) => Math.max(most, depth), 0) + 2);
  }

  /** Words of a mask. */
  get words(): number {
    return Math.ceil(this.ids.length / 32);
  }

  /** Sets the bit of every token whose bytes fit behind a place, and clears all others. @param mask [words] */
  fill(reader: Reader, place: number, mask: Uint32Array): void {
    const values = this.#values, depths = this.#depths, skips = this.#skips;
    const first = this.#first, way = this.#way, heights = this.#heights;
    const { classes, classCount } = reader;
    let { table } = reader;
    mask.fill(0);
    way[0] = place;
    const nodes = values.length;
    let [looked, run] = [-1, 0]; // the place that was looked at last
    for (let node = 0; node < nodes;) {
      const depth = depths[node], from = way[depth], kind = classes[values[node]];
      const height = heights[node];
      if (height <= MOST_RUN) {
        if (from !== looked) {
          run = reader.run(looked = from);
          table = reader.table;
        }
        if (height <= run) { // all below it fits
          setBits(mask, first[node], first[node = skips[node]]);
          continue;
        }
      }
      let next = table[from * classCount + kind];
      if (next === -2) {
        next = reader.step(from, kind);
        table = reader.table; // it may have been a shorter one
      }
      if (next < 0) {
        node = skips[node];
        continue;
      }
      way[depth + 1] = next;
      setBits(mask, first[node], first[node + 1]);
      node++;
    }
  }

  /** Forbids all tokens whose bits are not set. @param logits [size] */
  apply(mask: Uint32Array, logits: Float32Array): void {
    const ids = this.ids, count = ids.length;
    for (let word = 0; word < mask.length; word++) {
      const bits = mask[word];
      if (bits === ALL) continue;
      const end = Math.min(count, 32 * word + 32);
      for (let at = 32 * word, left = bits; at < end; at++, left >>>= 1) {
        if ((left & 1) === 0) logits[ids[at]] = -Infinity;
      }
    }
  }

  /** Forbids everything but tokens whose bits are set. @param logits [size] */
  only(mask: Uint32Array, logits: Float32Array): void {
    const ids = this.ids, kept = this.#kept, others = this.others;
    let count = 0;
    for (let word = 0; word < mask.length && count < kept.length; word++) {
      for (let bits = mask[word]; bits !== 0 && count < kept.length; bits &= bits - 1) {
        kept[count++] = logits[ids[32 * word + 31 - Math.clz32(bits & -bits)]];
      }
    }
    if (count === kept.length) { // many: the others are forbidden one by one
      this.apply(mask, logits);
      for (let i = 0; i < others.length; i++) logits[others[i]] = -Infinity;
      return;
    }
    logits.fill(-Infinity);
    count = 0;
    for (let word = 0; word < mask.length; word++) {
      for (let bits = mask[word]; bits !== 0; bits &= bits - 1) {
        logits[ids[32 * word + 31 - Math.clz32(bits & -bits)]] = kept[count++];
      }
    }
  }
}

const ALL = 0xffffffff;

/** Sets the bits from one to another, which is not included. */
function setBits(mask: Uint32Array, from: number, to: number): void {
  while (from < to) {
    const begin = from & 31, count = Math.min(32 - begin, to - from);
    mask[from >> 5] |= count === 32 ? ALL : ((1 << count) - 1) << begin;
    from += count;
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

/** Of every node, bytes from above it to its lowest leaf, where all of them are plain and not too many; else 255. */
function heightsOf(depths: readonly number[], values: readonly number[]): Uint8Array {
  const heights = new Uint8Array(depths.length);
  const below: number[] = []; // of the nodes one deeper than each depth, since the last one of that depth: the highest
  for (let node = depths.length - 1; node >= 0; node--) {
    const depth = depths[node];
    const height = 1 + (below[depth + 1] ?? 0);
    heights[node] = isPlain(values[node]) && height <= MOST_RUN ? height : 255;
    below[depth + 1] = 0;
    below[depth] = Math.max(below[depth] ?? 0, heights[node]);
  }
  return heights;
}
