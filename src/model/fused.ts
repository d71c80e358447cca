/** Phi 3 and 4: one matrix for q, k and v, one for gate and up, and heads of which only the first numbers turn (modeling_phi3.py). */
import type { ModelConfig } from "../engine/config.ts";
import { reordered, rowsOf } from "../formats/rows.ts";
import type { StoredTensor } from "../formats/converted.ts";

/** The tensors of a model as those of a llama; of other families as they are. */
export function unfused<T extends StoredTensor>(config: ModelConfig, stored: Map<string, T>): Map<string, T> {
  if (config.architecture !== "phi3") return stored;
  const { heads, kvHeads, headDim, intermediate } = config;
  const order = headOrder(config);
  const found = new Map<string, T>();
  const add = (name: string, tensor: T) => {
    found.set(name, /\.[qk]_proj\.weight$/.test(name) ? reordered(tensor, order) : tensor);
  };
  for (const [name, tensor] of stored) {
    const [, before, part] = /^(.*\.)(qkv_proj|gate_up_proj)\.weight$/.exec(name) ?? [];
    const parts: [string, number][] = part === "qkv_proj"
      ? [["q_proj", heads * headDim], ["k_proj", kvHeads * headDim], ["v_proj", kvHeads * headDim]]
      : [["gate_proj", intermediate], ["up_proj", intermediate]];
    const rows = parts.reduce((sum, [, count]) => sum + count, 0);
    if (part === undefined || tensor.shape[0] !== rows) {
      add(name, tensor); // which will be refused, where it is one of these
      continue;
    }
    let from = 0;
    for (const [part, count] of parts) add(`${before}${part}.weight`, rowsOf(tensor, from, from += count));
  }
  return found;
}

/**
 * The rows of a head so that those that turn stand at the beginning of either half, as engines turn them, and the others behind
 * them: scores are the same in any order that q and k share. @returns [headDim], which of the file's rows each is
 */
function headOrder({ headDim, rotaryDim }: ModelConfig): number[] {
  const [half, turning] = [headDim / 2, rotaryDim / 2];
  return Array.from({ length: headDim }, (_, row) => {
    const [second, at] = [row >= half, row % half];
    if (at < turning) return second ? turning + at : at;
    return rotaryDim + at - turning + (second ? half - turning : 0);
  });
}
