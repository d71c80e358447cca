// The naive twins of scores that read keys and values: plain arrays, a lane at a time, each sum as its definition has it.
import type { CoreTwin, TwinToken } from "./core.ts";

/** A lane's keys and values as they were stored, by position. */
export type Stored = ReadonlyMap<number, { readonly key: number[]; readonly value: number[] }>;

/** All queries of a lane's group so far, and how positions turn them. */
export interface Past {
  readonly queries: readonly (readonly number[][])[]; // by head, before they are rotated
  readonly rope: ArrayLike<number>;
  readonly scale: number; // by which rotation lengthens queries and keys
  readonly factor: number; // of products
  readonly ranked: boolean; // keys are stored unrotated
}

/** A lane of the core, and what it has stored. */
interface Lane {
  readonly core: CoreTwin;
  readonly lane: number;
  readonly tokens: TwinToken[];
  readonly keys: number[][]; // of the tokens
  readonly values: number[][];
  readonly past: Past;
}

/** What a token of a lane of the core is worth. */
export type FieldScore = (core: CoreTwin, lane: number, token: TwinToken, stored: Stored, past: Past) => number;

const range = (length: number) => Array.from({ length }, (_, i) => i);
const total = (numbers: number[]) => numbers.reduce((sum, value) => sum + value, 0);
const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);
const norm = (a: number[]) => Math.sqrt(dot(a, a));
const size = (a: number[]) => total(a.map(Math.abs));
const unit = (a: number[]) => a.map((value) => value / norm(a));
const mean = (rows: number[][]) => rows[0].map((_, i) => total(rows.map((row) => row[i])) / rows.length);
const cosine = (a: number[], b: number[]) => dot(unit(a), unit(b));
/** Numbers that reach from 0 to 1. */
const spread = (numbers: number[]) => {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  return numbers.map((value) => (value - least) / (most - least || 1));
};
/** Numbers of mean 0 and deviation 1. */
const levelled = (numbers: number[]) => {
  const middle = total(numbers) / numbers.length;
  const deviation = Math.sqrt(total(numbers.map((one) => (one - middle) ** 2)) / numbers.length);
  return numbers.map((one) => (one - middle) / Math.max(1e-6, deviation));
};

/** By policy, of all tokens of a lane. */
const WORTH: Readonly<Record<string, (lane: Lane) => number[]>> = {
  keydiff: ({ keys }) => {
    const anchor = mean(keys.map(unit));
    return keys.map((key) => -cosine(key, anchor));
  },
  knorm: ({ keys }) => keys.map((key) => -norm(key)),
  vatp: ({ tokens, values }) => tokens.map(({ sum }, i) => sum * size(values[i])),
  caote: ({ core, tokens, values }) => {
    const attention = tokens.map((token) => core.mean(token));
    const shares = attention.map((one) => one / total(attention));
    const output = values[0].map((_, i) => total(values.map((value, j) => shares[j] * value[i])));
    const change = values.map((value) => norm(output.map((one, i) => one - value[i])));
    return shares.map((share, i) => tokens.length > 1 ? share / (1 - share) * change[i] : 0);
  },
  defensive: ({ tokens, values }) => {
    const peaks = tokens.map(({ sumsq }) => sumsq);
    return peaks.map((peak, i) => Math.max(peak, total(peaks) / peaks.length) * size(values[i]));
  },
  vase: ({ core, lane, tokens, values }) => {
    const ranges = values.map((value) => Math.max(...value) - Math.min(...value));
    const wide = range(tokens.length).sort((a, b) => ranges[b] - ranges[a]).slice(0, Math.floor(0.05 * tokens.length));
    return tokens.map((token, i) => {
      if (wide.includes(i)) return 1e6 + ranges[i];
      const uniform = ((mixed(mixed(lane + 1) + Math.imul(token.position, 0x9e3779b9)) >>> 2) + 0.5) / 2 ** 30;
      return Math.log(Math.max(1e-30, core.score(lane, token))) - Math.log(-Math.log(uniform));
    });
  },
  rkv: ({ core, lane, tokens, keys }) => {
    const attention = tokens.map((token) => core.score(lane, token));
    const alike = keys.map((key, i) => total(keys.map((other, j) => i === j ? 0 : cosine(key, other))) / keys.length);
    return tokens.map((_, i) => {
      const best = Math.max(...attention.slice(Math.max(0, i - 3), i + 4)) / total(attention);
      return 0.07 * best - 0.93 * Math.exp(alike[i]) / total(alike.map(Math.exp));
    });
  },
  nestedkv: ({ tokens, keys }) => {
    const block = Math.min(256, Math.max(128, Math.floor(tokens.length / 32)));
    const scales: ((mine: number, other: number) => boolean)[] = [
      () => true,
      (mine, other) => Math.floor(mine / block) === Math.floor(other / block),
      (mine, other) => mine - 64 < other && other <= mine,
    ];
    const parts = scales.map((sees) =>
      spread(keys.map((key, i) => {
        const seen = keys.filter((_, j) => sees(tokens[i].position, tokens[j].position));
        return -cosine(key, mean(seen.map(unit)));
      }))
    );
    const tenth = Math.max(1, Math.floor(tokens.length / 10));
    const weights = parts.map((part, i) => {
      const sorted = [...part].sort((a, b) => a - b);
      const apart = total(sorted.slice(-tenth)) / tenth - total(sorted.slice(0, tenth)) / tenth;
      return Math.exp(Math.log([0.4, 0.4, 0.2][i]) + 3 * apart);
    });
    const threes = tokens.map((_, i) => parts.map((part) => part[i]));
    const deviations = spread(threes.map((three) => {
      return Math.sqrt(total(three.map((one) => (one - total(three) / 3) ** 2)) / 3);
    }));
    return threes.map((three, i) => {
      const surprise = deviations[i] - total(deviations) / tokens.length;
      const gate = 1 / (1 + Math.exp(-10 * (surprise - 0.6)));
      return (1 - gate) * dot(weights, three) / total(weights) + gate * Math.max(...three);
    });
  },
  triattention: (lane) => {
    const heads = lane.past.queries.map((queries) => {
      const query = mean([...queries]);
      const long = mean(queries.map((one) => pairsOf(one).map(([a, b]) => Math.hypot(a, b))));
      const longer = lane.past.scale ** (lane.past.ranked ? 2 : 1);
      const more = pairsOf(query).map(([a, b], f) =>
        (lane.past.rope[f] === 0 ? 1 : longer) * (long[f] - Math.hypot(a, b))
      );
      const far = foreseen(lane, query, range(17).map((i) => 2 ** i));
      return levelled(far.map((one, i) => one + dot(more, pairsOf(lane.keys[i]).map(([a, b]) => Math.hypot(a, b)))));
    });
    return lane.tokens.map((_, i) => Math.max(...heads.map((head) => head[i])));
  },
  expected: (lane) => {
    const shares = lane.past.queries.map((queries) => {
      const far = foreseen(lane, mean([...queries]), range(512));
      const worth = far.map((one) => Math.exp(one * lane.past.factor));
      return worth.map((one) => one / total(worth));
    });
    return mean(shares).map((share, i) => share * norm(lane.values[i]));
  },
};

const known = new WeakMap<Stored, [when: string, worth: number[]]>();

/** A policy's score of one token: worked out for all of a lane at once, for all that ask before anything changes. */
export function fieldScore(policy: string): FieldScore {
  return (core, lane, token, stored, past) => {
    const { tokens } = core.lanes[lane];
    const when = `${policy} ${core.seen} ${tokens.map(({ position }) => position)}`;
    if (known.get(stored)?.[0] !== when) {
      const rows = tokens.map(({ position }) => stored.get(position)!);
      const [keys, values] = [rows.map(({ key }) => key), rows.map(({ value }) => value)];
      known.set(stored, [when, WORTH[policy]({ core, lane, tokens, keys, values, past })]);
    }
    return known.get(stored)![1][tokens.indexOf(token)];
  };
}

/** Whether there is such a twin. */
export const hasFieldScore = (policy: unknown): policy is string => typeof policy === "string" && policy in WORTH;

const pairsOf = (row: number[]) => row.slice(0, row.length / 2).map((a, i) => [a, row[row.length / 2 + i]]);

/** Of every key, Σ |q̄| · |k| · cos(ω · distance + φ) over pairs, on average over offsets: φ is what is between the two, neither rotated. */
function foreseen({ tokens, keys, past: { rope, scale, ranked } }: Lane, query: number[], offsets: number[]): number[] {
  return keys.map((key, i) => {
    const { position } = tokens[i];
    const distance = ranked ? tokens.length - i : tokens.at(-1)!.position + 1 - position;
    return total(
      pairsOf(key).map(([a, b], f) => {
        const [c, d] = pairsOf(query)[f];
        const longer = rope[f] === 0 ? 1 : scale; // that which turns
        const turned = ranked ? 0 : rope[f] * position;
        const between = Math.atan2(d, c) - (Math.atan2(b, a) - turned);
        const cosines = offsets.map((offset) => Math.cos(rope[f] * (distance + offset) + between));
        const length = ranked ? Math.hypot(a, b) : Math.hypot(a, b) / longer; // before it was rotated
        return longer ** 2 * Math.hypot(c, d) * length * total(cosines) / offsets.length;
      }),
    );
  });
}

/** MurmurHash3's finaliser. */
function mixed(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return x ^ (x >>> 16);
}
