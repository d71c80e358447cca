// The naive twins of scores that read keys and values: one token at a time, plain arrays, all sums made anew for each.
import type { CoreTwin, TwinToken } from "./core.ts";

/** A lane's keys and values as they were stored, by position. */
export type Stored = ReadonlyMap<number, { readonly key: number[]; readonly value: number[] }>;

/** All queries of a lane's group so far, and how positions turn them. */
export interface Past {
  readonly queries: readonly (readonly number[][])[]; // by head, before they are rotated
  readonly rope: ArrayLike<number>;
  readonly ranked: boolean; // keys are stored unrotated
}

/** What a token of a lane of the core is worth. */
export type FieldScore = (core: CoreTwin, lane: number, token: TwinToken, stored: Stored, past: Past) => number;

const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const norm = (a: number[]) => Math.sqrt(dot(a, a));
const total = (numbers: number[]) => numbers.reduce((sum, value) => sum + value, 0);
const size = (a: number[]) => total(a.map(Math.abs));
const spread = (numbers: number[]) => {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return numbers.map((value) => (value - least) / (most - least || 1));
};
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
  vatp: (_core, _lane, { sum, position }, stored) => sum * size(stored.get(position)!.value),
  caote: (core, lane, token, stored) => {
    const { tokens } = core.lanes[lane];
    const all = total(tokens.map((one) => core.mean(one)));
    const share = (one: TwinToken) => core.mean(one) / all;
    const valueOf = ({ position }: TwinToken) => stored.get(position)!.value;
    const output = valueOf(token).map((_, i) => total(tokens.map((one) => share(one) * valueOf(one)[i])));
    const change = norm(output.map((value, i) => value - valueOf(token)[i]));
    return tokens.length > 1 ? share(token) / (1 - share(token)) * change : 0;
  },
  defensive: (core, lane, { sumsq: peak, position }, stored) => {
    const peaks = core.lanes[lane].tokens.map(({ sumsq }) => sumsq);
    return Math.max(peak, total(peaks) / peaks.length) * size(stored.get(position)!.value);
  },
  vase: (core, lane, token, stored) => {
    const { tokens } = core.lanes[lane];
    const rangeOf = ({ position }: TwinToken) => {
      const { value } = stored.get(position)!;
      return Math.max(...value) - Math.min(...value);
    };
    const large = [...tokens].sort((a, b) => rangeOf(b) - rangeOf(a)).slice(0, Math.floor(0.05 * tokens.length));
    if (large.includes(token)) return 1e6 + rangeOf(token);
    const uniform = ((mixed(mixed(lane + 1) + Math.imul(token.position, 0x9e3779b9)) >>> 2) + 0.5) / 2 ** 30;
    return Math.log(Math.max(1e-30, core.score(lane, token))) - Math.log(-Math.log(uniform));
  },
  rkv: (core, lane, token, stored) => {
    const { tokens } = core.lanes[lane];
    const attention = tokens.map((one) => core.score(lane, one));
    const alike = tokens.map(({ position }) =>
      total(
        tokens.map((other) =>
          other.position === position ? 0 : cosine(stored.get(position)!.key, stored.get(other.position)!.key)
        ),
      ) / tokens.length
    );
    const at = tokens.indexOf(token);
    const best = Math.max(...attention.slice(Math.max(0, at - 3), at + 4)) / total(attention);
    return 0.07 * best - 0.93 * Math.exp(alike[at]) / total(alike.map(Math.exp));
  },
  nestedkv: (core, lane, token, stored) => {
    const { tokens } = core.lanes[lane];
    const direction = ({ position }: TwinToken) => unit(stored.get(position)!.key);
    const block = Math.min(256, Math.max(128, Math.floor(tokens.length / 32)));
    const scales: ((mine: number, other: number) => boolean)[] = [
      () => true,
      (mine, other) => Math.floor(mine / block) === Math.floor(other / block),
      (mine, other) => mine - 64 < other && other <= mine,
    ];
    const parts = scales.map((sees) =>
      spread(tokens.map((one) => {
        const seen = tokens.filter((other) => sees(one.position, other.position));
        return -cosine(direction(one), mean(seen.map(direction)));
      }))
    );
    const tenth = Math.max(1, Math.floor(tokens.length / 10));
    const weights = parts.map((part, i) => {
      const sorted = [...part].sort((a, b) => a - b);
      const apart = total(sorted.slice(-tenth)) / tenth - total(sorted.slice(0, tenth)) / tenth;
      return Math.exp(Math.log([0.4, 0.4, 0.2][i]) + 3 * apart);
    });
    const deviations = spread(tokens.map((_, i) => {
      const three = parts.map((part) => part[i]);
      const middle = total(three) / 3;
      return Math.sqrt(total(three.map((one) => (one - middle) ** 2)) / 3);
    }));
    const at = tokens.indexOf(token);
    const surprise = deviations[at] - total(deviations) / tokens.length;
    const gate = 1 / (1 + Math.exp(-10 * (surprise - 0.6)));
    const mixed = total(parts.map((part, i) => weights[i] * part[at])) / total(weights);
    return (1 - gate) * mixed + gate * Math.max(...parts.map((part) => part[at]));
  },
  triattention: (core, lane, token, stored, past) =>
    once("triattention", core, lane, stored, () => {
      const { tokens } = core.lanes[lane];
      const heads = past.queries.map((queries) => {
        const query = mean([...queries]);
        const long = mean(queries.map((one) => pairsOf(one).map(([a, b]) => Math.hypot(a, b))));
        const worth = tokens.map((one) => {
          const far = foreseen({ core, lane, stored, past }, one, query, Array.from({ length: 17 }, (_, i) => 2 ** i));
          const lengths = pairsOf(stored.get(one.position)!.key).map(([a, b], f) => {
            return (long[f] - Math.hypot(...pairsOf(query)[f])) * Math.hypot(a, b);
          });
          return far + total(lengths);
        });
        const middle = total(worth) / worth.length;
        const deviation = Math.sqrt(total(worth.map((one) => (one - middle) ** 2)) / worth.length);
        return worth.map((one) => (one - middle) / Math.max(1e-6, deviation));
      });
      return tokens.map((_, i) => Math.max(...heads.map((head) => head[i])));
    })[core.lanes[lane].tokens.indexOf(token)],
  expected: (core, lane, token, stored, past) =>
    once("expected", core, lane, stored, () => {
      const { tokens } = core.lanes[lane];
      const shares = past.queries.map((queries) => {
        const query = mean([...queries]);
        const worth = tokens.map((one) => {
          const far = foreseen({ core, lane, stored, past }, one, query, Array.from({ length: 512 }, (_, i) => i));
          return Math.exp(far / Math.sqrt(2 * past.rope.length));
        });
        return worth.map((one) => one / total(worth));
      });
      return tokens.map(({ position }, i) => mean(shares)[i] * norm(stored.get(position)!.value));
    })[core.lanes[lane].tokens.indexOf(token)],
};

const known = new WeakMap<Stored, [when: string, worth: number[]]>();

/** What all tokens of a lane are worth, worked out once for all that ask before anything changes. */
function once(policy: string, core: CoreTwin, lane: number, stored: Stored, of: () => number[]): number[] {
  const when = `${policy} ${core.seen} ${core.lanes[lane].tokens.map(({ position }) => position)}`;
  const [before, worth] = known.get(stored) ?? [];
  if (before === when) return worth!;
  const now = of();
  known.set(stored, [when, now]);
  return now;
}

const pairsOf = (row: number[]) => row.slice(0, row.length / 2).map((a, i) => [a, row[row.length / 2 + i]]);

/** A lane, and what it has stored. */
interface Lane {
  readonly core: CoreTwin;
  readonly lane: number;
  readonly stored: Stored;
  readonly past: Past;
}

/** Σ |q̄| · |k| · cos(ω · distance + φ) over pairs, on average over offsets: φ is what is between query and key, neither rotated. */
function foreseen(
  { core, lane, stored, past: { rope, ranked } }: Lane,
  token: TwinToken,
  query: number[],
  offsets: number[],
): number {
  const { tokens } = core.lanes[lane];
  const distance = ranked ? tokens.length - tokens.indexOf(token) : tokens.at(-1)!.position + 1 - token.position;
  return total(
    pairsOf(stored.get(token.position)!.key).map(([a, b], f) => {
      const [c, d] = pairsOf(query)[f];
      const turned = ranked ? 0 : rope[f] * token.position;
      const between = Math.atan2(d, c) - (Math.atan2(b, a) - turned);
      const cosines = offsets.map((offset) => Math.cos(rope[f] * (distance + offset) + between));
      return Math.hypot(c, d) * Math.hypot(a, b) * total(cosines) / offsets.length;
    }),
  );
}

/** MurmurHash3's finaliser. */
function mixed(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
