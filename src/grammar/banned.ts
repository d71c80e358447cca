/** Looks out for texts that are never to be complete: all of them at once, byte by byte (Aho and Corasick, 1975). */
import type { Reader } from "./vocabulary.ts";

/** Reads any text; a step that would complete a banned one leads to -1. */
export class Banned implements Reader {
  readonly classes = new Uint8Array(256); // a byte of no banned text: 0
  readonly classCount: number;
  readonly table: Int32Array<ArrayBuffer>;

  /** @param texts none of them empty */
  constructor(texts: readonly string[]) {
    const utf8 = new TextEncoder();
    const all = texts.map((text) => utf8.encode(text));
    let classes = 0;
    for (const bytes of all) {
      for (const byte of bytes) if (this.classes[byte] === 0 && classes < 255) this.classes[byte] = ++classes;
    }
    const count = this.classCount = classes + 1;
    const size = all.reduce((sum, bytes) => sum + bytes.length, 1);
    const table = this.table = new Int32Array(size * count);
    const whole = new Uint8Array(size); // whether a banned text ends there
    let places = 1; // place 0: nothing has begun
    for (const bytes of all) {
      let place = 0;
      for (const byte of bytes) {
        const at = place * count + this.classes[byte];
        if (table[at] === 0) table[at] = places++;
        place = table[at];
      }
      whole[place] = 1;
    }
    const behind = new Int32Array(places); // the longest proper end of it that is a place too
    const order = [0];
    for (let i = 0; i < order.length; i++) {
      const place = order[i], shorter = behind[place];
      if (whole[shorter] === 1) whole[place] = 1;
      for (let kind = 1; kind < count; kind++) {
        const at = place * count + kind, to = table[at];
        const past = place === 0 ? 0 : table[shorter * count + kind];
        if (to === 0) {
          table[at] = past;
          continue;
        }
        behind[to] = past;
        order.push(to);
      }
    }
    for (let at = 0; at < places * count; at++) if (whole[table[at]] === 1) table[at] = -1;
  }

  step(place: number, kind: number): number {
    return this.table[place * this.classCount + kind];
  }

  /** Most bytes begin one of many texts or another: nothing is said in advance. */
  run(): number {
    return 0;
  }
}
