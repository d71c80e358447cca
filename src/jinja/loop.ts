/** `loop`: where a `for` stands. */
import { fail } from "./error.ts";
import { equal, iterate, length } from "./operators.ts";
import { take } from "./take.ts";
import { Callable, Lazy, Tuple, Undefined, type Value } from "./values.ts";

/** A loop over a value's items, which asks for the next one no sooner than it must. */
export class Loop {
  readonly #over: Value;
  readonly #depth: number;
  #items: Iterator<Value>;
  #next: IteratorResult<Value> | null = null; // looked at, not yet taken
  #before: Value | undefined;
  #current: Value | undefined;
  #index = -1;
  #length: number | null = null;
  #last: Value | undefined; // what `changed` was told last
  /** The loop as a value. */
  readonly value: Callable;

  /** @param over what it goes over @param recurse what `loop(…)` does @param depth how many loops of its kind are around it */
  constructor(over: Value, recurse: ((over: Value) => Value) | null, depth: number) {
    this.#over = over;
    this.#depth = depth;
    this.#items = iterate(over);
    this.value = new Callable("loop", (call) => {
      if (!recurse) fail("The loop must have the 'recursive' marker to be called recursively.");
      return recurse(take("loop", "iterable", call)[0]!);
    }, (name) => this.#field(name));
  }

  /** Goes on to the next item; undefined: there is none. */
  next(): Value | undefined {
    const { done, value } = this.#peek();
    if (done) return undefined;
    this.#next = null;
    this.#index++;
    this.#before = this.#current;
    return this.#current = value;
  }

  #peek(): IteratorResult<Value> {
    return this.#next ??= this.#items.next();
  }

  #size(): number {
    if (this.#length !== null) return this.#length;
    if (!(this.#over instanceof Lazy)) return this.#length = length(this.#over);
    const rest = [...{ [Symbol.iterator]: () => this.#items }];
    this.#items = rest.values();
    const looked = this.#next && !this.#next.done ? 1 : 0;
    return this.#length = rest.length + this.#index + 1 + looked;
  }

  #field(name: string): Value {
    const index = this.#index;
    switch (name) {
      case "index":
        return index + 1;
      case "index0":
        return index;
      case "revindex":
        return this.#size() - index;
      case "revindex0":
        return this.#size() - index - 1;
      case "first":
        return index === 0;
      case "last":
        return !!this.#peek().done;
      case "length":
        return this.#size();
      case "depth":
        return this.#depth + 1;
      case "depth0":
        return this.#depth;
      case "previtem":
        return this.#before === undefined ? new Undefined("there is no previous item") : this.#before;
      case "nextitem": {
        const { done, value } = this.#peek();
        return done ? new Undefined("there is no next item") : value;
      }
      case "cycle":
        return new Callable(
          name,
          ({ args }) => args.length > 0 ? args[index % args.length] : fail("no items for cycling given"),
        );
      case "changed":
        return new Callable(name, ({ args }) => {
          const now = new Tuple(args), changed = this.#last === undefined || !equal(this.#last, now);
          if (changed) this.#last = now;
          return changed;
        });
    }
    return new Undefined(`'LoopContext object' has no attribute '${name}'`);
  }
}
