// Values that may fit a schema, drawn at random and without looking at how grammars are made: a validator says which of them do.

type Schema = Record<string, unknown>;

const TEXTS = [
  ...[
    "",
    "a",
    "b",
    "z",
    "ab",
    "abc",
    "xyz",
    "foobaz",
    "barbaz",
    "x-1",
    "hello world",
    "line\nbreak",
    'quo"te',
    "back\\slash",
    "né",
    "日本語",
    "🦊",
    "🦊🦊",
  ],
  ...[
    "555-1234",
    "me@example.com",
    "+49 123",
    "123",
    "DE12ABCD1234",
    "àéü",
    "  ",
    "1.2.3",
    "v10.0.7",
    "#00ff7f",
    "axc",
    "xaby",
    '"\\/',
    "]-^",
    "ababab",
  ],
  ...[
    "2024-02-28",
    "1999-12-31",
    "23:59:59Z",
    "08:30:00.25+01:00",
    "2024-05-17T08:00:00Z",
    "P1Y2M3D",
    "PT5M",
    "P3W",
    "192.168.0.255",
  ],
  ...[
    "123e4567-e89b-12d3-a456-426614174000",
    "2001:0db8:0000:0000:0000:ff00:0042:8329",
    "example.com",
    "https://example.com/a?b=c#d",
  ],
  ...["ABC-1234", "x", "xx", "a1z", "\t", "\u0001", "AB_9", "red", "the quick brown fox", "c", "ca"],
];

/** What texts of a format look like from afar. */
const FORMS: Readonly<Record<string, string>> = {
  ...{
    date: "^\\d{4}-\\d\\d-\\d\\d$",
    time: "^\\d\\d:",
    "date-time": "\\dT\\d",
    duration: "^P",
    uuid: "-a456-",
    ipv4: "^\\d+\\.",
    ipv6: ":.*:.*:.*:",
  },
  ...{ hostname: "^example.com$", email: "@", uri: "://" },
};

/** One that a schema does not speak against at once. */
export class Instances {
  readonly #root: unknown;
  readonly #random: () => number;

  constructor(root: unknown, random: () => number) {
    this.#root = root;
    this.#random = random;
  }

  #below(most: number): number {
    return Math.floor(this.#random() * most);
  }

  #one<T>(list: readonly T[]): T {
    return list[this.#below(list.length)];
  }

  /** @param deep how deep it is already */
  of(schema: unknown, deep = 0): unknown {
    if (typeof schema === "boolean") return this.#any(deep);
    const one = this.#merged(schema as Schema);
    if ("const" in one) return one.const;
    if (Array.isArray(one.enum)) return this.#one(one.enum);
    const named = one.type ??
      (one.properties || one.required || one.additionalProperties
        ? "object"
        : one.items || one.prefixItems
        ? "array"
        : one.maxLength
        ? "string"
        : null);
    const type = Array.isArray(named) ? this.#one(named) : named;
    if (type === null) return this.#any(deep);
    if (type === "object") return this.#object(one, deep);
    if (type === "array") return this.#array(one, deep);
    if (type === "string") return this.#text(one);
    if (type === "boolean") return this.#random() < 0.5;
    if (type === "null") return null;
    return this.#number(one, type === "integer");
  }

  /** With what it refers to, and one of its branches. */
  #merged(schema: Schema): Schema {
    let all: Schema = { ...schema };
    const add = (other: unknown) => {
      if (typeof other !== "object") return;
      const more = this.#merged(other as Schema);
      const properties = { ...all.properties as Schema, ...more.properties as Schema };
      const required = [...all.required as string[] ?? [], ...more.required as string[] ?? []];
      all = {
        ...all,
        ...more,
        ...(Object.keys(properties).length ? { properties } : {}),
        ...(required.length ? { required } : {}),
      };
    };
    if (typeof schema.$ref === "string") {
      let at = this.#root;
      for (const part of schema.$ref.split("/").slice(1)) {
        at = (at as Schema)[decodeURIComponent(part).replaceAll("~1", "/")];
      }
      add(at);
    }
    for (const one of schema.allOf as unknown[] ?? []) add(one);
    for (const list of [schema.anyOf, schema.oneOf]) if (list) add(this.#one(list as unknown[]));
    return all;
  }

  /** Nearly always one that is not wrong at once. */
  #text({ pattern, format, minLength = 0, maxLength = Infinity }: Schema): string {
    const length = (text: string) => Array.from(text).length;
    const likely = TEXTS.filter((text) =>
      length(text) >= (minLength as number) && length(text) <= (maxLength as number) &&
      (pattern === undefined || new RegExp(pattern as string, "u").test(text)) &&
      (format === undefined || new RegExp(FORMS[format as string]).test(text))
    );
    return this.#one(likely.length > 0 && this.#random() < 0.8 ? likely : TEXTS);
  }

  #any(deep: number): unknown {
    const kind = this.#below(deep > 2 ? 4 : 6);
    if (kind === 4) return Array.from({ length: this.#below(3) }, () => this.#any(deep + 1));
    if (kind === 5) {
      return Object.fromEntries(Array.from({ length: this.#below(3) }, () => [this.#one(TEXTS), this.#any(deep + 1)]));
    }
    return [null, this.#random() < 0.5, this.#one(TEXTS), this.#number({}, false)][kind];
  }

  #number({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf }: Schema, whole: boolean): number {
    const least = (minimum ?? exclusiveMinimum) as number | undefined,
      most = (maximum ?? exclusiveMaximum) as number | undefined;
    const low = least ?? (most === undefined ? -1000 : most - 1000), high = most ?? low + 2000;
    const value = low + this.#random() * (high - low);
    const edge = this.#one([low, high, value, value, value]);
    if (multipleOf) return Math.round(edge / (multipleOf as number)) * (multipleOf as number);
    return whole ? Math.round(edge) : Number(edge.toFixed(this.#below(4)));
  }

  #array({ items, prefixItems = [], minItems = 0, maxItems = 4 }: Schema, deep: number): unknown[] {
    const before = prefixItems as unknown[];
    const most = items === undefined && before.length > 0 ? before.length : Math.min(maxItems as number, 6);
    const length = (minItems as number) + this.#below(Math.max(1, most - (minItems as number) + 1));
    return Array.from(
      { length: deep > 6 ? minItems as number : length },
      (_, i) => this.of(before[i] ?? items ?? true, deep + 1),
    );
  }

  #object(
    { properties = {}, required = [], additionalProperties, patternProperties, propertyNames }: Schema,
    deep: number,
  ) {
    const own = properties as Schema, needed = required as string[];
    const names = [...new Set([...Object.keys(own), ...needed])];
    const taken = names.filter((name) => needed.includes(name) || this.#random() < (deep > 4 ? 0.1 : 0.5));
    const value: Schema = Object.fromEntries(taken.map((name) => [name, this.of(own[name] ?? true, deep + 1)]));
    const open = additionalProperties || patternProperties || names.length === 0 && additionalProperties !== false;
    if (!open || deep > 3) return value;
    for (let i = this.#below(3); i > 0; i--) {
      const choices = (propertyNames as Schema)?.enum as string[] ?? TEXTS.filter((name) => !names.includes(name));
      const name = this.#one(choices);
      const [, schema] = Object.entries(patternProperties as Schema ?? {}).find(([pattern]) =>
        new RegExp(pattern, "u").test(name)
      ) ??
        ["", additionalProperties ?? true];
      if (schema !== false && !(name in value) && !/^\d/.test(name)) value[name] = this.of(schema, deep + 1);
    }
    return value;
  }
}
