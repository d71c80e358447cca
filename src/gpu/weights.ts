/** Tensors become matrices in GPU memory, each in its own format; norms and biases, a few kilobytes, are widened to f32. */
import type { ModelConfig } from "../engine/config.ts";
import { bytesOf, type Dtype } from "../engine/dtypes.ts";
import { NORM_NAMES } from "../engine/norms.ts";
import { quantise, targetOf, type WeightType } from "../engine/quantise.ts";
import { padRows, storedBytes } from "../engine/stored.ts";
import type { Tensor } from "../engine/tensor.ts";
import { readFloats } from "../engine/widen.ts";
import { refuse } from "../errors.ts";
import { createBuffer, type Gpu, releaseBuffer, STORAGE, uploadFloats } from "./device.ts";
import type { Pipelines } from "./dispatch.ts";

/** Rows [first, first + rows) of a matrix, in one buffer of one format: [rows, blocks · 8]. */
export interface MatrixPart {
  readonly buffer: GPUBuffer;
  readonly dtype: Dtype;
  readonly first: number;
  readonly rows: number;
  /** Whether a format begins here; else the part before ends where the adapter's largest binding does. */
  readonly begins: boolean;
}

/** A matrix of one or more tensors stacked by rows, split where the dtype changes or the adapter's largest binding ends. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** Blocks of 8 elements in a stored row: rows are zero-padded to a multiple of 8. */
  readonly blocks: number;
  readonly parts: MatrixPart[];
  /** [rows] in f32, or null. */
  readonly bias: GPUBuffer | null;
}

/** The weights of one decoder layer. */
export interface LayerWeights {
  readonly attentionNorm: GPUBuffer | null; // [hidden]; as the other three where a layer has them: see engine/norms.ts
  readonly qkv: Matrix; // [(heads + 2 · kvHeads) · headDim, hidden]
  readonly headNorms: GPUBuffer | null; // [2, headDim]: of q, of k
  readonly wholeNorms: GPUBuffer | null; // [(heads + kvHeads) · headDim]: of all q, of all k
  readonly output: Matrix; // [hidden, heads · headDim]
  readonly attentionEnd: GPUBuffer | null;
  readonly mlpNorm: GPUBuffer | null;
  readonly router: Matrix | null; // [experts, hidden], where it has them
  readonly gateUp: Matrix; // [2 · intermediate, hidden]; of experts [experts · 2 · width, hidden]
  readonly down: Matrix; // [hidden, intermediate]; [experts · hidden, width]
  readonly mlpEnd: GPUBuffer | null;
}

/** All weights of a model on the GPU. */
export interface Weights {
  readonly embedding: Matrix; // [vocab, hidden]
  readonly layers: LayerWeights[];
  readonly norm: GPUBuffer; // [hidden]
  readonly head: Matrix; // [vocab, hidden]; the embedding where they are tied
  readonly bytes: number; // of all its buffers
  release(): void;
}

/** A model on a device. */
export interface GpuModel {
  readonly gpu: Gpu;
  readonly config: ModelConfig;
  readonly weights: Weights;
  readonly pipelines: Pipelines;
}

const SLICE = 8 << 20; // bytes read and uploaded at once

/** Tensors to be uploaded. */
export interface Upload {
  readonly gpu: Gpu;
  readonly config: ModelConfig;
  /** Checked against the config (checkWeights). */
  readonly tensors: Map<string, Tensor>;
  /** What matrices of plain numbers are quantised to; null: nothing. */
  readonly type: WeightType | null;
  /** Hears how many bytes of the files have been read since it was last called. */
  readonly onBytes: (bytes: number) => void;
}

/** Uploads every tensor of a model. @throws RangeError where a single row exceeds the adapter's largest binding */
export async function uploadWeights(upload: Upload): Promise<Weights> {
  const { gpu, config, tensors, type, onBytes } = upload;
  const buffers: GPUBuffer[] = [];
  const release = () => buffers.forEach((buffer) => releaseBuffer(gpu, buffer));
  const tensor = (name: string) => tensors.get(name)!;
  const vector = async (...names: string[]) => {
    const parts = await Promise.all(names.map((name) => readFloats(tensor(name))));
    names.forEach((name) => onBytes(tensor(name).bytes));
    buffers.push(uploadFloats(gpu, names[0], concat(parts)));
    return buffers[buffers.length - 1];
  };
  const matrix = async (names: string[], biased = false, to = type): Promise<Matrix> => {
    const weights = names.map((name) => tensor(`${name}.weight`));
    const parts = await uploadRows({ ...upload, type: to }, weights, buffers);
    const bias = biased ? await vector(...names.map((name) => `${name}.bias`)) : null;
    const rows = weights.reduce((sum, { shape }) => sum + shape[0], 0);
    const columns = weights[0].shape[1];
    return { rows, columns, blocks: Math.ceil(columns / 8), parts, bias };
  };
  const names = NORM_NAMES[config.norms];
  const norm = (layer: string, name: string | null) => name === null ? null : vector(`${layer}.${name}.weight`);
  const outer = type && "q8"; // embeddings and head: see WeightType
  try {
    const embedding = await matrix(["model.embed_tokens"], false, outer);
    const layers: LayerWeights[] = [];
    for (let i = 0; i < config.layers; i++) {
      const at = `model.layers.${i}`;
      const heads = ["q", "k", "v"].map((name) => `${at}.self_attn.${name}_proj`);
      const { count, layers: routed } = config.experts ?? { count: 0, layers: [] };
      const mlps = routed[i] ? Array.from({ length: count }, (_, e) => `${at}.mlp.experts.${e}`) : [`${at}.mlp`];
      const gateUps = mlps.flatMap((mlp) => [`${mlp}.gate_proj`, `${mlp}.up_proj`]);
      const norms = [`${at}.self_attn.q_norm.weight`, `${at}.self_attn.k_norm.weight`];
      layers.push({
        attentionNorm: await norm(at, names.attention),
        qkv: await matrix(heads, config.qkvBias),
        headNorms: config.qkNorm === "each head" ? await vector(...norms) : null,
        wholeNorms: config.qkNorm === "all heads" ? await vector(...norms) : null,
        output: await matrix([`${at}.self_attn.o_proj`], config.oBias),
        attentionEnd: await norm(at, names.attentionEnd),
        mlpNorm: await norm(at, names.mlp),
        router: routed[i] ? await matrix([`${at}.mlp.gate`], false, null) : null,
        gateUp: await matrix(gateUps, config.mlpBias),
        down: await matrix(mlps.map((mlp) => `${mlp}.down_proj`), config.mlpBias),
        mlpEnd: await norm(at, names.mlpEnd),
      });
    }
    const last = await vector("model.norm.weight");
    const head = config.tied ? embedding : await matrix(["lm_head"], false, outer);
    const bytes = buffers.reduce((sum, { size }) => sum + size, 0);
    return { embedding, layers, norm: last, head, bytes, release };
  } catch (error) {
    release();
    throw error;
  }
}

/** Stacks the rows of `tensors`, quantised where `type` says so, into as few buffers as dtypes and the largest binding allow. */
async function uploadRows(
  { gpu, type, onBytes }: Upload,
  tensors: Tensor[],
  buffers: GPUBuffer[],
): Promise<MatrixPart[]> {
  const columns = tensors[0].shape[1];
  const parts: MatrixPart[] = [];
  let first = 0; // row of the matrix
  for (let t = 0; t < tensors.length;) {
    const { dtype, name } = tensors[t];
    const alike = tensors.slice(t).findIndex((tensor) => tensor.dtype !== dtype);
    const run = tensors.slice(t, alike < 0 ? undefined : t + alike);
    const target = targetOf(dtype, columns, type);
    const [pitch, rowBytes] = [storedBytes(target, columns), bytesOf(dtype, columns)];
    const most = Math.floor(gpu.maxBinding / pitch);
    if (most === 0) {
      const rule = `a row of ${name} must fit the adapter's largest binding of ${gpu.maxBinding} bytes`;
      refuse("load model", rule, pitch, { code: "no-memory" });
    }
    let left = run.reduce((sum, { shape }) => sum + shape[0], 0);
    let part: MatrixPart | null = null;
    for (const tensor of run) {
      for (let row = 0; row < tensor.shape[0];) {
        if (!part || first === part.first + part.rows) {
          const rows = Math.min(left, most);
          const buffer = createBuffer(gpu, name, rows * pitch, STORAGE);
          buffers.push(buffer);
          part = { buffer, dtype: target, first, rows, begins: part === null };
          parts.push(part);
          left -= rows;
        }
        const slice = Math.max(1, Math.floor(SLICE / Math.max(pitch, rowBytes)));
        const rows = Math.min(tensor.shape[0] - row, part.first + part.rows - first, slice);
        const bytes = await tensor.read(row * rowBytes, (row + rows) * rowBytes);
        const stored = target === dtype ? bytes : quantise(bytes, dtype, target, tensor.name);
        gpu.device.queue.writeBuffer(part.buffer, (first - part.first) * pitch, padRows(stored, rows, pitch));
        onBytes(bytes.byteLength);
        row += rows;
        first += rows;
      }
    }
    t += run.length;
  }
  return parts;
}

function concat(parts: Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
