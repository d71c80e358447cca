/** `value.name` and `value[at]`, as Jinja's sandbox reads them. */
import { plain } from "./disguise.ts";
import { cannot } from "./error.ts";
import { format, namesOf } from "./format.ts";
import { DICT, LIST, type Method, TEXT } from "./methods.ts";
import { defined } from "./operators.ts";
import { repr } from "./print.ts";
import { RARE_TEXT } from "./rare-methods.ts";
import { take } from "./take.ts";
import { points } from "./text.ts";
import {
  Callable,
  Dict,
  Float,
  Lazy,
  Markup,
  Namespace,
  Range,
  Tuple,
  typeName,
  Undefined,
  type Value,
  View,
} from "./values.ts";
import { UNDONE_MEMBERS, UNSAFE_MEMBERS } from "./undone.ts";

/** A method of a value, ready to be called, or another attribute that Python gives it; undefined: it has none of that name. */
function member(of: Value, name: string): Value | undefined {
  if (of instanceof Namespace) return of.attributes.get(name);
  if (of instanceof Markup) cannot(`${name} of Markup`);
  if (of instanceof Callable && of.fields) return of.fields(name);
  if ([Callable, Lazy, Range, View].some((kind) => of instanceof kind)) cannot(`${name} of a ${typeName(of)}`);
  const type = of === null || typeof of === "boolean" ? "int" : typeName(of);
  if (UNSAFE_MEMBERS[type]?.includes(name) || /^__\w+__$/.test(name)) {
    return new Undefined(`access to attribute '${name}' of '${type}' object is unsafe.`);
  }
  if (of !== null && UNDONE_MEMBERS[type]?.includes(name)) cannot(`${name} of a ${typeName(of)}`);
  if (typeof of === "string") {
    if (name === "format") return new Callable(name, (call) => format(of, call, { attribute, item }));
    if (name === "format_map") {
      return new Callable(name, (call) => {
        const [mapping] = take(name, "/mapping", call);
        return format(of, { args: [], named: namesOf(mapping!) }, { attribute, item });
      });
    }
    return bound(TEXT, of, name) ?? bound(RARE_TEXT, of, name);
  }
  if (of instanceof Dict) return bound(DICT, of, name);
  if (Array.isArray(of)) return bound(LIST, of, name);
  if (of instanceof Tuple) {
    const at = of.names.indexOf(name);
    return at >= 0 ? of.items[at] : name === "copy" ? undefined : bound(LIST, of.items as Value[], name);
  }
  return undefined;
}

function bound<T>(methods: Readonly<Record<string, Method<T>>>, self: T, name: string): Callable | undefined {
  if (!Object.hasOwn(methods, name)) return undefined;
  const [parameters, run] = methods[name];
  return new Callable(name, (call) => run(self, take(name, parameters, call)));
}

/** What Jinja says of something that is not there. */
function missing(of: Value, name: Value): Undefined {
  const type = of === null ? "None" : `'${typeName(of)} object'`;
  return new Undefined(
    typeof name === "string" ? `${type} has no attribute '${name}'` : `${type} has no element ${repr(name)}`,
  );
}

const there = (found: Value | undefined, of: Value, name: Value): Value =>
  found === undefined ? missing(of, name) : found;

/** `of.name`: a method or an attribute first, then an item. */
export function attribute(of: Value, name: string): Value {
  const found = member(defined(of), name);
  return found !== undefined ? found : there(element(of, name), of, name);
}

/** `of[at]`: an item first, then a method or an attribute. */
export function item(of: Value, at: Value): Value {
  const found = element(defined(of), at);
  return there(found === undefined && typeof at === "string" ? member(of, plain(at)) : found, of, at);
}

/** What stands at an index or under a key; undefined: nothing. */
function element(of: Value, at: Value): Value | undefined {
  if (of instanceof Dict) return hashable(at) ? of.get(at) : undefined;
  if (typeof at !== "number" && typeof at !== "boolean") return undefined;
  const from = (size: number) => Number(at) < 0 ? Number(at) + size : Number(at);
  if (typeof of === "string") {
    const all = /[\ud800-\udfff]/.test(of) ? points(of) : of;
    return all[from(all.length)];
  }
  if (of instanceof Range) {
    const i = from(of.length);
    return i >= 0 && i < of.length ? of.start + i * of.step : undefined;
  }
  const all = Array.isArray(of) ? of : of instanceof Tuple ? of.items : [];
  return all[from(all.length)];
}

const hashable = (value: Value): boolean =>
  value === null || ["string", "number", "boolean"].includes(typeof value) || value instanceof Float ||
  value instanceof Undefined || value instanceof Tuple && value.items.every(hashable);

/** What a filter's `attribute` picks out of a value: names and indices with points between them. */
export function getter(path: Value, absent: Value = null): (value: Value) => Value {
  const parts: Value[] = typeof path === "string"
    ? plain(path).split(".").map((part) => /^\d+$/.test(part) ? Number(part) : part)
    : path === null
    ? []
    : [path];
  return (value) =>
    parts.reduce((of, part) => {
      const found = item(of, part);
      return found instanceof Undefined && absent !== null ? absent : found;
    }, value);
}
