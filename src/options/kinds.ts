/** What an option's values may be: the check of each kind, and how it is written as text. */
import { refuse } from "../errors.ts";
import { MOST_SLOTS, whole as checkWhole } from "./check.ts";
import { checkSpan, type Span } from "./span.ts";

/** What a check needs to know besides the value. */
export interface At {
  /** What cannot be done where the value is refused. */
  readonly action: string;
  /** Slots that a share is of. Default 0. */
  readonly budget?: number;
  /** How many ids there are. */
  readonly vocab?: number;
}

/** How a value is written on a command line, in a link, or in a form: see text.ts. */
export type Written = "number" | "flag" | "name" | "count" | "budget" | "bytes" | "spans" | "biases" | "texts" | "text";

/** A kind of value. */
export interface AnyKind {
  /** Null: it cannot be written. */
  readonly written: Written | null;
  /** The names that it may be, where they are listed. */
  readonly names?: readonly string[];
  /** Whether it may be a function, too. */
  readonly orFunction?: boolean;
  /** @returns the value, as inner code wants it @throws KvcapRangeError */
  check(value: unknown, name: string, at: At): unknown;
}

/** A kind of value of this type: of all its values, which the compiler is told by `of`, never there. */
export interface Kind<T> extends AnyKind {
  readonly of?: (value: T) => T;
}

const MOST_BIAS = 1e4;

/** A number of tokens, or a share of the budget, rounded down. */
export type Count = number | { readonly share: number };

/** What is wrong with a value. */
interface Wrong {
  readonly value: unknown;
  readonly name: string;
  readonly at: At;
  readonly rule: string;
  /** Names that there are, where it should be one of them. */
  readonly names?: readonly string[];
}

function no({ value, name, at, rule, names = [] }: Wrong): never {
  refuse(at.action, `${name} must be ${rule}`, value, { option: name, names });
}

/** Values that fit a rule, which are taken as they are. */
const fitting = <T>(written: Written | null, rule: string, fits: (value: T) => boolean): Kind<T> => ({
  written,
  check: (value, name, at) => fits(value as T) ? value : no({ value, name, at, rule }),
});

/** Numbers within bounds. */
export const between = (least: number, most: number): Kind<number> =>
  fitting(
    "number",
    `a number from ${least} to ${most}`,
    (value) => typeof value === "number" && value >= least && value <= most,
  );

/** Whole numbers within bounds. */
export const whole = (least: number, most = MOST_SLOTS, written: Written = "number"): Kind<number> => ({
  written,
  check: (value, name, { action }) => checkWhole(action, name, value, { least, most }),
});

/** Whole numbers of at least 1, in bytes where they are written. */
export const bytes: Kind<number> = whole(1, Number.MAX_SAFE_INTEGER, "bytes");

/** Whole numbers from 0, and Infinity. */
export const endless: Kind<number> = {
  written: "number",
  check: (value, name, { action }) =>
    value === Infinity ? value : checkWhole(action, name, value, { least: 0, most: Number.MAX_SAFE_INTEGER }),
};

/** Numbers above 0 that are not larger than the most. */
export const positive = (most: number): Kind<number> =>
  fitting(
    "number",
    `a number above 0 and at most ${most}`,
    (value) => typeof value === "number" && value > 0 && value <= most,
  );

/** A share that is not nothing. */
export const part: Kind<number> = positive(1);

/** An odd number. */
export const odd = (most: number): Kind<number> =>
  fitting(
    "number",
    `an odd number from 1 to ${most}`,
    (value) => Number.isInteger(value) && value % 2 === 1 && value > 0 && value <= most,
  );

/** Yes or no. */
export const flag: Kind<boolean> = fitting("flag", "true or false", (value) => typeof value === "boolean");

/** One of a list of names. */
export const oneOf = <T extends string>(names: readonly T[], rule = `one of ${names.join(", ")}`): Kind<T> => ({
  ...{ written: "name", names },
  check: (value, name, at) => names.includes(value as T) ? value : no({ value, name, at, rule, names }),
});

/** One of two names. */
export const either = <T extends string>(names: readonly [T, T]): Kind<T> => oneOf(names, names.join(" or "));

/** One of a list of names, or a function. */
export const orFunction = <N extends string, F>(names: readonly N[]): Kind<N | F> => {
  const named = oneOf(names, `one of ${names.join(", ")} or a function`);
  return {
    ...{ written: "name", names, orFunction: true },
    check: (value, name, at) => typeof value === "function" ? value : named.check(value, name, at),
  };
};

/** A function. */
export const callback = <F>(): Kind<F> => fitting(null, "a function", (value) => typeof value === "function");

/** What has a method of this name, as a GPUDevice has. */
export const having = <T extends object>(method: keyof T, rule: string): Kind<T> =>
  fitting(null, rule, (value) => typeof value[method] === "function");

/** Named values of any kind. */
export const record: Kind<Readonly<Record<string, unknown>>> = fitting(
  null,
  "an object",
  (value) => typeof value === "object",
);

/** A list of such. */
export const records: Kind<readonly Readonly<Record<string, unknown>>[]> = fitting(
  null,
  "a list of objects",
  (value) => Array.isArray(value) && value.every((one) => typeof one === "object" && one !== null),
);

/** Text. */
export const text: Kind<string> = fitting(null, "text", (value) => typeof value === "string");

/** Text that no message shows. */
export const secret: Kind<string> = {
  written: null,
  check: (value, name, at) =>
    typeof value === "string" ? value : no({ value: typeof value, name, at, rule: "a string" }),
};

/** What is checked where it is used, or with others. */
export const unchecked = <T>(written: Written | null = null): Kind<T> => ({ written, check: (value) => value });

/** Tokens, in their number or as a share of the budget: the number. */
export const count: Kind<Count> = {
  written: "count",
  check: (value, name, at) => {
    if (typeof value !== "object" || value === null) return checkWhole(at.action, name, value, { least: 0 });
    const { share } = value as { share?: unknown };
    if (Object.keys(value).length !== 1 || typeof share !== "number" || !(share >= 0 && share < 1)) {
      no({ value, name, at, rule: "a number of tokens or { share } of the budget, from 0 to below 1" });
    }
    return Math.floor(share * (at.budget ?? 0));
  },
};

/** Spans of positions. */
export const spans: Kind<readonly Span[]> = {
  written: "spans",
  check: (value, name, at) =>
    Array.isArray(value)
      ? value.map((span) => checkSpan(at.action, "a pinned span", span, name))
      : no({ value, name, at, rule: "a list of [from, to]" }),
};

/** One text or several, none of them empty: a list. */
export const texts: Kind<string | string[]> = {
  written: "texts",
  check: (value, name, at) => {
    const list = typeof value === "string" ? [value] : value;
    if (!Array.isArray(list)) no({ value, name, at, rule: "a string or a list of strings" });
    const bad = list.findIndex((text) => typeof text !== "string" || text === "");
    if (bad >= 0) refuse(at.action, `a ${name} string must not be empty`, list[bad], { option: name });
    return [...list];
  },
};

/** A JSON schema, or true for any JSON: what it asks is read where it is used. */
export const schema: Kind<object | true> = fitting(
  "text",
  "a JSON schema, or true for any JSON",
  (value) => value === true || typeof value === "object" && value !== null && !Array.isArray(value),
);

/** A grammar, likewise. */
export const gbnf: Kind<string> = fitting("text", "a grammar in GBNF", (value) => typeof value === "string");

/** Ids of the vocabulary. @param one what a message calls one of them @param most whether they may be all */
const idsOf = (one: string, most: "all" | "not all"): Kind<number[]> => ({
  written: null,
  check: (value, name, at) => {
    const { action, vocab = Infinity } = at;
    if (!Array.isArray(value)) no({ value, name, at, rule: "a list of ids" });
    const bounds = { least: 0, most: vocab - 1, more: { option: name } };
    for (const id of value) checkWhole(action, one, id, bounds);
    if (most === "not all" && new Set(value).size >= vocab) {
      refuse(action, `${name} must leave an id to choose`, value.length, { option: name });
    }
    return [...value];
  },
});

/** Ids that are not all of the vocabulary. */
export const bannedIds: Kind<number[]> = idsOf("a banned id", "not all");

/** Ids that end a text. */
export const stopIds: Kind<number[]> = idsOf("a stop id", "all");

/** What is added to logits, by id. */
export type Biases = Readonly<Record<number, number>> | readonly (readonly [id: number, bias: number])[];

/** Biases of ids of the vocabulary: a list of [id, bias]. */
export const biases: Kind<Biases> = {
  written: "biases",
  check: (value, name, at) => {
    const list = Array.isArray(value) ? value : typeof value === "object" && value !== null && Object.entries(value);
    if (!list) no({ value, name, at, rule: "an object of biases by id, or a list of [id, bias]" });
    const { action, vocab = Infinity } = at;
    const bounds = { least: 0, most: vocab - 1, more: { option: name } };
    return list.map((pair) => {
      if (!Array.isArray(pair) || pair.length !== 2) no({ value: pair, name, at, rule: "pairs of [id, bias]" });
      const id = checkWhole(action, "an id with a bias", Array.isArray(value) ? pair[0] : Number(pair[0]), bounds);
      const bias = pair[1];
      if (bias !== -Infinity && !(typeof bias === "number" && Math.abs(bias) <= MOST_BIAS)) {
        no({
          value: bias,
          name: `a bias of ${name}`,
          at,
          rule: `a number from -${MOST_BIAS} to ${MOST_BIAS}, or -Infinity`,
        });
      }
      return [id, bias];
    });
  },
};
