/** A row of the table of options, and what is done with any row. */
import { known } from "./check.ts";
import type { AnyKind, At, Kind } from "./kinds.ts";

/** What there is to know of an option, but for its words: help.ts has them. */
export interface AnyRow {
  /** What its values may be. */
  readonly kind: AnyKind;
  /** What holds where it is left out. Without one that depends on others, or nothing does. */
  readonly default?: unknown;
  /** Whether it decides who goes: a replay under the same is the run that was recorded. */
  readonly decides?: boolean;
  /** Whether a replay may be asked for another. */
  readonly replay?: boolean;
}

/** The row of an option of this type. */
export interface Row<T> extends AnyRow {
  readonly kind: Kind<T>;
  readonly default?: T | null;
}

/** A row for every option of `T`: one that lacks, or is of another type, does not compile. */
export type Table<T> = { readonly [K in keyof Required<T>]: Row<Required<T>[K]> };

export type AnyTable = Readonly<Record<string, AnyRow>>;

/** The names of a table's options, in its order. */
export function namesOf<T extends AnyTable>(table: T): (keyof T & string)[] {
  return Object.keys(table);
}

/** Options without those that are left out: undefined, or null. What is no object is left for the check. */
export function given<T extends object>(options: T): T {
  if (typeof options !== "object" || options === null) return options;
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null)) as T;
}

/** One option's value, or what holds where it is left out. @throws KvcapRangeError where it is none */
export function checkRow(table: AnyTable, name: string, value: unknown, at: At): unknown {
  const row = table[name];
  const given = value ?? row.default;
  return given === undefined || given === null ? given : row.kind.check(given, name, at);
}

/** The values of all of a table's options, in its order. @throws KvcapRangeError where one is none */
export function checkRows(table: AnyTable, options: object, at: At): Record<string, unknown> {
  const given = options as Record<string, unknown>;
  return Object.fromEntries(namesOf(table).map((name) => [name, checkRow(table, name, given[name], at)]));
}

/** As checkRows, of options that have no other names. @throws KvcapRangeError */
export function checkAll(table: AnyTable, options: object, at: At): Record<string, unknown> {
  known(at.action, options, namesOf(table));
  return checkRows(table, options, at);
}
