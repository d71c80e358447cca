/** A finished network: what leads nowhere is left out, steps by nothing are taken ahead, and rules are in order. */
import { words } from "../errors.ts";
import type { Call, Network, Step } from "./network.ts";
import { type Slices, spend } from "./work.ts";

const STRETCH = 4096; // states that are looked at in a slice
const MOST_CLOSURE = 2_000_000; // states, of all closures together

/** What a text is read by: see automaton.ts. */
export interface Machine {
  /** Bytes that no state tells apart have one number: [256]. */
  readonly classes: Uint8Array;
  /** How many there are. */
  readonly classCount: number;
  /** A byte of each: [classCount]. */
  readonly samples: Uint8Array;
  /** Where a rule begins. */
  readonly starts: readonly number[];
  /** Of each state, those that it is without a byte and that have anything to go on by, or are an end. */
  readonly closures: readonly (readonly number[])[];
  readonly steps: readonly (readonly Step[])[];
  readonly calls: readonly (readonly Call[])[];
  /** Whether a rule ends at a state: [states]. */
  readonly isEnd: Uint8Array;
  /** Whether a rule can only end at a state: [states]. */
  readonly isTail: Uint8Array;
  /** Callers before those that they may call at their beginning: each rule's place. */
  readonly ranks: Int32Array;
}

/** What there is of a network. */
type Parts = { readonly [K in "steps" | "calls" | "jumps" | "starts" | "ends"]: Readonly<Network[K]> };

/** Whether rules have any text at all: [rules]; and of each state, whether its rule's end can be reached: [states]. */
export function fruitfulOf(network: Parts): { rules: boolean[]; states: Uint8Array } {
  const { steps, calls, jumps, starts, ends } = network;
  const back: number[][] = steps.map(() => []);
  const callers: [from: number, to: number][][] = starts.map(() => []);
  for (let from = 0; from < steps.length; from++) {
    for (const { to } of steps[from]) back[to].push(from);
    for (const to of jumps[from]) back[to].push(from);
    for (const { rule, to } of calls[from]) callers[rule].push([from, to]);
  }
  const ruleAt = new Map(starts.map((state, rule) => [state, rule]));
  const waiting: number[][] = steps.map(() => []); // callers of fruitful rules, by where they go on
  const states = new Uint8Array(steps.length);
  const rules = starts.map(() => false);
  const found: number[] = [];
  const add = (state: number) => {
    if (states[state] === 1) return;
    states[state] = 1;
    found.push(state);
  };
  ends.forEach(add);
  while (found.length > 0) {
    const state = found.pop()!;
    back[state].forEach(add);
    waiting[state].forEach(add);
    const rule = ruleAt.get(state);
    if (rule === undefined) continue;
    rules[rule] = true;
    for (const [from, to] of callers[rule]) {
      if (states[to] === 1) add(from);
      else waiting[to].push(from);
    }
  }
  return { rules, states };
}

/** @throws KvcapRangeError for a network without any text, one in which a rule begins with itself, or one too large */
export function* finish(network: Network, root: number): Slices<Machine> {
  const { rules, states } = fruitfulOf(network);
  if (!rules[root]) network.refuse("some text must fit it", words("what nothing fits"));
  const steps = network.steps.map((list) => list.filter(({ to }) => states[to] === 1));
  const calls = network.calls.map((list) => list.filter(({ rule, to }) => rules[rule] && states[to] === 1));
  const jumps = network.jumps.map((list) => list.filter((to) => states[to] === 1));
  const isEnd = new Uint8Array(steps.length);
  for (const end of network.ends) isEnd[end] = 1;

  const { starts, ends } = network;
  const byNothing = { starts, ends, calls, jumps, steps: jumps.map(() => []) }; // whose ends are there without a byte
  const { rules: empty } = fruitfulOf(byNothing); // those that may stand for the empty text
  const used = reached(network, root, { steps, calls, jumps });
  yield;
  const closures: number[][] = steps.map(() => []);
  let size = 0;
  const seen = new Int32Array(steps.length).fill(-1);
  for (let from = 0; from < steps.length; from++) {
    if (from % STRETCH === STRETCH - 1) yield;
    if (used[from] === 0) continue;
    const list = [from];
    seen[from] = from;
    for (let i = 0; i < list.length; i++) {
      const go = (to: number) => {
        if (seen[to] === from) return;
        seen[to] = from;
        list.push(to);
      };
      jumps[list[i]].forEach(go);
      for (const { rule, to } of calls[list[i]]) if (empty[rule]) go(to);
    }
    closures[from] = list.filter((state) => steps[state].length + calls[state].length + isEnd[state] > 0);
    size += closures[from].length;
    spend(list.length >> 2);
    if (size > MOST_CLOSURE) network.refuse("its parts that may be left out must be fewer in a row", words("too many"));
  }
  const isTail = Uint8Array.from(closures, (list) => list.length === 1 && isEnd[list[0]] === 1 ? 1 : 0);
  const ranks = ranked(network, closures, calls);
  const classes = classesOf(steps.filter((_, state) => used[state] === 1));
  return { ...classes, starts: network.starts, closures, steps, calls, isEnd, isTail, ranks };
}

interface Ways {
  readonly steps: readonly (readonly Step[])[];
  readonly calls: readonly (readonly Call[])[];
  readonly jumps: readonly (readonly number[])[];
}

/** Which states a text can come to: [states]. */
function reached({ starts }: Network, root: number, { steps, calls, jumps }: Ways): Uint8Array {
  const used = new Uint8Array(steps.length);
  const found = [starts[root]];
  used[starts[root]] = 1;
  const add = (state: number) => {
    if (used[state] === 1) return;
    used[state] = 1;
    found.push(state);
  };
  while (found.length > 0) {
    const state = found.pop()!;
    for (const { to } of steps[state]) add(to);
    for (const { rule, to } of calls[state]) {
      add(to);
      add(starts[rule]);
    }
    jumps[state].forEach(add);
  }
  return used;
}

/** Every rule's place, callers before those that they call at their beginning. @throws KvcapRangeError where a rule begins with itself */
function ranked(network: Network, closures: readonly (readonly number[])[], calls: readonly (readonly Call[])[]) {
  const next = network.starts.map((start) => [
    ...new Set(closures[start].flatMap((state) => calls[state].map(({ rule }) => rule))),
  ]);
  const ranks = new Int32Array(next.length).fill(-1); // -2: being looked at
  let rank = next.length;
  for (let first = 0; first < next.length; first++) {
    if (ranks[first] !== -1) continue;
    const way = [{ rule: first, i: 0 }];
    ranks[first] = -2;
    while (way.length > 0) {
      const top = way[way.length - 1];
      if (top.i === next[top.rule].length) {
        ranks[top.rule] = --rank;
        way.pop();
        continue;
      }
      const rule = next[top.rule][top.i++];
      if (ranks[rule] === -2) network.refuse("no rule may begin with itself", network.names[rule]);
      if (ranks[rule] !== -1) continue;
      ranks[rule] = -2;
      way.push({ rule, i: 0 });
    }
  }
  return ranks;
}

const SPACE = 0x20; // has a number of its own: it may be dropped at the beginning of a text

/** Numbers for bytes, one for those that nothing tells apart. */
function classesOf(steps: readonly (readonly Step[])[]): Pick<Machine, "classes" | "classCount" | "samples"> {
  const begins = new Uint8Array(257);
  begins[SPACE] = begins[SPACE + 1] = 1;
  for (const list of steps) {
    for (const { low, high } of list) begins[low] = begins[high + 1] = 1;
  }
  const classes = new Uint8Array(256);
  const samples = [0];
  for (let byte = 1; byte < 256; byte++) {
    if (begins[byte] === 1) samples.push(byte);
    classes[byte] = samples.length - 1;
  }
  return { classes, classCount: samples.length, samples: Uint8Array.from(samples) };
}
