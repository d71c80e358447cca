/**
 * Weights that safetensors files hold as 64-bit or 8-bit floats, in numbers that engines have. 8-bit ones may have scales beside them, by
 * which they are multiplied: `weight_scale` (compressed-tensors, fbgemm, modelopt), or `weight_scale_inv` (DeepSeek, Qwen), its inverse by name alone.
 */
import type { Plain } from "../engine/dtypes.ts";
import { narrow, widen, widenF16 } from "../engine/widen.ts";
import { words } from "../errors.ts";
import { refuseFile } from "../files/checks.ts";
import { converted, FROM_F64, singles, type StoredTensor } from "./converted.ts";

/** What a configuration says of such weights. */
export interface Scaling {
  /** What weights with scales become, rounded once more: the type that the model computes with elsewhere. */
  readonly dtype: Plain;
  /** Rows and columns of a block that shares a scale. */
  readonly block: readonly [rows: number, columns: number];
  /** Whether weights of 8 bits must have scales. */
  readonly scaled: boolean;
}

/** Numbers of 8 bits by their codes. https://arxiv.org/abs/2209.05433; E8M0: powers of two (OCP's Microscaling Formats). */
const EIGHTS = new Map<string, (code: number) => number>([
  // The exponent of E4M3 has 7 as its zero, that of f16 15. Only the code of all ones is no number.
  ["F8_E4M3", (code) => (code & 127) === 127 ? NaN : widenF16((code & 128) << 8 | (code & 127) << 7) * 256],
  ["F8_E5M2", (code) => widenF16(code << 8)],
  ["F8_E8M0", (code) => code === 255 ? NaN : 2 ** (code - 127)],
]);

/** Those of them that weights may have. */
const isWeight = (dtype: string | undefined) => dtype === "F8_E4M3" || dtype === "F8_E5M2";

/** A scale, or what only says how activations and the cache were to be rounded: it is left out, since ours are not. */
const SCALE = /^(.*)\.(?:weight_scale(?:_inv)?|input_scale(?:_ub)?|output_scale|[kv]_scale)$/;

/**
 * The tensors with those of F64, F8_E4M3 and F8_E5M2 in other numbers, and without scales: F64 is rounded to F32, F8 alone is
 * F16 exactly, and times its scale in f32 then rounded to `scaling.dtype`.
 * @throws RangeError for scales of another shape than one, one a row, or one a block
 */
export function inFull(stored: Map<string, StoredTensor>, scaling: Scaling): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  for (const [name, tensor] of stored) {
    const [, of] = SCALE.exec(name) ?? [];
    if (of !== undefined && hasEights(stored, of)) continue;
    const stem = name.replace(/\.weight$/, ".weight_scale");
    const scale = stem === name ? undefined : stored.get(stem) ?? stored.get(`${stem}_inv`);
    tensors.set(name, usable(tensor, scale, scaling));
  }
  return tensors;
}

/** Whether a module's own weight is of 8 bits; of a whole attention's, its keys'. */
const hasEights = (stored: Map<string, StoredTensor>, module: string) =>
  ["", ".k_proj"].some((own) => isWeight(stored.get(`${module}${own}.weight`)?.dtype));

function usable(
  tensor: StoredTensor,
  scale: StoredTensor | undefined,
  { dtype, block, scaled }: Scaling,
): StoredTensor {
  const { name, dtype: own } = tensor;
  if (own === "F64") return converted(tensor, FROM_F64);
  if (!isWeight(own)) return tensor;
  if (!scale && scaled) refuseFile(`the weights must hold the scales of ${name}`, words("none of its name"));
  const eights = { elements: 1, bytes: 1 };
  if (!scale) {
    return converted(tensor, { ...eights, dtype: "F16", convert: (bytes) => narrow(floats(bytes, own), "F16") });
  }
  const [height, width] = spanOf(tensor, scale, block);
  const columns = tensor.shape.at(-1) ?? 1;
  const across = Math.ceil(columns / width);
  let scales: Float32Array | null = null;
  const prepare = async () => void (scales ??= floats(await scale.read(), scale.dtype));
  const convert = (bytes: Uint8Array<ArrayBuffer>, first: number) => {
    const values = floats(bytes, own);
    for (let i = 0; i < values.length;) {
      const row = Math.floor((first + i) / columns), column = (first + i) % columns, part = Math.floor(column / width);
      const by = scales![Math.floor(row / height) * across + part];
      const end = Math.min(values.length, i + Math.min(columns, (part + 1) * width) - column);
      for (; i < end; i++) values[i] *= by;
    }
    return narrow(values, dtype);
  };
  return converted(tensor, { ...eights, dtype, convert, prepare });
}

/** Rows and columns that share a scale. */
function spanOf(
  { name, shape }: StoredTensor,
  scale: StoredTensor,
  block: Scaling["block"],
): [height: number, width: number] {
  const [rows, columns] = shape;
  const count = scale.shape.reduce((product, side) => product * side, 1);
  const known = EIGHTS.has(scale.dtype) || /^(F64|F32|F16|BF16)$/.test(scale.dtype);
  if (!known) refuseFile(`the scales of ${name} must be floats`, scale.dtype, { code: "unsupported" });
  if (count === 1) return [rows, columns];
  if (count === rows && scale.shape[0] === rows) return [1, columns];
  const grid = [Math.ceil(rows / block[0]), Math.ceil(columns / block[1])];
  if (shape.length === 2 && `${scale.shape}` === `${grid}`) return [...block];
  const rule = `the scales of ${name} must be one, one for each of ${rows} rows, or [${grid.join(", ")}]`;
  refuseFile(rule, words(`[${scale.shape.join(", ")}]`));
}

/** Any of these numbers as float32. */
function floats(bytes: Uint8Array<ArrayBuffer>, dtype: string): Float32Array<ArrayBuffer> {
  const eights = EIGHTS.get(dtype);
  if (eights) {
    const table = Float32Array.from({ length: 256 }, (_, code) => eights(code));
    return Float32Array.from(bytes, (code) => table[code]);
  }
  if (dtype === "F64") return singles(bytes);
  return widen(bytes, dtype as Plain);
}
