// The naive twin of the eviction core: plain objects, whole sorts, one obvious line per rule. It shares nothing with the
// Wasm but the definitions: f32 arithmetic in the order the books are described, and the hash of the random score.

import type { CoreRule, CoreShape } from "../../src/core/core.ts";
import { draw } from "./draw.ts";

const f32 = Math.fround;

/** x² in f32; one that would be subnormal counts as 0. */
const square = (x: number) => (x < 2 ** -63 ? 0 : f32(x * x));

export interface TwinToken {
  slot: number;
  position: number;
  birth: number; // clock of the first query that saw it
  sum: number;
  sumsq: number; // under the scope of peaks the largest Σp²/Σp of a row
  recent: number; // the exponential mean, or the best share of late
  last: number;
  window: number[]; // what each row of the window's life brought it, by the row's number
  pinned: boolean;
}

interface Lane {
  tokens: TwinToken[]; // by ascending position
  freed: number[]; // stack of slots given back
}

export class CoreTwin {
  readonly lanes: Lane[];
  readonly capacity: number;
  rule: CoreRule;
  seen = 0;
  clock = 0;
  pending = 0;
  extent = 0;
  evictions = 0;
  /** Rows that have entered the window since it was last emptied. */
  windowRows = 0;
  readonly window: number;
  readonly kvHeads: number;
  #pins: [from: number, to: number][] = [];

  constructor(shape: CoreShape, rule: CoreRule) {
    this.lanes = Array.from({ length: shape.layers * shape.kvHeads }, () => ({ tokens: [], freed: [] }));
    this.capacity = shape.capacity;
    this.window = shape.window ?? 0;
    this.kvHeads = shape.kvHeads;
    this.rule = rule;
  }

  /** A score's own memory begins with the rule that asks for it. */
  setRule(rule: CoreRule): void {
    const memory = ({ score }: CoreRule) => ["last", "ema", "windowed", "persistence", "fading"].indexOf(score);
    if (memory(rule) > 1 && this.window === 0) throw new RangeError("no window");
    if (memory(rule) >= 0 && memory(rule) !== memory(this.rule)) {
      if (rule.score === "last") this.#forEach((token) => (token.last = 0));
      else if (rule.score === "ema") this.#forEach((token) => (token.recent = 0));
      else this.#emptyWindow();
      if (rule.score === "fading") this.#forEach((token) => (token.recent = 0));
    }
    if ((rule.scope === "peak") !== (this.rule.scope === "peak")) this.#forEach((token) => (token.sumsq = 0));
    this.rule = rule;
  }

  #emptyWindow(): void {
    this.windowRows = 0;
    this.#forEach((token) => (token.window = []));
  }

  #forEach(call: (token: TwinToken, lane: number) => void): void {
    this.lanes.forEach(({ tokens }, lane) => tokens.forEach((token) => call(token, lane)));
  }

  get live(): number {
    return this.lanes[0].tokens.length;
  }

  /** [lanes][tokens] slots. Throws, changing nothing, as all of these do. */
  claim(tokens: number, observed = true): number[][] {
    if (!Number.isInteger(tokens) || tokens < 1) throw new RangeError("tokens");
    if (this.live + tokens > this.capacity) throw new RangeError("no room");
    let extent = this.extent;
    const slots = this.lanes.map((lane) => {
      extent = this.extent;
      return Array.from({ length: tokens }, (_, j) => {
        const slot = lane.freed.pop() ?? extent++;
        const position = this.seen + j;
        const pinned = this.#pins.some(([from, to]) => from <= position && position < to);
        const birth = this.clock + this.pending + (observed ? j : 0);
        lane.tokens.push({ slot, position, birth, sum: 0, sumsq: 0, recent: 0, last: 0, window: [], pinned });
        return slot;
      });
    });
    this.extent = extent;
    this.seen += tokens;
    if (observed) this.pending += tokens;
    return slots;
  }

  /** `rows` [3, lanes, capacity]. */
  observe(queries: number, rows: ArrayLike<number>): void {
    if (queries < 1 || queries !== this.pending) throw new RangeError("queries");
    const plane = this.lanes.length * this.capacity;
    const read = (what: number, lane: number, slot: number) => rows[what * plane + lane * this.capacity + slot];
    this.lanes.forEach((lane, l) =>
      lane.tokens.forEach(({ slot }) => {
        for (let what = 0; what < (queries === 1 ? 1 : 3); what++) {
          const p = read(what, l, slot);
          if (!(p >= 0) || p >= 2 ** 40) throw new RangeError("row");
        }
      })
    );
    this.lanes.forEach((lane, l) =>
      lane.tokens.forEach((token) => {
        const p = read(0, l, token.slot);
        token.sum = f32(token.sum + p);
        const { score, scope, halfLife = 32 } = this.rule;
        const squares = queries === 1 ? square(p) : read(1, l, token.slot);
        if (scope !== "peak") token.sumsq = f32(token.sumsq + squares);
        else token.sumsq = Math.max(token.sumsq, queries === 1 ? p : p > 0 ? Math.min(f32(squares / p), 2 ** 40) : 0);
        if (score === "ema") {
          const left = 2 ** (-queries / halfLife);
          const mean = f32(f32(f32(left) * token.recent) + f32(f32((1 - left) / queries) * p));
          token.recent = mean < 2 ** -100 ? 0 : mean;
        }
        if (score === "last") token.last = (queries === 1 ? p : read(2, l, token.slot)) + 0;
        if (score === "windowed" || score === "fading") token.window[this.windowRows] = p + 0;
        if (score === "persistence") token.window[this.windowRows] = p > f32(queries / this.live) ? 1 : 0;
        delete token.window[this.windowRows - 2 * this.window];
      })
    );
    if (["windowed", "persistence", "fading"].includes(this.rule.score)) this.windowRows++;
    if (this.rule.score === "fading") this.#fade(queries);
    this.advance(queries);
  }

  #fade(queries: number): void {
    const left = f32(2 ** (-queries / (this.rule.halfLife ?? 32)));
    for (const { tokens } of this.lanes) {
      const most = Math.max(...tokens.map((token) => this.windowSum(token)));
      for (const token of tokens) {
        const best = Math.max(f32(left * token.recent), most > 0 ? f32(this.windowSum(token) / most) : 0);
        token.recent = best < 2 ** -100 ? 0 : best;
      }
    }
  }

  advance(queries: number): void {
    if (queries < 1 || queries !== this.pending) throw new RangeError("queries");
    this.clock += queries;
    this.pending = 0;
  }

  mean({ sum, birth }: TwinToken): number {
    return f32(sum / f32(Math.max(1, this.clock - birth)));
  }

  variance(token: TwinToken): number {
    const mean = this.mean(token);
    const variance = f32(f32(token.sumsq / f32(Math.max(1, this.clock - token.birth))) - square(mean));
    return Math.max(0, variance);
  }

  /** The exponential mean, as if the token had been there for ever. */
  late({ recent, birth }: TwinToken): number {
    return f32(recent / f32(1 - 2 ** (-Math.max(1, this.clock - birth) / (this.rule.halfLife ?? 32))));
  }

  /** Σ over the last `window` rows: the rows of this block, oldest first, plus the others, newest first. */
  windowSum({ window }: TwinToken): number {
    const rows = this.windowRows;
    const block = rows === 0 ? 0 : Math.floor((rows - 1) / this.window) * this.window;
    let recent = 0;
    for (let row = block; row < rows; row++) recent = f32(recent + (window[row] ?? 0));
    let old = 0;
    for (let row = block - 1; row >= Math.max(0, rows - this.window); row--) old = f32((window[row] ?? 0) + old);
    return f32(recent + old);
  }

  /** The window's sum, pooled over neighbouring tokens; beyond the ends there are zeros. */
  pooled(lane: number, token: TwinToken): number {
    const { pool = "none", width = 1 } = this.rule;
    if (pool === "none") return this.windowSum(token);
    const { tokens } = this.lanes[lane];
    const rank = tokens.indexOf(token);
    const around = Array.from({ length: width }, (_, i) => {
      const neighbour = tokens[rank - (width >> 1) + i];
      return neighbour ? this.windowSum(neighbour) : 0;
    });
    if (pool === "max") return Math.max(...around);
    return f32(around.reduce((sum, x) => f32(sum + x), 0) / width);
  }

  score(lane: number, token: TwinToken): number {
    switch (this.rule.score) {
      case "mean":
        return this.mean(token);
      case "sum":
        return token.sum;
      case "last":
        return token.last;
      case "fading":
        return token.recent;
      case "ema":
        return this.late(token);
      case "recency":
        return token.position;
      case "windowed":
      case "persistence":
        return this.pooled(lane, token);
      case "random":
        return draw(this.rule.seed, lane, this.evictions, token.position);
    }
  }

  /** [lanes × capacity], every live token's own score in f32 by slot, 0 at free slots. */
  scores(): Float32Array {
    const all = new Float32Array(this.lanes.length * this.capacity);
    this.#forEach((token, lane) => {
      const drawing = this.rule.shared && this.rule.score === "random" ? lane - lane % this.kvHeads : lane;
      all[lane * this.capacity + token.slot] = this.score(drawing, token);
    });
    return all;
  }

  /** The tokens of a lane that may go, oldest first. */
  candidates(lane: number): TwinToken[] {
    const { sinks, newest } = this.rule;
    const { tokens } = this.lanes[lane];
    return tokens.filter((token, rank) => !token.pinned && token.position >= sinks && rank < tokens.length - newest);
  }

  get evictable(): number {
    return Math.min(...this.lanes.map((_, lane) => this.candidates(lane).length));
  }

  /** The mean of a number over the lanes of a layer, which hold the same tokens. */
  #average(lane: number, token: TwinToken, value: (lane: number, token: TwinToken) => number): number {
    const first = lane - lane % this.kvHeads;
    let sum = 0;
    for (let head = 0; head < this.kvHeads; head++) {
      const twin = this.lanes[first + head].tokens.find(({ slot }) => slot === token.slot)!;
      sum = f32(sum + value(first + head, twin));
    }
    return f32(sum / this.kvHeads);
  }

  /** Whether every lane of a layer holds the same tokens in the same slots. */
  get #agree(): boolean {
    const held = this.lanes.map(({ tokens }) => tokens.map(({ slot, position }) => `${slot}:${position}`).join());
    return held.every((tokens, lane) => tokens === held[lane - lane % this.kvHeads]);
  }

  /** [lanes][n] slots, ascending within a lane, of the smallest scores: the rule's, or the caller's. */
  choose(n: number, given?: (lane: number, token: TwinToken) => number): number[][] {
    if (!Number.isInteger(n) || n < 0) throw new RangeError("n");
    if (n === 0) return this.lanes.map(() => []);
    if (this.pending > 0) throw new Error("not observed");
    return this.#chosen(n, given);
  }

  #chosen(n: number, given?: (lane: number, token: TwinToken) => number): number[][] {
    const { shared, scope: kind, score: named } = this.rule;
    if (n > this.evictable) throw new RangeError("too few");
    if (shared && !this.#agree) throw new Error("lanes differ");
    const one = given ?? ((lane: number, token: TwinToken) => this.score(lane, token));
    const wide = (token: TwinToken) => kind === "peak" ? token.sumsq : this.variance(token);
    const spread = (lane: number, token: TwinToken) =>
      shared ? this.#average(lane, token, (_, token) => wide(token)) : wide(token);
    const score = (lane: number, token: TwinToken) => {
      if (!shared) return one(lane, token);
      if (!given && (named === "random" || named === "recency")) return one(lane - lane % this.kvHeads, token);
      return this.#average(lane, token, one);
    };
    return this.lanes.map((_, lane) => {
      // Sorts are stable and candidates come oldest first, so that ties go to the older one in both rankings.
      const sorted = (tokens: TwinToken[], key: (lane: number, token: TwinToken) => number) => {
        const keys = new Map(tokens.map((token) => [token, key(lane, token)]));
        return tokens.toSorted((a, b) => keys.get(a)! - keys.get(b)!);
      };
      let scope = this.candidates(lane);
      if (kind !== "all") {
        const { unsettled, peaks = 0 } = this.rule;
        const room = Math.max(n, scope.length - (kind === "peak" ? peaks : unsettled));
        scope = sorted(scope, spread).slice(0, room);
        scope.sort((a, b) => a.position - b.position);
      }
      return sorted(scope, score).slice(0, n).map((token) => token.slot).sort((a, b) => a - b);
    });
  }

  /** Chooses and frees. */
  evict(n: number, given?: (lane: number, token: TwinToken) => number): number[][] {
    const chosen = this.choose(n, given);
    if (n > 0) this.evictions++;
    this.#drop(chosen);
    return chosen;
  }

  /** observe and evict, both or neither. */
  step(queries: number, rows: ArrayLike<number>, n: number): number[][] {
    if (!Number.isInteger(n) || n < 0 || n > this.evictable) throw new RangeError("n");
    if (n > 0 && this.rule.shared && !this.#agree) throw new Error("lanes differ");
    this.observe(queries, rows);
    return this.evict(n);
  }

  /** Frees the caller's own choice, [lanes][n]. */
  free(chosen: number[][]): void {
    if (chosen[0].length === 0) return;
    if (this.pending > 0) throw new Error("not observed");
    chosen.forEach((slots, lane) => {
      const good = slots.every((slot) => this.lanes[lane].tokens.some((token) => token.slot === slot && !token.pinned));
      if (!good || new Set(slots).size !== slots.length) throw new RangeError("slot");
    });
    this.#drop(chosen);
  }

  #drop(chosen: number[][]): void {
    chosen.forEach((slots, lane) => {
      this.lanes[lane].tokens = this.lanes[lane].tokens.filter((token) => !slots.includes(token.slot));
      this.lanes[lane].freed.push(...slots);
    });
  }

  pin(from: number, to: number): void {
    if (from < 0 || to < from) throw new RangeError("span");
    this.#pins.push([from, to]);
    for (const { tokens } of this.lanes) {
      for (const token of tokens) if (token.position >= from && token.position < to) token.pinned = true;
    }
  }

  /** [lanes][live] slots by ascending position. */
  liveList(): number[][] {
    return this.lanes.map(({ tokens }) => tokens.map((token) => token.slot));
  }

  reset(): void {
    for (const lane of this.lanes) Object.assign(lane, { tokens: [], freed: [] });
    Object.assign(this, { seen: 0, clock: 0, pending: 0, extent: 0, evictions: 0, windowRows: 0 });
    this.#pins = [];
  }
}
