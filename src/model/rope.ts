// Inverse frequencies of the rotary embedding, in float32 steps as Hugging Face transformers computes them
// (modeling_rope_utils.py), so that long positions turn by the same angles.
import { isRecord, refuseFile } from "../files/checks.ts";

/**
 * Reads the rotary settings of a config.json: `rope_parameters` (transformers 5) or `rope_theta` and `rope_scaling` (before).
 *
 * @returns Inverse frequencies with their scaling applied, [headDim / 2].
 * @throws RangeError for a type other than default, linear and llama3, or numbers that make no sense.
 */
export function inverseFrequencies(config: Record<string, unknown>, headDim: number): Float32Array<ArrayBuffer> {
  // transformers 5 prefers rope_scaling where a file has both.
  const given = config.rope_scaling ?? config.rope_parameters ?? {};
  if (!isRecord(given)) refuseFile("rope_parameters must be an object", given);
  const number = (name: string, value: unknown, least: number): number => {
    if (typeof value === "number" && Number.isFinite(value) && value >= least && value > 0) return value;
    refuseFile(`${name} must be a number ${least > 0 ? `of at least ${least}` : "above 0"}`, value);
  };
  const partial = given.partial_rotary_factor ?? config.partial_rotary_factor ?? 1;
  if (partial !== 1) refuseFile("partial_rotary_factor must be 1", partial, { code: "unsupported" });
  const base = number("rope_theta", given.rope_theta ?? config.rope_theta ?? 10000, 1);
  const type = given.rope_type ?? given.type ?? "default";

  const f = Math.fround;
  const frequencies = new Float32Array(headDim / 2);
  for (let i = 0; i < frequencies.length; i++) frequencies[i] = 1 / f(Math.pow(base, f(2 * i / headDim)));

  if (type === "default") {
    // Scaling without a type, or one list of settings per kind of layer, belongs to models that we do not know.
    const strange = Object.keys(given).find((key) => key === "factor" || isRecord(given[key]));
    if (strange !== undefined) {
      refuseFile("rope of type default must have no scaling", { [strange]: given[strange] }, { code: "unsupported" });
    }
    return frequencies;
  }
  if (type === "linear") {
    const factor = number("rope factor", given.factor, 1);
    return frequencies.map((frequency) => frequency / f(factor));
  }
  if (type !== "llama3") refuseFile("rope type must be default, linear or llama3", type, { code: "unsupported" });
  const factor = f(number("rope factor", given.factor, 1));
  const low = number("low_freq_factor", given.low_freq_factor, 0);
  const high = number("high_freq_factor", given.high_freq_factor, 0);
  const context = number("original_max_position_embeddings", given.original_max_position_embeddings, 1); // tokens
  if (high <= low) refuseFile(`high_freq_factor must be above low_freq_factor ${low}`, high);
  return frequencies.map((frequency) => {
    // Long waves are stretched by the factor, short ones stay, those between go smoothly from one to the other.
    const wavelength = f(f(1 / frequency) * f(2 * Math.PI)); // tokens a turn
    if (wavelength > f(context / low)) return f(frequency / factor);
    if (wavelength < f(context / high)) return frequency;
    const smooth = f(f(f(f(1 / wavelength) * f(context)) - f(low)) / f(high - low));
    return f(f(f(f(1 - smooth) * frequency) / factor) + f(smooth * frequency));
  });
}
