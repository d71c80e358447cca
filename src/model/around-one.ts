/** Gemma's norms multiply by 1 more than their files hold (GemmaRMSNorm); those of GGUF files have it already. */
import type { ModelConfig } from "../engine/config.ts";
import { bytesOf, isDtype, isQuantised } from "../engine/dtypes.ts";
import { narrow, widen } from "../engine/widen.ts";
import { converted, type StoredTensor } from "../formats/converted.ts";
import { FAMILIES } from "./families.ts";

/** The tensors with the 1 added, in F32; of other families as they are. */
export function aroundOne(config: ModelConfig, stored: Map<string, StoredTensor>): Map<string, StoredTensor> {
  if (!FAMILIES[config.architecture].aroundOne) return stored;
  return new Map([...stored].map(([name, tensor]) => [name, /norm\.weight$/.test(name) ? moreByOne(tensor) : tensor]));
}

function moreByOne(tensor: StoredTensor): StoredTensor {
  const { dtype } = tensor;
  if (!isDtype(dtype) || isQuantised(dtype)) return tensor; // which will be refused
  return converted(tensor, {
    ...{ elements: 1, bytes: bytesOf(dtype, 1), dtype: "F32" },
    convert: (bytes) => narrow(widen(bytes, dtype).map((one) => 1 + one), "F32"),
  });
}
