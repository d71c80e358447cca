/** Draws from a seed: the same on every machine. */

/** Numbers that a name gives: a hash of it (FNV-1a), then mulberry32. */
export class Draws {
  #state: number;

  /** @param name all that the draws depend on, as "passkey/0/7" */
  constructor(name: string) {
    let hash = 2166136261;
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 16777619);
    this.#state = hash >>> 0;
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to `count` - 1. */
  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  /** So many digits, the first not 0. */
  digits(count: number): string {
    const rest = Array.from({ length: count - 1 }, () => this.below(10));
    return [1 + this.below(9), ...rest].join("");
  }

  /** So many of a list, none twice, in the order of the draw. */
  some<T>(list: readonly T[], count: number): T[] {
    const left = [...list];
    return Array.from({ length: Math.min(count, list.length) }, () => left.splice(this.below(left.length), 1)[0]);
  }
}
