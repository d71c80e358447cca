/**
 * What a step asks of the hardware. Sessions, eviction, snapshots and recordings know this interface alone; src/gpu keeps it
 * with WebGPU, src/wasm on the processor.
 */
import type { Home } from "../core/arena.ts";
import type { KvType } from "./kv.ts";

/** What computes, by name: a GPU, or the processor. */
export const DEVICES = ["webgpu", "wasm"] as const;
/** A name of DEVICES. */
export type DeviceName = typeof DEVICES[number];

/** What computes a model, and why that was chosen. */
export interface Device {
  /** A GPU, or the processor. */
  readonly name: DeviceName;
  /** Why, in words: what was asked for, or found. */
  readonly why: string;
}

/** The sizes of a context: a cache of K and V, and what a pass works on. */
export interface ContextShape {
  /** Rows of K and V per layer and lane, on average over the layer's lanes: [layers]. */
  readonly rows: readonly number[];
  /** Slots per lane in arrays over all lanes: no lane ever has more. */
  readonly capacity: number;
  /** Most tokens of a pass. */
  readonly stride: number;
  /** How K and V are stored. */
  readonly kv: KvType;
  /** Whether keys are stored unrotated and rotated by their rank among the lane's live slots. */
  readonly ranked: boolean;
  /** Whether the lanes of a layer share its rows, so that one may have more slots than another. */
  readonly pooled: boolean;
  /** Whether passes give back the keys and values that they store. */
  readonly tells: boolean;
  /** Whether passes give back sums of their queries. */
  readonly asks: boolean;
  /** How attention over a query group is reduced to observations; null: not at all. */
  readonly observe: "mean" | "max" | null;
  /** Means of keys and values that a lane keeps of what was evicted from it; 0: none. */
  readonly remainders: number;
  /** The rank by which keys are rotated when they are summed up, where they are not yet. */
  readonly foldRank: number;
  /** Tokens that a remainder stands for at most, 1 to 2²⁴: beyond, those it has count for less with each that comes. */
  readonly foldMost: number;
  /** Whether logits and losses are of every token of a pass, not of the newest only. */
  readonly every: boolean;
  /** Whether the hidden states of every token can be read. */
  readonly hidden: boolean;
}

/** Bytes of a context, part by part. */
export interface ContextBytes {
  /** K and V, and remainders. */
  readonly kv: number;
  /** Positions (and ranks, and rows) of the slots, and what a pass is told. */
  readonly slots: number;
  /** Activations, attention, observations, logits. */
  readonly scratch: number;
  /** What brings answers back to the host. */
  readonly readback: number;
}

/**
 * What a pass is to give: nothing (a chunk inside a prompt), the greedy id, logits to sample from, or the losses of all its
 * tokens (only with logits of every token).
 */
export type Wanted = "nothing" | "id" | "logits" | "losses";

/** A part of a text: `count` tokens from `begin`, 1 to the context's stride. */
export interface Tokens {
  /** The text; the token behind the part is what losses are asked for. */
  ids: ArrayLike<number>;
  begin: number;
  count: number;
}

/** One pass: tokens to be taken in. */
export interface Pass extends Tokens {
  /** Where each lane stores them: [lanes, count]. */
  slots: Uint32Array<ArrayBuffer>;
  /** Pooled: the row of each of these slots, [lanes, count]. */
  rows: Uint32Array<ArrayBuffer> | null;
  /** Position of the first of them. */
  first: number;
  /** Its rank among the live slots of the longest lane. */
  firstRank: number;
  /** Slots of a lane that may hold anything: no more is looked at. */
  extent: number;
  /** Whether these slots are those that the last eviction freed. */
  reused: boolean;
  wanted: Wanted;
  /**
   * Where observations go, [3, lanes, capacity]: Σp, Σp², last p of every slot; of a single token, plane 0 alone, which says all
   * three. Null: they are not wanted. Free slots' values mean nothing.
   */
  observations: Float32Array<ArrayBuffer> | null;
  /**
   * Where the keys and values of these tokens go, as the cache stores them: [2, lanes, count] rows, as kv.ts lays them out; keys are
   * rotated unless the shape is ranked. Null where the shape does not tell.
   */
  told: Uint8Array<ArrayBuffer> | null;
  /**
   * Where sums over the tokens' queries go, before they are rotated: [layers · heads, 3, headDim / 2]: of the numbers in a head's first
   * half, of those in its second, and of the lengths of the pairs that they make. Null where the shape does not ask.
   */
  queries: Float32Array<ArrayBuffer> | null;
}

/** A cache of K and V, and what is needed to take tokens into it. Made once; a pass allocates nothing. */
export interface EngineContext {
  readonly shape: ContextShape;
  readonly bytes: ContextBytes;
  /** Logits of the newest token after a pass that wanted them: [vocab]. */
  readonly logits: Float32Array<ArrayBuffer>;
  /** -ln p of the id that follows each token of a pass that wanted losses: [stride]; NaN where a logit is not finite. */
  readonly losses: Float32Array<ArrayBuffer>;
  /** Whether a number of a key or a value ever was more than f16 holds, where it is to: it is stored as the largest that it does. */
  readonly clamped: boolean;
  /** Milliseconds that the last pass waited for the hardware's answer. */
  readonly waited: number;
  /**
   * Takes tokens in.
   * @returns the greedy id where anything is wanted; no id of the vocabulary where a logit is not finite
   * @throws Error "Cannot generate: …" where the hardware fails; the context is then lost
   */
  pass(pass: Pass): Promise<number>;
  /**
   * Says which position each slot holds, [lanes, capacity], -1: free; with ranks and rows likewise where the shape has them.
   * Passes do so by themselves for the slots that they fill.
   */
  place(positions: Int32Array<ArrayBuffer>, ranks: Int32Array<ArrayBuffer> | null): void;
  /** Says which row each slot has, [lanes, capacity]; only where lanes share rows. */
  placeRows(rows: Int32Array<ArrayBuffer>): void;
  /**
   * Sums up what was evicted, where the shape has remainders: the mean of the keys, the mean of the values, and how many they are.
   * A token goes to an empty remainder of its lane; where there is none, two of all that there are then, the token among them, become
   * one: those whose keys it moves least (Ward's criterion). To every later query a remainder is a slot
   * with ln n added to its score; its share is in no observations. Keys that are stored unrotated are rotated by the shape's rank.
   * @param gone where each lane's slots begin, [lanes + 1], and these slots, whose tokens must still be as the last pass left them
   * @throws Error "Cannot generate: …" where the hardware fails
   */
  fold(gone: Uint32Array<ArrayBuffer>): void;
  /** Empties all remainders. */
  forget(): void;
  /** Ids that are never the greedy one: one bit each, [ceil(vocab / 32)]. */
  ban(bits: Uint32Array<ArrayBuffer>): void;
  /**
   * Logits and hidden states of the last pass, of each of its `count` tokens, where the shape has `every` and `hidden`.
   * @param logits [count, vocab] @param hidden the embeddings, then each layer's output, the last after the final norm:
   *   [layers + 1, count, hidden]
   */
  read(count: number, logits: Float32Array, hidden: Float32Array): Promise<void>;
  /**
   * Hidden states of one stage of the last pass, which wanted something, of each of its `count` tokens, where the shape has `hidden`.
   * @param stage 0: the embeddings; i: the output of layer i, of the last one what the final norm makes of it
   * @param into [count, hidden]
   */
  states(count: number, stage: number, into: Float32Array): Promise<void>;
  /** Bytes of K and V and remainders as `save` gives them. */
  readonly savedBytes: number;
  /**
   * Writes K and V to `into`, layer by layer, keys before values: [kvHeads · rows] rows each, as kv.ts lays them out;
   * then remainders in f32: means, [lanes, remainders, 2, headDim], and of how many tokens, [lanes, remainders].
   * @throws Error "Cannot <action>: …" where the hardware fails
   */
  save(action: string, into: Uint8Array): Promise<void>;
  /** Takes what `save` gave of a context of the same shape. */
  load(bytes: Uint8Array<ArrayBuffer>): void;
  /** Takes the K, V and remainders of another context of this engine and of the same shape. */
  copyFrom(other: EngineContext): void;
  /** Takes the K, V and remainders of a smaller context of this engine, whose rows have the same numbers here. */
  growFrom(other: EngineContext): void;
  release(): void;
}

/** Contexts and their passes: `count` of them, at most as many as are gathered, from the index `begin` on. */
export interface Members {
  readonly contexts: readonly EngineContext[];
  readonly passes: readonly Pass[];
  readonly begin: number;
  readonly count: number;
}

/** Takes tokens into several contexts at once. */
export interface Gathering {
  /** Contexts that it takes at once, at most; a multiple of four. */
  readonly most: number;
  /**
   * Takes one token into each context, none of which keeps hidden states, as its own `pass` would to the last bit.
   * @param ids what each of them answers, from the index `begin` on
   * @throws Error "Cannot generate: …" where the hardware fails; all contexts are then lost
   */
  pass(members: Members, ids: number[]): Promise<void>;
  release(): void;
}

/** A model's weights on some hardware, and the contexts that are made for them. */
export interface Engine {
  /** What the hardware calls itself, for reports. */
  readonly adapter: string;
  /** Why it can no longer be used; null while it can. */
  readonly failure: string | null;
  /** Settles with why, once it can no longer be used because it was lost; by being released, too. */
  readonly lost: Promise<string>;
  /** Bytes of weights and contexts that are held now. */
  readonly bytes: number;
  /** The most that there ever were. */
  readonly peak: number;
  /** Bytes that they never exceed. */
  readonly limit: number;
  /** Where books may lie so that a pass writes observations into them; null or absent: they are copied. */
  readonly home?: Home | null;
  /** Of the weights. */
  readonly weightBytes: number;
  /**
   * What a context of these sizes would take.
   * @throws RangeError "Cannot create session: …" where the hardware can't hold a part of it
   */
  sizes(shape: ContextShape): ContextBytes;
  /** Makes a context. @throws as `sizes`, or where `limit` would be exceeded; nothing is made then */
  context(shape: ContextShape): EngineContext;
  /**
   * What takes tokens into at most so many contexts at once, a multiple of four; absent where that is no faster than one by one.
   * @throws RangeError where there is no room for it
   */
  gather?(most: number): Gathering;
  /**
   * Makes something of contexts, and hears whether the hardware refused any of it.
   * @returns what was made, and what settles with the first refusal, null where there is none
   * @throws what `make` throws
   */
  guarded<T>(make: () => T): { made: T; refused: Promise<{ readonly message: string } | null> };
  /** Gives everything back. */
  release(): void;
}
