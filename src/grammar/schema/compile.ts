/**
 * JSON schemas as grammars: what is written fits the schema, and whatever fits can be written, but for what is said here. Properties come in
 * the schema's order, others after them. What a schema does not speak of is not written: other properties where it names some and has
 * no additionalProperties, items behind those of prefixItems, types but those that its keywords speak of.
 */
import { words } from "../../errors.ts";
import { ofTexts } from "../language.ts";
import { fruitfulOf } from "../machine.ts";
import {
  among,
  begun,
  byte,
  call,
  choice,
  type Network,
  never,
  nothing,
  type Piece,
  repeat,
  ruleOf,
  sequence,
  text,
} from "../network.ts";
import type { Slices } from "../work.ts";
import { type Case, Cases, isObject } from "./facts.ts";
import { type Making, objectOf, quoted } from "./objects.ts";
import { MOST_COUNTED, Scalars } from "./strings.ts";
import { checkKeywords, checkObject, Fitting, itemsOf, listed, strictest, typesOf } from "./values.ts";

const MOST_RULES = 20_000;
const MOST_SPACES = 24; // after a line break: as deep as indented JSON goes

/** A schema while it becomes a grammar. */
export class Compiler implements Making {
  readonly root: unknown;
  readonly network: Network;
  readonly cases: Cases;
  readonly scalars: Scalars;
  readonly fitting: Fitting;
  /** What may stand between two parts: nothing, a space, or a line break and spaces or tabs. */
  readonly space: Piece;
  readonly #rules = new Map<string, number>(); // by the facts that hold
  readonly #waiting: { readonly rule: number; readonly facts: Case }[] = [];

  constructor(schema: unknown, network: Network) {
    this.root = schema;
    this.network = network;
    this.cases = new Cases(this);
    this.scalars = new Scalars(this, network);
    this.fitting = new Fitting(this, this.cases, (facts) => this.scalars.languages(facts));
    const blank = choice(byte(0x20), byte(9));
    const line = sequence(byte(10), repeat(blank, 0, MOST_SPACES));
    this.space = ruleOf(network, "white space", choice(nothing, byte(0x20), line));
  }

  /** @throws KvcapRangeError always */
  refuse(rule: string, found: unknown): never {
    this.network.refuse(rule, found);
  }

  /** The rule of the whole, made rule by rule. */
  *compile(): Slices<number> {
    const root = this.network.rule("the schema");
    const before = choice(nothing, byte(0x20), byte(10)); // as a text goes on; behind the value nothing: it ends there
    const whole = sequence(before, this.value([this.root]));
    whole(this.network, this.network.starts[root], this.network.ends[root]);
    yield* this.#work();
    const excluded: number[] = [];
    for (const { facts } of this.cases.exclusions) { // which may find more
      excluded.push(this.#ruleOf(facts));
      yield* this.#work();
    }
    const { rules } = fruitfulOf(this.network);
    if (excluded.some((rule) => rules[rule])) {
      const rule = "branches of oneOf must exclude each other, by types, values or required properties (or be anyOf's)";
      this.refuse(rule, words("some that both may hold"));
    }
    return root;
  }

  /** A value of which all these schemas hold. */
  value(schemas: readonly unknown[]): Piece {
    return choice(...this.cases.of(schemas).map((facts) => call(this.#ruleOf(facts))));
  }

  /** A value that is known. */
  literal(value: unknown): Piece {
    const parts = (all: readonly Piece[], open: string, close: string) => {
      if (all.length === 0) return sequence(text(open), this.space, text(close));
      const rest = all.slice(1).flatMap((one) => [text(","), this.space, one]);
      return sequence(text(open), this.space, all[0], ...rest, this.space, text(close));
    };
    if (Array.isArray(value)) return parts(value.map((one) => this.literal(one)), "[", "]");
    if (!isObject(value)) return text(JSON.stringify(value));
    const entries = Object.entries(value);
    return parts(entries.map(([name, one]) => sequence(this.name(name), this.literal(one))), "{", "}");
  }

  /** A property's name and what stands between it and its value. */
  name(name: string): Piece {
    return sequence(text(`${JSON.stringify(name)}:`), this.space);
  }

  /** Rules are filled in one after the other, not one inside the other: schemas may go deep. */
  #ruleOf(facts: Case): number {
    const key = this.cases.keyOf(facts);
    const known = this.#rules.get(key);
    if (known !== undefined) return known;
    if (this.#rules.size >= MOST_RULES) this.refuse(`it must come to at most ${MOST_RULES} rules`, words("more"));
    for (const fact of facts) {
      checkKeywords(this, fact);
      checkObject(this, fact);
    }
    const rule = this.network.rule("a $ref");
    this.#rules.set(key, rule);
    this.#waiting.push({ rule, facts });
    return rule;
  }

  *#work(): Slices<void> {
    for (let one = this.#waiting.pop(); one; one = this.#waiting.pop()) {
      const { starts, ends } = this.network;
      this.#piece(one.facts)(this.network, starts[one.rule], ends[one.rule]);
      yield;
    }
  }

  #piece(facts: Case): Piece {
    const values = listed(this, facts);
    if (values) {
      const others = facts.map(({ enum: _, const: __, ...others }) => others);
      const fits = values.filter((value) => this.fitting.facts(value, others));
      const texts = fits.filter((value) => typeof value === "string"),
        rest = fits.filter((value) => typeof value !== "string");
      return among((texts.length > 0 ? [quoted(ofTexts(texts))] : []).concat(rest.map((value) => this.literal(value))));
    }
    return choice(...Array.from(typesOf(this, facts), (type): Piece => {
      if (type === "null") return text("null");
      if (type === "boolean") return choice(text("true"), text("false"));
      if (type === "string") return this.scalars.string(facts);
      if (type === "array") return this.#array(facts);
      if (type === "object") return objectOf(this, facts);
      return this.scalars.number(facts, type === "integer");
    }));
  }

  #array(facts: Case): Piece {
    const least = strictest(this, facts, "minItems", "least");
    const most = strictest(this, facts, "maxItems", "most");
    if (least > MOST_COUNTED) this.refuse(`minItems must be at most ${MOST_COUNTED}`, least);
    for (const { uniqueItems } of facts) {
      if (uniqueItems !== undefined && typeof uniqueItems !== "boolean") {
        this.refuse("uniqueItems must be true or false", uniqueItems);
      }
      if (uniqueItems && most > 1) this.refuse("uniqueItems can be held of at most one item: maxItems must be 1", most);
    }
    if (most < least) return never;
    const given = facts.map((fact) => itemsOf(this, fact));
    const longest = given.reduce((most, { prefix }) => Math.max(most, prefix.length), 0);
    const at = (i: number) => this.value(given.map(({ prefix, rest = true }) => i < prefix.length ? prefix[i] : rest));
    const spoken = longest === 0 || least > longest || given.some(({ rest }) => rest !== undefined);
    const counted = most < Infinity ? Math.min(most, Math.max(least, MOST_COUNTED)) : most;
    const last = spoken ? counted : Math.min(longest, counted); // most items
    const comma = sequence(text(","), this.space);
    const items = Array.from({ length: Math.min(longest, last) }, (_, i) => i === 0 ? at(i) : sequence(comma, at(i)));
    const behind = (): Piece => { // what follows them
      const i = items.length;
      if (i >= last) return nothing;
      const one = at(i), next = sequence(comma, one);
      const more = (from: number) => repeat(next, Math.max(0, least - from), last - from);
      if (i > 0) return more(i);
      const some = sequence(one, more(1));
      return least === 0 ? choice(nothing, some) : some;
    };
    return sequence(text("["), this.space, begun(items, least, behind()), this.space, text("]"));
  }
}
