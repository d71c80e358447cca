/** Sets of texts as deterministic automata over code points: what patterns, formats, lengths and names say of a string. */
import type { Piece } from "./network.ts";
import { MOST_CODE, type Range, shared, united } from "./utf8.ts";
import { spend } from "./work.ts";

/** The most states of one. */
export const MOST_LANGUAGE = 10_000;

/** A way on. */
export interface Edge {
  readonly low: number; // a code point
  readonly high: number; // likewise, included
  readonly to: number;
}

/** A set of texts. State 0 is the beginning; edges of a state do not overlap. */
export interface Language {
  readonly edges: readonly (readonly Edge[])[]; // by state
  readonly accepts: readonly boolean[]; // by state
}

/** States that are found on the way, by what they are. */
export interface Exploring<T> {
  readonly first: T;
  /** One text for each state, by which it is known again. */
  readonly key: (state: T) => string;
  readonly accepts: (state: T) => boolean;
  /** Ways on, which do not overlap. */
  readonly ways: (state: T) => readonly { readonly low: number; readonly high: number; readonly to: T }[];
}

/** Finds all states. @param full what is to be done where there are too many */
export function explore<T>({ first, key, accepts, ways }: Exploring<T>, full: () => never): Language {
  const numbers = new Map([[key(first), 0]]);
  const states = [first];
  const edges: Edge[][] = [];
  for (let i = 0; i < states.length; i++) {
    edges.push(
      ways(states[i]).map(({ low, high, to }) => {
        const name = key(to);
        spend(1 + (name.length >> 3));
        let number = numbers.get(name);
        if (number === undefined) {
          if (states.length >= MOST_LANGUAGE) full();
          numbers.set(name, number = states.push(to) - 1);
        }
        return { low, high, to: number };
      }),
    );
  }
  return { edges, accepts: states.map(accepts) };
}

/** Whether a text belongs to it. */
export function holds({ edges, accepts }: Language, text: string): boolean {
  let state = 0;
  for (const letter of text) {
    const code = letter.codePointAt(0)!;
    const edge = edges[state].find(({ low, high }) => low <= code && code <= high);
    if (!edge) return false;
    state = edge.to;
  }
  return accepts[state];
}

const ALL = [{ low: 0, high: MOST_CODE, to: -1 }];

/** Texts of the first that are of the second too, or, with `but`, that are not. */
export function together(one: Language, other: Language, full: () => never, but = false): Language {
  return explore<readonly [number, number]>({
    first: [0, 0],
    key: ([a, b]) => `${a},${b}`,
    accepts: ([a, b]) => one.accepts[a] && (b >= 0 && other.accepts[b]) !== but,
    ways: ([a, b]) => {
      const theirs = b < 0 ? ALL : but ? filled(other.edges[b]) : other.edges[b];
      spend(one.edges[a].length * theirs.length);
      return one.edges[a].flatMap((mine) =>
        theirs.flatMap(({ low, high, to }) => {
          const [from, until] = [Math.max(low, mine.low), Math.min(high, mine.high)];
          return from <= until ? [{ low: from, high: until, to: [mine.to, to] as const }] : [];
        })
      );
    },
  }, full);
}

/** Edges, and what is between them, which leads to -1. */
function filled(edges: readonly Edge[]): Edge[] {
  const out = [...edges];
  let from = 0;
  for (const { low, high } of edges.toSorted((a, b) => a.low - b.low)) {
    if (low > from) out.push({ low: from, high: low - 1, to: -1 });
    from = high + 1;
  }
  if (from <= MOST_CODE) out.push({ low: from, high: MOST_CODE, to: -1 });
  return out;
}

/** All texts of so many code points; Infinity: no bound. */
export function ofLength(least: number, most: number): Language {
  const last = most === Infinity ? least : most;
  const loops = (i: number) => i === last && most === Infinity ? i : i + 1;
  const edges = Array.from(
    { length: last + 1 },
    (_, i): Edge[] => i === last && most < Infinity ? [] : [{ low: 0, high: MOST_CODE, to: loops(i) }],
  );
  return { edges, accepts: edges.map((_, i) => i >= least) };
}

/** These texts alone. */
export function ofTexts(texts: readonly string[]): Language {
  const edges: Edge[][] = [[]], accepts = [false];
  for (const text of texts) {
    let state = 0;
    for (const letter of text) {
      const code = letter.codePointAt(0)!;
      const known = edges[state].find(({ low }) => low === code)?.to;
      const to = known ?? edges.push([]) - 1;
      if (known === undefined) {
        accepts.push(false);
        edges[state].push({ low: code, high: code, to });
      }
      state = to;
    }
    accepts[state] = true;
  }
  return { edges, accepts };
}

/** Its texts as they are written. @param spelt how a character of some ranges is */
export const written =
  ({ edges, accepts }: Language, spelt: (ranges: readonly Range[]) => Piece): Piece => (network, from, to) => {
    const states = accepts.map(() => network.state());
    const begin = states[0];
    network.jumps[from].push(begin);
    edges.forEach((list, state) => {
      if (accepts[state]) network.jumps[states[state]].push(to);
      for (const target of new Set(list.map((edge) => edge.to))) {
        spend(list.length);
        const ranges = united(list.filter((edge) => edge.to === target).map(({ low, high }): Range => [low, high]));
        if (ranges.length > 0) spelt(ranges)(network, states[state], states[target]);
      }
    });
  };

/** A nondeterministic automaton, as patterns are first made. */
export interface Loose {
  readonly edges: (Edge[])[]; // by state
  readonly jumps: number[][]; // by state: without a character
  readonly end: number;
}

/** The same, deterministic. */
export function determined({ edges, jumps, end }: Loose, full: () => never): Language {
  const closed = (kernel: readonly number[]) => {
    const states = new Set(kernel);
    for (const state of states) for (const to of jumps[state]) states.add(to);
    spend(states.size);
    return [...states].sort((a, b) => a - b);
  };
  return explore<readonly number[]>({
    first: closed([0]),
    key: (states) => states.join(),
    accepts: (states) => states.includes(end),
    ways: (states) => {
      const all = states.flatMap((state) => edges[state]);
      const cuts = [...new Set(all.flatMap(({ low, high }) => [low, high + 1]))].sort((a, b) => a - b);
      const out: { low: number; high: number; to: readonly number[] }[] = [];
      spend(cuts.length * all.length);
      for (let i = 0; i + 1 < cuts.length; i++) {
        const [low, high] = [cuts[i], cuts[i + 1] - 1];
        const kernel = all.filter((edge) => edge.low <= low && high <= edge.high).map(({ to }) => to);
        if (kernel.length > 0) out.push({ low, high, to: closed([...new Set(kernel)]) });
      }
      return out;
    },
  }, full);
}

/** Whether ranges have anything in common. */
export function meet(a: readonly Range[], b: readonly Range[]): boolean {
  return shared(a, b).length > 0;
}
