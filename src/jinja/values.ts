/** Python's values in JavaScript's: what a template computes with. null is None, a number is an int. */
import { plain } from "./disguise.ts";
import { fail } from "./error.ts";

/** A number with a point. */
export class Float {
  readonly value: number;
  /** @param value what it is */
  constructor(value: number) {
    this.value = value;
  }
}

/** A tuple. */
export class Tuple {
  readonly items: readonly Value[];
  readonly names: readonly string[];
  /** @param items in order @param names of items, where they have some */
  constructor(items: readonly Value[], names: readonly string[] = []) {
    this.items = items;
    this.names = names;
  }
}

/** What stands for a value that is not there. */
export class Undefined {
  readonly hint: string;
  /** @param hint what Jinja says when it is used */
  constructor(hint: string) {
    this.hint = hint;
  }
}

/** `namespace(…)`: the one thing that an inner scope can change. */
export class Namespace {
  readonly attributes: Dict;
  /** @param attributes by name */
  constructor(attributes: Dict) {
    this.attributes = attributes;
  }
}

/** `range(…)`. */
export class Range {
  readonly start: number;
  readonly stop: number;
  readonly step: number;
  /** @param start first @param stop not in it @param step not 0 */
  constructor(start: number, stop: number, step: number) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
  /** How many there are. */
  get length(): number {
    return Math.max(0, Math.ceil((this.stop - this.start) / this.step));
  }
}

/** Values made when they are asked for, and once: Python's generators. */
export class Lazy {
  readonly next: Iterator<Value>;
  /** @param next where they come from */
  constructor(next: Iterator<Value>) {
    this.next = next;
  }
}

/** `dict.items()` and the like. */
export class View {
  readonly of: Dict;
  readonly kind: "keys" | "values" | "items";
  /** @param of what it looks at @param kind as Python calls it */
  constructor(of: Dict, kind: "keys" | "values" | "items") {
    this.of = of;
    this.kind = kind;
  }
  /** What is in it now. */
  list(): Value[] {
    const entries = [...this.of.entries()];
    return entries.map((entry) => this.kind === "items" ? new Tuple(entry) : entry[this.kind === "keys" ? 0 : 1]);
  }
}

/** A text that was marked as safe: to be printed, and for nothing else. */
export class Markup {
  readonly text: string;
  /** @param text what it says */
  constructor(text: string) {
    this.text = text;
  }
}

/** What stands in brackets behind a name. */
export interface Call {
  readonly args: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
  /** Names that `**` gave, by what they say, as they came. */
  readonly worn?: ReadonlyMap<string, string>;
}

/** A function, a method or a macro. */
export class Callable {
  readonly name: string;
  readonly call: (call: Call) => Value;
  readonly fields: ((name: string) => Value) | undefined;
  /** @param name for messages @param call what it does @param fields its attributes */
  constructor(name: string, call: (call: Call) => Value, fields?: (name: string) => Value) {
    this.name = name;
    this.call = call;
    this.fields = fields;
  }
}

/** All there are. */
export type Value =
  | null
  | boolean
  | number
  | string
  | Float
  | Value[]
  | Tuple
  | Dict
  | Undefined
  | Namespace
  | Range
  | Lazy
  | View
  | Markup
  | Callable
  | Slice;

/** `[from:to:by]`. */
export class Slice {
  readonly start: Value;
  readonly stop: Value;
  readonly step: Value;
  /** @param start None: the beginning @param stop None: the end @param step None: 1 */
  constructor(start: Value, stop: Value, step: Value) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }
}

/** A dict: in order of arrival, with Python's idea of which keys are the same. */
export class Dict {
  readonly #entries = new Map<string, [Value, Value]>();

  /** @param entries that it begins with */
  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) this.set(key, value);
  }

  /** How many keys. */
  get size(): number {
    return this.#entries.size;
  }

  /** Keys and values. */
  entries(): IterableIterator<[Value, Value]> {
    return this.#entries.values();
  }

  /** The value of a key; undefined: there is none. @throws TemplateError for a key that can be none */
  get(key: Value): Value | undefined {
    return this.#entries.get(hash(key))?.[1];
  }

  /** Enters a value. @throws TemplateError for a key that can be none */
  set(key: Value, value: Value): void {
    const at = hash(key), old = this.#entries.get(at);
    if (old) old[1] = value;
    else this.#entries.set(at, [key, value]);
  }
}

/** A text that is the same for what Python takes for the same key. */
export function hash(key: Value): string {
  if (typeof key === "string") return `s${plain(key)}`;
  if (typeof key === "number" || typeof key === "boolean") return `n${Number(key)}`;
  if (key instanceof Float) return `n${key.value}`;
  if (key === null) return "";
  if (key instanceof Undefined) return "u";
  if (key instanceof Tuple) return `t${JSON.stringify(key.items.map(hash))}`;
  fail(`unhashable type: '${typeName(key)}'`);
}

const NAMES = new Map<unknown, string>([
  ...([[Float, "float"], [Tuple, "tuple"], [Undefined, "Undefined"], [Namespace, "Namespace"]] as const),
  ...([[Range, "range"], [Lazy, "generator"], [Markup, "Markup"], [Callable, "function"]] as const),
  ...([[Dict, "dict"], [Slice, "slice"], [Array, "list"]] as const),
]);

/** What Python calls its type. */
export function typeName(value: Value): string {
  if (value === null) return "NoneType";
  if (value instanceof View) return `dict_${value.kind}`;
  return { string: "str", number: "int", boolean: "bool" }[typeof value as string] ?? NAMES.get(value.constructor)!;
}
