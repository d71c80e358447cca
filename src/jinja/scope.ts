/** Names and what they stand for, from the inside out. */
import type { Names } from "./shadow.ts";
import { Undefined, type Value } from "./values.ts";

/** Names of one block; those of the blocks around it are seen through it. */
export class Scope {
  readonly #values = new Map<string, Value>();
  readonly #outer: Scope | null;
  readonly #mentioned: ReadonlySet<string>;

  /** @param outer what is around it, if anything @param names what is done in it */
  constructor(outer: Scope | null, names: Names = { mentioned: new Set(), shadowed: [] }) {
    this.#outer = outer;
    this.#mentioned = names.mentioned;
    for (const name of names.shadowed) {
      if (!outer?.mentions(name)) this.set(name, new Undefined(`'${name}' is undefined`));
    }
  }

  /** Whether this block or one around it speaks of a name. */
  mentions(name: string): boolean {
    return this.#mentioned.has(name) || !!this.#outer?.mentions(name);
  }

  /** What a name stands for. */
  get(name: string): Value {
    // deno-lint-ignore no-this-alias
    for (let scope: Scope | null = this; scope; scope = scope.#outer) {
      const value = scope.#values.get(name);
      if (value !== undefined) return value;
    }
    return new Undefined(`'${name}' is undefined`);
  }

  /** Has a name stand for something, here and further in. */
  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }
}
