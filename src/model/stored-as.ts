/** What config.json says of how weights are stored: as plain numbers, or as 8-bit floats with scales. */
import { isRecord, refuseFile } from "../files/checks.ts";
import type { Scaling } from "../formats/scaled.ts";

const BLOCK = 128; // a side of DeepSeek's blocks

/** Whether each way of quantising, as `quant_method` names it, stores 8-bit floats and scales of them, and nothing else. */
const KNOWN: Record<string, (how: Record<string, unknown>) => boolean> = {
  fp8: () => true,
  fbgemm_fp8: () => true,
  modelopt: ({ quant_algo }) => quant_algo === "FP8",
  "compressed-tensors": ({ format, transform_config: turned, sparsity_config: sparse }) =>
    (format === "float-quantized" || format === "naive-quantized") && isEmpty(turned) &&
    (isEmpty(sparse) || isRecord(sparse) && sparse.format === "dense"),
};

const isEmpty = (value: unknown) => Object.keys(value ?? {}).length === 0;

/**
 * Reads `quantization_config`, and the type that the model computes with.
 * @throws RangeError, one sentence, for weights that are quantised otherwise
 */
export function storedAs(config: Record<string, unknown>): Scaling {
  const type = config.dtype ?? config.torch_dtype;
  const dtype = type === "bfloat16" ? "BF16" : type === "float16" ? "F16" : "F32";
  const how = config.quantization_config ?? null;
  if (how === null) return { dtype, block: [BLOCK, BLOCK], scaled: false };
  const method = isRecord(how) ? String(how.quant_method) : "";
  if (!isRecord(how) || !Object.hasOwn(KNOWN, method) || !KNOWN[method](how)) {
    refuseFile(`weights must be plain, or 8-bit floats of ${Object.keys(KNOWN).join(", ")}`, how, {
      code: "unsupported",
    });
  }
  return { dtype, block: blockOf(how), scaled: true };
}

/** Rows and columns of a block: of all weights, or of the first group that has such. */
function blockOf(how: Record<string, unknown>): [rows: number, columns: number] {
  const groups = isRecord(how.config_groups) ? Object.values(how.config_groups) : [];
  const inGroups = groups.map((group) => isRecord(group) && isRecord(group.weights) && group.weights.block_structure);
  const given = how.weight_block_size ?? inGroups.find((block) => block) ?? [BLOCK, BLOCK];
  const sides = typeof given === "string" ? given.split("x").map(Number) : given;
  const isBlock = Array.isArray(sides) && sides.length === 2 &&
    sides.every((side) => Number.isInteger(side) && side > 0);
  if (!isBlock) refuseFile("the blocks of quantised weights must have two sides, positive integers", given);
  return sides as [number, number];
}
