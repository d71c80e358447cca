// How deep the long tests go. KVCAP_DEPTH is `quick` (the default, `npm test`) or `full` (`npm run test:all`); KVCAP_TEST_SEED is the
// seed of all that is drawn: the day's number (20260131 on 31 January 2026) where it is unset, at either depth, so that every
// day draws anew. The runner prints both. A file that imports this is run again by what `test:all` has on top of `npm test`.
import type { Test } from "uvu";
import { setting } from "./setting.ts";

const today = Number(new Date().toISOString().slice(0, 10).replaceAll("-", ""));

/** Whether everything is asked for. */
export const full: boolean = setting("KVCAP_DEPTH") === "full";

/** The seed of what this run draws, a positive integer. */
export const seed: number = Number(setting("KVCAP_TEST_SEED") ?? today);

/** One value for the quick run, one for the full one. */
export function depth<T>(quick: T, whole: T): T {
  return full ? whole : quick;
}

/** All items in the full run; in the quick one as `few`. */
export function chosen<T>(items: readonly T[], kindsOf: (item: T) => string | string[], count = 1): T[] {
  return full ? [...items] : few(items, kindsOf, count);
}

/**
 * In either run `count` items of each kind (all of a kind that has fewer), drawn by the day's seed, in their order. An item may be of
 * several kinds: as few are taken as the draw allows.
 */
export function few<T>(items: readonly T[], kindsOf: (item: T) => string | string[], count = 1): T[] {
  const met = new Map<string, number>();
  const taken = new Set<T>();
  for (const item of shuffled(items)) {
    const kinds = [kindsOf(item)].flat();
    if (kinds.every((kind) => (met.get(kind) ?? 0) >= count)) continue;
    taken.add(item);
    for (const kind of kinds) met.set(kind, (met.get(kind) ?? 0) + 1);
  }
  return items.filter((item) => taken.has(item));
}

/**
 * The suite, of which the quick run takes only some tests: `count`, drawn by the day's seed, or those whose names begin with one
 * of these.
 */
export function fewOf<T>(test: Test<T>, some: number | string[]): Test<T> {
  if (full) return test;
  const all: Parameters<Test<T>>[] = [];
  const taken = () => {
    if (typeof some === "number") return chosen(all, () => "any", some);
    return some.map((begin) => all.find(([name]) => name.startsWith(begin))!);
  };
  return Object.assign((...one: Parameters<Test<T>>) => void all.push(one), test, {
    run() {
      for (const one of taken()) test(...one);
      test.run();
    },
  });
}

function shuffled<T>(items: readonly T[]): T[] {
  const left = [...items];
  let state = seed >>> 0;
  return items.map(() => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return left.splice(Math.floor(state / 2 ** 32 * left.length), 1)[0];
  });
}
