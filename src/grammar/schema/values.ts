/** Which keywords there are, what their values must be, and whether a value that is known fits them. */
import { words } from "../../errors.ts";
import { holds, type Language } from "../language.ts";
import { type Case, type Cases, type Document, isObject, saying, type Schema } from "./facts.ts";

export const TYPES = ["null", "boolean", "integer", "number", "string", "array", "object"] as const;
export type Type = typeof TYPES[number];

/** Keywords, by the type that they speak of. */
const KEYWORDS = {
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"],
  string: ["minLength", "maxLength", "pattern", "format"],
  array: ["items", "prefixItems", "additionalItems", "minItems", "maxItems", "uniqueItems"],
  object: [
    ...["properties", "required", "additionalProperties", "patternProperties", "propertyNames", "minProperties"],
    "maxProperties",
  ],
} as const;
const ANY = ["type", "enum", "const"];
const KNOWN: readonly string[] = [...ANY, ...Object.values(KEYWORDS).flat()];

/** @throws KvcapRangeError for a keyword that cannot be held */
export function checkKeywords(document: Document, schema: Schema): void {
  for (const name of saying(schema)) {
    if (!KNOWN.includes(name)) {
      document.refuse("a schema must have keywords that can be held while it is written", name);
    }
  }
  const { items } = schema;
  if (schema.additionalItems !== undefined && !Array.isArray(items)) {
    document.refuse("additionalItems must stand beside a list of items", schema.additionalItems);
  }
}

/** A number that a keyword gives; undefined: it is not there. @throws KvcapRangeError */
export function numberIn(document: Document, schema: Schema, name: string, count = true): number | undefined {
  const value = schema[name];
  if (value === undefined) return undefined;
  const fits = count ? Number.isSafeInteger(value) && (value as number) >= 0 : Number.isFinite(value);
  if (!fits) document.refuse(`${name} must be a ${count ? "whole number of at least 0" : "number"}`, value);
  return value as number;
}

/** The strictest of a keyword's numbers. */
export function strictest(document: Document, facts: Case, name: string, pick: "least" | "most"): number {
  const all = facts.map((fact) => numberIn(document, fact, name) ?? (pick === "most" ? Infinity : 0));
  return pick === "most" ? Math.min(Infinity, ...all) : Math.max(0, ...all);
}

/** The types that facts allow, "integer" where "number" is not. */
export function typesOf(document: Document, facts: Case): ReadonlySet<Type> {
  let types: Type[] | null = null;
  for (const { type } of facts) {
    if (type === undefined) continue;
    const list = Array.isArray(type) ? type : [type];
    const wrong = list.length === 0 ? type : list.find((one) => !TYPES.includes(one));
    if (wrong !== undefined) document.refuse(`type must be one of ${TYPES.join(", ")}, or a list of them`, wrong);
    const wide = list.includes("number") ? [...list, "integer"] : list;
    types = types === null ? wide : types.filter((one) => wide.includes(one));
  }
  if (types === null) types = spokenOf(facts);
  return new Set(types.includes("number") ? types.filter((one) => one !== "integer") : types);
}

/** Where no type is given: those that keywords speak of, or all. */
function spokenOf(facts: Case): Type[] {
  const found = (Object.keys(KEYWORDS) as (keyof typeof KEYWORDS)[]).filter((type) =>
    facts.some((fact) => KEYWORDS[type].some((name) => fact[name] !== undefined))
  );
  return found.length > 0 ? found : [...TYPES];
}

/** A text that is the same for equal values. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (!isObject(value)) return JSON.stringify(value === 0 ? 0 : value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join()}}`;
}

/** Values that enum and const leave; null: they say nothing. */
export function listed(document: Document, facts: Case): readonly unknown[] | null {
  const lists = facts.flatMap((fact): (readonly unknown[])[] => {
    const { enum: values } = fact;
    if (values !== undefined && (!Array.isArray(values) || values.length === 0)) {
      document.refuse("enum must be a list of values", values);
    }
    return [
      ...values === undefined ? [] : [values as unknown[]],
      ...Object.hasOwn(fact, "const") ? [[fact.const]] : [],
    ];
  });
  if (lists.length === 0) return null;
  const [first, ...others] = lists;
  const sets = others.map((list) => new Set(list.map(canonical)));
  const distinct = new Map(first.map((value) => [canonical(value), value]));
  return [...distinct].filter(([key]) => sets.every((set) => set.has(key))).map(([, value]) => value);
}

/** Whether a value fits facts, all of them. */
export class Fitting {
  readonly #document: Document;
  readonly #cases: Cases;
  readonly #languages: (facts: Case) => readonly Language[];

  /** @param languages what patterns and formats of facts say */
  constructor(document: Document, cases: Cases, languages: (facts: Case) => readonly Language[]) {
    this.#document = document;
    this.#cases = cases;
    this.#languages = languages;
  }

  /** @returns whether one of the cases of these schemas holds */
  schemas(value: unknown, schemas: readonly unknown[]): boolean {
    return this.#cases.of(schemas).some((facts) => this.facts(value, facts));
  }

  facts(value: unknown, facts: Case): boolean {
    const given = facts.some(({ type }) => type !== undefined);
    const types = typesOf(this.#document, facts);
    const kind = value === null ? "null" : Array.isArray(value) ? "array" : typeof value as Type;
    if (given && !types.has(kind) && !(kind === "number" && types.has("integer") && Number.isInteger(value))) {
      return false;
    }
    const values = listed(this.#document, facts);
    if (values && !values.some((one) => canonical(one) === canonical(value))) return false;
    if (typeof value === "number") return facts.every((fact) => this.#number(value, fact));
    if (typeof value === "string") return this.#string(value, facts);
    if (Array.isArray(value)) return facts.every((fact) => this.#array(value, fact));
    return !isObject(value) || facts.every((fact) => this.#object(value, fact));
  }

  #number(value: number, fact: Schema): boolean {
    const read = (name: string) => typeof fact[name] === "boolean" ? undefined : this.#read(fact, name, false);
    const { exclusiveMinimum: above, exclusiveMaximum: below } = fact;
    const [least, most] = [read("minimum") ?? -Infinity, read("maximum") ?? Infinity], step = read("multipleOf");
    return value >= least && value <= most && !(above === true && value === least) &&
      !(below === true && value === most) && value > (read("exclusiveMinimum") ?? -Infinity) &&
      value < (read("exclusiveMaximum") ?? Infinity) && (step === undefined || value % step === 0);
  }

  #string(value: string, facts: Case): boolean {
    const length = Array.from(value).length;
    return length >= strictest(this.#document, facts, "minLength", "least") &&
      length <= strictest(this.#document, facts, "maxLength", "most") &&
      this.#languages(facts).every((language) => holds(language, value));
  }

  #array(value: readonly unknown[], fact: Schema): boolean {
    const { prefix, rest = true } = itemsOf(this.#document, fact);
    return value.length >= (this.#read(fact, "minItems") ?? 0) &&
      value.length <= (this.#read(fact, "maxItems") ?? Infinity) &&
      (fact.uniqueItems !== true || new Set(value.map(canonical)).size === value.length) &&
      value.every((one, i) => this.schemas(one, [i < prefix.length ? prefix[i] : rest]));
  }

  #object(value: Schema, fact: Schema): boolean {
    const names = Object.keys(value);
    const { required = [], propertyNames: named = true } = fact;
    return names.length >= (this.#read(fact, "minProperties") ?? 0) &&
      names.length <= (this.#read(fact, "maxProperties") ?? Infinity) &&
      (required as readonly string[]).every((name) => Object.hasOwn(value, name)) &&
      names.every((name) => this.schemas(name, [named])) &&
      names.every((name) =>
        this.schemas(value[name], propertyIn(fact, name, (pattern) => this.#matches(pattern, name)) ?? [true])
      );
  }

  #matches(pattern: string, name: string): boolean {
    return this.#languages([{ pattern }]).every((language) => holds(language, name));
  }

  #read(fact: Schema, name: string, count = true): number | undefined {
    return numberIn(this.#document, fact, name, count);
  }
}

/** What a schema says of an array's items, in whichever words; `rest` undefined: nothing of those behind `prefix`. */
export function itemsOf(document: Document, fact: Schema): { prefix: readonly unknown[]; rest: unknown } {
  const { prefixItems, items, additionalItems } = fact;
  if (Array.isArray(items)) return { prefix: items, rest: additionalItems };
  if (prefixItems !== undefined && !Array.isArray(prefixItems)) {
    document.refuse("prefixItems must be a list of schemas", prefixItems);
  }
  return { prefix: prefixItems as unknown[] | undefined ?? [], rest: items };
}

/** What a schema says of a property: schemas that all hold; null: nothing. */
export function propertyIn(fact: Schema, name: string, matches: (pattern: string) => boolean): unknown[] | null {
  const { properties, patternProperties, additionalProperties } = fact;
  const own = isObject(properties) && Object.hasOwn(properties, name) ? [properties[name]] : [];
  const patterns = isObject(patternProperties) ? Object.entries(patternProperties) : [];
  const all = [...own, ...patterns.filter(([pattern]) => matches(pattern)).map(([, schema]) => schema)];
  if (all.length > 0) return all;
  return additionalProperties === undefined ? null : [additionalProperties];
}

/** @throws KvcapRangeError for an object's keyword that is no list or object */
export function checkObject(document: Document, fact: Schema): void {
  const { properties, required, patternProperties } = fact;
  if (properties !== undefined && !isObject(properties)) document.refuse("properties must be an object", properties);
  if (patternProperties !== undefined && !isObject(patternProperties)) {
    document.refuse("patternProperties must be an object", patternProperties);
  }
  const names = required ?? [];
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string")) {
    document.refuse(
      "required must be a list of names",
      typeof required === "boolean" ? words(String(required)) : required,
    );
  }
}
