/** What a pass works on besides weights and cache: its buffers, and what they take. */
import type { ModelConfig } from "../engine/config.ts";
import type { ContextShape } from "../engine/engine.ts";
import { queryBytes, toldBytes } from "../engine/kv.ts";
import { refuse, words } from "../errors.ts";
import { createBuffer, type Gpu, releaseBuffer, STORAGE } from "./device.ts";

/** Rows of activations are padded to 8 elements. */
export const pad8 = (length: number): number => Math.ceil(length / 8) * 8;

const MOST_ROWS = 65535;

/** Buffers of a pass, by name. */
export interface Scratch {
  readonly x: GPUBuffer; // [stride, pad8(hidden)]: the residual stream
  readonly normed: GPUBuffer; // [stride, pad8(hidden)]
  readonly qkv: GPUBuffer; // [stride, (heads + 2 · kvHeads) · headDim]
  readonly q: GPUBuffer; // [stride, pad8(heads · headDim)], rotated
  readonly scores: GPUBuffer; // [heads, stride, capacity + remainders]
  readonly means: GPUBuffer; // [kvHeads, stride, capacity]: p over the query group; a word where it is not observed
  readonly observed: GPUBuffer; // [3, lanes, capacity]: Σp, Σp², last p
  readonly mixed: GPUBuffer; // as q: the values, weighed
  readonly gateUp: GPUBuffer | null; // [stride, 2 · intermediate], where layers have no experts
  readonly activated: GPUBuffer | null; // [stride, pad8(intermediate)], likewise
  readonly routed: GPUBuffer | null; // [stride, experts], where layers have them, as those that follow
  readonly routes: GPUBuffer | null; // [stride, used]: experts
  readonly shares: GPUBuffer | null; // [stride, used]
  readonly expertGateUp: GPUBuffer | null; // [stride, used, 2 · width]
  readonly expertActivated: GPUBuffer | null; // [stride, used, pad8(width)]
  readonly expertMade: GPUBuffer | null; // [stride, used, pad8(hidden)]
  readonly logits: GPUBuffer; // [1 or stride, vocab]
  readonly losses: GPUBuffer; // [1 or stride]: -ln p of each token's follower, where there are logits of every token
  readonly chosen: GPUBuffer; // [4]: the greedy id in the first word
  readonly banned: GPUBuffer; // [ceil(vocab / 32)]: one bit per id never to be chosen
  readonly nothing: GPUBuffer; // bound where a kernel's optional input is absent
  readonly nowhere: GPUBuffer; // and where an optional output is
  readonly told: GPUBuffer | null; // [2, lanes, tokens] rows of K and V that a pass stored, where they are wanted
  readonly queries: GPUBuffer | null; // [layers · heads, 3, headDim / 2]: sums over a pass, where they are wanted
  readonly captured: GPUBuffer | null; // [layers + 1, stride, pad8(hidden)], where hidden states can be read
}

/** Bytes of each; 0: not made. */
export function scratchSizes(
  config: ModelConfig,
  shape: ContextShape,
): Record<keyof Scratch, number> {
  const { layers, hidden, intermediate, heads, kvHeads, headDim, vocab } = config;
  const { count, used, width } = config.experts ?? { count: 0, used: 0, width: 0 };
  const { capacity, stride, observe, remainders, every, hidden: captures } = shape;
  const rows = every ? stride : 1;
  const x = 4 * stride * pad8(hidden);
  const q = 4 * stride * pad8(heads * headDim);
  return {
    x,
    normed: x,
    qkv: 4 * stride * (heads + 2 * kvHeads) * headDim,
    q,
    scores: 4 * heads * stride * (capacity + remainders),
    means: observe ? 4 * kvHeads * stride * capacity : 4,
    observed: 4 * 3 * layers * kvHeads * capacity,
    mixed: q,
    gateUp: 4 * stride * 2 * intermediate,
    activated: 4 * stride * pad8(intermediate),
    routed: 4 * stride * count,
    routes: 4 * stride * used,
    shares: 4 * stride * used,
    expertGateUp: 4 * stride * used * 2 * width,
    expertActivated: 4 * stride * used * pad8(width),
    expertMade: 4 * stride * used * pad8(hidden),
    logits: 4 * rows * vocab,
    losses: 4 * rows,
    chosen: 16,
    banned: 4 * Math.ceil(vocab / 32),
    nothing: 4,
    nowhere: 4,
    told: toldBytes(config, shape, stride),
    queries: queryBytes(config, shape),
    captured: captures ? (layers + 1) * x : 0,
  };
}

/** @throws RangeError where one of them would be larger than the adapter can bind */
export function checkScratch(most: number, sizes: Record<keyof Scratch, number>): void {
  const check = (what: string, bytes: number, remedy: string) => {
    if (bytes <= most) return;
    const rule = `${what} must fit the adapter's largest binding of ${most}`;
    refuse("create session", rule, words(`${bytes}; ${remedy}`), { code: "no-memory" });
  };
  const remedy = "fewer slots (of the budget, or of a full cache's tokens) or a smaller stride fit";
  check("heads · stride · slots · 4 bytes", sizes.scores, remedy);
  const rows = sizes.routes / 4; // each a workgroup of a dispatch, of which there are as many on every adapter
  if (rows > MOST_ROWS) {
    refuse("create session", `stride · experts of a token must be at most ${MOST_ROWS}`, rows, { code: "unsupported" });
  }
  const bound = Object.entries(sizes).filter(([name]) => name !== "captured"); // which is copied to, never bound
  check(
    "the largest scratch buffer",
    Math.max(...bound.map(([, bytes]) => bytes)),
    "fewer slots or a smaller stride fit",
  );
}

/** Makes them. */
export function createScratch(
  gpu: Gpu,
  config: ModelConfig,
  shape: ContextShape,
): { scratch: Scratch; release(): void } {
  const made = Object.entries(scratchSizes(config, shape)).map(([label, bytes]) =>
    [label, bytes > 0 ? createBuffer(gpu, label, bytes, STORAGE) : null] as const
  );
  const release = () => made.forEach(([, buffer]) => buffer && releaseBuffer(gpu, buffer));
  return { scratch: Object.fromEntries(made) as unknown as Scratch, release };
}
