/** Products with matrices, bound to their buffers: of one token or of many, of one matrix or of experts. */
import { formats, isQuantised } from "../engine/dtypes.ts";
import type { Cache } from "./cache.ts";
import { type Constants, dispatch, type Op } from "./dispatch.ts";
import { pad8, type Scratch } from "./scratch.ts";
import type { GpuModel, Matrix, MatrixPart } from "./weights.ts";

/** What kernels are bound to. */
export interface Bound {
  readonly model: GpuModel;
  readonly cache: Cache;
  readonly scratch: Scratch;
}

/** One matrix product, by part: `vec` for a single token, `mat` for more. */
export interface Product {
  readonly rows: number[];
  readonly vec: Op[];
  readonly mat: Op[];
}

/** What a part of a layer adds to the residual: at once, or by a kernel behind the product. */
export interface Addition {
  readonly product: Product;
  readonly join: Op | null;
}

/** What brings a part of a layer from `normed` to the residual; null where it is added there at once. @param end the norm behind it */
export function joinOf({ model: { config, pipelines }, scratch }: Bound, end: GPUBuffer | null): Op | null {
  const { hidden: WIDTH, residualScale: SCALE, rmsEps: EPS } = config;
  if (SCALE === 1 && !end) return null;
  const constants = { WIDTH, PITCH: pad8(WIDTH), SCALE, NORM: end ? 1 : 0, EPS };
  return pipelines.op("join", constants, [scratch.normed, end ?? scratch.nothing, scratch.x]);
}

/** W·input added to the residual, through a norm where there is one behind it. */
export function addition(bound: Bound, matrix: Matrix, input: GPUBuffer, end: GPUBuffer | null): Addition {
  const { model: { config }, scratch: { x, normed } } = bound;
  const join = joinOf(bound, end);
  const output = join ? normed : x; // what stood there has been read
  return { product: product(bound, { matrix, input, output, pitch: pad8(config.hidden), add: join ? 0 : 1 }), join };
}

/** W·x into rows `pitch` apart, added to what is there where `add` is 1. */
export function product(
  { model: { pipelines }, cache, scratch }: Bound,
  { matrix, input, output, pitch, add = 0 }: {
    matrix: Matrix;
    input: GPUBuffer;
    output: GPUBuffer;
    pitch: number;
    add?: number;
  },
): Product {
  const ops = matrix.parts.map((part) => {
    const constants = partConstants(matrix, part, pitch, add);
    const [one, more] = isQuantised(part.dtype) ? ["blockVec", "blockMat"] as const : ["matvec", "matmul"] as const;
    const buffers = [part.buffer, input, matrix.bias ?? scratch.nothing, output, cache.feed.buffer];
    const vec = pipelines.op(one, constants, buffers);
    return { vec, mat: { pipeline: pipelines.get(more, constants), bindings: vec.bindings } };
  });
  return {
    rows: matrix.parts.map((part) => part.rows),
    vec: ops.map(({ vec }) => vec),
    mat: ops.map(({ mat }) => mat),
  };
}

/** Products of rows with an expert each, whose matrices lie one behind the other, by part. */
export interface ExpertProduct {
  /** Of one of them. */
  readonly rows: number;
  readonly ops: Op[];
}

/**
 * W·x of the experts that `routes` names for each row of y, into rows `pitch` apart.
 * @param rows of an expert @param shared rows of y that come of the same of x
 */
export function expertProduct(
  { model: { pipelines }, scratch }: Bound,
  { matrix, rows, input, shared, output, pitch }: {
    matrix: Matrix;
    rows: number;
    input: GPUBuffer;
    shared: number;
    output: GPUBuffer;
    pitch: number;
  },
): ExpertProduct {
  const ops = matrix.parts.map((part) => {
    const constants = { ...partConstants(matrix, part, pitch), EXPERT: rows, SHARED: shared };
    const buffers = [part.buffer, input, scratch.nothing, output, scratch.routes!];
    return pipelines.op(isQuantised(part.dtype) ? "blockVec" : "matvec", constants, buffers);
  });
  return { rows, ops };
}

/** Constants of a kernel that reads rows of a matrix. */
export function partConstants(matrix: Matrix, { dtype, first, rows }: MatrixPart, pitch: number, add = 0): Constants {
  return {
    DTYPE: formats[dtype].code,
    BLOCKS: matrix.blocks,
    ROWS: rows,
    FIRST: first,
    PITCH: pitch,
    ADD: add,
    BIAS: matrix.bias ? 1 : 0,
  };
}

/** Of a dispatch. */
export const MOST_GROUPS = 65535; // workgroups per dimension that every adapter allows

/** W·x of experts. @param rows of y */
export function multiplyExperts(pass: GPUComputePassEncoder, { rows, ops }: ExpertProduct, count: number): void {
  const [across, columns] = gridOf(Math.ceil(rows / 32));
  for (const op of ops) dispatch(pass, op, across, columns, count);
}

/** Workgroups in a row, and rows of them. */
function gridOf(groups: number): [across: number, columns: number] {
  const columns = Math.ceil(groups / MOST_GROUPS);
  return [Math.ceil(groups / columns), columns];
}

/** W·x: for one token by rows of 32 per workgroup, for more by rows of 128 and tokens of 8. */
export function multiply(pass: GPUComputePassEncoder, { rows, vec, mat }: Product, tokens: number): void {
  for (let i = 0; i < rows.length; i++) {
    const [across, columns] = gridOf(Math.ceil(rows[i] / (tokens === 1 ? 32 : 128)));
    if (tokens === 1) dispatch(pass, vec[i], across, columns);
    else dispatch(pass, mat[i], across, columns, Math.ceil(tokens / 8));
  }
}
