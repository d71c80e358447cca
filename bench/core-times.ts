// What the Wasm core costs: every policy, for 1, 8 and 32 layers of 8 KV heads of 256, 1024 and 4096 slots, one token or a
// chunk of 64 in and as many out of every lane. bench/core.bench.ts runs this in Deno and in Chromium.
//
// A policy is timed only after SIMD build, scalar build and JavaScript version have given the naive twin's victims, and
// counts only if they end with the same victims at the size that is timed. A step is a claim, a row and an eviction; the
// row's way into `rows` is not counted: it is the GPU readback's. Times are medians. No DOM and no Deno: it runs anywhere.
import { Core, type CoreRule, type CoreShape, exportsOf } from "../src/core/core.ts";
import { readsWindow } from "../src/core/rule.ts";
import { corePolicies as policies, type Policy, ruleFor } from "../src/policies/core.ts";
import { CoreTwin } from "../tests/reference/core.ts";
import { JavaScriptCore } from "./javascript-core.ts";

const KV_HEADS = 8;
const SAMPLE_SLOTS = 1 << 20; // a sample goes over at least so many slots: a millisecond or more

/** One line of the table. */
export interface CoreTime {
  policy: string;
  layers: number;
  slots: number; // per lane
  evict: number; // tokens in and out, per lane and step
  ms: number; // per step
  nsPerSlot: number;
  gbPerSecond: number; // of books and row read and written
  ofCopy: number; // that, in what a copy in the module moves
  scalar: number; // the scalar build's time in the SIMD build's
  javascript: number;
  twin: number; // timed for 8 lanes of 256 slots only, per slot
}

/** RoCo for 32 layers × 8 KV heads: what the core promises. */
export interface CorePromises {
  ms: number; // one token in, one victim per lane out, 2048 slots
  update: number; // ms of the pass that only reads p and updates sum and sumsq
  inUpdates: number;
  javascript: number; // the JavaScript version's time in the core's
  evict: [one: number, many: number]; // ms to evict 1 and 64, nothing else
  linear: { slots: number; nsPerSlot: number }[];
}

export interface CoreBench {
  promises: CorePromises;
  times: CoreTime[];
}

/** What to measure, and how often. */
export interface CoreSizes {
  layers: number[];
  slots: number[]; // per lane
  samples: number; // of which the median counts
}

export const sizes = {
  all: { layers: [1, 8, 32], slots: [256, 1024, 4096], samples: 11 },
  quick: { layers: [32], slots: [2048], samples: 5 },
} satisfies Record<string, CoreSizes>;

/** A step to be timed. */
interface Case {
  readonly policy: Policy;
  readonly layers: number;
  readonly slots: number; // per lane
  readonly evict: number; // tokens in and out, per lane
}

/** What every implementation can do. */
interface Stepped {
  rows: Float32Array;
  advance(tokens: number): void; // claims, and lets the queries pass
  step(tokens: number): ArrayLike<number>;
}

function wasm(shape: CoreShape, rule: CoreRule, bytes?: BufferSource): Stepped & { core: Core } {
  const core = Core.create(shape, rule, bytes);
  return {
    core,
    rows: core.rows,
    advance: (tokens) => (core.claim(tokens), core.observe(tokens)),
    step: (tokens) => (core.claim(tokens), core.step(tokens, tokens)),
  };
}

function javascript(shape: CoreShape, rule: CoreRule): Stepped {
  const core = new JavaScriptCore(shape, rule);
  return {
    rows: core.rows,
    advance: (tokens) => (core.claim(tokens), core.observe(tokens)),
    step: (tokens) => (core.claim(tokens), core.observe(tokens), core.evict(tokens)),
  };
}

function naive(shape: CoreShape, rule: CoreRule): Stepped {
  const twin = new CoreTwin(shape, rule);
  const rows = new Float32Array(3 * shape.layers * shape.kvHeads * shape.capacity);
  return {
    rows,
    advance: (tokens) => (twin.claim(tokens), twin.observe(tokens, rows)),
    step: (tokens) => (twin.claim(tokens), twin.observe(tokens, rows), twin.evict(tokens).flat()),
  };
}

/**
 * Times everything; tells as it goes. `scalar`: bytes of core.scalar.wasm.
 * Throws if any implementation differs from the twin.
 */
export async function benchCore(
  scalar: BufferSource,
  { layers: allLayers, slots: allSlots, samples }: CoreSizes,
  tell: (what: CorePromises | CoreTime) => unknown = () => {},
): Promise<CoreBench> {
  const times: CoreTime[] = [];
  const list = Object.values(policies).filter((policy) => policy.evicts) as Policy[];
  const twins = new Map<string, number>(); // ns per slot
  for (const policy of list) {
    for (const evict of [1, 64]) twins.set(`${policy.name} ${evict}`, validate(policy, evict, scalar));
  }
  const promises = measurePromises(samples);
  await tell(promises);
  for (const layers of allLayers) {
    for (const slots of allSlots) {
      for (const policy of list) {
        for (const evict of [1, 64]) {
          const twin = twins.get(`${policy.name} ${evict}`)!;
          const time = measure({ policy, layers, slots, evict }, samples, twin, scalar);
          times.push(time);
          await tell(time); // in a page this lets the browser breathe
        }
      }
    }
  }
  return { promises, times };
}

/**
 * One policy at one size, one token in and one victim per lane out, without the scalar build (its column is NaN).
 * Throws if any implementation differs from the twin.
 */
export function benchPolicy(policy: Policy, layers: number, slots: number, samples: number): CoreTime {
  return measure({ policy, layers, slots, evict: 1 }, samples, validate(policy, 1, null), null);
}

function setup({ policy, layers, slots, evict }: Case): { shape: CoreShape; rule: CoreRule } {
  const shape = { layers, kvHeads: KV_HEADS, capacity: slots, window: policy.window };
  return { shape, rule: ruleFor(policy, slots - evict, { seed: 1 }) };
}

/** Fills a cache up to where the next step's tokens must be evicted again. */
function fill(stepped: Stepped, shape: CoreShape, evict: number): void {
  attention(stepped.rows, shape.capacity, 1);
  stepped.advance(shape.capacity - evict);
  attention(stepped.rows, evict, 2);
}

/** Throws unless all give the twin's victims; returns the twin's ns per slot. */
function validate(policy: Policy, evict: number, scalar: BufferSource | null): number {
  const { shape, rule } = setup({ policy, layers: 1, slots: 256, evict });
  const twin = naive(shape, rule);
  const builds: Record<string, Stepped> = scalar ? { scalar: wasm(shape, rule, scalar) } : {};
  const others = { SIMD: wasm(shape, rule), ...builds, JavaScript: javascript(shape, rule) };
  for (const stepped of [twin, ...Object.values(others)]) fill(stepped, shape, evict);
  const times = Array.from({ length: 9 }, (_, step) => {
    attention(twin.rows, evict, step + 3);
    const started = performance.now();
    const victims = twin.step(evict);
    const ended = performance.now();
    for (const [name, stepped] of Object.entries(others)) {
      stepped.rows.set(twin.rows);
      const chosen = stepped.step(evict);
      for (let i = 0; i < victims.length; i++) {
        if (victims[i] !== chosen[i]) throw new Error(`${policy.name}, evict ${evict}: ${name} differs from the twin`);
      }
    }
    return ended - started;
  });
  return median(times) * 1e6 / (KV_HEADS * shape.capacity);
}

/** @param twin its ns per slot @param scalar bytes of the scalar build, where it is timed, too */
function measure(of: Case, samples: number, twin: number, scalar: BufferSource | null): CoreTime {
  const { policy, layers, slots, evict } = of;
  const { shape, rule } = setup(of);
  const all = layers * KV_HEADS * slots;
  let victims: number[] | undefined;
  const timeOf = (stepped: Stepped) => {
    fill(stepped, shape, evict);
    let last: ArrayLike<number> = [];
    const ms = timed(all, samples, () => (last = stepped.step(evict)));
    victims ??= Array.from(last);
    const differs = victims.some((slot, i) => slot !== last[i]);
    if (differs) throw new Error(`${policy.name}, ${layers} × ${slots}, evict ${evict}: the builds differ`);
    return ms;
  };
  const simd = wasm(shape, rule);
  const ms = timeOf(simd);
  const copy = 8 * all / timed(all, samples, () => exportsOf(simd.core).copyPlane()); // bytes per ms
  const bytes = bytesTouched(policy, evict) * all / ms;
  return {
    policy: policy.name,
    layers,
    slots,
    evict,
    ms,
    nsPerSlot: ms * 1e6 / all,
    gbPerSecond: bytes / 1e6,
    ofCopy: bytes / copy,
    scalar: scalar ? timeOf(wasm(shape, rule, scalar)) / ms : NaN,
    javascript: timeOf(javascript(shape, rule)) / ms,
    twin: twin / (ms * 1e6 / all),
  };
}

/** Bytes per slot that a step of a policy reads and writes of row and books. */
function bytesTouched({ score, scope }: Policy, evict: number): number {
  const windowed = readsWindow(score);
  const observe = (evict === 1 ? 4 : 8) + 8 + 8 +
    (score === "last" ? (evict === 1 ? 4 : 8) : score === "ema" || score === "fading" ? 8 : 0) +
    (windowed ? 12 : 0);
  const keys = windowed ? 8 : score === "recency" || score === "random" ? 0 : 4;
  return observe + keys + 4 + (scope === "all" ? 0 : 4);
}

function measurePromises(samples: number): CorePromises {
  const size = { policy: policies.roco, layers: 32, slots: 2048 };
  const { shape, rule } = setup({ ...size, evict: 1 });
  const all = 32 * KV_HEADS * 2048;
  const simd = wasm(shape, rule);
  fill(simd, shape, 1);
  const ms = timed(all, samples, () => simd.step(1));
  const plain = javascript(shape, rule);
  fill(plain, shape, 1);
  const script = timed(all, samples, () => plain.step(1));
  const evict = [1, 64].map((n) => {
    const many = setup({ ...size, evict: n });
    const { core, ...stepped } = wasm(many.shape, many.rule);
    fill({ ...stepped }, many.shape, n);
    return median(Array.from({ length: 3 * samples }, () => {
      core.claim(n);
      core.observe(n);
      const started = performance.now();
      core.evict(n);
      return performance.now() - started;
    }));
  }) as [number, number];
  const linear = [64, 256, 1024, 4096, 16384, 65536].map((slots) => {
    const some = setup({ policy: policies.roco, layers: 1, slots, evict: 1 });
    const stepped = wasm(some.shape, some.rule);
    fill(stepped, some.shape, 1);
    return { slots, nsPerSlot: timed(KV_HEADS * slots, samples, () => stepped.step(1)) * 1e6 / (KV_HEADS * slots) };
  });
  const update = timed(all, samples, () => exportsOf(simd.core).addPlane()); // last: it spoils the books
  return { ms, update, inUpdates: ms / update, javascript: script / ms, evict, linear };
}

/** ms of one call, over calls enough for a clock of a page. */
function timed(slots: number, samples: number, call: () => void): number {
  const calls = Math.ceil(SAMPLE_SLOTS / slots);
  return median(Array.from({ length: samples }, () => {
    const started = performance.now();
    for (let i = 0; i < calls; i++) call();
    return (performance.now() - started) / calls;
  }));
}

/** Fills rows with attention as a model spreads it: mostly tiny, here and there large. Three planes for several queries. */
function attention(rows: Float32Array, queries: number, seed: number): void {
  const plane = rows.length / 3;
  let x = seed;
  for (let i = 0; i < plane; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    const p = (x / 2 ** 32) ** 8 / 128;
    rows[i] = queries * p;
    rows[plane + i] = 2 * queries * p * p;
    rows[2 * plane + i] = p;
  }
}

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
