// The eviction core as one would write it in JavaScript for speed: typed arrays, no objects per token, no allocation per
// step, a quickselect where many go. What bench/core-times.ts measures the Wasm against, after both gave the twin's answers.
//
// Lanes claim and evict together, as in the Wasm core; there are no pins and no refusals.
import { P_BOUND } from "../assembly/abi.ts";
import type { CoreRule, CoreShape } from "../src/core/core.ts";
import { readsWindow } from "../src/core/rule.ts";
import { addLate, addPeaks, addSums, fadeTo, lateOf, leftAfter, square } from "./javascript-rows.ts";
import { select } from "./javascript-select.ts";

const { fround, imul, max, min } = Math;

export class JavaScriptCore {
  readonly rows: Float32Array; // [3, lanes, capacity]
  readonly position: Int32Array; // [lanes, capacity], −1: free
  live = 0;
  readonly #rule: CoreRule;
  readonly #lanes: number;
  readonly #kvHeads: number;
  readonly #capacity: number;
  readonly #window: number;
  readonly #sum: Float32Array; // [lanes, capacity], as the next four
  readonly #sumsq: Float32Array; // or the peaks
  readonly #last: Float32Array; // or the mean of late
  readonly #birth: Int32Array;
  readonly #recent: Float32Array;
  readonly #ring: Float32Array; // [lanes, window, capacity]
  readonly #order: Int32Array; // [lanes, capacity], slots by ascending position
  readonly #freed: Int32Array; // [lanes, capacity], a stack
  readonly #keys: Float64Array; // [capacity] of one lane, as the rest
  readonly #spreads: Float64Array;
  readonly #ranked: Float64Array;
  readonly #picked: Int32Array; // candidate slots
  #victims = new Uint32Array(0); // [lanes, n]
  #seen = 0;
  #clock = 0;
  #extent = 0;
  #freedCount = 0;
  #evictions = 0;
  #cursor = 0;

  constructor({ layers, kvHeads, capacity, window = 0 }: CoreShape, rule: CoreRule) {
    const lanes = layers * kvHeads;
    const slots = lanes * capacity;
    const windowed = readsWindow(rule.score);
    this.#rule = rule;
    this.#lanes = lanes;
    this.#kvHeads = kvHeads;
    this.#capacity = capacity;
    this.#window = window;
    this.rows = new Float32Array(3 * slots);
    this.position = new Int32Array(slots).fill(-1);
    this.#sum = new Float32Array(slots);
    this.#sumsq = new Float32Array(slots);
    this.#last = new Float32Array(["last", "ema", "fading"].includes(rule.score) ? slots : 0);
    this.#birth = new Int32Array(slots);
    this.#recent = new Float32Array(windowed ? slots : 0);
    this.#ring = new Float32Array(windowed ? slots * window : 0);
    this.#order = new Int32Array(slots);
    this.#freed = new Int32Array(slots);
    this.#keys = new Float64Array(capacity);
    this.#spreads = new Float64Array(capacity);
    this.#ranked = new Float64Array(capacity);
    this.#picked = new Int32Array(capacity);
  }

  claim(tokens: number): void {
    const reused = min(tokens, this.#freedCount);
    for (let lane = 0; lane < this.#lanes; lane++) {
      const first = lane * this.#capacity;
      for (let j = 0; j < tokens; j++) {
        const slot = j < reused ? this.#freed[first + this.#freedCount - 1 - j] : this.#extent + j - reused;
        const at = first + slot;
        this.#sum[at] = 0;
        this.#sumsq[at] = 0;
        if (this.#last.length > 0) this.#last[at] = 0;
        this.#birth[at] = this.#clock + j;
        this.position[at] = this.#seen + j;
        this.#order[first + this.live + j] = slot;
        if (this.#ring.length === 0) continue;
        this.#recent[at] = 0;
        for (let row = 0; row < this.#window; row++) {
          this.#ring[(lane * this.#window + row) * this.#capacity + slot] = 0;
        }
      }
    }
    this.#freedCount -= reused;
    this.#extent += tokens - reused;
    this.live += tokens;
    this.#seen += tokens;
  }

  observe(queries: number): void {
    const plane = this.#lanes * this.#capacity;
    const rows = this.rows;
    const sum = this.#sum;
    const sumsq = this.#sumsq;
    for (let from = 0; from < (queries === 1 ? plane : 3 * plane); from += plane) {
      for (let i = 0; i < plane; i++) {
        const p = rows[from + i];
        if (!(p >= 0 && p < P_BOUND) && this.position[i] >= 0) throw new RangeError("bad row");
      }
    }
    if (this.#rule.scope === "peak") addPeaks(rows, sum, sumsq, queries);
    else addSums(rows, sum, sumsq, queries);
    if (this.#rule.score === "last") this.#last.set(rows.subarray(queries === 1 ? 0 : 2 * plane).subarray(0, plane));
    if (this.#rule.score === "ema") addLate(rows, this.#last, queries, this.#rule.halfLife!);
    if (this.#ring.length > 0) this.#remember(queries);
    if (this.#rule.score === "fading") this.#fade(queries);
    this.#clock += queries;
  }

  #fade(queries: number): void {
    const left = leftAfter(queries, this.#rule.halfLife!);
    for (let lane = 0, at = 0; lane < this.#lanes; lane++, at += this.#capacity) {
      const best = this.#last.subarray(at, at + this.#extent);
      fadeTo(best, this.#windowOf(lane, "none"), this.position.subarray(at), left);
    }
  }

  #remember(queries: number): void {
    const capacity = this.#capacity;
    const window = this.#window;
    const ring = this.#ring;
    const recent = this.#recent;
    const counts = this.#rule.score === "persistence";
    const bound = fround(queries / this.live);
    if (this.#cursor === window) {
      for (let lane = 0; lane < this.#lanes; lane++) {
        for (let at = ((lane + 1) * window - 1) * capacity - 1; at >= lane * window * capacity; at--) {
          ring[at] += ring[at + capacity];
        }
      }
      recent.fill(0);
      this.#cursor = 0;
    }
    for (let lane = 0; lane < this.#lanes; lane++) {
      const place = (lane * window + this.#cursor) * capacity;
      const first = lane * capacity;
      for (let slot = 0; slot < capacity; slot++) {
        const p = this.rows[first + slot];
        const x = counts ? (p > bound ? 1 : 0) : p;
        ring[place + slot] = x;
        recent[first + slot] += x;
      }
    }
    this.#cursor++;
  }

  /** [lanes, n] slots, ascending within a lane. */
  evict(n: number): Uint32Array {
    if (this.#victims.length !== this.#lanes * n) this.#victims = new Uint32Array(this.#lanes * n);
    const { shared, scope, unsettled, peaks = 0 } = this.#rule;
    const step = shared ? this.#kvHeads : 1;
    for (let lane = 0; lane < this.#lanes; lane += step) {
      const found = this.#candidates(lane);
      const room = scope === "all" ? found : max(n, found - (scope === "peak" ? peaks : unsettled));
      this.#score(lane, shared ? step : 1, found);
      select(this.#picked, this.#keys, this.#placesOf(lane), { count: found, k: n });
      if (room < found) {
        this.#spread(lane, shared ? step : 1, found);
        if (!this.#settled(found, room, n)) {
          select(this.#picked, this.#spreads, this.#placesOf(lane), { count: found, k: room });
          select(this.#picked, this.#keys, this.#placesOf(lane), { count: room, k: n });
        }
      }
      const mine = this.#picked.subarray(0, n).sort();
      for (let head = 0; head < step; head++) this.#victims.set(mine, (lane + head) * n);
    }
    for (let lane = 0; lane < this.#lanes; lane++) this.#free(lane, n);
    this.#freedCount += n;
    this.live -= n;
    this.#evictions++;
    return this.#victims;
  }

  /** Lists the slots of a lane that may go; returns how many. */
  #candidates(lane: number): number {
    const first = lane * this.#capacity;
    const { sinks, newest } = this.#rule;
    const { position } = this;
    const picked = this.#picked;
    const end = this.#order[first + this.live - newest];
    const to = newest === 0 ? Infinity : this.position[first + end];
    let found = 0;
    for (let slot = 0; slot < this.#extent; slot++) {
      const at = position[first + slot];
      if (at >= sinks && at < to) picked[found++] = slot;
    }
    return found;
  }

  /** Fills the scores of the candidates, averaged over `lanes` lanes. */
  #score(lane: number, lanes: number, found: number): void {
    const keys = this.#keys;
    const picked = this.#picked;
    const capacity = this.#capacity;
    const { score, pool = "none" } = this.#rule;
    const whole = score === "recency" || score === "random";
    for (let head = 0; head < (whole ? 1 : lanes); head++) {
      const first = (lane + head) * capacity;
      if (score === "random") this.#draw(lane, found);
      else if (score === "mean" || score === "ema") this.#mean(first, found, head > 0);
      else {
        const windowed = readsWindow(score) && score !== "fading";
        const from = windowed ? 0 : first;
        const scores = windowed ? this.#windowOf(lane + head, pool) : this.#numbersOf(score);
        if (head === 0) { for (let i = 0; i < found; i++) keys[picked[i]] = scores[from + picked[i]]; }
        else for (let i = 0; i < found; i++) keys[picked[i]] = fround(keys[picked[i]] + scores[from + picked[i]]);
      }
    }
    if (lanes > 1 && !whole) { for (let i = 0; i < found; i++) keys[picked[i]] = fround(keys[picked[i]] / lanes); }
  }

  /** [lanes, capacity], a score that stands there as it is. */
  #numbersOf(score: CoreRule["score"]): ArrayLike<number> {
    if (score === "sum") return this.#sum;
    if (score === "last" || score === "fading") return this.#last;
    if (score === "recency") return this.position;
    throw new RangeError(`there is no JavaScript version of the score ${score}: the policies have none that it lacks`);
  }

  #mean(first: number, found: number, more: boolean): void {
    const keys = this.#keys;
    const picked = this.#picked;
    const sum = this.#sum;
    const birth = this.#birth;
    const clock = this.#clock;
    const halfLife = this.#rule.score === "ema" ? this.#rule.halfLife! : 0;
    for (let i = 0; i < found; i++) {
      const slot = picked[i];
      const n = max(1, clock - birth[first + slot]);
      const mean = halfLife ? lateOf(this.#last[first + slot], n, halfLife) : fround(sum[first + slot] / n);
      keys[slot] = more ? fround(keys[slot] + mean) : mean;
    }
  }

  #draw(lane: number, found: number): void {
    const first = lane * this.#capacity;
    const stream = mix(mix(mix(this.#rule.seed) + lane) + this.#evictions);
    for (let i = 0; i < found; i++) {
      const slot = this.#picked[i];
      this.#keys[slot] = mix(stream + imul(this.position[first + slot], 0x9e3779b9)) >>> 2;
    }
  }

  /** The window's sums of a lane by slot, pooled. */
  #windowOf(lane: number, pool: string): Float64Array {
    const first = lane * this.#capacity;
    const out = this.#spreads;
    const old = (lane * this.#window + this.#cursor) * this.#capacity;
    const full = this.#cursor === this.#window;
    for (let slot = 0; slot < this.#extent; slot++) {
      out[slot] = full ? this.#recent[first + slot] : fround(this.#recent[first + slot] + this.#ring[old + slot]);
    }
    if (pool === "none") return out;
    const ranked = this.#ranked;
    const reach = this.#rule.width! >> 1;
    for (let rank = 0; rank < this.live; rank++) ranked[rank] = out[this.#order[first + rank]];
    for (let rank = 0; rank < this.live; rank++) {
      let pooled = 0;
      for (let i = max(0, rank - reach); i <= min(this.live - 1, rank + reach); i++) {
        pooled = pool === "max" ? max(pooled, ranked[i]) : fround(pooled + ranked[i]);
      }
      out[this.#order[first + rank]] = pool === "max" ? pooled : fround(pooled / this.#rule.width!);
    }
    return out;
  }

  /** Fills the candidates' σ², or their peaks, averaged over `lanes` lanes. */
  #spread(lane: number, lanes: number, found: number): void {
    const spreads = this.#spreads;
    const picked = this.#picked;
    const sum = this.#sum;
    const sumsq = this.#sumsq;
    const birth = this.#birth;
    const clock = this.#clock;
    for (let head = 0; head < lanes; head++) {
      const first = (lane + head) * this.#capacity;
      for (let i = 0; i < found; i++) {
        const slot = picked[i];
        const at = first + slot;
        if (this.#rule.scope === "peak") {
          spreads[slot] = head === 0 ? sumsq[at] : fround(spreads[slot] + sumsq[at]);
          continue;
        }
        const seen = clock - birth[at];
        const n = seen > 1 ? seen : 1;
        const mean = fround(sum[at] / n);
        const variance = fround(fround(sumsq[at] / n) - square(mean));
        const spread = variance > 0 ? variance : 0;
        spreads[slot] = head === 0 ? spread : fround(spreads[slot] + spread);
      }
    }
    if (lanes > 1) {
      for (let i = 0; i < found; i++) {
        spreads[this.#picked[i]] = fround(spreads[this.#picked[i]] / lanes);
      }
    }
  }

  #placesOf(lane: number): Int32Array {
    return this.position.subarray(lane * this.#capacity, (lane + 1) * this.#capacity);
  }

  /** Whether the n first picked slots are certainly among the `room` smallest spreads. */
  #settled(found: number, room: number, n: number): boolean {
    const spreads = this.#spreads;
    const picked = this.#picked;
    let worst = 0;
    for (let i = 0; i < n; i++) worst = max(worst, spreads[picked[i]]);
    let within = 0;
    for (let i = 0; i < found; i++) if (spreads[picked[i]] <= worst) within++;
    return within <= room;
  }

  #free(lane: number, n: number): void {
    const first = lane * this.#capacity;
    const order = this.#order;
    for (let j = 0; j < n; j++) {
      const slot = this.#victims[lane * n + j];
      this.position[first + slot] = -1;
      this.#freed[first + this.#freedCount + j] = slot;
    }
    if (n === 1) {
      const at = order.subarray(first, first + this.live).indexOf(this.#victims[lane]);
      order.copyWithin(first + at, first + at + 1, first + this.live);
      return;
    }
    let to = first;
    for (let i = first; i < first + this.live; i++) {
      if (this.position[first + order[i]] >= 0) order[to++] = order[i];
    }
  }
}

function mix(x: number): number {
  x = imul(x ^ (x >>> 16), 0x85ebca6b);
  x = imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}
