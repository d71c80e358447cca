/** Tensors become matrices in the memory of the pass: four rows side by side, slice by slice, so that no file is held twice. */
import * as abi from "../../assembly/forward/abi.ts";
import type { ModelConfig } from "../engine/config.ts";
import { bytesOf, type Dtype, formats } from "../engine/dtypes.ts";
import { NORM_NAMES } from "../engine/norms.ts";
import { targetFor } from "../engine/stored.ts";
import { quantise, targetOf, type WeightType } from "../engine/quantise.ts";
import type { Tensor } from "../engine/tensor.ts";
import { readFloats } from "../engine/widen.ts";
import { quote, refuse } from "../errors.ts";
import { type Heap, padded } from "./heap.ts";
import type { Exports } from "./module.ts";

const { FORM_HALVES, FORM_MINIMA, FORM_PAIRS } = abi;
const plain = (kind: number) => ({ kind, form: 0, table: 0 });
const nibbles = (form: number, table: number = abi.TABLE_PLAIN) => ({ kind: abi.KIND_NIBBLES, form, table });
const bytes = (form: number) => ({ kind: abi.KIND_BYTES, form, table: 0 });

/** How rows of each format lie in memory: see assembly/forward/rows.ts. */
export const STORED: Record<Dtype, { readonly kind: number; readonly form: number; readonly table: number }> = {
  F32: plain(abi.KIND_F32),
  F16: plain(abi.KIND_F16),
  BF16: plain(abi.KIND_BF16),
  Q4_0: nibbles(FORM_HALVES, abi.TABLE_LESS_8),
  Q4_1: nibbles(FORM_HALVES | FORM_MINIMA),
  Q5_0: bytes(FORM_HALVES),
  Q5_1: bytes(FORM_HALVES | FORM_MINIMA),
  Q8_0: bytes(FORM_HALVES),
  IQ4_NL: nibbles(FORM_HALVES, abi.TABLE_LEVELS),
  Q2_K: nibbles(FORM_MINIMA | FORM_PAIRS),
  Q3_K: nibbles(FORM_PAIRS, abi.TABLE_LESS_4),
  Q4_K: nibbles(FORM_MINIMA),
  Q5_K: bytes(FORM_MINIMA),
  Q6_K: bytes(FORM_PAIRS),
  IQ4_XS: nibbles(0, abi.TABLE_LEVELS),
};

const WIDENED = 16e6; // bytes of weights

/**
 * Whether f16 becomes f32, which takes a processor less work: where its caches hold all of a model's weights, and a bound on memory
 * leaves most of it to sessions.
 */
function widens({ wasm, tensors, type, heap }: Source): boolean {
  return neededBytes(wasm, tensors, type, inFull) <= Math.min(WIDENED, heap.limit / 4);
}

/** The same with f32 where there is f16. */
function inFull(stored: typeof STORED[Dtype]): typeof STORED[Dtype] {
  return {
    ...stored,
    kind: stored.kind === abi.KIND_F16 ? abi.KIND_F32 : stored.kind,
    form: stored.form & ~FORM_HALVES,
  };
}

const SLICE = 1 << 20; // bytes read and repacked at once

/** What is needed to lay out a model. */
export interface Source {
  readonly heap: Heap;
  readonly wasm: Exports;
  readonly config: ModelConfig;
  /** Checked against the config (checkWeights). */
  readonly tensors: Map<string, Tensor>;
  /** What matrices of plain numbers are quantised to; null: nothing. */
  readonly type: WeightType | null;
  /** Hears how many bytes of the files have been read since it was last called. */
  readonly onBytes: (bytes: number) => void;
  /** Whether codes meet activations in f32; else rounded ones. */
  readonly exact: boolean;
  /** How many threads run a pass. */
  readonly threads: number;
}

/** Lays out every tensor of a model. @returns its address @throws RangeError, Error, one sentence, where there is too little memory */
export async function layOut(source: Source): Promise<number> {
  const { heap, config, type } = source;
  if (config.experts) source.heap.reserve(neededBytes(source.wasm, source.tensors, type));
  const writer = new Writer(source);
  const { layers, hidden, intermediate, experts, heads, kvHeads, headDim, vocab, rmsEps } = config;
  const perLayer = experts?.count ?? 0;
  const count = abi.MODEL_HEADER + layers * (abi.LAYER_WORDS + 2 * perLayer);
  const model = writer.take("the model", padded(4 * count) + 4 * abi.TEAM_WORDS);
  const team = model + padded(4 * count);
  const outer = type && "q8"; // embeddings and head: see WeightType
  const names = NORM_NAMES[config.norms];
  const norm = (layer: string, name: string | null) => name === null ? null : writer.vector(`${layer}.${name}.weight`);
  const feedForward = async (at: string) => [
    await writer.matrix([`${at}.gate_proj`, `${at}.up_proj`], config.mlpBias),
    await writer.matrix([`${at}.down_proj`], config.mlpBias),
  ];
  const embedding = await writer.matrix(["model.embed_tokens"], false, outer);
  for (let i = 0; i < layers; i++) {
    const at = `model.layers.${i}`;
    const projections = ["q", "k", "v"].map((name) => `${at}.self_attn.${name}_proj`);
    const attentionNorm = await norm(at, names.attention);
    const qkv = await writer.matrix(projections, config.qkvBias);
    const norms = ["q", "k"].map((name) => `${at}.self_attn.${name}_norm.weight`);
    const qkNorms = config.qkNorm === "none" ? null : await writer.vector(...norms);
    const [headNorms, wholeNorms] = config.qkNorm === "each head" ? [qkNorms, null] : [null, qkNorms];
    const output = await writer.matrix([`${at}.self_attn.o_proj`], config.oBias);
    const attentionEnd = await norm(at, names.attentionEnd);
    const mlpNorm = await norm(at, names.mlp);
    const routed = experts?.layers[i] ?? false;
    const router = routed ? await writer.matrix([`${at}.mlp.gate`], false, null) : null;
    const [gateUp, down] = routed ? [null, null] : await feedForward(`${at}.mlp`);
    const named = routed ? model + 4 * (abi.MODEL_HEADER + layers * abi.LAYER_WORDS + 2 * i * perLayer) : null;
    for (let e = 0; named && e < perLayer; e++) {
      const matrices = await feedForward(`${at}.mlp.experts.${e}`);
      heap.words.set(matrices, named / 4 + 2 * e);
    }
    const mlpEnd = await norm(at, names.mlpEnd);
    const parts = [attentionNorm, qkv, headNorms, output, mlpNorm, gateUp, down, config.windows[i]];
    const others = [config.layerRopes[i], attentionEnd, mlpEnd, wholeNorms, router, named];
    const words = [...parts, ...others].map((part) => part ?? 0);
    heap.words.set(words, model / 4 + abi.MODEL_HEADER + i * abi.LAYER_WORDS);
  }
  const last = await writer.vector("model.norm.weight");
  const head = config.tied ? embedding : await writer.matrix(["lm_head"], false, outer);
  writer.end();
  const sizes = [layers, hidden, intermediate, heads, kvHeads, headDim, vocab, 0];
  heap.words.set([count, 0, ...sizes, embedding, last, head, team, source.threads, config.ropes.length], model / 4);
  heap.words[model / 4 + abi.MODEL_GELU] = config.activation === "gelu" ? 1 : 0;
  const chosen = experts ? [perLayer, experts.used, experts.width, experts.normed ? 1 : 0] : [];
  heap.words.set(chosen, model / 4 + abi.MODEL_EXPERTS);
  const floats: [word: number, value: number][] = [
    [abi.MODEL_EPS, rmsEps],
    [abi.MODEL_EMBEDDING_SCALE, config.embeddingScale],
    [abi.MODEL_ATTENTION_SCALE, config.attentionScale],
    [abi.MODEL_RESIDUAL_SCALE, config.residualScale],
    [abi.MODEL_LOGIT_SCALE, config.logitScale],
    [abi.MODEL_SCORE_CAP, config.scoreCap],
    [abi.MODEL_LOGIT_CAP, config.logitCap],
  ];
  for (const [word, value] of floats) heap.floats[model / 4 + word] = value;
  source.wasm.seal(model, 0);
  return model;
}

class Writer {
  readonly #source: Source;
  readonly #staging: number; // where slices of files pass through
  readonly #widen: boolean;

  constructor(source: Source) {
    this.#source = source;
    this.#staging = this.take("what is being read", stagingBytes(source.tensors));
    this.#widen = widens(source);
  }

  take(what: string, length: number): number {
    const { heap } = this.#source;
    const at = heap.take(what, length);
    if (at > 0) return at;
    const rule = `the memory must hold ${length} bytes of ${what}`;
    refuse("load model", rule, quote(heap.refusal!.message), { kind: "plain", code: "no-memory" });
  }

  end(): void {
    this.#source.heap.give(this.#staging);
  }

  /** Vectors one behind the other, as f32. @returns their address */
  async vector(...names: string[]): Promise<number> {
    const { heap, tensors, onBytes } = this.#source;
    const parts = await Promise.all(names.map((name) => readFloats(tensors.get(name)!)));
    names.forEach((name) => onBytes(tensors.get(name)!.bytes));
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    const at = this.take(names[0], 4 * length);
    let to = at / 4;
    for (const part of parts) {
      heap.floats.set(part, to);
      to += part.length;
    }
    return at;
  }

  /**
   * Tensors stacked by rows, in as many parts as they have formats.
   * @param to what plain numbers are quantised to
   * @returns the address of what describes them
   */
  async matrix(names: string[], biased: boolean, to = this.#source.type): Promise<number> {
    const { heap, tensors } = this.#source;
    const weights = names.map((name) => tensors.get(`${name}.weight`)!);
    const runs: Tensor[][] = [];
    for (const weight of weights) {
      if (runs.at(-1)?.[0].dtype === weight.dtype) runs.at(-1)!.push(weight);
      else runs.push([weight]);
    }
    const bias = biased ? await this.vector(...names.map((name) => `${name}.bias`)) : 0;
    const count = abi.MATRIX_HEADER + runs.length * abi.PART_WORDS;
    const at = this.take(names[0], 4 * count);
    heap.words.set([count, 0, runs.length, bias, this.#source.exact ? 1 : 0], at / 4);
    let first = 0;
    for (let i = 0; i < runs.length; i++) {
      await this.#part(runs[i], { matrix: at, index: i, first, type: to });
      first += runs[i].reduce((sum, { shape }) => sum + shape[0], 0);
    }
    return at;
  }

  /** Lays out rows of one format. Where an f16 of theirs is 64 or more, which is rare, again, with f32 in its place. */
  async #part(
    run: Tensor[],
    { matrix, index, first, type, told = null }: {
      matrix: number;
      index: number; // of the part
      first: number;
      type: WeightType | null;
      told?: number | null; // bytes that were read before, in vain
    },
  ): Promise<void> {
    const { heap, wasm, onBytes } = this.#source;
    const { dtype, name } = run[0];
    const columns = run[0].shape[1];
    const rows = run.reduce((sum, { shape }) => sum + shape[0], 0);
    const target = targetOf(dtype, columns, type);
    const as = told === null && !this.#widen ? STORED[target] : inFull(STORED[target]);
    const to = this.take(name, partBytes(wasm, as, rows, columns));
    const { kind, form, table } = as;
    const words = [kind, to, rows, widthOf(kind, columns), first, form, table];
    heap.words.set(words, matrix / 4 + abi.MATRIX_HEADER + index * abi.PART_WORDS);
    wasm.seal(matrix, 0);
    const rowBytes = bytesOf(dtype, columns);
    let done = 0;
    let heard = told ?? 0;
    let seen = 0;
    for (const tensor of run) {
      for (let row = 0; row < tensor.shape[0];) {
        const count = Math.min(tensor.shape[0] - row, Math.max(1, Math.floor(SLICE / rowBytes)));
        const read = await tensor.read(row * rowBytes, (row + count) * rowBytes);
        const stored = target === dtype ? read : quantise(read, dtype, target, tensor.name);
        seen += read.byteLength;
        if (seen > heard) {
          onBytes(seen - heard);
          heard = seen;
        }
        heap.bytesOf.set(stored, this.#staging);
        const code = wasm.repack(matrix, index, formats[target].code, this.#staging, columns, done, count);
        if (code === abi.WIDE_HALVES) {
          heap.give(to);
          return await this.#part(run, { matrix, index, first, type, told: heard });
        }
        if (code !== abi.OK) refuse("load model", "the pass must take its rows", quote(`code ${code} of ${name}`));
        row += count;
        done += count;
      }
    }
  }
}

/** Bytes of the largest slice. */
function stagingBytes(tensors: Map<string, Tensor>): number {
  const slices = [...tensors.values()].filter(({ shape }) => shape.length === 2).map(({ dtype, shape, bytes }) => {
    return Math.min(bytes, Math.max(SLICE, bytesOf(dtype, shape[1])));
  });
  return Math.max(0, ...slices) + 64;
}

/** How matrices are stored, given how their format says. */
type As = (stored: typeof STORED[Dtype]) => typeof STORED[Dtype];

/**
 * Bytes that laying out a model takes at most, where no f16 is 64 or more.
 * @param type see layOut @param as how matrices are stored: as their formats say where it is left out
 */
export function neededBytes(
  wasm: Exports,
  tensors: Map<string, Tensor>,
  type: WeightType | null,
  as: As = (stored) => stored,
): number {
  let sum = stagingBytes(tensors) + 4096;
  for (const [name, tensor] of tensors) {
    const target = targetFor(tensor, name, type);
    const [rows, columns] = tensor.shape;
    sum += 256 + (target ? partBytes(wasm, as(STORED[target]), rows, columns) : 4 * rows); // 256: what describes it, and gaps
  }
  return sum;
}

/** Columns of a row as it is stored. */
const widthOf = (kind: number, columns: number) => kind >= abi.KIND_NIBBLES ? columns : Math.ceil(columns / 4) * 4;

/** Bytes of rows as they are stored. */
function partBytes(wasm: Exports, { kind, form }: typeof STORED[Dtype], rows: number, columns: number): number {
  return Math.ceil(rows / 4) * wasm.fourBytes(kind, form, widthOf(kind, columns));
}
