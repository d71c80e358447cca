/** A run's log: when every token came into the cache and when it left each lane. Any step can be told from it. */
import type { Step } from "./protocol.ts";

/** What became of a token in a lane. */
export interface Fate {
  /** The step that it left at; 0: it is there. */
  readonly left: number;
  /** What the rule made of it then. */
  readonly score: number;
  /** The score of the token that would have gone next; NaN where none might. */
  readonly next: number;
}

export class RunLog {
  readonly lanes: number;
  /** Steps so far. */
  steps = 0;
  /** Tokens taken in so far. */
  seen = 0;
  #born = new Int32Array(64); // [positions]: step
  #held = new Int32Array(64); // [positions]: lanes that hold it now
  #left: Int32Array<ArrayBuffer>; // [positions, lanes]: step, 0 = there
  #scores: Float32Array<ArrayBuffer>; // [positions, lanes]
  #next: Float32Array<ArrayBuffer>; // [positions, lanes]
  #seen = new Int32Array(64); // [steps]: tokens taken in after it
  #live = new Int32Array(64); // [steps]: live tokens of all lanes after it

  constructor(lanes: number) {
    this.lanes = lanes;
    this.#left = new Int32Array(64 * lanes);
    this.#scores = new Float32Array(64 * lanes);
    this.#next = new Float32Array(64 * lanes);
  }

  /** Takes in the next step. @param changed hears of every token that came, with lane −1, or left a lane */
  add(
    { step, first, ids, went, gone, scores, next }: Step,
    changed: (position: number, lane: number) => void = () => {},
  ): void {
    const { lanes } = this;
    this.#reserve(first + ids.length);
    this.#seen = roomFor(this.#seen, step + 1);
    this.#live = roomFor(this.#live, step + 1);
    this.#live[step] = this.#live[this.steps] + ids.length * lanes - gone.length;
    this.steps = step;
    this.seen = this.#seen[step] = first + ids.length;
    for (let position = first; position < this.seen; position++) {
      this.#born[position] = step;
      this.#held[position] = lanes;
      this.#left.fill(0, position * lanes, (position + 1) * lanes);
      changed(position, -1);
    }
    for (let lane = 0, i = 0; lane < lanes; lane++) {
      for (const end = i + went[lane]; i < end; i++) {
        const at = gone[i] * lanes + lane;
        this.#left[at] = step;
        this.#scores[at] = scores[i];
        this.#next[at] = next[lane];
        this.#held[gone[i]]--;
        changed(gone[i], lane);
      }
    }
  }

  #reserve(positions: number) {
    const { lanes } = this;
    this.#born = roomFor(this.#born, positions);
    this.#held = roomFor(this.#held, positions);
    this.#left = roomFor(this.#left, positions * lanes);
    this.#scores = roomFor(this.#scores, positions * lanes);
    this.#next = roomFor(this.#next, positions * lanes);
  }

  /** The step that took a token in; 0 where none has. */
  born(position: number): number {
    return position < this.seen ? this.#born[position] : 0;
  }

  /** Tokens taken in up to and with a step. */
  seenAt(step: number): number {
    return this.#seen[Math.min(step, this.steps)];
  }

  /** Live tokens per lane after a step, the mean over all lanes. */
  liveAt(step: number): number {
    return this.#live[Math.min(step, this.steps)] / this.lanes;
  }

  /** Whether a lane held a token after a step. */
  holds(lane: number, position: number, step: number): boolean {
    if (position >= this.seen || this.#born[position] > step) return false;
    const left = this.#left[position * this.lanes + lane];
    return left === 0 || left > step;
  }

  /** How many lanes held a token after a step. */
  held(position: number, step: number): number {
    if (position >= this.seen || this.#born[position] > step) return 0;
    if (step >= this.steps) return this.#held[position];
    const { lanes } = this;
    let count = 0;
    for (let at = position * lanes, end = at + lanes; at < end; at++) {
      const left = this.#left[at];
      if (left === 0 || left > step) count++;
    }
    return count;
  }

  /** What became of a token in a lane. */
  fate(lane: number, position: number): Fate {
    const at = position * this.lanes + lane;
    return { left: this.#left[at], score: this.#scores[at], next: this.#next[at] };
  }
}

function roomFor<A extends Int32Array<ArrayBuffer> | Float32Array<ArrayBuffer>>(array: A, length: number): A {
  if (length <= array.length) return array;
  const larger = new (array.constructor as new (length: number) => A)(Math.max(length, 2 * array.length));
  larger.set(array);
  return larger;
}
