/** Objects: named properties in the schema's order, each there or not, then others by their names. */
import { words } from "../../errors.ts";
import { holds, type Language, ofTexts, together, written } from "../language.ts";
import { choice, type Network, never, nothing, type Piece, repeat, ruleOf, sequence, text } from "../network.ts";
import { type Case, type Cases, type Document, isObject } from "./facts.ts";
import { type Scalars, spelt } from "./strings.ts";
import { type Fitting, propertyIn, strictest } from "./values.ts";

const MOST_PATTERNS = 6;
const MOST_PROPERTIES = 2000;

/** What becomes a grammar, and by what. */
export interface Making extends Document {
  readonly network: Network;
  readonly cases: Cases;
  readonly scalars: Scalars;
  readonly fitting: Fitting;
  /** What may stand between two parts. */
  readonly space: Piece;
  /** A value of which all these schemas hold. */
  value(schemas: readonly unknown[]): Piece;
  /** A property's name and what stands between it and its value. */
  name(name: string): Piece;
}

/** An object of which all facts hold. */
export function objectOf(making: Making, facts: Case): Piece {
  const required = new Set(facts.flatMap((fact) => fact.required as string[] | undefined ?? []));
  const named = [...new Set([...facts.flatMap((fact) => Object.keys(fact.properties ?? {})), ...required])];
  if (named.length > MOST_PROPERTIES) making.refuse(`properties must be at most ${MOST_PROPERTIES}`, named.length);
  const keys = namesOf(making, facts);
  const properties = named.flatMap((name) => {
    const schemas = facts.flatMap((fact) =>
      propertyIn(fact, name, (pattern) => holds(making.scalars.pattern(pattern), name)) ?? []
    );
    const fits = keys === null || holds(keys, name);
    const never = !fits || making.cases.of(schemas).length === 0;
    return never && !required.has(name) ? [] : [{ name, schemas, never, needed: required.has(name) }];
  });
  if (properties.some(({ never }) => never)) return never;
  const least = strictest(making, facts, "minProperties", "least");
  const others = othersOf(making, facts, { named, keys, needed: least > properties.length });
  const most = strictest(making, facts, "maxProperties", "most");
  if (least > properties.length + (others ? 1 : 0)) {
    if (!others) return never;
    const rule = "minProperties can be held up to one more than there are named properties";
    making.refuse(rule, least);
  }
  return bodyOf(making, { properties, others, least, most });
}

interface Parts {
  readonly properties: readonly { readonly name: string; readonly schemas: unknown[]; readonly needed: boolean }[];
  /** Any other property; null: there are none. */
  readonly others: Piece | null;
  readonly least: number;
  readonly most: number;
}

/** What stands between the brackets: by how many properties are there, as far as that matters. */
function bodyOf(making: Making, { properties, others, least, most }: Parts): Piece {
  const { network, space } = making;
  const comma = sequence(text(","), space);
  const needed = properties.filter((one) => one.needed).length;
  const counts = least > needed || most < properties.length || most < Infinity && others !== null;
  const cap = counts ? Math.max(1, least, Math.min(most, properties.length)) : 1; // counted so far
  const between = (count: number) => count === 0 ? nothing : comma;
  return (_, from, to) => {
    const inner = network.state(), done = network.state();
    sequence(text("{"), space)(network, from, inner);
    sequence(space, text("}"))(network, done, to);
    let states = new Map([[0, inner]]); // by how many there are: where the next property begins
    for (const { name, schemas, needed } of properties) {
      const next = new Map<number, number>();
      const property = sequence(making.name(name), making.value(schemas));
      const at = (count: number) => next.get(count) ?? (next.set(count, network.state()), next.get(count)!);
      for (const [count, state] of states) {
        if (!needed) network.jumps[state].push(at(count));
        const more = Math.min(cap, count + 1);
        if (count + 1 > most) continue;
        sequence(between(count), property)(network, state, at(more));
      }
      states = next;
    }
    for (const [count, state] of states) {
      if (count >= least || !counts) network.jumps[state].push(done);
      if (others === null || counts && (count + 1 < least || count + 1 > most)) continue;
      const room = counts && most < Infinity ? most - count - 1 : Infinity;
      sequence(between(count), others, repeat(sequence(comma, others), 0, room))(network, state, done);
    }
  };
}

/** What names of properties must be; null: anything. */
function namesOf(making: Making, facts: Case): Language | null {
  const schemas = facts.flatMap(({ propertyNames }) => propertyNames === undefined ? [] : [propertyNames]);
  if (schemas.length === 0) return null;
  const cases = making.cases.of(schemas);
  if (cases.length !== 1) making.refuse("propertyNames must be one case, without anyOf and oneOf", words("several"));
  const { scalars, fitting } = making;
  const [names] = cases;
  const { enum: values } = names.find((fact) => fact.enum !== undefined) ?? {};
  if (values === undefined) return scalars.language(names);
  return ofTexts(
    (values as unknown[]).filter((one) => typeof one === "string" && fitting.facts(one, names)) as string[],
  );
}

interface Names {
  readonly named: readonly string[];
  readonly keys: Language | null;
  /** Whether there must be more than are named. */
  readonly needed: boolean;
}

/** A property that no schema names, with its value; null: there may be none. */
function othersOf(making: Making, facts: Case, { named, keys, needed }: Names): Piece | null {
  const patterns = [...new Set(facts.flatMap((fact) => Object.keys(fact.patternProperties ?? {})))];
  if (patterns.length > MOST_PATTERNS) {
    making.refuse(`patternProperties must be at most ${MOST_PATTERNS}`, patterns.length);
  }
  const silent = facts.every(({ properties, patternProperties, required, additionalProperties }) =>
    !isObject(properties) && patternProperties === undefined && required === undefined &&
    additionalProperties === undefined
  );
  const spoken = silent || needed || facts.some(({ additionalProperties }) => additionalProperties !== undefined);
  const pieces: Piece[] = [];
  const full = () => making.refuse("names of properties must be simpler", words("too many states"));
  for (let set = 0; set < 2 ** patterns.length; set++) { // those that a name fits
    if (set === 0 && !spoken) continue;
    const fits = (pattern: string) => (set >> patterns.indexOf(pattern) & 1) === 1;
    const schemas = facts.flatMap((fact) => propertyIn({ ...fact, properties: undefined }, "", fits) ?? []);
    if (making.cases.of(schemas).length === 0) continue;
    let language: Language | null = keys;
    const narrow = (other: Language, but: boolean) => {
      const all: Language = language ?? { edges: [[{ low: 0, high: 0x10ffff, to: 0 }]], accepts: [true] };
      language = together(all, other, full, but);
    };
    patterns.forEach((pattern) => narrow(making.scalars.pattern(pattern), !fits(pattern)));
    if (named.length > 0) narrow(ofTexts(named), true);
    const name = language === null ? making.scalars.string([]) : quoted(language);
    pieces.push(sequence(name, text(":"), making.space, making.value(schemas)));
  }
  if (pieces.length === 0) return null;
  return ruleOf(making.network, "another property", choice(...pieces));
}

/** A string of a language. */
export const quoted = (language: Language): Piece => sequence(text('"'), written(language, spelt), text('"'));
