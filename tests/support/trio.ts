// Drives the SIMD build, the scalar build and the naive twin through the same calls, and compares all they know.
import * as assert from "uvu/assert";
import { KvcapError } from "../../src/errors.ts";
import { Core, type CoreRule, type CoreShape, type LaneScore } from "../../src/core/core.ts";
import { crc32 } from "../../src/core/snapshot.ts";
import { readBytes, repoPath } from "./files.ts";
import { CoreTwin } from "../reference/core.ts";

export const scalarWasm = await readBytes(repoPath("build/out/core.scalar.wasm"));

/** A rule with everything off but what is given. */
export function ruleOf(rule: Partial<CoreRule>): CoreRule {
  return { score: "mean", scope: "all", sinks: 0, newest: 0, unsettled: 0, seed: 1, ...rule };
}

/** Uniform numbers in [0, 1) from a seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let x = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

export class Trio {
  readonly cores: Core[]; // SIMD, scalar
  readonly twin: CoreTwin;
  #compared = 0;

  #shape: CoreShape;

  constructor(shape: CoreShape, rule: CoreRule) {
    this.#shape = shape;
    this.cores = [Core.create(shape, rule), Core.create(shape, rule, scalarWasm)];
    this.twin = new CoreTwin(shape, rule);
  }

  get live(): number {
    return this.twin.live;
  }

  get lanes(): number {
    return this.twin.lanes.length;
  }

  /** Calls all three; all must answer alike, with the same slots or with an error, after which nothing may have changed. */
  #all(what: string, call: (core: Core) => ArrayLike<number> | void, twinCall: () => number[][] | void): boolean {
    let expected: number[] | undefined;
    let refused = false;
    try {
      expected = (twinCall() ?? undefined)?.flat();
    } catch {
      refused = true;
    }
    for (const core of this.cores) {
      if (refused) {
        assert.throws(
          () => call(core),
          (error: Error) => error.message.startsWith("Cannot "),
          `${what} must be refused`,
        );
        continue;
      }
      const slots = call(core);
      if (expected) assert.equal([...Array.from(slots!)], expected, what);
    }
    this.compare(what);
    return !refused;
  }

  claim(tokens: number, observed = true): boolean {
    return this.#all(
      `claim ${tokens}`,
      (core) => core.claim(tokens, observed),
      () => this.twin.claim(tokens, observed),
    );
  }

  /** `rows` [3, lanes, capacity] or its first plane. */
  observe(queries: number, rows: ArrayLike<number>): boolean {
    const observe = (core: Core) => {
      core.rows.set(rows);
      core.observe(queries);
    };
    const asFloats = Float32Array.from(rows);
    return this.#all(`observe ${queries}`, observe, () => this.twin.observe(queries, asFloats));
  }

  advance(queries: number): boolean {
    return this.#all(`advance ${queries}`, (core) => core.advance(queries), () => this.twin.advance(queries));
  }

  step(queries: number, rows: ArrayLike<number>, n: number): boolean {
    const step = (core: Core) => {
      core.rows.set(rows);
      return core.step(queries, n);
    };
    const what = `step ${queries}, ${n} of ${this.live} by ${JSON.stringify(this.twin.rule)}`;
    return this.#all(what, step, () => this.twin.step(queries, Float32Array.from(rows), n));
  }

  /** By a score of the caller's, a function of lane and position. */
  evictBy(score: (lane: number, position: number) => number, n: number): boolean {
    const fill: LaneScore = (lane, { positions }, scores) => {
      positions.forEach((position, slot) => (scores[slot] = position < 0 ? NaN : score(lane, position)));
    };
    return this.#all(
      `evictBy ${n}`,
      (core) => core.evictBy(fill, n),
      () => this.twin.evict(n, (lane, { position }) => Math.fround(score(lane, position))),
    );
  }

  evict(n: number): boolean {
    const what = `evict ${n} of ${this.live} by ${JSON.stringify(this.twin.rule)}`;
    return this.#all(what, (core) => core.evict(n), () => this.twin.evict(n));
  }

  free(slots: number[][]): boolean {
    return this.#all(`free ${slots}`, (core) => core.free(slots.flat()), () => this.twin.free(slots));
  }

  pin(from: number, to: number): boolean {
    return this.#all(`pin ${from} ${to}`, (core) => core.pin(from, to), () => this.twin.pin(from, to));
  }

  reset(): void {
    this.#all("reset", (core) => core.reset(), () => this.twin.reset());
  }

  /** Each core goes on as one that was restored from the other's snapshot; a snapshot of that is the same bytes. */
  exchange(): void {
    const [simd, scalar] = this.cores.map((core) => core.snapshot());
    this.cores[0] = restored(this.#shape, scalar);
    this.cores[1] = restored(this.#shape, simd, scalarWasm);
    assert.equal(
      this.cores.map((core) => crc32(core.snapshot())),
      [scalar, simd].map(crc32),
      "snapshot of a restored core",
    );
    this.compare("exchange");
  }

  /** Each core goes on as its fork. */
  fork(): void {
    this.cores.forEach((core, i) => (this.cores[i] = core.fork()));
    this.compare("fork");
  }

  setRule(rule: CoreRule): void {
    this.twin.setRule(rule);
    for (const core of this.cores) core.setRule(rule);
  }

  /** Every number that the cores show must be the twin's, to the last bit. */
  compare(after: string): void {
    const { twin } = this;
    const list = twin.liveList().flat();
    // Asking for the list tidies a core's log of claims, so it must also be able to do without: every other time it is not asked.
    const asked = this.#compared++ % 2 === 0;
    const scores = this.#compared % 3 === 0 ? twin.scores() : null;
    const owners = new Int32Array(twin.lanes.length * twin.capacity).fill(-1);
    for (const [index, core] of this.cores.entries()) {
      const where = `${index ? "scalar" : "SIMD"} after ${after}`;
      assert.is(core.live, twin.live, `live, ${where}`);
      assert.is(core.seen, twin.seen, `seen, ${where}`);
      assert.is(core.clock, twin.clock, `clock, ${where}`);
      assert.is(core.extent, twin.extent, `extent, ${where}`);
      assert.is(core.evictable, twin.evictable, `evictable, ${where}`);
      if (asked) same(core.liveList(), list, `live list, ${where}`);
      if (scores) same(core.showScores(), scores, `scores by ${JSON.stringify(twin.rule)}, ${where}`);
      twin.lanes.forEach(({ tokens }, lane) => {
        for (const token of tokens) {
          const at = lane * twin.capacity + token.slot;
          owners[at] = token.position;
          if (
            core.births[at] !== token.birth || !Object.is(core.sums[at], token.sum) ||
            !Object.is(core.squares[at], token.sumsq) ||
            (twin.rule.score === "last" && !Object.is(core.lasts[at], token.last)) ||
            (["ema", "fading"].includes(twin.rule.score) && !Object.is(core.lasts[at], token.recent))
          ) {
            const got = [core.births[at], core.sums[at], core.squares[at], core.lasts[at]];
            assert.unreachable(`lane ${lane}, ${where}: got ${got}, expected ${JSON.stringify(token)}`);
          }
        }
      });
      same(core.positions, owners, `positions, ${where}`);
    }
  }
}

/** A core made anew from a snapshot; what it was before, another rule with some tokens, must not matter. */
export function restored(shape: CoreShape, snapshot: Uint8Array, wasm?: BufferSource): Core {
  const core = Core.create(shape, ruleOf({ score: "recency", sinks: 1 }), wasm);
  core.claim(1);
  core.pin(0, 5);
  core.restore(snapshot);
  return core;
}

function same(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  let equal = actual.length === expected.length;
  for (let i = 0; equal && i < actual.length; i++) equal = actual[i] === expected[i];
  if (!equal) assert.equal(Array.from(actual), Array.from(expected), what);
}

/** The shape of most small tests: 4 lanes of 12 slots. */
export const shape = { layers: 2, kvHeads: 2, capacity: 12, window: 4 };
/** Floats of one plane of its rows. */
export const plane = 2 * 2 * 12;

/** A trio with 8 tokens whose attention differs from token to token and from lane to lane. */
export function eight(rule: Partial<CoreRule> = {}): Trio {
  const trio = new Trio(shape, ruleOf(rule));
  trio.claim(8);
  trio.observe(8, Float32Array.from({ length: 3 * plane }, (_, i) => ((i * 7919) % 101) / 101));
  return trio;
}

/** Whether `call` throws exactly this. */
export function throws(call: () => unknown, message: string, kind: ErrorConstructor = RangeError): void {
  assert.throws(call, (error: Error) => {
    assert.is(error.message, message);
    assert.instance(error, kind);
    assert.instance(error, KvcapError);
    return true;
  });
}
