// A small memory of the pass with everything in it that the module's exports are given: models, contexts of every kind, matrices.
import * as assert from "uvu/assert";
import * as abi from "../../assembly/forward/abi.ts";
import type { ModelConfig } from "../../src/engine/config.ts";
import type { ContextShape } from "../../src/engine/engine.ts";
import { bytesOf, type Dtype, formats } from "../../src/engine/dtypes.ts";
import type { WeightType } from "../../src/engine/quantise.ts";
import type { Tensor } from "../../src/engine/tensor.ts";
import { Heap } from "../../src/wasm/heap.ts";
import { contextWords, layoutOf } from "../../src/wasm/layout.ts";
import { moduleFor } from "../../src/wasm/compiled.ts";
import { type Build, type Exports, instantiate } from "../../src/wasm/module.ts";
import { layOut, STORED } from "../../src/wasm/weights.ts";

/** Bytes [from, to) of the memory. */
export type Span = readonly [from: number, to: number];

/** Where the module keeps what it writes for itself, below the arena and behind its constants. */
export const OWN: Span = [1328, 1392];

/** Something sealed: where its words lie. */
export interface Structure {
  readonly at: number;
  readonly words: number;
  readonly open: number;
}

/** A context, the model that it is one of, and its block. */
export interface PlacedContext extends Structure {
  readonly model: Structure;
  readonly shape: ContextShape;
  readonly block: Span;
}

export const CONFIG: ModelConfig = {
  ...{ architecture: "qwen3", layers: 2, hidden: 32, intermediate: 36, heads: 4, kvHeads: 2, headDim: 8, vocab: 37 },
  experts: { count: 3, used: 2, width: 20, normed: true, layers: [false, true] },
  ...{
    rmsEps: 1e-5,
    ropes: [[1, 0.5, 0.25, 0.125], [0, 0, 0, 0]].map((rope) => ({ frequencies: Float32Array.from(rope), scale: 1 })),
    layerRopes: [0, 1],
    ...{ embeddingScale: 2, residualScale: 0.5, attentionScale: 0.25, logitScale: 0.125, scoreCap: 7, logitCap: 3 },
    rotaryDim: 8,
    tied: false,
    qkNorm: "each head",
    norms: "before",
    activation: "gelu",
    qkvBias: true,
  },
  ...{ oBias: false, mlpBias: false, windows: [0, 5], maxPositions: 64, bosId: null, eosIds: [] },
};
/** Of all layers. */
export const LANES = CONFIG.layers * CONFIG.kvHeads;

/** A tensor of numbers around 0. */
function tensor(name: string, shape: number[], random: () => number): Tensor {
  const numbers = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random() - 0.5);
  const all = new Uint8Array(numbers.buffer);
  const read = (from = 0, to = all.length) => Promise.resolve(all.slice(from, to));
  return { name, dtype: "F32", shape, bytes: all.length, read };
}

function tensorsOf(random: () => number): Map<string, Tensor> {
  const { layers, hidden, intermediate, experts, heads, kvHeads, headDim, vocab } = CONFIG;
  const sizes: Record<string, number[]> = {
    "model.embed_tokens.weight": [vocab, hidden],
    "model.norm.weight": [hidden],
    "lm_head.weight": [vocab, hidden],
  };
  for (let i = 0; i < layers; i++) {
    const at = `model.layers.${i}`;
    for (const norm of ["input_layernorm", "post_attention_layernorm"]) sizes[`${at}.${norm}.weight`] = [hidden];
    for (const [name, count] of [["q", heads], ["k", kvHeads], ["v", kvHeads]] as const) {
      sizes[`${at}.self_attn.${name}_proj.weight`] = [count * headDim, hidden];
      sizes[`${at}.self_attn.${name}_proj.bias`] = [count * headDim];
      if (name !== "v") sizes[`${at}.self_attn.${name}_norm.weight`] = [headDim];
    }
    sizes[`${at}.self_attn.o_proj.weight`] = [hidden, heads * headDim];
    const { count, width } = experts!;
    const parts = experts!.layers[i]
      ? Array.from({ length: count }, (_, e) => `${at}.mlp.experts.${e}`)
      : [`${at}.mlp`];
    for (const part of parts) {
      const inner = experts!.layers[i] ? width : intermediate;
      for (const name of ["gate", "up"]) sizes[`${part}.${name}_proj.weight`] = [inner, hidden];
      sizes[`${part}.down_proj.weight`] = [hidden, inner];
    }
    if (experts!.layers[i]) sizes[`${at}.mlp.gate.weight`] = [count, hidden];
  }
  return new Map(Object.entries(sizes).map(([name, shape]) => [name, tensor(name, shape, random)]));
}

const SHAPES: Partial<ContextShape>[] = [
  {},
  { ranked: true, kv: "f16", observe: "max", remainders: 1, foldRank: 2 },
  { pooled: true, every: true, hidden: true, kv: "q8", rows: [6, 7], remainders: 3 },
  { rows: [8, 5], observe: null, asks: true },
];

export class Arena {
  readonly heap = new Heap(Infinity, false);
  readonly models: Structure[] = [];
  readonly contexts: PlacedContext[] = [];
  /** Of one part each, which rows may be put into. */
  readonly matrices: (Structure & { readonly dtype: Dtype })[] = [];
  /** What rows of products are prepared in: room for 2 · 64 numbers. */
  readonly input: Structure & { readonly block: Span };
  /** A block for what a call reads or writes. */
  readonly staging: Span;
  /** Books of all models' first contexts, which observe there. */
  readonly books: Span;
  /** A block that no call is told of. */
  readonly bystander: Span;

  private constructor(readonly wasm: Exports, memory: Heap) {
    this.heap = memory;
    const words = 4 * Math.ceil(abi.CONTEXT_HEADER / 16) * 16;
    const bytes = words + 5 * 128;
    const at = memory.take("input", bytes);
    memory.words[at / 4 + abi.COUNT] = abi.CONTEXT_HEADER;
    memory.words[at / 4 + abi.CONTEXT_LENGTH] = bytes;
    memory.words.set([at + words, at + words + 2 * 128, at + words + 4 * 128], at / 4 + abi.CONTEXT_BYTES);
    this.input = { at, words: abi.CONTEXT_HEADER, open: abi.CONTEXT_OPEN, block: [at, at + bytes] };
    this.seal(this.input);
    const staging = memory.take("staging", 4096);
    this.staging = [staging, staging + 4096];
    const books = memory.take("books", 12 * LANES * 8);
    this.books = [books, books + 12 * LANES * 8];
    const bystander = memory.take("a bystander", 1024);
    this.bystander = [bystander, bystander + 1024];
    memory.bytesOf.fill(0xa5, ...this.bystander);
  }

  /** Of a build; its numbers come from `random`. */
  static async make(build: Build, random: () => number): Promise<Arena> {
    const heap = new Heap(Infinity, false);
    const arena = new Arena(await instantiate(await moduleFor(false, build), heap.memory), heap);
    for (const dtype of ["F32", "F16", "BF16", "Q4_1", "Q8_0", "Q6_K"] as const) arena.#matrix(dtype);
    for (const [threads, type] of [[1, null], [2, "q8"], [1, "q4"]] as const) await arena.#model(threads, type, random);
    assert.is(
      arena.contexts.at(-1)!.block[1],
      heap.memory.buffer.byteLength,
      "what is read beyond the last lane traps",
    );
    return arena;
  }

  seal({ at, open }: Structure): number {
    return this.wasm.seal(at, open);
  }

  async #model(threads: number, type: WeightType | null, random: () => number): Promise<void> {
    const { heap, wasm } = this;
    const source = { heap, wasm, config: CONFIG, type, exact: false, threads, onBytes: () => {} };
    const at = await layOut({ ...source, tensors: tensorsOf(random) });
    const model = { at, words: heap.words[at / 4], open: 0 };
    this.models.push(model);
    for (const [i, part] of SHAPES.entries()) {
      const plain = { rows: [8, 8], capacity: 8, stride: 3, kv: "f32", ranked: false, pooled: false } as const;
      const shape: ContextShape = {
        ...plain,
        observe: "mean",
        every: false,
        hidden: false,
        tells: false,
        asks: false,
        remainders: 0,
        foldRank: 0,
        foldMost: 4,
        ...part,
      };
      const layout = layoutOf(CONFIG, shape, threads);
      if (i + 1 === SHAPES.length && type === "q4") this.#leave(layout.bytes);
      const context = heap.take("context", layout.bytes);
      const words = contextWords(CONFIG, shape, layout, context);
      if (i === 0) words[abi.CONTEXT_OBSERVED] = this.books[0];
      heap.words.set(words, context / 4);
      const { length } = words;
      const block = [context, context + layout.bytes] as const;
      this.contexts.push({ at: context, words: length, open: abi.CONTEXT_OPEN, model, shape, block });
      this.seal(this.contexts.at(-1)!);
      this.#fill(this.contexts.at(-1)!);
    }
    wasm.endTeam(at); // so that `serve` comes back at once
  }

  /** Fills the memory up, so that the next block ends where it does. */
  #leave(bytes: number): void {
    const { heap } = this;
    const top = Math.max(...this.contexts.map(({ block: [, end] }) => end));
    const left = heap.memory.buffer.byteLength - top - bytes;
    heap.take("what fills up", left < 0 ? left + 65536 : left);
  }

  /** Three tokens in slots 0 to 2 of every lane, a pass of two more, and two of the three that may be summed up. */
  #fill({ at, shape }: PlacedContext): void {
    const { words } = this.heap;
    const part = (word: number) => words[at / 4 + word] / 4;
    for (let lane = 0; lane < LANES; lane++) {
      for (let slot = 0; slot < shape.capacity; slot++) {
        const index = lane * shape.capacity + slot;
        words[part(abi.CONTEXT_POSITIONS) + index] = slot < 3 ? slot : -1;
        if (shape.ranked) words[part(abi.CONTEXT_RANKS) + index] = Math.min(slot, 2);
        if (shape.pooled) words[part(abi.CONTEXT_ROWS) + index] = lane % 2 * 5 + Math.min(slot, 4);
      }
      words.set([3, 4], part(abi.CONTEXT_SLOTS) + 2 * lane);
      if (shape.pooled) words.set([lane % 2 * 5 + 3, lane % 2 * 5 + 4], part(abi.CONTEXT_NEW_ROWS) + 2 * lane);
    }
    if (shape.remainders > 0) {
      const begins = Array.from({ length: LANES + 1 }, (_, lane) => 2 * lane);
      words.set([...begins, ...begins.slice(1).flatMap(() => [0, 2])], part(abi.CONTEXT_GONE));
    }
    words.set([7, 36, 3], part(abi.CONTEXT_IDS));
    words.set([2, shape.capacity, 3, 3, abi.PASS_OUTPUT], at / 4 + abi.CONTEXT_TOKENS);
  }

  #matrix(dtype: Dtype): void {
    const { heap, wasm } = this;
    const { kind, form, table } = STORED[dtype];
    const columns = formats[dtype].elements === 256 ? 256 : 32;
    const words = abi.MATRIX_HEADER + abi.PART_WORDS;
    const at = heap.take("matrix", 4 * words);
    const rows = heap.take("rows", 2 * wasm.fourBytes(kind, form, columns));
    heap.words.set([words, 0, 1, 0, 0, kind, rows, 6, columns, 0, form, table], at / 4);
    this.matrices.push({ at, words, open: 0, dtype });
    this.seal(this.matrices.at(-1)!);
    const from = this.staging[0];
    for (let i = 0; i < bytesOf(dtype, 6 * columns); i++) heap.bytesOf[from + i] = i % 7 ? 3 : 40;
    wasm.repack(at, 0, formats[dtype].code, from, columns, 0, 6);
  }

  /** The first words of a part of a context. */
  span({ at }: Structure, part: number, words: number): Span {
    const from = this.heap.words[at / 4 + part];
    return [from, from + 4 * words];
  }

  /** Every structure, the matrices of models among them. */
  structures(): Structure[] {
    const { words } = this.heap;
    const matrixAt = (at: number) => ({ at, words: words[at / 4], open: 0 });
    const inside = this.models.flatMap(({ at }) => {
      const layers = Array.from({ length: CONFIG.layers }, (_, i) => {
        const layer = at / 4 + abi.MODEL_HEADER + i * abi.LAYER_WORDS;
        const parts = [abi.LAYER_QKV, abi.LAYER_OUTPUT, abi.LAYER_GATE_UP, abi.LAYER_DOWN, abi.LAYER_ROUTER];
        return parts.map((word) => words[layer + word]);
      });
      const behind = at / 4 + abi.MODEL_HEADER + CONFIG.layers * abi.LAYER_WORDS;
      const experts = words.slice(behind, at / 4 + words[at / 4]);
      const [embedding, head] = [words[at / 4 + abi.MODEL_EMBEDDING], words[at / 4 + abi.MODEL_HEAD]];
      return [embedding, head, ...layers.flat(), ...experts].filter((one) => one > 0).map(matrixAt);
    });
    return [...this.models, ...this.contexts, this.input, ...this.matrices, ...inside];
  }
}
