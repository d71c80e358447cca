/**
 * What a schema says, taken apart: $ref is followed, allOf put together, anyOf and oneOf spread out, so that what is left is a choice of
 * cases, and each case a list of plain facts that all hold.
 */
import { words } from "../../errors.ts";

/** A schema that is an object. */
export type Schema = Readonly<Record<string, unknown>>;

/** Facts that all hold. */
export type Case = readonly Schema[];

/** What every part of a schema may ask of. */
export interface Document {
  readonly root: unknown;
  /** @throws KvcapRangeError always */
  refuse(rule: string, found: unknown): never;
}

const MOST_CASES = 400;
const MOST_PAIRS = 6000; // of branches of oneOf, over a hundred of them
const MOST_DEEP = 300;
const MOST_PARTS = 40_000; // schemas that are looked at

/** Keywords that say nothing of a value, or that this file has followed. */
const APART = new Set([
  ...["$schema", "$id", "$comment", "$defs", "definitions", "title", "description", "default", "examples", "example"],
  ...["deprecated", "readOnly", "writeOnly", "contentEncoding", "contentMediaType", "$anchor"],
  ...["$ref", "allOf", "anyOf", "oneOf", "dependentRequired", "nullable", "discriminator", "xml", "externalDocs"],
]);

export const isObject = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Keywords of a schema that say something of a value by themselves. */
export function saying(schema: Schema): string[] {
  return Object.keys(schema).filter((name) => !APART.has(name) && !name.startsWith("x-"));
}

/** What would hold where two branches of a oneOf did: no value may. */
export interface Exclusion {
  readonly facts: Case;
}

/** How a schema was come to. */
type Way = { readonly schema: Schema; readonly from: Way } | null;

/** Branches of which one is to hold. */
interface Choice {
  readonly branches: readonly unknown[];
  /** Whether only one may. */
  readonly exclusive: boolean;
  readonly inside: Way;
}

/** A list of schemas, all of which hold, as cases. */
export class Cases {
  readonly #document: Document;
  readonly #made = new Map<Schema, Schema[]>(); // what dependentRequired comes to, once for each schema
  /** As they are found. */
  readonly exclusions: Exclusion[] = [];
  readonly #excluded = new Set<string>();
  readonly #numbers = new Map<Schema, number>();
  #parts = 0;

  constructor(document: Document) {
    this.#document = document;
  }

  /** @throws KvcapRangeError for what is no schema, leads nowhere, or spreads too far */
  of(schemas: readonly unknown[]): Case[] {
    return this.#spread(schemas, [], null);
  }

  /** A text that is the same for the same facts, in whatever order. */
  keyOf(facts: Case): string {
    const numbers = facts.map((fact) => {
      let number = this.#numbers.get(fact);
      if (number === undefined) this.#numbers.set(fact, number = this.#numbers.size);
      return number;
    });
    return numbers.sort((a, b) => a - b).join();
  }

  /** @param facts that hold besides @param from the schema that these are a part of */
  #spread(schemas: readonly unknown[], facts: Case, from: Way): Case[] {
    const all = [...facts], known = new Set<Schema>();
    const choices: Choice[] = [];
    /** Takes a schema in, what it refers to first. @returns whether it allows anything */
    const take = (schema: unknown, from: Way): boolean => {
      if (typeof schema === "boolean") return schema;
      if (!isObject(schema)) this.#document.refuse("a schema must be an object, true or false", schema);
      let deep = 0;
      for (let way = from; way; way = way.from) {
        if (way.schema === schema) this.#document.refuse("a $ref must not lead back to itself at once", schema);
        if (deep++ > MOST_DEEP) this.#document.refuse(`a $ref must lead on at most ${MOST_DEEP} times`, words("more"));
      }
      if (known.has(schema)) return true;
      known.add(schema);
      if (this.#parts++ > MOST_PARTS) this.#document.refuse("it must be smaller once it is spread out", words("more"));
      const inside: Way = { schema, from };
      if (schema.$ref !== undefined && !take(this.#referred(schema.$ref), inside)) return false;
      if (schema.allOf !== undefined && !this.#list(schema, "allOf").every((one) => take(one, inside))) return false;
      if (schema.anyOf !== undefined) choices.push({ branches: this.#list(schema, "anyOf"), exclusive: false, inside });
      if (schema.oneOf !== undefined) choices.push({ branches: this.#list(schema, "oneOf"), exclusive: true, inside });
      if (schema.dependentRequired !== undefined) {
        for (const branches of this.#dependent(schema)) choices.push({ branches, exclusive: false, inside });
      }
      if (saying(schema).length > 0) all.push(schema);
      return true;
    };
    if (!schemas.every((schema) => take(schema, from))) return [];
    let cases: Case[] = [all];
    for (const { branches, exclusive, inside } of choices) {
      const spread = branches.map((branch) => this.#spread([branch], [], inside));
      if (exclusive) this.#exclude(spread, all);
      const either = spread.flat();
      cases = cases.flatMap((one) => either.map((more) => [...one, ...more]));
      if (cases.length > MOST_CASES) {
        const rule = `it must have at most ${MOST_CASES} cases once anyOf and oneOf are spread out`;
        this.#document.refuse(rule, words("more"));
      }
    }
    return cases.map((one) => [...new Set(one)]);
  }

  #exclude(branches: readonly (readonly Case[])[], beside: Case): void {
    for (let i = 0; i < branches.length; i++) {
      for (const one of branches[i]) {
        for (const other of branches.slice(0, i).flat()) {
          const facts = [...new Set([...beside, ...other, ...one])];
          const key = this.keyOf(facts);
          if (this.#excluded.has(key)) continue;
          this.#excluded.add(key);
          this.exclusions.push({ facts });
          if (this.exclusions.length > MOST_PAIRS) {
            this.#document.refuse("oneOf must have fewer branches", words("too many"));
          }
        }
      }
    }
  }

  #list(schema: Schema, name: string): readonly unknown[] {
    const list = schema[name];
    if (!Array.isArray(list) || list.length === 0) this.#document.refuse(`${name} must be a list of schemas`, list);
    return list;
  }

  /** Names that are there only with others: each is not there, or the others are. The schemas for that are made once. */
  #dependent(schema: Schema): (readonly unknown[])[] {
    const { dependentRequired } = schema;
    if (!isObject(dependentRequired)) this.#document.refuse("dependentRequired must be an object", dependentRequired);
    let made = this.#made.get(schema);
    if (!made) {
      made = Object.entries(dependentRequired).flatMap(([name, required]): Schema[] => {
        if (!Array.isArray(required)) this.#document.refuse("dependentRequired must have lists of names", required);
        return [{ properties: { [name]: false } }, { required: [name, ...required] }];
      });
      this.#made.set(schema, made);
    }
    return made.flatMap((one, i) => i % 2 === 0 ? [[one, made[i + 1]]] : []);
  }

  /** What a reference leads to. */
  #referred(reference: unknown): unknown {
    const no = (): never =>
      this.#document.refuse("a $ref must lead to a part of the schema, as #/$defs/name", reference);
    if (typeof reference !== "string" || !/^#(\/|$)/.test(reference)) return no();
    let at = this.#document.root;
    for (const part of reference.split("/").slice(1)) {
      let name: string;
      try {
        name = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
      } catch {
        return no();
      }
      if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return no();
      at = (at as Record<string, unknown>)[name];
    }
    return at;
  }
}
