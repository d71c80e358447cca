/**
 * A grammar as a network of states over bytes (Woods, 1970): rules, each from a start to an end, and steps between states: by a byte of
 * a range, by a whole rule, or by nothing. Any context-free language is one, and a rule that calls itself is a recursion.
 */
import { refuse, words } from "../errors.ts";
import { spend } from "./work.ts";

/** The most states that a grammar may come to. */
export const MOST_STATES = 200_000;

/** A step by one byte. */
export interface Step {
  readonly low: number; // a byte
  readonly high: number; // likewise, included
  readonly to: number;
}

/** A step by all that a rule stands for. */
export interface Call {
  readonly rule: number;
  readonly to: number;
}

/** What is being refused, where a grammar is. */
export interface Source {
  /** "read the schema" or "read the grammar". */
  readonly action: string;
  /** The option that it was given by. */
  readonly option: "jsonSchema" | "grammar";
}

/** A network while it is made. State 0 is rule 0's start, state 1 its end, and so on: rule r has states of its own from then on. */
export class Network {
  readonly source: Source;
  readonly steps: Step[][] = []; // by state
  readonly calls: Call[][] = [];
  readonly jumps: number[][] = [];
  readonly starts: number[] = []; // by rule
  readonly ends: number[] = [];
  readonly names: string[] = []; // for messages

  /** @param source whose it is, for refusals */
  constructor(source: Source) {
    this.source = source;
  }

  /** A new state. @throws KvcapRangeError where there are too many */
  state(): number {
    if (this.steps.length >= MOST_STATES) {
      this.refuse(`it must come to at most ${MOST_STATES} states`, words("more"));
    }
    spend(1);
    this.steps.push([]);
    this.calls.push([]);
    return this.jumps.push([]) - 1;
  }

  /** A new rule, which is to be filled in. @returns its number */
  rule(name: string): number {
    this.starts.push(this.state());
    this.ends.push(this.state());
    return this.names.push(name) - 1;
  }

  /** @throws KvcapRangeError always */
  refuse(rule: string, found: unknown): never {
    const { action, option } = this.source;
    refuse(action, rule, found, { option });
  }
}

/** A part of a grammar: puts its states between two that there are. */
export type Piece = (network: Network, from: number, to: number) => void;

/** The empty text. */
export const nothing: Piece = (network, from, to) => void network.jumps[from].push(to);

/** No text at all. */
export const never: Piece = () => {};

/** A byte of a range. */
export const byte = (low: number, high = low): Piece => (network, from, to) =>
  void network.steps[from].push({ low, high, to });

/** What a rule stands for. */
export const call = (rule: number): Piece => (network, from, to) => void network.calls[from].push({ rule, to });

/** One after the other. A list that strangers make long is given as it is: not every host calls with so many arguments. */
export const joined = (pieces: readonly Piece[]): Piece => (network, from, to) => {
  if (pieces.length === 0) return nothing(network, from, to);
  let at = from;
  pieces.forEach((piece, i) => {
    const next = i === pieces.length - 1 ? to : network.state();
    piece(network, at, next);
    at = next;
  });
};

/** Likewise. */
export const sequence = (...pieces: readonly Piece[]): Piece => joined(pieces);

/** One after the other and then what is behind them, or only so many of them and no more, `least` or above. */
export const begun = (pieces: readonly Piece[], least: number, behind: Piece): Piece => (network, from, to) => {
  let at = from;
  for (const [i, piece] of pieces.entries()) {
    if (i >= least) network.jumps[at].push(to);
    const next = network.state();
    piece(network, at, next);
    at = next;
  }
  behind(network, at, to);
};

/** One of them. A loop of one must not be entered by the others: each has an own way in and out. */
export const among = (pieces: readonly Piece[]): Piece => (network, from, to) => {
  for (const piece of pieces) piece(network, from, to);
};

/** Likewise. */
export const choice = (...pieces: readonly Piece[]): Piece => among(pieces);

/** So many times, Infinity for no bound: what is repeated becomes a rule where it would stand there more than once. */
export const repeat = (piece: Piece, least: number, most: number): Piece => (network, from, to) => {
  const copies = Math.max(least, most === Infinity ? least + 1 : most);
  let one = piece;
  if (copies > 1) {
    const rule = network.rule("a repeated part");
    piece(network, network.starts[rule], network.ends[rule]);
    one = call(rule);
  }
  let at = network.state(); // its own: nothing else leads back into it
  network.jumps[from].push(at);
  for (let i = 0; i < copies; i++) {
    if (i >= least) network.jumps[at].push(to);
    const looping = most === Infinity && i === copies - 1;
    const next = looping ? at : network.state();
    if (looping) {
      const back = network.state();
      one(network, at, back);
      network.jumps[back].push(at);
    } else one(network, at, next);
    at = next;
  }
  if (most !== Infinity) network.jumps[at].push(to);
};

/** There or not. */
export const optional = (piece: Piece): Piece => choice(nothing, piece);

const utf8 = new TextEncoder();

/** A text as it stands. */
export const text = (content: string): Piece => joined(Array.from(utf8.encode(content), (one) => byte(one)));

/** A rule made of a piece, for what stands in several places. */
export function ruleOf(network: Network, name: string, piece: Piece): Piece {
  const rule = network.rule(name);
  piece(network, network.starts[rule], network.ends[rule]);
  return call(rule);
}
