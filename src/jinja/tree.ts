/** A template's syntax tree. */

/** What has a value. */
export type Expression =
  | { readonly kind: "constant"; readonly value: null | boolean | number | string }
  | { readonly kind: "float"; readonly value: number }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "list" | "tuple" | "concat"; readonly items: readonly Expression[] }
  | { readonly kind: "dict"; readonly entries: readonly (readonly [Expression, Expression])[] }
  | { readonly kind: "attribute"; readonly of: Expression; readonly name: string }
  | { readonly kind: "item"; readonly of: Expression; readonly at: Expression }
  | { readonly kind: "slice"; readonly parts: readonly (Expression | null)[] }
  | { readonly kind: "call"; readonly of: Expression; readonly call: Arguments }
  | { readonly kind: "filter"; readonly of: Expression | null; readonly name: string; readonly call: Arguments }
  | { readonly kind: "test"; readonly of: Expression; readonly name: string; readonly call: Arguments }
  | { readonly kind: "not" | "+" | "-"; readonly of: Expression }
  | { readonly kind: "and" | "or"; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | {
    readonly kind: "compare";
    readonly first: Expression;
    readonly rest: readonly { readonly operator: string; readonly to: Expression }[];
  }
  | { readonly kind: "if"; readonly test: Expression; readonly then: Expression; readonly other: Expression | null };

/** What stands in the brackets of a call. */
export interface Arguments {
  readonly args: readonly Expression[];
  readonly named: readonly (readonly [string, Expression])[];
  /** `*rest`. */
  readonly rest: Expression | null;
  /** `**rest`. */
  readonly restNamed: Expression | null;
}

/** What `set` and `for` write to. */
export type Target =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "field"; readonly of: string; readonly name: string }
  | { readonly kind: "tuple"; readonly items: readonly Target[] };

/** A macro or the body of a call block. */
export interface Body {
  readonly name: string | null;
  readonly parameters: readonly { readonly name: string; readonly value: Expression | null }[];
  readonly body: readonly Statement[];
  /** Which of `caller`, `varargs` and `kwargs` it speaks of. */
  readonly speaksOf: ReadonlySet<string>;
}

/** What is done. */
export type Statement =
  | { readonly kind: "data"; readonly text: string }
  | { readonly kind: "print"; readonly value: Expression }
  | {
    readonly kind: "for";
    readonly target: Target;
    readonly over: Expression;
    readonly test: Expression | null;
    readonly recursive: boolean;
    readonly body: readonly Statement[];
    readonly other: readonly Statement[];
  }
  | {
    readonly kind: "if";
    readonly branches: readonly { readonly test: Expression | null; readonly body: readonly Statement[] }[];
  }
  | { readonly kind: "set"; readonly target: Target; readonly value: Expression }
  | {
    readonly kind: "capture"; // {% set x %}…{% endset %}, with a filter perhaps
    readonly target: Target;
    readonly filter: Expression | null;
    readonly body: readonly Statement[];
  }
  | {
    readonly kind: "with";
    readonly sets: readonly (readonly [Target, Expression])[];
    readonly body: readonly Statement[];
  }
  | { readonly kind: "filter"; readonly filter: Expression; readonly body: readonly Statement[] }
  | { readonly kind: "macro"; readonly macro: Body }
  | { readonly kind: "call"; readonly call: Expression; readonly caller: Body }
  | { readonly kind: "generation"; readonly caller: Body }
  | { readonly kind: "break" | "continue" };
