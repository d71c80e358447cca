/** Truth, order, sums and the like, by Python's rules. */
import { changed, plain } from "./disguise.ts";
import { cannot, fail, room, work } from "./error.ts";
import { compareText, cut, lengthOf, points } from "./text.ts";
import { str } from "./print.ts";
import { Dict, Float, Lazy, Markup, Range, Slice, Tuple, typeName, Undefined, type Value, View } from "./values.ts";

/** Whether a condition with it holds. */
export function truth(value: Value): boolean {
  if (value instanceof Undefined) return false;
  if (value instanceof Float) return value.value !== 0;
  if (value instanceof Markup) return value.text !== "";
  if (value instanceof Dict) return value.size > 0;
  if (value instanceof View) return value.of.size > 0;
  if (value instanceof Range || Array.isArray(value)) return value.length > 0;
  if (value instanceof Tuple) return value.items.length > 0;
  return typeof value === "object" ? value !== null : !!value;
}

/** A value that must be defined. @throws TemplateError with what Jinja says of one that is not */
export function defined<T extends Value>(value: T): Exclude<T, Undefined> {
  if (value instanceof Undefined) fail(value.hint);
  return value as Exclude<T, Undefined>;
}

/** An int, a bool or a float as a number; undefined: it is none. */
export function numberOf(value: Value): number | undefined {
  if (value instanceof Float) return value.value;
  return typeof value === "number" || typeof value === "boolean" ? Number(value) : undefined;
}

/** An int, or a bool as one. @throws TemplateError */
export function intOf(value: Value): number {
  if (typeof value === "number" || typeof value === "boolean") return Number(value);
  return fail(`'${typeName(defined(value))}' object cannot be interpreted as an integer`);
}

/** A result that must be an int that JavaScript counts exactly. */
export function int(value: number): number {
  if (!Number.isSafeInteger(value)) cannot("an integer beyond 2^53");
  return value + 0; // no -0
}

/** `==`. */
export function equal(a: Value, b: Value): boolean {
  work(1);
  if (a instanceof Markup || b instanceof Markup) cannot("== of Markup");
  const x = numberOf(a), y = numberOf(b);
  if (x !== undefined || y !== undefined) return x === y;
  if (typeof a === "string" && typeof b === "string") return a === b || plain(a) === plain(b);
  if (typeof a === "string" || typeof b === "string" || a === null || b === null) return a === b;
  if (a instanceof Undefined || b instanceof Undefined) return a instanceof Undefined && b instanceof Undefined;
  if (a === b) return true;
  const [left, right] = [sequence(a), sequence(b)];
  if (left && right) {
    return Array.isArray(a) === Array.isArray(b) && left.length === right.length &&
      left.every((item, i) => equal(item, right[i]));
  }
  if (a instanceof Dict && b instanceof Dict) {
    return a.size === b.size && [...a.entries()].every(([key, value]) => {
      const other = b.get(key);
      return other !== undefined && equal(value, other);
    });
  }
  if (a.constructor === b.constructor && (a instanceof Range || a instanceof View)) cannot(`== of ${typeName(a)}`);
  return false;
}

const sequence = (value: Value) => Array.isArray(value) ? value : value instanceof Tuple ? value.items : undefined;

/** Negative, 0, positive, or NaN: what `operator` is to be asked of. @throws TemplateError where Python does not order them */
export function order(a: Value, b: Value, operator = "<"): number {
  work(1);
  const x = numberOf(a), y = numberOf(b);
  if (x !== undefined && y !== undefined) return x === y ? 0 : x - y;
  if (typeof a === "string" && typeof b === "string") return compareText(plain(a), plain(b));
  const left = sequence(a), right = sequence(b);
  if (left && right && Array.isArray(a) === Array.isArray(b)) {
    const at = left.findIndex((item, i) => i >= right.length || !equal(item, right[i]));
    return at < 0 || at >= right.length ? left.length - right.length : order(left[at], right[at], operator);
  }
  const names = [defined(a), defined(b)].map((one) => `'${typeName(one)}'`).join(" and ");
  return fail(`'${operator}' not supported between instances of ${names}`);
}

/** One comparison of a chain. */
export function compare(operator: string, a: Value, b: Value): boolean {
  switch (operator) {
    case "==":
      return equal(a, b);
    case "!=":
      return !equal(a, b);
    case "in":
      return contains(b, a);
    case "not in":
      return !contains(b, a);
  }
  const by = order(a, b, operator);
  if (operator === "<") return by < 0;
  if (operator === ">") return by > 0;
  return operator === "<=" ? by <= 0 : by >= 0;
}

/** Whether `value` is in `all`. */
export function contains(all: Value, value: Value): boolean {
  if (typeof all === "string") {
    if (typeof value !== "string") fail(`'in <string>' requires string as left operand, not ${typeName(value)}`);
    work(all.length / 8);
    return plain(all).includes(plain(value));
  }
  if (all instanceof Dict) return all.get(value) !== undefined;
  if (all instanceof Range) {
    const at = numberOf(value);
    if (at === undefined) return false;
    const step = (at - all.start) / all.step;
    return Number.isInteger(step) && step >= 0 && step < all.length;
  }
  for (const item of iterate(all, `argument of type '${typeName(all)}' is not iterable`)) {
    if (item === value || equal(item, value)) return true;
  }
  return false;
}

/** A value's items, one after the other. @throws TemplateError where it has none */
export function* iterate(value: Value, message = `'${typeName(value)}' object is not iterable`): Generator<Value> {
  const items = itemsOf(value) ?? fail(message);
  for (const item of items) {
    work(1);
    yield item;
  }
}

function* numbers({ start, step, length }: Range): Generator<number> {
  for (let i = 0; i < length; i++) yield start + i * step;
}

function itemsOf(value: Value): Iterable<Value> | undefined {
  if (typeof value === "string") return points(value);
  if (value instanceof Dict) return [...value.entries()].map(([key]) => key);
  if (value instanceof Lazy) return { [Symbol.iterator]: () => ({ next: () => value.next.next() }) }; // left off, it goes on
  if (value instanceof View) return value.list();
  if (value instanceof Range) return numbers(value);
  if (value instanceof Undefined) return [];
  if (value instanceof Markup) cannot("the characters of Markup");
  return sequence(value);
}

/** `len`. @throws TemplateError where it has none */
export function length(value: Value): number {
  if (typeof value === "string") return lengthOf(value);
  if (value instanceof Dict) return value.size;
  if (value instanceof View) return value.of.size;
  if (value instanceof Undefined) return 0;
  if (value instanceof Markup) cannot("the length of Markup");
  return (value instanceof Range ? value : sequence(value))?.length ??
    fail(`object of type '${typeName(value)}' has no len()`);
}

/** `value[from:to:by]`. */
export function slice(value: Value, { start, stop, step }: Slice): Value {
  const all = typeof defined(value) === "string"
    ? value as string
    : value instanceof Range
    ? [...iterate(value)]
    : sequence(value);
  if (all === undefined) return cannot(`a slice of a ${typeName(value)}`);
  const by = step === null ? 1 : intOf(step);
  if (by === 0) fail("slice step cannot be zero");
  const size = typeof all === "string" ? lengthOf(all) : all.length;
  const bound = (given: Value, absent: number) => {
    if (given === null) return absent;
    const at = intOf(given);
    return Math.min(Math.max(at < 0 ? at + size : at, by < 0 ? -1 : 0), by < 0 ? size - 1 : size);
  };
  const from = bound(start, by < 0 ? size - 1 : 0), to = bound(stop, by < 0 ? -1 : size);
  if (typeof all === "string" && by === 1) return cut(all, from, Math.max(from, to));
  const items = typeof all === "string" ? points(all) : all;
  const picked: Value[] = [];
  for (let at = from; by < 0 ? at > to : at < to; at += by) picked.push(items[at]);
  work(picked.length);
  if (value instanceof Range) cannot("a slice of a range");
  return typeof all === "string" ? picked.join("") : value instanceof Tuple ? new Tuple(picked) : picked;
}

/** `a + b` and the like, but for `%` on a string. @throws TemplateError where Python has no such sum */
export function arithmetic(operator: string, a: Value, b: Value): Value {
  const x = numberOf(a), y = numberOf(b);
  if (x !== undefined && y !== undefined) {
    return calculate(operator, { x, y, whole: !(a instanceof Float || b instanceof Float) });
  }
  if (operator === "+") {
    if (a instanceof Markup || b instanceof Markup) return marked(a, b);
    if (typeof a === "string" && typeof b === "string") {
      room(a.length + b.length);
      return a + b;
    }
    const left = sequence(a), right = sequence(b);
    if (left && right && Array.isArray(a) === Array.isArray(b)) {
      work(left.length + right.length);
      return Array.isArray(a) ? [...left, ...right] : new Tuple([...left, ...right]);
    }
  }
  if (operator === "*") {
    if (typeof b === "number" || typeof b === "boolean") return repeated(a, Number(b)) ?? unsupported(operator, a, b);
    if (typeof a === "number" || typeof a === "boolean") return repeated(b, Number(a)) ?? unsupported(operator, a, b);
  }
  return unsupported(operator, a, b);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  "'": "&#39;",
  '"': "&#34;",
};

/** A text as HTML shows it. */
export function escape(text: string): string {
  room(text.length * 5);
  return changed(text, (bare) => bare.replace(/[&<>'"]/g, (char) => ENTITIES[char]));
}

/** Safe text and another: what is not safe is escaped. */
function marked(a: Value, b: Value): Markup {
  const [left, right] = [a, b].map((one) =>
    one instanceof Markup ? one.text : typeof one === "string" ? escape(one) : unsupported("+", a, b)
  );
  return new Markup(left + right);
}

function unsupported(operator: string, a: Value, b: Value): never {
  const names = [defined(a), defined(b)].map((one) => `'${typeName(one)}'`).join(" and ");
  return fail(`unsupported operand type(s) for ${operator}: ${names}`);
}

function repeated(value: Value, times: number): Value | undefined {
  const count = Math.max(0, times), all = typeof value === "string" ? value : sequence(value);
  if (all === undefined) return undefined;
  room(all.length * count * (typeof all === "string" ? 1 : 8));
  if (typeof all === "string") return all.repeat(count);
  const items = Array.from({ length: count }, () => all).flat();
  return value instanceof Tuple ? new Tuple(items) : items;
}

function calculate(operator: string, { x, y, whole }: { x: number; y: number; whole: boolean }): Value {
  const result = (value: number) => whole ? int(value) : new Float(value);
  const zero = () => y === 0 && fail("division by zero");
  switch (operator) {
    case "+":
      return result(x + y);
    case "-":
      return result(x - y);
    case "*":
      return result(x * y);
    case "/":
      zero();
      return new Float(x / y);
    case "//":
      zero();
      return result(whole ? Math.floor((x - ((x % y) + y) % y) / y) : Math.floor(x / y));
    case "%": {
      zero();
      const rest = x % y;
      if (rest === 0) return result(y < 0 ? -0 : 0);
      return result(rest < 0 !== y < 0 ? rest + y : rest);
    }
  }
  if (x === 0 && y < 0) fail("0.0 cannot be raised to a negative power");
  if (x < 0 && !Number.isInteger(y)) cannot("a complex number");
  const power = x ** y;
  if (!Number.isFinite(power) && Number.isFinite(x) && Number.isFinite(y) && !whole) {
    fail("Numerical result out of range");
  }
  return whole && y >= 0 ? int(power) : new Float(power);
}

/** Values in Python's order, equals as they came. @param by what of a value counts */
export function sorted(values: Iterable<Value>, by: (value: Value) => Value, reverse = false): Value[] {
  const keyed = [...values].map((value) => ({ value, key: by(value) }));
  keyed.sort((a, b) => reverse ? order(b.key, a.key) : order(a.key, b.key));
  return keyed.map(({ value }) => value);
}

/** Whether two values are one: `is`. */
export function same(a: Value, b: Value): boolean {
  const plain = (value: Value) => typeof value === "boolean" || value === null;
  if (plain(a) || plain(b)) return a === b;
  if (typeof a !== typeof b) return false;
  if (typeof a === "string" || typeof a === "number" || a instanceof Float) cannot(`sameas of ${typeName(a)}`);
  return a === b;
}

/** The text of a value, as `~` joins it. */
export function joined(values: readonly Value[]): string {
  const texts = values.map(str);
  room(texts.reduce((sum, text) => sum + text.length, 0));
  return texts.join("");
}
