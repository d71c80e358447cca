// The naive twins of scores that read keys and values: one token at a time, plain arrays, all sums made anew for each.
import type { CoreTwin, TwinToken } from "./core.ts";

/** A lane's keys and values as they were stored, by position. */
export type Stored = ReadonlyMap<number, { readonly key: number[]; readonly value: number[] }>;

/** What a token of a lane of the core is worth. */
export type FieldScore = (core: CoreTwin, lane: number, token: TwinToken, stored: Stored) => number;

const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const norm = (a: number[]) => Math.sqrt(dot(a, a));
const unit = (a: number[]) => a.map((value) => value / norm(a));
const mean = (rows: number[][]) => rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
const cosine = (a: number[], b: number[]) => dot(unit(a), unit(b));

const keysOf = (core: CoreTwin, lane: number, stored: Stored) =>
  core.lanes[lane].tokens.map(({ position }) => stored.get(position)!.key);

/** By policy. */
export const FIELD: Readonly<Record<string, FieldScore>> = {
  keydiff: (core, lane, { position }, stored) =>
    -cosine(stored.get(position)!.key, mean(keysOf(core, lane, stored).map(unit))),
  knorm: (_core, _lane, { position }, stored) => -norm(stored.get(position)!.key),
};
